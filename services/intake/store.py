"""The tables of `intake`: notifications by id, absences by reference, what waits for them. A few statements a batch.

Invariants: ids are inserted and locked in sorted order, so that two batches do not wait for each other in a ring (two
absences that repeat each other crosswise under other references still can: PostgreSQL ends one of the batches and it is
done again); a rival batch with the same id waits on the unique key until the first has committed or rolled back; an
absence is written only while its row is locked or new; a report is kept behind an absence while that one's row is shared, and
taken from behind it while it is locked: whoever withdraws an absence sees who is kept behind it, or is waited for.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

from contracts.nemrefusion.v1 import ReasonCode
from plumbing.errors import Unavailable
from plumbing.postgres import Connection
from services.intake.domain import Absence, Card, Kept, Notification, Stamp, State


class Store:
    """All the SQL of this service; every call is inside the caller's transaction."""

    async def note_key(self, connection: Connection, key_id: str, now: datetime) -> str:
        """The key by which notifications are told apart here: this one, where there is none yet."""
        await connection.execute(_NOTE_KEY, key_id, now)
        noted: str = await connection.fetchval("select key_id from fingerprint_key")
        return noted

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
        return {row["notification_id"]: Notification(*row) for row in rows}

    async def point_to_original(self, connection: Connection, notification_id: UUID, original: Notification) -> None:
        """A notification that repeats another one: its id stands for the original's receipt and absence from now on."""
        await connection.execute(
            _POINT_TO_ORIGINAL, notification_id, original.original_id, original.receipt_id, original.absence_id
        )

    async def forget(self, connection: Connection, ids: Collection[UUID]) -> None:
        """Notifications that had no effect after all: their ids are free for a corrected message."""
        if ids:
            await connection.execute("delete from notification where notification_id = any ($1::uuid[])", list(ids))

    async def add_absences(
        self, connection: Connection, absences: Sequence[Absence], accepted_at: datetime
    ) -> set[UUID]:
        """Insert reported absences whose reference and repeat key are not known yet; their ids."""
        if not absences:
            return set()
        rows = await connection.fetch(
            _ADD_ABSENCES,
            [one.absence_id for one in absences],
            [one.absence_reference for one in absences],
            [one.citizen_id for one in absences],
            [one.reporter for one in absences],
            [one.repeat_key for one in absences],
            [one.content for one in absences],
            [one.notification_id for one in absences],
            [one.receipt_id for one in absences],
            [one.first_absence_day for one in absences],
            [one.last_absence_day for one in absences],
            [one.told_at.sent_at if one.told_at else None for one in absences],
            accepted_at,
        )
        return {row["absence_id"] for row in rows}

    async def absences_by_key(
        self, connection: Connection, repeat_keys: Collection[bytes]
    ) -> dict[bytes | None, Absence]:
        """The absences known under these repeat keys, and still when whoever is at work on them has ended."""
        if not repeat_keys:
            return {}
        rows = await connection.fetch(_ABSENCES_BY_KEY, list(repeat_keys))
        return {row["repeat_key"]: _absence(row) for row in rows}

    async def await_absences(self, connection: Connection, references: Mapping[UUID, UUID], since: datetime) -> None:
        """A row for each absence that is about to be awaited, unless there is one: it is what is locked."""
        if references:
            await connection.execute(_AWAIT_ABSENCES, list(references), list(references.values()), since)

    async def lock_absences(self, connection: Connection, absence_ids: Collection[UUID]) -> dict[UUID, Absence]:
        """The absences, locked until the transaction ends."""
        rows = await connection.fetch(_LOCK_ABSENCES, list(absence_ids))
        return {row["absence_id"]: _absence(row) for row in rows}

    async def save_absences(self, connection: Connection, absences: Sequence[Absence]) -> None:
        """Write absences that changed; of a repeat key that another absence has by now, the other keeps it, and of one that
        several of these were given in this moment, the first."""
        if not absences:
            return
        try:
            await self._save(connection, absences)
        except asyncpg.UniqueViolationError:
            raise Unavailable("absence", "another took the repeat key in this moment") from None

    async def _save(self, connection: Connection, absences: Sequence[Absence]) -> None:
        holders = {one.repeat_key: one.absence_id for one in reversed(absences)}
        await connection.execute(
            _SAVE_ABSENCES,
            [one.absence_id for one in absences],
            [one.state.value for one in absences],
            [one.citizen_id for one in absences],
            [one.reporter for one in absences],
            [one.repeat_key if holders.get(one.repeat_key) == one.absence_id else None for one in absences],
            [one.report_content for one in absences],
            [one.content for one in absences],
            [one.notification_id for one in absences],
            [one.receipt_id for one in absences],
            [one.first_absence_day for one in absences],
            [one.last_absence_day for one in absences],
            [one.told_at.sent_at if one.told_at else None for one in absences],
            [one.told_at.notification_id if one.told_at else None for one in absences],
            [one.fast_track_at.sent_at if one.fast_track_at else None for one in absences],
            [one.fast_track_at.notification_id if one.fast_track_at else None for one in absences],
            [one.recovered_day for one in absences],
            [one.recovered_at.sent_at if one.recovered_at else None for one in absences],
            [one.recovered_at.notification_id if one.recovered_at else None for one in absences],
            [one.withdrawn_by for one in absences],
            [one.version for one in absences],
            [one.reported_at for one in absences],
        )

    async def add_refund(
        self, connection: Connection, absence_id: UUID, content: bytes, notification_id: UUID
    ) -> UUID | None:
        """Note a refund request; where the same was asked before, the notification that did."""
        earlier: UUID | None = await connection.fetchval(_ADD_REFUND, absence_id, content, notification_id)
        return None if earlier == notification_id else earlier

    async def add_cards(self, connection: Connection, cards: Sequence[Card]) -> None:
        """Note cards to be confirmed at the vault."""
        if cards:
            await connection.execute(_ADD_CARDS, [one.citizen_id for one in cards], [one.candidate for one in cards])

    async def unconfirmed(self, connection: Connection, limit: int) -> list[Card]:
        """Cards that are to be confirmed, as many as `limit`."""
        return [Card(*row) for row in await connection.fetch("select citizen_id, candidate from card limit $1", limit)]

    async def confirmed(self, connection: Connection, cards: Sequence[Card]) -> None:
        """They are confirmed."""
        await connection.execute(_CONFIRMED, [one.citizen_id for one in cards], [one.candidate for one in cards])

    async def add_waiting(self, connection: Connection, kept: Kept) -> None:
        """Keep a notification until its absence is there."""
        await connection.execute(
            _ADD_WAITING,
            kept.notification_id,
            kept.absence_id,
            kept.citizen_id,
            kept.kind,
            kept.sent_at,
            kept.sealed,
            kept.waits_since,
            kept.card_candidate,
            kept.repeat_key,
        )

    async def waiting_for(self, connection: Connection, absence_id: UUID) -> list[Kept]:
        """What waits for this absence, and can still join it; its report is no part of that."""
        return [_kept(row) for row in await connection.fetch(_WAITING_FOR, absence_id)]

    async def kept_behind(self, connection: Connection, repeat_key: bytes) -> list[UUID]:
        """The absences whose reports are kept behind the one that stands under this key, in the order of sending."""
        return [row["absence_id"] for row in await connection.fetch(_KEPT_BEHIND, repeat_key)]

    async def kept_report(self, connection: Connection, absence_id: UUID) -> Kept | None:
        """The report of this absence, if it is kept behind another."""
        row = await connection.fetchrow(_KEPT_REPORT, absence_id)
        return None if row is None else _kept(row)

    async def end_waiting(self, connection: Connection, notification_ids: Collection[UUID]) -> None:
        """They have joined, or are buried."""
        if notification_ids:
            await connection.execute(
                "delete from waiting where notification_id = any ($1::uuid[])", list(notification_ids)
            )

    async def refuse_waiting(self, connection: Connection, refused: Mapping[UUID, ReasonCode]) -> None:
        """They cannot join, and why."""
        if refused:
            await connection.execute(_REFUSE_WAITING, list(refused), [code.value for code in refused.values()])

    async def ended(self, connection: Connection, before: datetime, limit: int) -> list[Kept]:
        """The oldest of those that cannot join, or have waited since before `before`."""
        return [_kept(row) for row in await connection.fetch(_ENDED, before, limit)]

    async def lock_waiting(self, connection: Connection, notification_ids: Collection[UUID]) -> list[Kept]:
        """Those that still wait, with their absences' rows locked first, as whoever joins them does."""
        await connection.execute(_LOCK_AWAITED, list(notification_ids))
        return [_kept(row) for row in await connection.fetch(_STILL_WAITING, list(notification_ids))]

    async def waiting(self, connection: Connection) -> tuple[int, datetime | None]:
        """How many wait, and since when the oldest; reports that repeat another wait for nothing."""
        row = await connection.fetchrow(_HOW_MANY_WAIT)
        assert row is not None
        return row["number"], row["since"]


