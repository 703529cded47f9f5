"""L1, the illnesses: of reports that say the same under several references one stands, as long as any of them is not withdrawn.

A report that was answered as a duplicate, under a reference of which no report took effect, is put aside for another. Unless its
own reference was withdrawn, an absence stands that tells the same days of the same person, by the same reporter, of the same
employment (N5). After 60 days in which nothing changed it may be let go.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from laws import names
from laws.absence_model import winners
from laws.conservation import fates, receipts_of
from laws.danish_days import instant
from laws.evidence import Evidence
from laws.stories import Story
from laws.told import Report, reference, reported, shown, whose
from laws.verdict import Findings

PATIENCE: Final = timedelta(days=60)


def repeats_stand(evidence: Evidence, told: Mapping[str, Story], findings: Findings) -> None:
    """No report was put aside for nothing; `told` are all stories, by reference."""
    standing = {_illness(report) for story in told.values() if (report := _standing(story)) is not None}
    aside = 0
    unheard = Findings(law="")
    receipts = receipts_of(evidence, unheard)
    answered = {at: instant(one["received_at"]) for at, one in receipts.items() if "received_at" in one}
    settled = fates(evidence, unheard)
    for record in evidence.records(names.NOTIFICATION):
        row, report = settled.get(record.position), reported(record.value)
        if row is None or row["fate"] != "duplicate" or report is None or report.get("kind") != names.REPORT:
            continue
        kinds = {one.kind for one in told[reference(report)].taken} if reference(report) in told else set()
        if kinds & {names.REPORT, names.WITHDRAWAL}:
            continue
        aside += 1
        is_let_go = _is_long_ago(answered.get(record.position), max(answered.values(), default=None))
        findings.demand(_illness(report) in standing or is_let_go, "put aside for a report that is gone", record)
    findings.count("reports put aside for another", aside)


def _standing(story: Story) -> Report | None:
    """What is told of an absence that was reported and not withdrawn."""
    is_over = any(one.kind == names.WITHDRAWAL for one in story.taken)
    return None if is_over else winners(one.report for one in story.taken).report


def _illness(report: Report) -> tuple[object, ...]:
    """What detects repeats (N5)."""
    told = shown(report)
    unit, number = told["reporter"].get("production_unit"), told.get("employment", {}).get("employment_number")
    return whose(report), unit, number, report["first_absence_day"]


def _is_long_ago(answered: datetime | None, newest: datetime | None) -> bool:
    return answered is not None and newest is not None and newest - answered >= PATIENCE
