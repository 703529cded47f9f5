"""What a citizen is asked to do, and why: the table of spec section 2, as far as a reporter's notifications make tasks."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import NamedTuple, assert_never
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


class Pay(NamedTuple):
    """What is paid, and the last day on which it is, where that is known."""

    kind: PayKind
    until: date | None


class Told(NamedTuple):
    """What a report tells, or an amendment anew; `reported` is sealed."""

    citizen_kind: CitizenKind
    municipality_code: str
    first_absence_day: date
    last_absence_day: date | None
    pay: Pay | None
    reported: str


@dataclass(frozen=True, kw_only=True, slots=True)
class FinalRefund:
    """What the last refund request says about the end of pay: whether the absence goes on without it."""

    absence_continues: bool


class Demand(NamedTuple):
    """A task to be opened."""

    kind: TaskKind
    about: About


class Task(NamedTuple):
    """A task that was opened."""

    task_id: UUID
    letter_id: UUID
    kind: TaskKind
    about: About
    state: TaskState = TaskState.OPEN

    @property
    def is_open(self) -> bool:
        return self.state is TaskState.OPEN


def at_report(told: Told, sent_at: datetime, recovered_day: date | None) -> tuple[Demand, ...]:
    """The tasks that a report makes, in the order of solving (table of spec section 2).

    The person may have recovered before the report came, if the employer asked for fast-track first.
    """
    due = list(_comment(told.citizen_kind, About.REPORT))
    if _asks_for_benefit(told, sent_at, _last_day(told, recovered_day)):
        due.append(Demand(kind=TaskKind.BENEFIT_REQUEST, about=About.REPORT))
    return (*due, *missing_form(told, ()))


def at_amendment(
    told: Told, sent_at: datetime, recovered_day: date | None, tasks: Collection[Task]
) -> tuple[Demand, ...]:
    """The tasks that an amendment of what is shown makes (T20)."""
    return (*_comment(told.citizen_kind, About.REPORT), *still_missing(told, sent_at, recovered_day, tasks))


def still_missing(
    told: Told, sent_at: datetime, recovered_day: date | None, tasks: Collection[Task]
) -> tuple[Demand, ...]:
    """The benefit request and the form that an amendment calls for, whatever it changes, each where none was opened before."""
    asks = not _benefit_requests(tasks) and _asks_for_benefit(told, sent_at, _last_day(told, recovered_day))
    request = (Demand(kind=TaskKind.BENEFIT_REQUEST, about=About.REPORT),) if asks else ()
    return (*request, *missing_form(told, tasks))


def missing_form(told: Told, tasks: Collection[Task]) -> tuple[Demand, ...]:
    """The form, unless a last day is told or it was opened before; a recovery prevents none (T13)."""
    if told.last_absence_day is not None or any(task.kind is TaskKind.INFORMATION_FORM for task in tasks):
        return ()
    return (Demand(kind=TaskKind.INFORMATION_FORM, about=About.REPORT),)


def at_refund(
    kind: CitizenKind, pay: Pay | None, final: FinalRefund | None, tasks: Collection[Task]
) -> tuple[Demand, ...]:
    """The tasks that a refund request makes: a comment, and a benefit request where wage stops while the absence goes on.

    The request may recur: wage may have begun again after it stopped before.
    """
    comment = _comment(kind, About.REFUND)
    if final is None or not final.absence_continues or not _is_on_wage(kind, pay, tasks):
        return comment
    return (*comment, Demand(kind=TaskKind.BENEFIT_REQUEST, about=About.REFUND))


def at_fast_track(kind: CitizenKind | None) -> tuple[Demand, ...]:
    """The task that an employer's wish for early action makes; `kind` is not known before the report (T16)."""
    if kind not in {None, CitizenKind.EMPLOYEE}:
        return ()
    return (Demand(kind=TaskKind.FAST_TRACK_CONSENT, about=About.FAST_TRACK),)


def _comment(kind: CitizenKind, about: About) -> tuple[Demand, ...]:
    if kind is CitizenKind.SELF_EMPLOYED:
        return ()  # they reported themselves
    return (Demand(kind=TaskKind.COMMENT_REPORTED_INFORMATION, about=about),)


def _last_day(told: Told, recovered_day: date | None) -> date | None:
    """The last day of the absence, if it is known: told with it, or by a recovery."""
    return min((day for day in (told.last_absence_day, recovered_day) if day is not None), default=None)


def _asks_for_benefit(told: Told, sent_at: datetime, last_day: date | None) -> bool:
    """Whether what is told asks for a benefit request; `last_day` is the last one of the absence, if it is known."""
    match told.citizen_kind:
        case CitizenKind.SELF_EMPLOYED:
            return False  # their report is the request
        case CitizenKind.UNEMPLOYED:
            return True
        case CitizenKind.EMPLOYEE:
            if told.pay is None or told.pay.kind is not PayKind.WAGE:
                return True
            return told.pay.until is not None and _wage_has_ended(told.pay.until, sent_at, last_day)
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