def _absence(row: asyncpg.Record) -> Absence:
    return Absence(
        absence_id=row["absence_id"],
        absence_reference=row["absence_reference"],
        state=State(row["state"]),
        citizen_id=row["citizen_id"],
        reporter=row["reporter"],
        repeat_key=row["repeat_key"],
        report_content=row["report_content"],
        content=row["content"],
        notification_id=row["notification_id"],
        receipt_id=row["receipt_id"],
        reported_at=row["reported_at"],
        first_absence_day=row["first_absence_day"],
        last_absence_day=row["last_absence_day"],
        told_at=_stamp(row, "told"),
        fast_track_at=_stamp(row, "fast_track"),
        recovered_day=row["recovered_day"],
        recovered_at=_stamp(row, "recovery"),
        withdrawn_by=row["withdrawn_by"],
        version=row["version"],
    )


def _stamp(row: asyncpg.Record, name: str) -> Stamp | None:
    sent_at = row[f"{name}_sent_at"]
    return None if sent_at is None else Stamp(sent_at, row[f"{name}_id"])


def _kept(row: asyncpg.Record) -> Kept:
    return Kept(
        notification_id=row["notification_id"],
        absence_id=row["absence_id"],
        citizen_id=row["citizen_id"],
        kind=row["kind"],
        sent_at=row["sent_at"],
        sealed=row["sealed"],
        waits_since=row["waits_since"],
        card_candidate=row["card_candidate"],
        refused=ReasonCode(row["refused"]) if row["refused"] else None,
        repeat_key=row["repeat_key"],
    )


