"""L1, seen from the sender: what was acknowledged is in the log, what was refused is not, and each record ended as it
deserved.

The sender's history knows three ends of an attempt: `ok`, `fail` and `info`; an attempt without end is an `info`.
Unknown ones may have happened or not and prove nothing. What each record deserves was written down before it was
sent: `accepted` (at once or after having waited), `duplicate`, `rejected` with codes, or, where the order of arrival decides,
`either` of taken in and rejected with those codes. A record that somebody sent once more, byte for byte, deserves what the
first deserved.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from laws import names
from laws.conservation import fates, receipts_of
from laws.evidence import Evidence, LogRecord
from laws.verdict import Findings, Verdict

LAW = "L1 what the sender knows to be sent is in the log, and ended as it deserved"
TAKEN_IN = frozenset({"accepted", "duplicate", "parked"})


@dataclass(kw_only=True, slots=True)
class _Attempts:
    """All the attempts at one record of the sender's."""

    sha256: str | None
    expected: str
    codes: frozenset[str]
    notification_id: str | None
    ends: dict[int, str] = field(default_factory=dict)
    acknowledged: list[tuple[int, int]] = field(default_factory=list)

    @property
    def is_surely_not_sent(self) -> bool:
        return set(self.ends.values()) == {"fail"}


def check(evidence: Evidence) -> Verdict:
    findings = Findings(law=LAW)
    history = _history(evidence.sent)
    log: dict[tuple[int, int], list[LogRecord]] = {}
    for record in evidence.records(names.NOTIFICATION):
        log.setdefault((record.partition, record.offset), []).append(record)
    findings.count("records sent", len(history))
    findings.count("acknowledged", sum(len(one.acknowledged) for one in history.values()))
    findings.count("attempts unknown", sum(end == "info" for one in history.values() for end in one.ends.values()))
    findings.count("records unknown in the end", sum(not one.acknowledged for one in history.values()))
    _ok_are_there(history, log, findings)
    _failed_are_not(history, evidence.records(names.NOTIFICATION), findings)
    _deserved(evidence, history, findings)
    return findings.verdict(judged=len(history))


def _history(lines: Iterable[Mapping[str, Any]]) -> dict[tuple[int, int], _Attempts]:
    """By run and sequence: a history may hold several runs, one after the other."""
    found: dict[tuple[int, int], _Attempts] = {}
    run = 0
    for line in lines:
        kind = line["type"]
        if kind == "run":
            run += 1
            continue
        name = run, line["sequence"]
        if kind == "invoke":
            attempts = found.setdefault(
                name,
                _Attempts(
                    sha256=line["sha256"],
                    expected=line["expected"],
                    codes=frozenset(line.get("codes", ())),
                    notification_id=line["notification_id"],
                ),
            )
            attempts.ends[line["attempt"]] = "info"
            continue
        found[name].ends[line["attempt"]] = kind
        if kind == "ok":
            found[name].acknowledged.append((line["partition"], line["offset"]))
    return found


def _hash(record: LogRecord) -> str | None:
    return None if record.value is None else sha256(record.value).hexdigest()


def _ok_are_there(
    history: Mapping[tuple[int, int], _Attempts],
    log: Mapping[tuple[int, int], Sequence[LogRecord]],
    findings: Findings,
) -> None:
    """A place in a topic that was made anew can be acknowledged once more."""
    taken: Counter[tuple[int, int]] = Counter()
    for (_, sequence), attempts in history.items():
        for place in attempts.acknowledged:
            taken[place] += 1
            there = any(_hash(record) == attempts.sha256 for record in log.get(place, ()))
            findings.demand(there, "acknowledged, and not in the log", f"sequence {sequence}", *place)
    for place, number in taken.items():
        findings.demand(number <= max(1, len(log.get(place, ()))), "one place in the log acknowledged twice", *place)


def _failed_are_not(history: Mapping[tuple[int, int], _Attempts], log: Iterable[LogRecord], findings: Findings) -> None:
    possible = {one.sha256 for one in history.values() if not one.is_surely_not_sent}
    for record in log:
        findings.demand(_hash(record) in possible, "in the log, though nobody can have sent it", record)


def _deserved(evidence: Evidence, history: Mapping[tuple[int, int], _Attempts], findings: Findings) -> None:
    settled = fates(evidence, Findings(law=LAW))
    receipts = receipts_of(evidence, Findings(law=LAW))
    by_hash = {one.sha256: one for one in history.values()}
    taken_in: Counter[str] = Counter()
    wanted: set[str] = set()
    for record in evidence.records(names.NOTIFICATION):
        attempts, row = by_hash.get(_hash(record)), settled.get(record.position)
        if attempts is None or row is None:
            continue  # each is an offence told elsewhere
        fate, who = row["fate"], record
        receipt = receipts.get(record.position)
        told = {one["code"] for one in receipt["reasons"]} if receipt is not None else set()
        if attempts.expected == "rejected" or (attempts.expected == "either" and fate == "rejected"):
            findings.demand(fate == "rejected", "deserved rejection", who, fate)
            findings.demand(told <= attempts.codes, "rejected for another reason than it deserved", who, *sorted(told))
            continue
        findings.demand(fate in TAKEN_IN, "deserved to be taken in", who, fate, row["reason"])
        if attempts.expected == "either":
            continue
        assert attempts.notification_id is not None
        wanted.add(attempts.notification_id)
        taken_in[attempts.notification_id] += fate in {"accepted", "parked"}
    for notification_id in wanted:
        times = taken_in[notification_id]
        findings.demand(times == 1, "deserved to be accepted once", notification_id, times)
