"""Civil days in Denmark, and the clock of a letter (spec, "Law and time"; T2, M3).

Day 0 is the day of the proven dispatch, the deadline is the end of day 8, and what that is as an instant follows from the
time zone's rules on that very day, never from counting hours.
"""

from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

COPENHAGEN = ZoneInfo("Europe/Copenhagen")
DAYS_TO_ANSWER = timedelta(days=8)
# A proof is of the past. Clocks differ by minutes, and a demo's may be turned by weeks; a year is no clock's difference.
_FARTHEST_AHEAD = timedelta(days=366)


class LetterState(StrEnum):
    """How far a letter is."""

    REQUESTED = "requested"
    DISPATCHED = "dispatched"
    FAILED = "failed"


def civil_day(instant: datetime) -> date:
    """The Danish calendar day of an instant; raises ValueError for an instant without time zone."""
    if instant.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    return instant.astimezone(COPENHAGEN).date()


@lru_cache(maxsize=64)
def end_of_day(day: date) -> datetime:
    """The first instant, in UTC, that no longer belongs to the Danish calendar day."""
    return datetime.combine(day + timedelta(days=1), time(), COPENHAGEN).astimezone(UTC)


def planned_deadline_day(planned_day: date) -> date:
    """The day a letter prints as deadline (T2)."""
    return planned_day + DAYS_TO_ANSWER


class Deadline(NamedTuple):
    """When a letter's tasks are to be done: `day_zero` the day of dispatch, `at` the end of `day`, exclusive."""

    day_zero: date
    day: date

    @property
    def at(self) -> datetime:
        """The instant from which an answer is late, in UTC."""
        return end_of_day(self.day)


class Letter(NamedTuple):
    """A letter about tasks; `deadline` is there once its dispatch is proven, and not before (T2)."""

    letter_id: UUID
    absence_id: UUID
    citizen_id: UUID
    planned_deadline_day: date
    state: LetterState
    deadline: Deadline | None


def is_plausible_dispatch(at: datetime, now: datetime) -> bool:
    """Whether a letter can have been dispatched at that instant: a year that is still to come proves nothing, and the later
    deadline would stay (M3)."""
    return at < now + _FARTHEST_AHEAD


def dispatched(letter: Letter, at: datetime) -> Letter:
    """The letter is proven out: its clock runs from that day. `at` is plausible.

    The binding deadline is the later of day 8 and what the letter printed (T2). Of two proofs, the later deadline
    stays (M3): a proof that would make it earlier changes nothing.
    """
    day_zero = civil_day(at)
    proven = Deadline(day_zero=day_zero, day=max(day_zero + DAYS_TO_ANSWER, letter.planned_deadline_day))
    if letter.deadline is not None and letter.deadline.day >= proven.day:
        proven = letter.deadline
    return letter._replace(state=LetterState.DISPATCHED, deadline=proven)


def failed(letter: Letter) -> Letter:
    """The letter did not go out: it starts nothing, and takes nothing back where it was proven out before."""
    if letter.state is LetterState.DISPATCHED:
        return letter
    return letter._replace(state=LetterState.FAILED)
