"""Burying: a record that can never be worked is kept, sealed, with the reasons, where it can be found and replayed.

Invariants: the original is sealed under the service's key of the month, which the vault destroys when its time is
over; nothing of it stands outside the seal; a dead letter is announced in the transaction that settles its record, so
there is one exactly when the record is rejected. An original too large to travel is kept in the database and the dead
letter names it. The key is fetched before the transaction, never within it.
"""

import base64
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

from plumbing import ids, inbox
from plumbing.bus.records import Record
from plumbing.clock import Clock
from plumbing.errors import Unavailable
from plumbing.outbox import Outgoing
from plumbing.postgres import Connection
from plumbing.sealing import seal

SCHEMA = """
create table dead_letter_original (
    id uuid primary key,
    key_id text not null,
    sealed bytea not null,
    kept_at timestamptz not null default clock_timestamp()
);
grant select, insert on dead_letter_original to {role};
"""

FIELD = "dead-letter.original"
# In base64 this still fits the limit of an outgoing message with room for reasons and headers.
_LARGEST_TRAVELLING_BYTES = 600_000


class KeyNotFetched(Exception):
    """There is something to bury and the month's key is not at hand: `prepare` outside the transaction, then again."""


class KeyDestroyed(Unavailable):
    """The month's key is destroyed. For burying that is "not now": a clock is wrong. For opening it is "never again"."""


@dataclass(frozen=True, kw_only=True, slots=True)
class MonthKey:
    """A key that seals this month's originals."""

    key_id: str
    key: bytes = field(repr=False)


FetchKey = Callable[[str], Awaitable[MonthKey]]
"""The service's key of a month (`2026-11`); raises Unavailable, and KeyDestroyed once its time is over."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Reason:
    """Why, by field: codes of a closed list, never a word of the content."""

    field: str
    code: str


class Write(Protocol):
    """Makes the message of a dead letter, in the form that the contract of its topic prescribes.

    The sealed original is either here (`sealed`, base64) or kept in the database (`kept_as`).
    """

    def __call__(
        self,
        *,
        group: str,
        topic: str,
        partition: int,
        offset: int,
        timestamp_ms: int,
        reasons: Sequence[tuple[str, str]],
        key_id: str,
        sealed: str | None,
        kept_as: UUID | None,
        size_bytes: int,
        event_id: UUID,
        failed_at: datetime,
    ) -> Outgoing: ...


class Undertaker:
    """Buries refused records."""

    def __init__(self, *, fetch_key: FetchKey, write: Write, clock: Clock, group: str) -> None:
        self._fetch_key = fetch_key
        self._write = write
        self._clock = clock
        self._group = group
        self._keys: dict[str, MonthKey] = {}

    async def prepare(self) -> None:
        """Have this month's key at hand; outside any transaction. Raises Unavailable."""
        month = self._month()
        if month not in self._keys:
            self._keys = {month: await self._fetch_key(month)}

    async def bury(self, connection: Connection, refused: Sequence[tuple[Record, Sequence[Reason]]]) -> list[Outgoing]:
        """The dead letters of these records, to be announced in the same transaction; raises KeyNotFetched."""
        if not refused:
            return []
        key = self._keys.get(self._month())
        if key is None:
            raise KeyNotFetched
        return [await self._one(connection, key, record, reasons) for record, reasons in refused]

    async def _one(self, connection: Connection, key: MonthKey, record: Record, reasons: Sequence[Reason]) -> Outgoing:
        event_id = ids.derive(inbox.position_id(record), self._group, "dead-letter")
        sealed = seal(key.key, _pack(record), owner=key.key_id, field=FIELD)
        kept_as = None
        if len(sealed) > _LARGEST_TRAVELLING_BYTES:
            kept_as = event_id
            await connection.execute(_KEEP, kept_as, key.key_id, sealed)
        return self._write(
            group=self._group,
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            timestamp_ms=record.timestamp_ms,
            reasons=[(reason.field, reason.code) for reason in reasons],
            key_id=key.key_id,
            sealed=None if kept_as else base64.b64encode(sealed).decode(),
            kept_as=kept_as,
            size_bytes=len(record.value or b""),
            event_id=event_id,
            failed_at=self._clock.now(),
        )

    def _month(self) -> str:
        return self._clock.now().strftime("%Y-%m")


def unpack(packed: bytes) -> tuple[bytes | None, bytes | None, list[tuple[str, bytes]]]:
    """Key, value and headers of an original whose seal was opened."""
    content = json.loads(packed)
    return (
        _bytes(content["key"]),
        _bytes(content["value"]),
        [(name, base64.b64decode(value)) for name, value in content["headers"]],
    )


def _pack(record: Record) -> bytes:
    content = {
        "key": _text(record.key),
        "value": _text(record.value),
        "headers": [(name, _text(value)) for name, value in record.headers],
    }
    return json.dumps(content).encode()


def _text(value: bytes | None) -> str | None:
    return None if value is None else base64.b64encode(value).decode()


def _bytes(value: str | None) -> bytes | None:
    return None if value is None else base64.b64decode(value)


_KEEP = """
insert into dead_letter_original (id, key_id, sealed) values ($1, $2, $3)
on conflict do nothing
"""
