"""Rekey: people are found under the lookup key that is wanted instead of the one before, while the vault goes on working.

Invariants: from the first moment people are made known under the wanted key alone; those known before are moved in batches,
each a transaction, in the order of their ids, so stopping and beginning again loses nothing and blocks nobody for long; a person
is found under exactly one value at any time, and everybody who has both keys finds them wherever they are. Notes of erasures
hold no number, so they can't be moved: the old key is needed until the last of them is forgotten.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol
from uuid import UUID, uuid4

from plumbing import audit
from plumbing.audit import Entry
from plumbing.clock import Clock
from plumbing.faults import faultpoint
from plumbing.postgres import Connection, Database
from services.citizens.domain.keyring import Keyring, Lookups, WrappedKey
from services.citizens.domain.people import open_cpr
from services.citizens.usecases.sweep import ERASURE_KEPT
from services.citizens.usecases.trail import VAULT

_BATCH: Final = 500


class Found(Protocol):
    """A citizen under another key."""

    @property
    def lookup(self) -> bytes: ...
    @property
    def key(self) -> WrappedKey: ...
    @property
    def sealed_cpr(self) -> bytes: ...


class LookupKeys(Protocol):
    """Which lookup key is current, and who is found under which."""

    async def make_current(self, connection: Connection, key_id: str, now: datetime) -> bool: ...

    async def not_found_under(
        self, connection: Connection, key_id: str, *, after: UUID | None, limit: int
    ) -> Mapping[UUID, Found]: ...

    async def rekey(
        self, connection: Connection, key_id: str, old: Mapping[UUID, bytes], new: Mapping[UUID, bytes]
    ) -> int: ...

    async def release_lookup_keys(self, connection: Connection) -> list[str]: ...

    async def last_erasure_not_under(self, connection: Connection, key_id: str) -> datetime | None: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Rekeyed:
    """How many people were moved, whether all are, the keys nothing needs any more, and until when the others are needed."""

    citizens: int
    is_complete: bool
    released: tuple[str, ...]
    needed_until: datetime | None


class Rekey:
    """Moves everybody to the first of the configured lookup keys, or as many as are asked for."""

    def __init__(
        self, *, database: Database, lookup_keys: LookupKeys, keyring: Keyring, lookups: Lookups, clock: Clock
    ) -> None:
        self._database = database
        self._lookup_keys = lookup_keys
        self._keyring = keyring
        self._lookups = lookups
        self._clock = clock

    async def __call__(self, *, most: int | None = None) -> Rekeyed:
        """`most`: stop after about so many people, to go on another time."""
        wanted = self._lookups.wanted_id
        async with self._database.transaction() as connection:
            if await self._lookup_keys.make_current(connection, wanted, self._clock.now()):
                await audit.put(connection, [self._told("lookup-key.made-current", wanted)])
        citizens, is_complete = await self._move(most)
        async with self._database.transaction() as connection:
            released = sorted(await self._lookup_keys.release_lookup_keys(connection)) if is_complete else []
            await audit.put(connection, [self._told("lookup-key.released", one) for one in released])
            last = await self._lookup_keys.last_erasure_not_under(connection, wanted)
        needed_until = None if last is None else last + ERASURE_KEPT
        return Rekeyed(citizens=citizens, is_complete=is_complete, released=tuple(released), needed_until=needed_until)

    async def _move(self, most: int | None) -> tuple[int, bool]:
        wanted, done = self._lookups.wanted_id, 0
        after: UUID | None = None
        while most is None or done < most:
            async with self._database.transaction() as connection:
                found = await self._lookup_keys.not_found_under(connection, wanted, after=after, limit=_BATCH)
                if not found:
                    return done, True
                old = {citizen_id: one.lookup for citizen_id, one in found.items()}
                new = {citizen_id: self._value(citizen_id, one) for citizen_id, one in found.items()}
                moved = await self._lookup_keys.rekey(connection, wanted, old, new)
                await audit.put(connection, [self._told(f"lookups.rekeyed.{moved}", str(uuid4()))])
                faultpoint("citizens.before_rekey_commit")
            done += moved
            after = max(found)
        return done, False

    def _value(self, citizen_id: UUID, found: Found) -> bytes:
        key = self._keyring.unwrap(found.key, owner=str(citizen_id))
        return self._lookups.of(open_cpr(key, citizen_id, found.sealed_cpr))[0]

    def _told(self, action: str, object_id: str) -> Entry:
        return Entry(
            actor=VAULT,
            action=action,
            subject=None,
            object_type="lookup-key",
            object_id=object_id,
            purpose="rotate-keys",
            at=self._clock.now(),
        )
