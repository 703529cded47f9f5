"""What follows from a notification that is taken in (N6, N7). Pure: no clock, no I/O.

What makes it acceptable stands with the contract (`objections`, `Rules`), so that reporters can check by the same rules.
"""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from contracts.nemrefusion.v1 import AbsenceReport, Amendment, CitizenKind, PayKind, RefundRequest
from contracts.nemrefusion.v1.plausibility import WITH_THE_FUND, civil_day

EMPLOYER_PERIOD = timedelta(days=30)


class ReporterDeadline(StrEnum):
    """Whether the reporter kept its deadline (N6); recorded, never a reason to reject."""

    ON_TIME = "on_time"
    LATE = "late"
    NOT_APPLICABLE = "not_applicable"
    NO_RULE = "no_rule"


@dataclass(frozen=True, kw_only=True, slots=True)
class Citizen:
    """Who a report is about, past intake: a random id, and the key under which what was told is sealed.

    `card_candidate` is the vault's name for the card that the notification proposes, if it differs from the one that stands.
    """

    citizen_id: UUID
    key: bytes = field(repr=False)
    card_candidate: UUID | None = None


def is_early(told: AbsenceReport | Amendment, reported_at: datetime) -> bool:
    """An unemployed person without a last day, reported within the first 14 days (N7): accepted, and marked."""
    if told.citizen_kind is not CitizenKind.UNEMPLOYED or told.last_absence_day is not None:
        return False
    return civil_day(reported_at) < told.first_absence_day + WITH_THE_FUND


def reporter_deadline(told: AbsenceReport | Amendment, reported_at: datetime) -> ReporterDeadline:
    """Whether the reporter was in time (N6) by what is told now: it was when it reported, not when it corrected the report."""
    if told.citizen_kind is not CitizenKind.EMPLOYEE:
        return ReporterDeadline.NO_RULE
    day = _last_day_to_report(told)
    if day is None:
        return ReporterDeadline.NOT_APPLICABLE
    return ReporterDeadline.ON_TIME if civil_day(reported_at) <= day else ReporterDeadline.LATE


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
