"""What makes a notification acceptable beyond its form: what needs a day to compare with, a register or a setting (N3, N7).

Pure: no clock, no I/O. Intake judges by this what it receives, and reporters may judge by it before they send.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from contracts.nemrefusion.v1.notification import (
    AbsenceReport,
    Amendment,
    AnyNotification,
    FastTrackRequest,
    Recovery,
    RefundRequest,
    Withdrawal,
)
from contracts.nemrefusion.v1.numbers import birth_date, is_replacement_number
from contracts.nemrefusion.v1.parts import CitizenKind
from contracts.nemrefusion.v1.reasons import Reason, ReasonCode, reason

COPENHAGEN: Final = ZoneInfo("Europe/Copenhagen")

WITH_THE_FUND: Final = timedelta(days=14)
# A report may be late by months and is taken all the same; beyond this a day is a slip of the keyboard.
OLDEST_ABSENCE: Final = timedelta(days=3 * 365)
LATEST_DAY_AHEAD: Final = timedelta(days=366)
FAST_TRACK_WITHIN: Final = timedelta(days=34)
SENDERS_CLOCK_MAY_BE_AHEAD: Final = timedelta(hours=1)

_TOO_FAR_AHEAD: Final = "The day is more than a year ahead. Leave it out if it is not known."
_TOO_FAR_BACK: Final = "The day is more than three years ago. Check it."


@dataclass(frozen=True, kw_only=True, slots=True)
class Rules:
    """What a deployment decides: test numbers (day + 60) or not, and which codes are municipalities on a day."""

    accept_test_cpr: bool
    is_municipality: Callable[[str, date], bool]


def civil_day(instant: datetime) -> date:
    """The Danish calendar day of an instant."""
    return instant.astimezone(COPENHAGEN).date()


def objections(notification: AnyNotification, received_at: datetime, rules: Rules) -> list[Reason]:
    """Why a notification cannot be accepted: one reason per field, empty if it can."""
    today = civil_day(received_at)
    found = []
    is_refused_test = is_replacement_number(notification.citizen.cpr) and not rules.accept_test_cpr
    if is_refused_test:
        found.append(reason("citizen.cpr", ReasonCode.TEST_CPR))
    if isinstance(notification, AbsenceReport | Amendment | FastTrackRequest) and not rules.is_municipality(
        notification.municipality_code, today
    ):
        found.append(reason("municipality_code", ReasonCode.NOT_OURS))
    if not received_at - OLDEST_ABSENCE < notification.sent_at < received_at + SENDERS_CLOCK_MAY_BE_AHEAD:
        text = "The message says it was sent later than now, or years ago. Check the sender's clock."
        return [*found, reason("sent_at", ReasonCode.IMPLAUSIBLE_DATE, text)]  # nothing can be compared with it
    if not is_refused_test and _is_not_born(notification):
        text = (
            "The CPR number's birth date comes after the day on which the message says it was sent. Check the number."
        )
        found.append(reason("citizen.cpr", ReasonCode.IMPLAUSIBLE_DATE, text))
    return [*found, *_objections_to_days(notification, today)]


def _is_not_born(notification: AnyNotification) -> bool:
    """Whether the CPR number itself says that nobody can have it yet. A child's or a very old person's proves no mistake."""
    born = birth_date(notification.citizen.cpr)
    return born is not None and born > civil_day(notification.sent_at)


def _objections_to_days(notification: AnyNotification, today: date) -> list[Reason]:
    match notification:
        case AbsenceReport() as report:
            found = _implausible_days(report, today)
            if _is_with_the_fund(report):
                found.append(reason("last_absence_day", ReasonCode.WITH_FUND))
            return found
        case Amendment() as amendment:
            return _implausible_days(amendment, today)
        case FastTrackRequest() as request:
            return _implausible_first_day(request, today) or _too_late_for_fast_track(request)
        case RefundRequest(period=period):
            return _far_days({"period.first_day": period.first_day, "period.last_day": period.last_day}.items(), today)
        case Recovery(last_absence_day=last):
            return _far_days([("last_absence_day", last)], today)
        case Withdrawal():
            return []


def _implausible_first_day(told: AbsenceReport | Amendment | FastTrackRequest, today: date) -> list[Reason]:
    first = told.first_absence_day
    if first > today:
        text = "The first absence day is still to come. Report it when it has begun."
        return [reason("first_absence_day", ReasonCode.IMPLAUSIBLE_DATE, text)]
    if first > civil_day(told.sent_at):
        text = "The first absence day comes after the day on which the message says it was sent."
        return [reason("first_absence_day", ReasonCode.INCONSISTENT, text)]
    if first < today - OLDEST_ABSENCE:
        text = "The first absence day is more than three years ago. Check it."
        return [reason("first_absence_day", ReasonCode.IMPLAUSIBLE_DATE, text)]
    return []


def _implausible_days(report: AbsenceReport | Amendment, today: date) -> list[Reason]:
    if first := _implausible_first_day(report, today):
        return first
    days = (("last_absence_day", report.last_absence_day), ("pay.until", report.pay.until if report.pay else None))
    return [
        reason(field, ReasonCode.IMPLAUSIBLE_DATE, _TOO_FAR_AHEAD)
        for field, day in days
        if day is not None and day > today + LATEST_DAY_AHEAD
    ]


def _far_days(days: Iterable[tuple[str, date]], today: date) -> list[Reason]:
    found = []
    for field, day in days:
        if day > today + LATEST_DAY_AHEAD:
            found.append(reason(field, ReasonCode.IMPLAUSIBLE_DATE, _TOO_FAR_AHEAD))
        elif day < today - OLDEST_ABSENCE:
            found.append(reason(field, ReasonCode.IMPLAUSIBLE_DATE, _TOO_FAR_BACK))
    return found


def _too_late_for_fast_track(request: FastTrackRequest) -> list[Reason]:
    if civil_day(request.sent_at) <= request.first_absence_day + FAST_TRACK_WITHIN:
        return []
    text = (
        "Fast-track is asked for before the absence has lasted five weeks: 34 days after its first day at the latest."
    )
    return [reason("sent_at", ReasonCode.TOO_LATE, text)]


def _is_with_the_fund(report: AbsenceReport) -> bool:
    """Unemployed people stay with their fund while the absence spans 14 days or fewer, both counted (N7)."""
    if report.citizen_kind is not CitizenKind.UNEMPLOYED or report.last_absence_day is None:
        return False
    return report.last_absence_day - report.first_absence_day + timedelta(days=1) <= WITH_THE_FUND
