"""Whose absence is whose: all that `uploads` keeps of what intake announces."""

from collections.abc import Sequence
from typing import Protocol

from contracts.absence.v1 import (
    AbsenceAmended,
    AbsenceRecovered,
    AbsenceReported,
    AbsenceWithdrawn,
    FastTrackRequested,
    RefundRequested,
)
from contracts.events import Decoded
from plumbing.postgres import Connection
from plumbing.stage import Arrival, Result
from services.uploads.domain.records import Known

AnyAbsenceEvent = (
    AbsenceReported | AbsenceAmended | RefundRequested | FastTrackRequested | AbsenceRecovered | AbsenceWithdrawn
)
ABSENCE_EVENTS: tuple[type[AnyAbsenceEvent], ...] = (
    AbsenceReported,
    AbsenceAmended,
    RefundRequested,
    FastTrackRequested,
    AbsenceRecovered,
    AbsenceWithdrawn,
)


class Absences(Protocol):
    """Where absences are kept."""

    async def know(self, connection: Connection, absences: Sequence[Known]) -> None: ...


class FollowAbsences:
    """The stage's work: every event names an absence and its citizen, whatever it tells and in whatever order it comes."""

    def __init__(self, absences: Absences) -> None:
        self._absences = absences

    async def __call__(self, connection: Connection, arrivals: Sequence[Arrival[Decoded[AnyAbsenceEvent]]]) -> Result:
        known: dict[object, Known] = {}
        for one in arrivals:
            event = one.message.event
            before = known.get(event.absence_id)
            is_withdrawn = isinstance(event, AbsenceWithdrawn) or (
                isinstance(event, AbsenceReported) and event.is_withdrawn
            )
            known[event.absence_id] = Known(
                absence_id=event.absence_id,
                citizen_id=event.citizen_id,
                is_withdrawn=is_withdrawn or (before is not None and before.is_withdrawn),
            )
        if known:
            await self._absences.know(connection, list(known.values()))
        return Result()
