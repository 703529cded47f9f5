"""The tables of `intake`: notifications by id, absences by reference. A few statements a batch, however large it is.

Invariants: ids are inserted in sorted order, so that two batches do not wait for each other in a ring (two absences that
repeat each other crosswise under other references still can: PostgreSQL ends one of the batches and it is done again); a
rival batch with the same id waits on the unique key until the first has committed or rolled back.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

from plumbing.postgres import Connection
from services.intake.domain import Absence, Notification


class Store:
    """All the SQL of this service; every call is inside the caller's transaction."""

    async def add_notifications(
        self, connection: Connection, notifications: Sequence[Notification], received_at: datetime
    ) -> set[UUID]:
        """Insert those that are not known yet; their ids."""
        rows = await connection.fetch(
            _ADD_NOTIFICATIONS,
            [one.notification_id for one in notifications],
            [one.fingerprint for one in notifications],
            [one.original_id for one in notifications],
            [one.receipt_id for one in notifications],
            [one.absence_id for one in notifications],
            received_at,
        )
        return {row["notification_id"] for row in rows}

    async def notifications(self, connection: Connection, ids: Collection[UUID]) -> dict[UUID, Notification]:
        """The notifications that are known by these ids."""
        if not ids:
            return {}
        rows = await connection.fetch(_NOTIFICATIONS, list(ids))
        return {
            row["notification_id"]: Notification(
                notification_id=row["notification_id"],
                fingerprint=row["fingerprint"],
                original_id=row["original_id"],
                receipt_id=row["receipt_id"],
                absence_id=row["absence_id"],
            )
            for row in rows
        }

    async def add_absences(
        self, connection: Connection, absences: Sequence[Absence], accepted_at: datetime
    ) -> set[UUID]:
        """Insert those whose reference and repeat key are not known yet; their ids."""
        rows = await connection.fetch(
            _ADD_ABSENCES,
            [one.absence_id for one in absences],
            [one.absence_reference for one in absences],
            [one.repeat_key for one in absences],
            [one.content for one in absences],
            [one.citizen_id for one in absences],
            [one.notification_id for one in absences],
            [one.receipt_id for one in absences],
            [one.first_absence_day for one in absences],
            [one.sent_at for one in absences],
            accepted_at,
        )
        return {row["absence_id"] for row in rows}

    async def absences_like(self, connection: Connection, absences: Sequence[Absence]) -> list[Absence]:
        """The absences known under one of these ids or repeat keys."""
        if not absences:
            return []
        rows = await connection.fetch(
            _ABSENCES_LIKE, [one.absence_id for one in absences], [one.repeat_key for one in absences]
        )
        return [_absence(row) for row in rows]

    async def point_to_original(self, connection: Connection, notification_id: UUID, original: Absence) -> None:
        """A report that repeats another one: its id stands for the original's receipt and absence from now on."""
        await connection.execute(
            _POINT_TO_ORIGINAL, notification_id, original.notification_id, original.receipt_id, original.absence_id
        )

    async def forget(self, connection: Connection, ids: Collection[UUID]) -> None:
        """Notifications that had no effect after all: their ids are free for a corrected message."""
        if ids:
            await connection.execute("delete from notification where notification_id = any ($1::uuid[])", list(ids))


def _absence(row: asyncpg.Record) -> Absence:
    return Absence(
        absence_id=row["absence_id"],
        absence_reference=row["absence_reference"],
        repeat_key=row["repeat_key"],
        content=row["content"],
        citizen_id=row["citizen_id"],
        notification_id=row["notification_id"],
        receipt_id=row["receipt_id"],
        first_absence_day=row["first_absence_day"],
        sent_at=row["sent_at"],
    )


_ADD_NOTIFICATIONS = """
insert into notification (notification_id, fingerprint, original_id, receipt_id, absence_id, received_at)
select notification_id, fingerprint, original_id, receipt_id, absence_id, $6
from unnest($1::uuid[], $2::bytea[], $3::uuid[], $4::uuid[], $5::uuid[])
     as new (notification_id, fingerprint, original_id, receipt_id, absence_id)
order by notification_id
on conflict do nothing
returning notification_id
"""

_NOTIFICATIONS = """
select notification_id, fingerprint, original_id, receipt_id, absence_id
from notification
where notification_id = any ($1::uuid[])
"""

_ADD_ABSENCES = """
insert into absence (absence_id, absence_reference, repeat_key, content, citizen_id, notification_id, receipt_id,
                     first_absence_day, sent_at, accepted_at)
select *, $10
from unnest($1::uuid[], $2::uuid[], $3::bytea[], $4::bytea[], $5::uuid[], $6::uuid[], $7::uuid[], $8::date[],
            $9::timestamptz[])
order by 1
on conflict do nothing
returning absence_id
"""

_ABSENCES_LIKE = """
select absence_id, absence_reference, repeat_key, content, citizen_id, notification_id, receipt_id, first_absence_day,
       sent_at
from absence
where absence_id = any ($1::uuid[]) or repeat_key = any ($2::bytea[])
"""

_POINT_TO_ORIGINAL = """
update notification
set original_id = $2, receipt_id = $3, absence_id = $4
where notification_id = $1
"""
