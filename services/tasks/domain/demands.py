"""What a citizen is asked to do, and why: the table of spec section 2, as far as a reporter's notifications make tasks."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import assert_never
from uuid import UUID

from services.tasks.domain.clocks import civil_day


class CitizenKind(StrEnum):
    """In which capacity a person is absent (spec section 0)."""

    EMPLOYEE = "employee"
    UNEMPLOYED = "unemployed"
    SELF_EMPLOYED = "self_employed"


class PayKind(StrEnum):
    """What the employer pays during the absence (N2)."""

    WAGE = "wage"
    SICKNESS_BENEFIT = "sickness_benefit"
    NOTHING = "nothing"


class TaskKind(StrEnum):
    """The tasks that a notification can make. The first three are solved in this order (T1), the last at any time."""

    COMMENT_REPORTED_INFORMATION = "comment_reported_information"
    BENEFIT_REQUEST = "benefit_request"
    INFORMATION_FORM = "information_form"
    FAST_TRACK_CONSENT = "fast_track_consent"


class TaskState(StrEnum):
    """Whether a task is still asked for; all but `open` are final."""

    OPEN = "open"
    WITHDRAWN = "withdrawn"
    SUPERSEDED = "superseded"


class About(StrEnum):
    """What the reporter sent that a task is about; an amendment tells the report anew."""

    REPORT = "report"
    REFUND = "refund"
    FAST_TRACK = "fast_track"


class BenefitReason(StrEnum):
    """Why the citizen has to ask for sickness benefit."""

    UNEMPLOYED = "unemployed"
    NO_WAGE = "no_wage"
    WAGE_ENDED = "wage_ended"


@dataclass(frozen=True, kw_only=True, slots=True)
class Pay:
    """What is paid, and the last day on which it is, where that is known."""

    kind: PayKind
    until: date | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """What a report tells, or an amendment anew; `reported` is sealed."""

    citizen_kind: CitizenKind
    municipality_code: str
    first_absence_day: date
    last_absence_day: date | None
    pay: Pay | None
    reported: str


@dataclass(frozen=True, kw_only=True, slots=True)
class FinalRefund:
    """What the last refund request says about the end of pay."""

    absence_continues: bool
    unpaid_from: date | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Demand:
    """A task to be opened. A benefit request tells its `reason`, and since which day wage ended."""

    kind: TaskKind
    about: About
    reason: BenefitReason | None = None
    unpaid_from: date | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """A task that was opened. A benefit request without a `reason` was opened before reasons were kept."""

    task_id: UUID
    letter_id: UUID
    kind: TaskKind
    about: About
    state: TaskState = TaskState.OPEN
    reason: BenefitReason | None = None
    unpaid_from: date | None = None

    @property
    def is_open(self) -> bool:
        return self.state is TaskState.OPEN


def at_report(told: Told, sent_at: datetime) -> tuple[Demand, ...]:
    """The tasks that a report makes, in the order of solving (table of spec section 2)."""
    due = [*_comment(told.citizen_kind, About.REPORT), *_benefit(told, sent_at, told.last_absence_day)]
    if told.last_absence_day is None:
        due.append(Demand(kind=TaskKind.INFORMATION_FORM, about=About.REPORT))
    return tuple(due)


def at_amendment(
    told: Told, sent_at: datetime, recovered_day: date | None, tasks: Collection[Task]
) -> tuple[Demand, ...]:
    """The tasks that an amendment of what is shown makes (T20); a benefit request once for each reason, a form never."""
    last_days = [day for day in (told.last_absence_day, recovered_day) if day is not None]
    asked = {task.reason for task in _benefit_requests(tasks)}
    news = [
        one
        for one in _benefit(told, sent_at, min(last_days, default=None))
        if one.reason not in asked and None not in asked
    ]
    return (*_comment(told.citizen_kind, About.REPORT), *news)


def at_refund(
    kind: CitizenKind, pay: Pay | None, last_day: date, final: FinalRefund | None, tasks: Collection[Task]
) -> tuple[Demand, ...]:
    """The tasks that a refund request makes: a comment, and a benefit request where wage stops while the absence goes on.

    `last_day` is the last one that refund is asked for: the day after it is the first without pay unless another is told.
    """
    due = _comment(kind, About.REFUND)
    if final is None or not final.absence_continues or not _is_on_wage(kind, pay, tasks):
        return due
    request = Demand(
        kind=TaskKind.BENEFIT_REQUEST,
        about=About.REFUND,
        reason=BenefitReason.WAGE_ENDED,
        unpaid_from=final.unpaid_from or last_day + timedelta(days=1),
    )
    asked = {(task.reason, task.unpaid_from) for task in _benefit_requests(tasks)}
    return due if (request.reason, request.unpaid_from) in asked else (*due, request)


def at_fast_track(kind: CitizenKind | None) -> tuple[Demand, ...]:
    """The task that an employer's wish for early action makes; `kind` is not known before the report (T16)."""
    if kind not in {None, CitizenKind.EMPLOYEE}:
        return ()
    return (Demand(kind=TaskKind.FAST_TRACK_CONSENT, about=About.FAST_TRACK),)


def _comment(kind: CitizenKind, about: About) -> tuple[Demand, ...]:
    if kind is CitizenKind.SELF_EMPLOYED:
        return ()  # they reported themselves
    return (Demand(kind=TaskKind.COMMENT_REPORTED_INFORMATION, about=about),)


def _benefit(told: Told, sent_at: datetime, last_day: date | None) -> tuple[Demand, ...]:
    """The benefit request that what is told asks for; `last_day` is the last one of the absence, if it is known."""
    reason, unpaid_from = _benefit_reason(told, sent_at, last_day)
    if reason is None:
        return ()
    return (Demand(kind=TaskKind.BENEFIT_REQUEST, about=About.REPORT, reason=reason, unpaid_from=unpaid_from),)


def _benefit_reason(told: Told, sent_at: datetime, last_day: date | None) -> tuple[BenefitReason | None, date | None]:
    match told.citizen_kind:
        case CitizenKind.SELF_EMPLOYED:
            return None, None  # their report is the request
        case CitizenKind.UNEMPLOYED:
            return BenefitReason.UNEMPLOYED, None
        case CitizenKind.EMPLOYEE:
            if told.pay is None or told.pay.kind is not PayKind.WAGE:
                return BenefitReason.NO_WAGE, None
            if told.pay.until is None or not _wage_has_ended(told.pay.until, sent_at, last_day):
                return None, None
            return BenefitReason.WAGE_ENDED, told.pay.until + timedelta(days=1)
        case _:
            assert_never(told.citizen_kind)


def _wage_has_ended(until: date, sent_at: datetime, last_day: date | None) -> bool:
    """Whether wage ended before this was sent while the absence went on: never because the person recovered."""
    return until < civil_day(sent_at) and (last_day is None or until < last_day)


def _is_on_wage(kind: CitizenKind, pay: Pay | None, tasks: Collection[Task]) -> bool:
    if kind is not CitizenKind.EMPLOYEE:
        return False
    if pay is not None:
        return pay.kind is PayKind.WAGE
    # Pay was not always kept here. Who has none and was not asked at the report has wage: all others were asked then.
    return not any(task.about is About.REPORT for task in _benefit_requests(tasks))


def _benefit_requests(tasks: Collection[Task]) -> list[Task]:
    return [task for task in tasks if task.kind is TaskKind.BENEFIT_REQUEST]
