"""What was taken in so far, and where it is added to: the port that `store` implements."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from contracts.nemrefusion.v1 import ReasonCode
from plumbing.postgres import Connection
from services.intake.domain import Absence, Card, Kept, Notification


class Known(Protocol):
    """Every call is inside the caller's transaction."""

    async def add_notifications(
        self, connection: Connection, notifications: Sequence[Notification], received_at: datetime
    ) -> set[UUID]: ...

    async def notifications(self, connection: Connection, ids: Collection[UUID]) -> dict[UUID, Notification]: ...

    async def point_to_original(
        self, connection: Connection, notification_id: UUID, original: Notification
    ) -> None: ...

    async def forget(self, connection: Connection, ids: Collection[UUID]) -> None: ...

    async def add_absences(
        self, connection: Connection, absences: Sequence[Absence], accepted_at: datetime
    ) -> set[UUID]: ...

    async def absences_by_key(
        self, connection: Connection, repeat_keys: Collection[bytes]
    ) -> dict[bytes | None, Absence]: ...

    async def await_absences(
        self, connection: Connection, references: Mapping[UUID, UUID], since: datetime
    ) -> None: ...

    async def lock_absences(self, connection: Connection, absence_ids: Collection[UUID]) -> dict[UUID, Absence]: ...

    async def save_absences(self, connection: Connection, absences: Sequence[Absence]) -> None: ...

    async def add_refund(
        self, connection: Connection, absence_id: UUID, content: bytes, notification_id: UUID
    ) -> UUID | None: ...

    async def add_cards(self, connection: Connection, cards: Sequence[Card]) -> None: ...

    async def add_waiting(self, connection: Connection, kept: Kept) -> None: ...

    async def waiting_for(self, connection: Connection, absence_id: UUID) -> list[Kept]: ...

    async def kept_behind(self, connection: Connection, repeat_key: bytes) -> list[UUID]: ...

    async def kept_report(self, connection: Connection, absence_id: UUID) -> Kept | None: ...

    async def end_waiting(self, connection: Connection, notification_ids: Collection[UUID]) -> None: ...

    async def refuse_waiting(self, connection: Connection, refused: Mapping[UUID, ReasonCode]) -> None: ...
