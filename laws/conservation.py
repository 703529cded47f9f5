"""L1, the input: every notification ends in exactly one of accepted, duplicate and rejected, and its reporter is told
so once.

    count(input) = accepted + duplicate + rejected

Each position of the notification log has exactly one fate and one receipt that agree; a dead letter exists exactly
where the fate is rejected, with the reasons of the receipt; a duplicate names a notification that was accepted, and
gets its receipt id again (N4).
"""

from collections.abc import Mapping
from typing import Any

from laws import names
from laws.events import once_each
from laws.evidence import Evidence, Position, Row, spelt
from laws.spec_tasks import Report, reported
from laws.verdict import Findings, Verdict

LAW = "L1 every notification has one fate, one receipt, a dead letter iff rejected"
TERMINAL = ("accepted", "duplicate", "rejected")

Receipt = Mapping[str, Any]


def fates(evidence: Evidence, findings: Findings) -> dict[Position, Row]:
    """The one fate of each notification; what has none, several, or no notification is an offence."""
    log = {record.position for record in evidence.records(names.NOTIFICATION)}
    found: dict[Position, Row] = {}
    for row in evidence.table("intake", "inbox_record"):
        position = row["topic"], row["partition"], row["offset"]
        findings.demand(position in log, "a fate without a notification", spelt(position))
        findings.demand(position not in found, "two fates", spelt(position))
        findings.demand(row["fate"] in TERMINAL, "a fate that is no end", spelt(position), row["fate"])
        found[position] = row
    for position in sorted(log - found.keys()):
        findings.offence("a notification without a fate", spelt(position))
    return found


def check(evidence: Evidence) -> Verdict:
    findings = Findings(law=LAW)
    settled = fates(evidence, findings)
    receipts = _receipts(evidence, findings)
    dead = _dead_letters(evidence, findings)
    documents = {one.position: reported(one.value) for one in evidence.records(names.NOTIFICATION)}
    findings.count("notifications", len(documents))
    for fate in TERMINAL:
        findings.count(fate, sum(row["fate"] == fate for row in settled.values()))
    originals = _accepted_once(settled, documents, findings)
    for position, row in settled.items():
        receipt = receipts.get(position)
        if findings.demand(receipt is not None, "a notification without a receipt", spelt(position)):
            assert receipt is not None
            _agrees(position, row, receipt, documents.get(position), findings)
        _dead_iff_rejected(position, row, receipt, dead.get(position), findings)
        if row["fate"] == "duplicate":
            original = originals.get(row["message_id"])
            findings.demand(original is not None, "a duplicate of nothing that was accepted", spelt(position))
            if original is not None:
                _repeats(position, original, receipts, documents, findings)
    for position in receipts.keys() - settled.keys():
        findings.offence("a receipt for nothing", spelt(position))
    for position in dead.keys() - settled.keys():
        findings.offence("a dead letter of nothing", spelt(position))
    return findings.verdict(judged=len(documents))


def _receipts(evidence: Evidence, findings: Findings) -> dict[Position, Receipt]:
    found: dict[Position, Receipt] = {}
    for one in once_each(evidence, names.RECEIPT):
        position = _position(one.data)
        findings.demand(position not in found, "two receipts", spelt(position))
        found[position] = one.data
    findings.count("receipts", len(found))
    return found


def _dead_letters(evidence: Evidence, findings: Findings) -> dict[Position, Receipt]:
    found: dict[Position, Receipt] = {}
    for one in once_each(evidence, names.dead_letters("intake", names.NOTIFICATION)):
        position = _position(one.data)
        findings.demand(position not in found, "two dead letters", spelt(position))
        findings.demand(one.data.get("original") is not None, "a dead letter without its original", spelt(position))
        found[position] = one.data
    findings.count("dead letters", len(found))
    return found


def _position(data: Mapping[str, Any]) -> Position:
    told = data["position"]
    return told["topic"], told["partition"], told["offset"]


def _accepted_once(
    settled: Mapping[Position, Row], documents: Mapping[Position, Report | None], findings: Findings
) -> dict[str, Position]:
    """The accepted record of each notification id: there is one."""
    originals: dict[str, Position] = {}
    for position, row in settled.items():
        if row["fate"] != "accepted":
            continue
        document = documents.get(position)
        own_id = str((document or {}).get("notification_id")).lower()
        findings.demand(own_id == row["message_id"], "accepted under another id than its own", spelt(position))
        findings.demand(row["message_id"] not in originals, "accepted twice", row["message_id"], spelt(position))
        originals[row["message_id"]] = position
    return originals


def _agrees(position: Position, row: Row, receipt: Receipt, document: Report | None, findings: Findings) -> None:
    fate = row["fate"]
    findings.demand(receipt["outcome"] == fate, "fate and receipt differ", spelt(position), fate, receipt["outcome"])
    findings.demand(
        bool(receipt["reasons"]) == (fate == "rejected"), "reasons where there are none to be, or none", spelt(position)
    )
    fields = [reason["field"] for reason in receipt["reasons"]]
    findings.demand(len(fields) == len(set(fields)), "two reasons for one field", spelt(position))
    findings.demand(
        (receipt.get("absence_id") is None) == (fate == "rejected"), "an absence iff not rejected", spelt(position)
    )
    if fate != "rejected" and document is not None:
        own_id = str(document.get("notification_id")).lower()
        findings.demand(receipt["notification_id"] == own_id, "a receipt for another notification", spelt(position))


def _dead_iff_rejected(
    position: Position, row: Row, receipt: Receipt | None, dead: Receipt | None, findings: Findings
) -> None:
    is_rejected = row["fate"] == "rejected"
    findings.demand((dead is not None) == is_rejected, "a dead letter iff rejected", spelt(position), row["fate"])
    findings.demand(bool(row["reason"]) == is_rejected, "a reason iff rejected", spelt(position))
    if dead is not None and receipt is not None:
        same = _reasons(dead) == _reasons(receipt)
        findings.demand(same, "dead letter and receipt tell different reasons", spelt(position))


def _reasons(told: Receipt) -> list[tuple[str, str]]:
    return sorted((reason["field"], reason["code"]) for reason in told["reasons"])


def _repeats(
    position: Position,
    original: Position,
    receipts: Mapping[Position, Receipt],
    documents: Mapping[Position, Report | None],
    findings: Findings,
) -> None:
    """A duplicate says what its original said, and was answered with the same receipt id, for the same absence."""
    mine, earlier = receipts.get(position), receipts.get(original)
    if mine is not None and earlier is not None:
        same = all(mine[name] == earlier[name] for name in ("receipt_id", "absence_id"))
        findings.demand(same, "a duplicate with a receipt of its own", spelt(position), spelt(original))
    if position[:2] == original[:2]:
        findings.demand(original[2] < position[2], "a duplicate before its original", spelt(position), spelt(original))
    same = _gist(documents.get(position)) == _gist(documents.get(original))
    findings.demand(same, "a duplicate that says something else", spelt(position), spelt(original))


def _gist(document: Report | None) -> tuple[object, ...]:
    """What no two spellings of the same report may differ in."""
    told = document or {}
    citizen = told.get("citizen") or {}
    cpr = str(citizen.get("cpr")).replace("-", "")
    names_of_fields = ("kind", "citizen_kind", "first_absence_day", "last_absence_day", "municipality_code", "cause")
    return (cpr, *(told.get(name) for name in names_of_fields))
