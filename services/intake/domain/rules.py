"""What makes a notification acceptable by itself, and what follows from it. Pure: no clock, no I/O.

The contract has judged form and contradictions already; here is what needs a day to compare with, a register or a
setting (N3, N6, N7).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from uuid import UUID
from zoneinfo import ZoneInfo

from contracts.nemrefusion.v1 import (
    AbsenceReport,
    Amendment,
    AnyNotification,
    CitizenKind,
    FastTrackRequest,
    PayKind,
    Reason,
    ReasonCode,
    Recovery,
    RefundRequest,
    Withdrawal,
    is_replacement_number,
    reason,
)

COPENHAGEN = ZoneInfo("Europe/Copenhagen")

EMPLOYER_PERIOD = timedelta(days=30)
WITH_THE_FUND = timedelta(days=14)
# A report may be late by months and is taken all the same; beyond this a day is a slip of the keyboard.
OLDEST_ABSENCE = timedelta(days=3 * 365)
LATEST_DAY_AHEAD = timedelta(days=366)
FAST_TRACK_WITHIN = timedelta(days=34)
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


def civil_day(instant: datetime) -> date:
    """The Danish calendar day of an instant."""
    return instant.astimezone(COPENHAGEN).date()


def objections(notification: AnyNotification, received_at: datetime, rules: Rules) -> list[Reason]:
    """Why a notification cannot be accepted: one reason per field, empty if it can."""
    today = civil_day(received_at)
    found = []
    if is_replacement_number(notification.citizen.cpr) and not rules.accept_test_cpr:
        found.append(reason("citizen.cpr", ReasonCode.TEST_CPR))
    if isinstance(notification, AbsenceReport | Amendment | FastTrackRequest) and not rules.is_municipality(
        notification.municipality_code, today
    ):
        found.append(reason("municipality_code", ReasonCode.NOT_OURS))
    if not received_at - OLDEST_ABSENCE < notification.sent_at < received_at + SENDERS_CLOCK_MAY_BE_AHEAD:
        text = "The message says it was sent later than now, or years ago. Check the sender's clock."
        return [*found, reason("sent_at", ReasonCode.IMPLAUSIBLE_DATE, text)]  # nothing can be compared with it
    match notification:
        case AbsenceReport():
            found += _implausible_days(notification, today)
            if _is_with_the_fund(notification):
                found.append(reason("last_absence_day", ReasonCode.WITH_FUND))
        case Amendment():
            found += _implausible_days(notification, today)
        case FastTrackRequest():
            found += _implausible_first_day(notification.first_absence_day, notification.sent_at, today)
            if not found and civil_day(notification.sent_at) > notification.first_absence_day + FAST_TRACK_WITHIN:
                found.append(reason("sent_at", ReasonCode.TOO_LATE, _FAST_TRACK_TOO_LATE))
        case RefundRequest():
            days = (("period.first_day", notification.period.first_day), ("period.last_day", notification.period.last_day))
            found += _far_days(days, today)
        case Recovery():
            found += _far_days((("last_absence_day", notification.last_absence_day),), today)
        case Withdrawal():
            pass
    return found


_FAST_TRACK_TOO_LATE = "Fast-track is asked for before the absence has lasted five weeks: 34 days after its first day at the latest."


def _implausible_first_day(first: date, sent_at: datetime, today: date) -> list[Reason]:
    if first > today:
        text = "The first absence day is still to come. Report it when it has begun."
        return [reason("first_absence_day", ReasonCode.IMPLAUSIBLE_DATE, text)]
    if first > civil_day(sent_at):
        text = "The first absence day comes after the day on which the message says it was sent."
        return [reason("first_absence_day", ReasonCode.INCONSISTENT, text)]
    if first < today - OLDEST_ABSENCE:
        text = "The first absence day is more than three years ago. Check it."
        return [reason("first_absence_day", ReasonCode.IMPLAUSIBLE_DATE, text)]
    return []


def _implausible_days(report: AbsenceReport | Amendment, today: date) -> list[Reason]:
    first = _implausible_first_day(report.first_absence_day, report.sent_at, today)
    if first:
        return first
    paid_until = report.pay.until if report.pay else None
    return [
        reason(field, ReasonCode.IMPLAUSIBLE_DATE, _TOO_FAR_AHEAD)
        for field, day in (("last_absence_day", report.last_absence_day), ("pay.until", paid_until))
        if day is not None and day > today + LATEST_DAY_AHEAD
    ]


def _far_days(days: Iterable[tuple[str, date]], today: date) -> list[Reason]:
    found = []
    for field, day in days:
        if day > today + LATEST_DAY_AHEAD:
            found.append(reason(field, ReasonCode.IMPLAUSIBLE_DATE, _TOO_FAR_AHEAD))
        elif day < today - OLDEST_ABSENCE:
            text = "The day is more than three years ago. Check it."
            found.append(reason(field, ReasonCode.IMPLAUSIBLE_DATE, text))
    return found


_TOO_FAR_AHEAD = "The day is more than a year ahead. Leave it out if it is not known."


def _is_with_the_fund(report: AbsenceReport) -> bool:
    """Unemployed people stay with their fund while the absence spans 14 days or fewer, both counted (N7)."""
    if report.citizen_kind is not CitizenKind.UNEMPLOYED or report.last_absence_day is None:
        return False
    return report.last_absence_day - report.first_absence_day + timedelta(days=1) <= WITH_THE_FUND


def is_early(report: AbsenceReport | Amendment) -> bool:
    """An unemployed person's report without a last day, sent within the first 14 days (N7): accepted, and marked."""
    if report.citizen_kind is not CitizenKind.UNEMPLOYED or report.last_absence_day is not None:
        return False
    return civil_day(report.sent_at) < report.first_absence_day + WITH_THE_FUND


def reporter_deadline(report: AbsenceReport | Amendment) -> ReporterDeadline:
    """Whether the reporter was in time (N6)."""
    if report.citizen_kind is not CitizenKind.EMPLOYEE:
        return ReporterDeadline.NO_RULE
    day = _last_day_to_report(report)
    if day is None:
        return ReporterDeadline.NOT_APPLICABLE
    return ReporterDeadline.ON_TIME if civil_day(report.sent_at) <= day else ReporterDeadline.LATE


def refund_deadline(request: RefundRequest) -> ReporterDeadline:
    """Whether refund was asked for in time (N6): five weeks from the first day it is asked for."""
    last = request.period.first_day + timedelta(weeks=5)
    return ReporterDeadline.ON_TIME if civil_day(request.sent_at) <= last else ReporterDeadline.LATE


def _last_day_to_report(report: AbsenceReport | Amendment) -> date | None:
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


def _exceeds_employer_period(report: AbsenceReport | Amendment) -> bool:
    """Fleksjob and § 56 have no employer period; an absence that goes on counts as exceeding it."""
    employment = report.employment
    if employment is not None and (employment.is_flexjob or employment.has_section_56_agreement):
        return True
    if report.last_absence_day is None:
        return True
    return report.last_absence_day - report.first_absence_day + timedelta(days=1) > EMPLOYER_PERIOD