_NOTE_KEY = "insert into fingerprint_key (key_id, since) values ($1, $2) on conflict do nothing"

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

_POINT_TO_ORIGINAL = """
update notification
set original_id = $2, receipt_id = $3, absence_id = $4
where notification_id = $1
"""

_ADD_ABSENCES = """
insert into absence (absence_id, absence_reference, state, citizen_id, reporter, repeat_key, report_content, content,
                     notification_id, receipt_id, reported_at, first_absence_day, last_absence_day, told_sent_at, told_id,
                     version, accepted_at)
select absence_id, reference, 'reported', citizen_id, reporter, repeat_key, content, content, notification_id, receipt_id,
       sent_at, first_day, last_day, sent_at, notification_id, 1, $12
from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::bytea[], $5::bytea[], $6::bytea[], $7::uuid[], $8::uuid[], $9::date[],
            $10::date[], $11::timestamptz[])
     as new (absence_id, reference, citizen_id, reporter, repeat_key, content, notification_id, receipt_id, first_day,
             last_day, sent_at)
order by absence_id
on conflict do nothing
returning absence_id
"""

# A withdrawal that is under way gives its key up: it is waited for.
_ABSENCES_BY_KEY = "select * from absence where repeat_key = any ($1::bytea[]) order by absence_id for key share"

_AWAIT_ABSENCES = """
insert into absence (absence_id, absence_reference, state, version, accepted_at)
select absence_id, reference, 'awaited', 0, $3 from unnest($1::uuid[], $2::uuid[]) as new (absence_id, reference)
order by absence_id
on conflict do nothing
"""

_LOCK_ABSENCES = "select * from absence where absence_id = any ($1::uuid[]) order by absence_id for update"

