"""What makes a report acceptable, and what follows from it. Pure: no clock, no I/O.

The contract has judged form and contradictions already; here is what needs a day to compare with, a register or a
setting (N3, N6, N7).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from contracts.nemrefusion.v1 import (
    AbsenceReport,
    CitizenKind,
    PayKind,
    Reason,
    ReasonCode,
    is_replacement_number,
    reason,
)

COPENHAGEN = ZoneInfo("Europe/Copenhagen")

EMPLOYER_PERIOD = timedelta(days=30)
WITH_THE_FUND = timedelta(days=14)
# A report may be late by months and is taken all the same; beyond this a day is a slip of the keyboard.
OLDEST_ABSENCE = timedelta(days=3 * 365)
LATEST_DAY_AHEAD = timedelta(days=366)
SENDERS_CLOCK_MAY_BE_AHEAD = timedelta(hours=1)


class ReporterDeadline(StrEnum):
    """Whether the reporter kept its deadline (N6); recorded, never a reason to reject."""

    ON_TIME = "on_time"
    LATE = "late"
    NOT_APPLICABLE = "not_applicable"
    NO_RULE = "no_rule"


@dataclass(frozen=True, kw_only=True, slots=True)
class Rules:
    """What a deployment decides: test numbers (day + 60) or not, and which codes are municipalities on a day."""

    accept_test_cpr: bool
    is_municipality: Callable[[str, date], bool]


@dataclass(frozen=True, kw_only=True, slots=True)
class Citizen:
    """Who a report is about, past intake: a random id, and the key under which what was told is sealed."""

    citizen_id: UUID
    key: bytes = field(repr=False)


class Notification(NamedTuple):
    """A notification that has its effect, or repeats one that had: receipt and absence are those of `original_id`."""

    notification_id: UUID
    fingerprint: bytes
    original_id: UUID
    receipt_id: UUID
    absence_id: UUID


class Absence(NamedTuple):
    """An absence, its id derived from its reference.

    `repeat_key` names citizen, reporter, employment and first day; `content` all that was reported but ids and sent
    time; both are keyed hashes. `notification_id` and `receipt_id` are those of the report that opened it.
    """

    absence_id: UUID
    absence_reference: UUID
    repeat_key: bytes
    content: bytes
    citizen_id: UUID
    notification_id: UUID
    receipt_id: UUID
    first_absence_day: date
    sent_at: datetime


def civil_day(instant: datetime) -> date:
    """The Danish calendar day of an instant."""
    return instant.astimezone(COPENHAGEN).date()


def objections(report: AbsenceReport, received_at: datetime, rules: Rules) -> list[Reason]:
    """Why a report cannot be accepted: one reason per field, empty if it can."""
    found = []
    if is_replacement_number(report.citizen.cpr) and not rules.accept_test_cpr:
        found.append(reason("citizen.cpr", ReasonCode.TEST_CPR))
    if not rules.is_municipality(report.municipality_code, civil_day(received_at)):
        found.append(reason("municipality_code", ReasonCode.NOT_OURS))
    if not received_at - OLDEST_ABSENCE < report.sent_at < received_at + SENDERS_CLOCK_MAY_BE_AHEAD:
        text = "The message says it was sent later than now, or years ago. Check the sender's clock."
        return [*found, reason("sent_at", ReasonCode.IMPLAUSIBLE_DATE, text)]  # nothing can be compared with it
    found += _implausible_days(report, civil_day(received_at))
    if _is_with_the_fund(report):
        found.append(reason("last_absence_day", ReasonCode.WITH_FUND))
    return found


def _implausible_days(report: AbsenceReport, today: date) -> list[Reason]:
    first, last = report.first_absence_day, report.last_absence_day
    if first > today:
        return [
            reason(
                "first_absence_day",
                ReasonCode.IMPLAUSIBLE_DATE,
                "The first absence day is still to come. Report it when it has begun.",
            )
        ]
    if first > civil_day(report.sent_at):
        return [
            reason(
                "first_absence_day",
                ReasonCode.INCONSISTENT,
                "The first absence day comes after the day on which the message says it was sent.",
            )
        ]
    if first < today - OLDEST_ABSENCE:
        return [
            reason(
                "first_absence_day",
                ReasonCode.IMPLAUSIBLE_DATE,
                "The first absence day is more than three years ago. Check it.",
            )
        ]
    return [
        reason(
            field, ReasonCode.IMPLAUSIBLE_DATE, "The day is more than a year ahead. Leave it out if it is not known."
        )
        for field, day in (("last_absence_day", last), ("pay.until", report.pay.until if report.pay else None))
        if day is not None and day > today + LATEST_DAY_AHEAD
    ]


def _is_with_the_fund(report: AbsenceReport) -> bool:
    """Unemployed people stay with their fund while the absence spans 14 days or fewer, both counted (N7)."""
    if report.citizen_kind is not CitizenKind.UNEMPLOYED or report.last_absence_day is None:
        return False
    return report.last_absence_day - report.first_absence_day + timedelta(days=1) <= WITH_THE_FUND


def is_early(report: AbsenceReport) -> bool:
    """An unemployed person's report without a last day, sent within the first 14 days (N7): accepted, and marked."""
    if report.citizen_kind is not CitizenKind.UNEMPLOYED or report.last_absence_day is not None:
        return False
    return civil_day(report.sent_at) < report.first_absence_day + WITH_THE_FUND


def reporter_deadline(report: AbsenceReport) -> ReporterDeadline:
    """Whether the reporter was in time (N6)."""
    if report.citizen_kind is not CitizenKind.EMPLOYEE:
        return ReporterDeadline.NO_RULE
    day = _last_day_to_report(report)
    if day is None:
        return ReporterDeadline.NOT_APPLICABLE
    return ReporterDeadline.ON_TIME if civil_day(report.sent_at) <= day else ReporterDeadline.LATE


def _last_day_to_report(report: AbsenceReport) -> date | None:
    """None where the absence stays within the employer period, or where the day it is counted from has not come."""
    pay = report.pay.kind if report.pay is not None else PayKind.NOTHING
    if pay is PayKind.NOTHING:
        return report.first_absence_day + timedelta(days=14)
    if not _exceeds_employer_period(report):
        return None
    if pay is PayKind.WAGE:
        return report.first_absence_day + timedelta(weeks=5)
    until = report.pay.until if report.pay is not None else None
    return until + timedelta(weeks=1) if until is not None else None


def _exceeds_employer_period(report: AbsenceReport) -> bool:
    """Fleksjob and § 56 have no employer period; an absence that goes on counts as exceeding it."""
    employment = report.employment
    if employment is not None and (employment.is_flexjob or employment.has_section_56_agreement):
        return True
    if report.last_absence_day is None:
        return True
    return report.last_absence_day - report.first_absence_day + timedelta(days=1) > EMPLOYER_PERIOD
