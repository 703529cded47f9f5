"""L6: every state change left one audit entry, and the chain over the entries can be reckoned anew from its first
block.

The chain's recipe, written down a second time: a block's hash is SHA-256 over its number (8 bytes), the hash before
(32, zeros for the first), the instant of sealing in microseconds since 1970 (8), and for each entry its id (8) and
digest (32), integers big-endian; an entry's digest is SHA-256 over the JSON array of its fields without spaces.
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

from laws import names
from laws.events import once_each
from laws.evidence import Evidence, Row
from laws.verdict import Findings, Verdict

LAW = "L6 one audit entry per state change, and an unbroken chain"


@dataclass(frozen=True, slots=True)
class _Change:
    """Each object of this type leaves one entry of this action: a row of the table of that name, or an event told of it."""

    service: str
    action: str
    object_type: str


# What intake does to an absence it tells in an event, and the entry has the event's name but for the first.
_TOLD = {
    event_type: _Change("intake", "absence.accepted" if kind == names.REPORT else f"absence.{kind}", "absence")
    for kind, event_type in names.EVENT_OF.items()
}
_CHANGES = (
    _Change("tasks", "task.opened", "task"),
    _Change("tasks", "letter.requested", "letter"),
)
_CLOSED = _Change("tasks", "task.closed", "task")
_DEADLINE_SET = _Change("tasks", "task.deadline_set", "task")


def check(evidence: Evidence) -> Verdict:
    findings = Findings(law=LAW)
    entries = 0
    for service in names.SERVICES:
        found = evidence.table(service, "audit_entry")
        entries += len(found)
        _chain(service, found, evidence.table(service, "audit_chain"), findings)
    findings.count("entries", entries)
    findings.count("blocks", sum(len(evidence.table(service, "audit_chain")) for service in names.SERVICES))
    for change in _CHANGES:
        rows = evidence.table(change.service, change.object_type)
        _once_each(change, Counter(str(row[f"{change.object_type}_id"]) for row in rows), evidence, findings)
    worked: Counter[str] = Counter()
    for event_type, change in _TOLD.items():
        told = once_each(evidence, names.ABSENCE, event_type)
        _once_each(change, Counter(str(one.data["absence_id"]) for one in told), evidence, findings)
    for event in once_each(evidence, names.ABSENCE):
        worked[str(event.data["absence_id"])] += 1
    _in_all("tasks", "absence", worked, evidence, findings)
    closed = [row for row in evidence.table("tasks", "task") if row["state"] != "open"]
    _once_each(_CLOSED, Counter(str(row["task_id"]) for row in closed), evidence, findings)
    for change, letters in _of_letters(evidence).items():
        _once_each(change, letters, evidence, findings)
    for change, documents in _of_documents(evidence).items():
        _once_each(change, documents, evidence, findings)
    dated = Counter(str(row["task_id"]) for row in evidence.table("tasks", "task") if row["deadline_at"] is not None)
    # Of two proofs the later may move it.
    told_dates = once_each(evidence, names.TASK, names.TASK_DEADLINE_SET)
    dates = dated | Counter(str(event.data["task_id"]) for event in told_dates)
    _once_each(_DEADLINE_SET, dates, evidence, findings)
    return findings.verdict(judged=entries)


def _of_letters(evidence: Evidence) -> dict[_Change, Counter[str]]:
    """What became of letters: ends, sendings that failed, and statuses that moved nothing. A letter that failed may go on."""
    letters = evidence.table("notifier", "letter")
    statuses = [row for row in evidence.table("notifier", "letter_status") if row["letter_id"] is not None]
    found = {
        "letter.dispatched": [row for row in letters if row["dispatched_at"] is not None],
        "letter.returned": [row for row in letters if row["state"] == "returned"],
        "letter.failed": [
            event.data
            for event in once_each(evidence, names.LETTER, names.LETTER_FAILED)
            if event.data["reason"] != names.OUTCOME_UNKNOWN
        ],
        "letter.sending_failed": evidence.table("notifier", "letter_past_sending"),
        **{
            f"status.{hearing}": [row for row in statuses if row["hearing"] == hearing]
            for hearing in ("repeated", "late", "contradiction", "unknown_code")
        },
    }
    return {
        _Change("notifier", action, "letter"): Counter(f"{row['letter_id']}/{row['version']}" for row in rows)
        for action, rows in found.items()
    }


def _of_documents(evidence: Evidence) -> dict[_Change, Counter[str]]:
    """What a file came to, who took it out, and what became of what was sent. What was recalled was clean before."""
    files, submissions = evidence.table("uploads", "file"), evidence.table("uploads", "submission")
    ends = {state: [row for row in files if row["state"] == state] for state in ("infected", "refused", "unreadable")}
    ends["clean"] = [row for row in files if row["state"] in {"clean", "recalled"}]
    ends["recalled"] = [row for row in files if row["state"] == "recalled"]
    ends["removed"] = [row for row in files if row["is_removed"]]
    found = {
        _Change("uploads", f"file.{action}", "file"): Counter(str(row["file_id"]) for row in rows)
        for action, rows in ends.items()
    }
    whole = {
        "begun": submissions,
        "sent": [row for row in submissions if row["state"] == "sent"],
        "withdrawn": [row for row in submissions if row["state"] == "withdrawn"],
        "held_back": evidence.table("uploads", "attempt"),
    }
    return found | {
        _Change("uploads", f"submission.{action}", "submission"): Counter(str(row["submission_id"]) for row in rows)
        for action, rows in whole.items()
    }


def _once_each(change: _Change, changed: Counter[str], evidence: Evidence, findings: Findings) -> None:
    told = Counter(
        row["object_id"]
        for row in evidence.table(change.service, "audit_entry")
        if row["action"] == change.action and row["object_type"] == change.object_type
    )
    rule = f"one entry {change.action} per change in {change.service}"
    for who in changed.keys() | told.keys():
        findings.demand(changed[who] == told[who], rule, who, changed[who], told[who])


def _in_all(service: str, object_type: str, changed: Counter[str], evidence: Evidence, findings: Findings) -> None:
    """Whatever the actions are called: as many entries about an object as it was changed."""
    told = Counter(
        row["object_id"] for row in evidence.table(service, "audit_entry") if row["object_type"] == object_type
    )
    rule = f"one entry about an {object_type} per event that {service} worked"
    for who in changed.keys() | told.keys():
        findings.demand(changed[who] == told[who], rule, who, changed[who], told[who])


def _chain(service: str, entries: Sequence[Row], blocks: Sequence[Row], findings: Findings) -> None:
    digests = {row["id"]: entry_digest(row) for row in entries}
    previous = bytes(32)
    sealed: Counter[int] = Counter()
    for number, block in enumerate(sorted(blocks, key=lambda row: row["number"]), start=1):
        findings.demand(block["number"] == number, "a block is missing", service, number)
        ids = block["entry_ids"]
        told = [block["digests"][place : place + 32] for place in range(0, len(block["digests"]), 32)]
        sealed.update(ids)
        for entry_id, digest in zip(ids, told, strict=False):
            findings.demand(digests.get(entry_id) == digest, "an entry changed or gone", service, entry_id)
        right = block["hash"] == block_hash(block["number"], previous, block["sealed_at"], ids, told)
        findings.demand(right, "a block does not follow from the one before", service, block["number"])
        previous = block["hash"]
    for entry_id in digests:
        findings.demand(sealed[entry_id] == 1, "an entry is in the chain once", service, entry_id, sealed[entry_id])


def block_hash(
    number: int, previous: bytes, sealed_at: datetime, ids: Sequence[int], digests: Sequence[bytes]
) -> bytes:
    since = sealed_at - datetime(1970, 1, 1, tzinfo=UTC)
    microseconds = (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds
    told = number.to_bytes(8) + previous + microseconds.to_bytes(8)
    told += b"".join(entry_id.to_bytes(8) + digest for entry_id, digest in zip(ids, digests, strict=False))
    return sha256(told).digest()


def entry_digest(row: Row) -> bytes:
    at: datetime = row["at"].astimezone(UTC)
    told = [
        row["id"],
        row["actor"],
        row["action"],
        str(row["subject"]) if row["subject"] is not None else None,
        row["object_type"],
        row["object_id"],
        row["purpose"],
        f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond:06}Z",
    ]
    return sha256(json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()).digest()