_SAVE_ABSENCES = """
update absence
set state = new.state, citizen_id = new.citizen_id, reporter = new.reporter, report_content = new.report_content,
    content = new.content, notification_id = new.notification_id, receipt_id = new.receipt_id, reported_at = new.reported_at,
    first_absence_day = new.first_day, last_absence_day = new.last_day, told_sent_at = new.told_sent_at,
    told_id = new.told_id, fast_track_sent_at = new.fast_track_sent_at, fast_track_id = new.fast_track_id,
    recovered_day = new.recovered_day, recovery_sent_at = new.recovery_sent_at, recovery_id = new.recovery_id,
    withdrawn_by = new.withdrawn_by, version = new.version,
    repeat_key = case
        when exists (
            select from absence as other
            where other.repeat_key = new.repeat_key and other.absence_id <> new.absence_id
        ) then null
        else new.repeat_key
    end
from unnest($1::uuid[], $2::text[], $3::uuid[], $4::bytea[], $5::bytea[], $6::bytea[], $7::bytea[], $8::uuid[], $9::uuid[],
            $10::date[], $11::date[], $12::timestamptz[], $13::uuid[], $14::timestamptz[], $15::uuid[], $16::date[],
            $17::timestamptz[], $18::uuid[], $19::uuid[], $20::bigint[], $21::timestamptz[])
     as new (absence_id, state, citizen_id, reporter, repeat_key, report_content, content, notification_id, receipt_id,
             first_day, last_day, told_sent_at, told_id, fast_track_sent_at, fast_track_id, recovered_day,
             recovery_sent_at, recovery_id, withdrawn_by, version, reported_at)
where absence.absence_id = new.absence_id
"""

# An update that changes nothing, so that the row of the earlier one comes back.
_ADD_REFUND = """
insert into refund (absence_id, content, notification_id) values ($1, $2, $3)
on conflict (absence_id, content) do update set notification_id = refund.notification_id
returning notification_id
"""

_ADD_CARDS = """
insert into card (citizen_id, candidate)
select distinct citizen_id, candidate from unnest($1::uuid[], $2::uuid[]) as new (citizen_id, candidate)
order by citizen_id, candidate
on conflict do nothing
"""

# The list is empty most of the time, and whenever an analyze looks at it: joined directly, it was read whole for each card as
# soon as thousands waited (70 ms a statement). `offset 0` has each looked up by its key, whatever the planner believes.
_CONFIRMED = """
delete from card
using (
    select found.place
    from unnest($1::uuid[], $2::uuid[]) as done (citizen_id, candidate)
    cross join lateral (
        select card.ctid as place from card
        where card.citizen_id = done.citizen_id and card.candidate = done.candidate
        offset 0
    ) as found
) as confirmed
where card.ctid = confirmed.place
"""

_ADD_WAITING = """
insert into waiting (notification_id, absence_id, citizen_id, kind, sent_at, sealed, waits_since, card_candidate,
                     repeat_key)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
"""

_WAITING_FOR = """
select notification_id, absence_id, citizen_id, kind, sent_at, sealed, waits_since, card_candidate, refused, repeat_key
from waiting
where absence_id = $1 and refused is null and repeat_key is null
order by sent_at, notification_id
"""

_KEPT_BEHIND = "select absence_id from waiting where repeat_key = $1 order by sent_at, notification_id"

_KEPT_REPORT = """
select notification_id, absence_id, citizen_id, kind, sent_at, sealed, waits_since, card_candidate, refused, repeat_key
from waiting
where absence_id = $1 and repeat_key is not null
"""

_HOW_MANY_WAIT = "select count(*) as number, min(waits_since) as since from waiting where repeat_key is null"

_REFUSE_WAITING = """
update waiting
set refused = new.code
from unnest($1::uuid[], $2::text[]) as new (notification_id, code)
where waiting.notification_id = new.notification_id
"""

# Two reads, each along its index: with `or` between them everything that waits was read, every few seconds.
_ENDED = """
(
    select notification_id, absence_id, citizen_id, kind, sent_at, sealed, waits_since, card_candidate, refused, repeat_key
    from waiting
    where refused is not null
    order by waits_since
    limit $2
)
union all
(
    select notification_id, absence_id, citizen_id, kind, sent_at, sealed, waits_since, card_candidate, refused, repeat_key
    from waiting
    where waits_since < $1 and refused is null
    order by waits_since
    limit $2
)
order by waits_since
limit $2
"""

_LOCK_AWAITED = """
select from absence
where absence_id in (select absence_id from waiting where notification_id = any ($1::uuid[]))
order by absence_id
for update
"""

_STILL_WAITING = """
select notification_id, absence_id, citizen_id, kind, sent_at, sealed, waits_since, card_candidate, refused, repeat_key
from waiting
where notification_id = any ($1::uuid[])
order by notification_id
"""
