"""L1, the input: every notification ends in exactly one of accepted, duplicate, rejected and parked, and its reporter is
told so once.

    count(input) = accepted + duplicate + rejected + parked
    parked       = joined + repeats + dead-lettered + waiting

Each record of the notification log has exactly one fate and one receipt that agree (a parked one is told `waiting`); a dead
letter exists exactly where the fate is rejected, with the reasons of the receipt, or where what was parked never joined; a
duplicate names a notification that was taken in, and gets its receipt id again (N4). What is parked ends once: its event is
told, or it is found to repeat another, or it is buried, or it still waits, and then for something that is not there (N5).

A report that was answered as a duplicate, under a reference of its own, may take effect later, when what it repeated has given
way: its event is told, and its receipt stays the one it got. Until then it may be kept.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from laws import names
from laws.events import once_each
from laws.evidence import Event, Evidence, LogRecord, Position, Row, by, spelt
from laws.settled import fates_of, told_of
from laws.told import Report, own_id, reference, reported, shown, whose
from laws.verdict import Findings, Verdict

LAW = "L1 every notification has one fate, one receipt, a dead letter iff rejected; what waits ends once"
FATES = ("accepted", "duplicate", "rejected", "parked")
_OUTCOMES = {"accepted": "accepted", "duplicate": "duplicate", "rejected": "rejected", "parked": "waiting"}
_CANNOT_JOIN = frozenset({"not-yours", "withdrawn", "never-joined", "too-late", "conflict"})

Receipt = Mapping[str, Any]


class End(StrEnum):
    """How a parked notification ended, so far."""

    JOINED = "joined"
    REPEATS = "found to repeat another"
    BURIED = "dead-lettered"
    WAITING = "still waiting"


@dataclass(frozen=True, kw_only=True, slots=True)
class Ends:
    """What became of parked notifications, and of duplicates that took effect later, by their record."""

    ends: Mapping[Position, End]
    dead: Mapping[Position, Event]
    late: Mapping[Position, str]
    """Duplicates that took effect after all, with the absences that they became."""


def fates(evidence: Evidence, findings: Findings) -> dict[Position, Row]:
    """The one fate of each notification; what has none, several, or no notification is an offence."""
    records = evidence.records(names.NOTIFICATION)
    rows = evidence.table("intake", "inbox_record")
    found = fates_of(records, rows, findings, nothing="a fate without a notification")
    for position, row in found.items():
        findings.demand(row["fate"] in FATES, "a fate that is no end", spelt(position), row["fate"])
    for record in records:
        findings.demand(record.position in found, "a notification without a fate", record)
    return found


def ends(evidence: Evidence, settled: Mapping[Position, Row], findings: Findings) -> Ends:
    """How each parked notification ended; none, or more than one, is an offence."""
    dead = _dead_letters(evidence, findings)
    told = {str(one.data["notification_id"]).lower(): one for one in once_each(evidence, names.ABSENCE)}
    rows = evidence.table("intake", "waiting")
    waiting = {str(row["notification_id"]) for row in rows if row.get("repeat_key") is None}
    kept = by(evidence.table("intake", "notification"), "notification_id")
    parked = [position for position, row in settled.items() if row["fate"] == "parked"]
    found: dict[Position, End] = {}
    for position in parked:
        own = str(settled[position]["message_id"])
        is_a_repeat = any(str(row["original_id"]) != own for row in kept.get(own, []))
        ways = {
            End.JOINED: own in told,
            End.REPEATS: is_a_repeat,
            End.BURIED: position in dead,
            End.WAITING: own in waiting,
        }
        taken = [end for end, is_so in ways.items() if is_so]
        findings.demand(bool(taken), "parked, and lost", spelt(position))
        findings.demand(len(taken) <= 1, "parked, and ended in several ways", spelt(position), *taken)
        found[position] = (taken or [End.WAITING])[0]
    parked_ids = {str(settled[position]["message_id"]) for position in parked}
    for stranger in sorted(waiting - parked_ids):
        findings.offence("something waits that was not parked", stranger)
    repeats = _repeats_by_id(evidence, settled)
    late = {own: position for own, position in repeats.items() if own in told and own not in parked_ids}
    for repeat in sorted({str(row["notification_id"]) for row in rows} - waiting):
        findings.demand(repeat in repeats, "a report is kept that was not answered as a duplicate", repeat)
        findings.demand(repeat not in told, "a report is kept that took effect", repeat)
    return Ends(
        ends=found,
        dead=dead,
        late={position: str(told[own].data["absence_id"]) for own, position in late.items()},
    )


def _repeats_by_id(evidence: Evidence, settled: Mapping[Position, Row]) -> dict[str, Position]:
    """By its own id, the first record of each report that was never anything but a duplicate."""
    taken_in = {row["message_id"] for row in settled.values() if row["fate"] in {"accepted", "parked"}}
    found: dict[str, Position] = {}
    for record in evidence.records(names.NOTIFICATION):
        row, document = settled.get(record.position), reported(record.value)
        if row is None or row["fate"] != "duplicate" or document is None or document.get("kind") != names.REPORT:
            continue
        if own_id(document) not in taken_in:
            found.setdefault(own_id(document), record.position)
    return found


def check(evidence: Evidence) -> Verdict:
    findings = Findings(law=LAW)
    settled = fates(evidence, findings)
    receipts = receipts_of(evidence, findings)
    after = ends(evidence, settled, findings)
    documents = {one.position: reported(one.value) for one in evidence.records(names.NOTIFICATION)}
    findings.count("notifications", len(documents))
    for fate in FATES:
        findings.count(fate, sum(row["fate"] == fate for row in settled.values()))
    for end in End:
        findings.count(end, sum(one is end for one in after.ends.values()))
    findings.count("duplicates that took effect later", len(after.late))
    originals = _taken_in_once(settled, documents, after, findings)
    for position, row in settled.items():
        receipt = receipts.get(position)
        if findings.demand(receipt is not None, "a notification without a receipt", spelt(position)):
            assert receipt is not None
            _agrees(position, row, receipt, documents.get(position), findings)
        _dead_iff_refused(position, row, receipt, after, findings)
        if row["fate"] == "duplicate":
            known = originals.get(row["message_id"], [])
            findings.demand(bool(known), "a duplicate of nothing that was taken in", spelt(position))
            if known:
                _repeats(position, _original_of(position, known), receipts, documents, findings, after=after)
    for position in after.dead.keys() - settled.keys():
        findings.offence("a dead letter of nothing", spelt(position))
    _rightly_ended(settled, documents, after, findings)
    return findings.verdict(judged=len(documents))


def receipts_of(evidence: Evidence, findings: Findings) -> dict[Position, Receipt]:
    """The one receipt of each notification; a second one, or one of no notification, is an offence."""

    def fits(record: LogRecord, receipt: Event) -> bool:
        document = reported(record.value)
        return bool(receipt.data["notification_id"] == (own_id(document) if document is not None else None))

    told = once_each(evidence, names.RECEIPT)
    records = evidence.records(names.NOTIFICATION)
    found = told_of(records, told, fits, findings, twice="two receipts", nothing="a receipt for nothing")
    findings.count("receipts", len(told))
    return {position: one.data for position, one in found.items()}


def _dead_letters(evidence: Evidence, findings: Findings) -> dict[Position, Event]:
    def fits(record: LogRecord, letter: Event) -> bool:
        return bool(letter.data.get("original_timestamp_ms", record.timestamp_ms) == record.timestamp_ms)

    told = once_each(evidence, names.dead_letters("intake", names.NOTIFICATION))
    for one in told:
        findings.demand(one.data.get("original") is not None, "a dead letter without its original", one.record)
    records = evidence.records(names.NOTIFICATION)
    found = told_of(records, told, fits, findings, twice="two dead letters", nothing="a dead letter of nothing")
    findings.count("dead letters", len(told))
    return found


def _taken_in_once(
    settled: Mapping[Position, Row], documents: Mapping[Position, Report | None], after: Ends, findings: Findings
) -> dict[str, list[Position]]:
    """The records of each notification id that were accepted or parked: one, beside those that were buried later."""
    originals: dict[str, list[Position]] = {}
    for position, row in settled.items():
        if row["fate"] not in {"accepted", "parked"}:
            continue
        document = documents.get(position)
        same = own_id(document or {}) == row["message_id"]
        findings.demand(same, "taken in under another id than its own", spelt(position))
        originals.setdefault(row["message_id"], []).append(position)
    for position in after.late:
        originals.setdefault(own_id(documents[position] or {}), []).append(position)
    for own, positions in originals.items():
        living = [position for position in positions if after.ends.get(position) is not End.BURIED]
        findings.demand(len(living) <= 1, "taken in twice", own, *map(spelt, living[:2]))
    return originals


def _agrees(position: Position, row: Row, receipt: Receipt, document: Report | None, findings: Findings) -> None:
    fate = row["fate"]
    same = receipt["outcome"] == _OUTCOMES.get(fate)
    findings.demand(same, "fate and receipt differ", spelt(position), fate, receipt["outcome"])
    findings.demand(
        bool(receipt["reasons"]) == (fate == "rejected"), "reasons where there are none to be, or none", spelt(position)
    )
    fields = [reason["field"] for reason in receipt["reasons"]]
    findings.demand(len(fields) == len(set(fields)), "two reasons for one field", spelt(position))
    findings.demand(
        (receipt.get("absence_id") is None) == (fate == "rejected"), "an absence iff not rejected", spelt(position)
    )
    if fate != "rejected" and document is not None:
        same = receipt["notification_id"] == own_id(document)
        findings.demand(same, "a receipt for another notification", spelt(position))


def _dead_iff_refused(position: Position, row: Row, receipt: Receipt | None, after: Ends, findings: Findings) -> None:
    is_rejected, dead = row["fate"] == "rejected", after.dead.get(position)
    if row["fate"] != "parked":
        findings.demand((dead is not None) == is_rejected, "a dead letter iff rejected", spelt(position), row["fate"])
        findings.demand(bool(row["reason"]) == is_rejected, "a reason iff rejected", spelt(position))
    if dead is not None and is_rejected and receipt is not None:
        same = _reasons(dead.data) == _reasons(receipt)
        findings.demand(same, "dead letter and receipt tell different reasons", spelt(position))


def _reasons(told: Receipt) -> list[tuple[str, str]]:
    return sorted((reason["field"], reason["code"]) for reason in told["reasons"])


def _original_of(position: Position, known: Sequence[Position]) -> Position:
    """Of several records of one id, of which all but one were buried, the last before the duplicate where that can be told."""
    before = [one for one in known if one[:2] == position[:2] and one[3:] + one[2:3] < position[3:] + position[2:3]]
    return (before or list(known))[-1]


def _repeats(
    position: Position,
    original: Position,
    receipts: Mapping[Position, Receipt],
    documents: Mapping[Position, Report | None],
    findings: Findings,
    *,
    after: Ends,
) -> None:
    """A duplicate says what its original said, and was answered with the same receipt id, for the same absence: for the one
    that it became, if the original was a duplicate itself when it was answered."""
    mine, earlier = receipts.get(position), receipts.get(original)
    if mine is not None and earlier is not None:
        became = after.late.get(original, earlier["absence_id"])
        same = (mine["receipt_id"], mine["absence_id"]) == (earlier["receipt_id"], became)
        findings.demand(same, "a duplicate with a receipt of its own", spelt(position), spelt(original))
    if position[:2] == original[:2] and position[3] == original[3]:
        findings.demand(original[2] < position[2], "a duplicate before its original", spelt(position), spelt(original))
    same = _gist(documents.get(position)) == _gist(documents.get(original))
    findings.demand(same, "a duplicate that says something else", spelt(position), spelt(original))


def _gist(document: Report | None) -> tuple[object, ...]:
    """What no two spellings of the same notification may differ in. A second withdrawal repeats the first whatever it says."""
    told = document or {}
    kind = told.get("kind")
    citizen = told.get("citizen") or {}
    return kind, str(citizen.get("cpr")).replace("-", ""), {} if kind == names.WITHDRAWAL else shown(told)


def _rightly_ended(
    settled: Mapping[Position, Row], documents: Mapping[Position, Report | None], after: Ends, findings: Findings
) -> None:
    """What was parked had to wait, what is buried could not join, and what still waits waits for something."""
    opened, joined_to = _absences(settled, documents, after)
    for position, end in after.ends.items():
        document = documents.get(position)
        if document is None:
            findings.offence("parked, and cannot be read", spelt(position))
            continue
        kind, who = document.get("kind"), spelt(position)
        may_wait = kind not in {names.REPORT, names.FAST_TRACK}
        findings.demand(may_wait, "parked, though nothing is to be waited for", who, kind)
        kinds = joined_to.get(reference(document), set())
        is_there = names.REPORT in kinds or (kind in {names.RECOVERY, names.WITHDRAWAL} and names.FAST_TRACK in kinds)
        if end is End.WAITING:
            is_over = is_there or names.WITHDRAWAL in kinds
            findings.demand(not is_over, "still waits, though its absence is there", who, kind)
        if end is End.BURIED:
            is_another = reference(document) in opened and opened[reference(document)] != whose(document)
            _rightly_buried(spelt(position), after.dead[position], kinds, findings, is_another=is_another)


def _absences(
    settled: Mapping[Position, Row], documents: Mapping[Position, Report | None], after: Ends
) -> tuple[dict[str, tuple[str, str, str]], dict[str, set[str]]]:
    """By reference: whose absence it is, and which kinds of notification took effect."""
    opened: dict[str, tuple[str, str, str]] = {}
    kinds: dict[str, set[str]] = {}
    for position, row in settled.items():
        document = documents.get(position)
        has_effect = row["fate"] == "accepted" or after.ends.get(position) is End.JOINED or position in after.late
        if document is None or not has_effect:
            continue
        kinds.setdefault(reference(document), set()).add(str(document.get("kind")))
        if document.get("kind") in {names.REPORT, names.FAST_TRACK}:
            opened[reference(document)] = whose(document)
    return opened, kinds


def _rightly_buried(who: str, letter: Event, kinds: set[str], findings: Findings, *, is_another: bool) -> None:
    codes = [reason["code"] for reason in letter.data["reasons"]]
    findings.demand(len(codes) == 1 and set(codes) <= _CANNOT_JOIN, "buried for no reason that there is", who, *codes)
    if "not-yours" in codes:
        findings.demand(is_another, "buried as another's, and is not", who)
    if "withdrawn" in codes:
        findings.demand(names.WITHDRAWAL in kinds, "buried as withdrawn, and nothing was", who)
    if "never-joined" in codes:
        findings.demand(names.REPORT not in kinds, "buried as never joined, though the report came", who)
