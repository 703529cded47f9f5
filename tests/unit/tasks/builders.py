"""Builders of what the domain of `tasks` judges: ordinary by default, changed by name."""

from datetime import UTC, date, datetime
from itertools import count
from typing import Any
from uuid import UUID

from services.tasks.domain.absence import Absence, Amended, Effect, Happening, RefundRequested, Reported, decide
from services.tasks.domain.demands import CitizenKind, Demand, FinalRefund, Pay, PayKind, Task, Told

SENT = datetime(2026, 3, 20, 9, 0, tzinfo=UTC)
WAGE = Pay(kind=PayKind.WAGE, until=None)
GOES_ON = FinalRefund(absence_continues=True)
IS_OVER = FinalRefund(absence_continues=False)
NOTHING = Pay(kind=PayKind.NOTHING, until=None)
_numbers = count(1)


def told(**changes: Any) -> Told:
    ordinary = Told(
        citizen_kind=CitizenKind.EMPLOYEE,
        municipality_code="0751",
        first_absence_day=date(2026, 3, 2),
        last_absence_day=None,
        pay=WAGE,
        reported="c2VhbGVk",
    )
    return ordinary._replace(**changes)


def report(*, is_withdrawn: bool = False, **changes: Any) -> Reported:
    return Reported(told=told(**changes), sent_at=SENT, is_withdrawn=is_withdrawn)


def amendment(*, sent_at: datetime = SENT, is_current: bool = True, is_changed: bool = True, **changes: Any) -> Amended:
    return Amended(told=told(**changes), sent_at=sent_at, is_current=is_current, is_changed=is_changed)


def wage_until(day: date) -> Pay:
    return Pay(kind=PayKind.WAGE, until=day)


def refund(final: FinalRefund | None = None) -> RefundRequested:
    return RefundRequested(final=final)


def task(demand: Demand) -> Task:
    """The task that a demand becomes."""
    number = next(_numbers)
    return Task(
        task_id=UUID(int=number),
        letter_id=UUID(int=1000 + number),
        kind=demand.kind,
        about=demand.about,
    )


class Case:
    """An absence to which things happen one after the other, each with the next version unless told otherwise."""

    def __init__(self, *happenings: Happening) -> None:
        self.absence = Absence(absence_id=UUID(int=1), citizen_id=UUID(int=2))
        self.tasks: list[Task] = []
        for one in happenings:
            self.hears(one)

    def hears(self, happening: Happening, version: int | None = None) -> Effect:
        """Raises AssertionError where the happening has no effect at all."""
        effect = decide(self.absence, self.tasks, happening, version or self.absence.version + 1)
        assert isinstance(effect, Effect), effect
        self.absence = effect.absence
        closed = {one.task_id: one for one in effect.closes}
        self.tasks = [closed.get(one.task_id, one) for one in self.tasks] + [task(one) for one in effect.opens]
        return effect

    def open(self) -> list[Task]:
        return [one for one in self.tasks if one.is_open]
