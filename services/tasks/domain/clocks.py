"""What citizens are asked to do, and by when. Pure: no clock, no I/O.

Deadlines are civil days in Denmark (spec, "Law and time"): day 0 is the day of the proven dispatch, the deadline is
the end of day 8, and what that is as an instant follows from the time zone's rules on that very day, never from
counting hours.
"""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import assert_never
from uuid import UUID
from zoneinfo import ZoneInfo

COPENHAGEN = ZoneInfo("Europe/Copenhagen")
DAYS_TO_ANSWER = timedelta(days=8)


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
    """The tasks that a report can make (spec section 2), in the order in which they are solved (T1)."""

    COMMENT_REPORTED_INFORMATION = "comment_reported_information"
    BENEFIT_REQUEST = "benefit_request"
    INFORMATION_FORM = "information_form"


class LetterState(StrEnum):
    """How far a letter is."""

    REQUESTED = "requested"
    DISPATCHED = "dispatched"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True, slots=True)
class Pay:
    """What is paid, and the last day on which it is, where that is known."""

    kind: PayKind
    until: date | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """What a report of an absence says that decides about tasks; `sent_at` is when the reporter sent it."""

    citizen_kind: CitizenKind
    pay: Pay | None
    last_absence_day: date | None
    sent_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class NewAbsence:
    """An absence as it was reported; `reported` is sealed."""

    absence_id: UUID
    citizen_id: UUID
    citizen_kind: CitizenKind
    municipality_code: str
    first_absence_day: date
    last_absence_day: date | None
    reported: str
    opened_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class NewTask:
    """A task that was just opened."""

    task_id: UUID
    kind: TaskKind
    order_in_letter: int


@dataclass(frozen=True, kw_only=True, slots=True)
class NewLetter:
    """A letter that is asked for, and the tasks it tells of."""

    letter_id: UUID
    version: int
    absence_id: UUID
    citizen_id: UUID
    cause_id: str
    planned_deadline_day: date
    requested_at: datetime
    tasks: tuple[NewTask, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskOfLetter:
    """A task whose letter's fate was told."""

    task_id: UUID
    letter_id: UUID
    kind: TaskKind


def tasks_at_report(report: Report) -> tuple[TaskKind, ...]:
    """The tasks that a report makes, in the order of solving (table of spec section 2)."""
    due = []
    if report.citizen_kind is not CitizenKind.SELF_EMPLOYED:
        due.append(TaskKind.COMMENT_REPORTED_INFORMATION)
    if _asks_for_benefit(report):
        due.append(TaskKind.BENEFIT_REQUEST)
    if report.last_absence_day is None:
        due.append(TaskKind.INFORMATION_FORM)
    return tuple(due)


def _asks_for_benefit(report: Report) -> bool:
    match report.citizen_kind:
        case CitizenKind.SELF_EMPLOYED:
            return False  # their report is the request
        case CitizenKind.UNEMPLOYED:
            return True
        case CitizenKind.EMPLOYEE:
            return report.pay is None or report.pay.kind is not PayKind.WAGE or _wage_has_ended(report, report.pay)
        case _:
            assert_never(report.citizen_kind)


def _wage_has_ended(report: Report, pay: Pay) -> bool:
    """Whether wage ended before the report was sent while the absence went on: never because the person recovered."""
    if pay.until is None or pay.until >= civil_day(report.sent_at):
        return False
    return report.last_absence_day is None or pay.until < report.last_absence_day


def civil_day(instant: datetime) -> date:
    """The Danish calendar day of an instant; raises ValueError for an instant without time zone."""
    if instant.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    return instant.astimezone(COPENHAGEN).date()


def end_of_day(day: date) -> datetime:
    """The first instant, in UTC, that no longer belongs to the Danish calendar day."""
    return datetime.combine(day + timedelta(days=1), time(), COPENHAGEN).astimezone(UTC)


def planned_deadline_day(planned_day: date) -> date:
    """The day a letter prints as deadline (T2)."""
    return planned_day + DAYS_TO_ANSWER


@dataclass(frozen=True, kw_only=True, slots=True)
class Deadline:
    """When a letter's tasks are to be done: `day_zero` the day of dispatch, `at` the end of `day`, exclusive."""

    day_zero: date
    day: date

    @property
    def at(self) -> datetime:
        """The instant from which an answer is late, in UTC."""
        return end_of_day(self.day)


@dataclass(frozen=True, kw_only=True, slots=True)
class Letter:
    """A letter about tasks; `deadline` is there once its dispatch is proven, and not before (T2)."""

    letter_id: UUID
    absence_id: UUID
    citizen_id: UUID
    planned_deadline_day: date
    state: LetterState
    deadline: Deadline | None


def dispatched(letter: Letter, at: datetime) -> Letter:
    """The letter is proven out: its clock runs from that day.

    The binding deadline is the later of day 8 and what the letter printed (T2). Of two proofs, the later deadline
    stays (M3): a proof that would make it earlier changes nothing.
    """
    day_zero = civil_day(at)
    proven = Deadline(day_zero=day_zero, day=max(day_zero + DAYS_TO_ANSWER, letter.planned_deadline_day))
    if letter.deadline is not None and letter.deadline.day >= proven.day:
        proven = letter.deadline
    return replace(letter, state=LetterState.DISPATCHED, deadline=proven)


def failed(letter: Letter) -> Letter:
    """The letter did not go out: it starts nothing, and takes nothing back where it was proven out before."""
    if letter.state is LetterState.DISPATCHED:
        return letter
    return replace(letter, state=LetterState.FAILED)
