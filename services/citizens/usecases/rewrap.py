"""Rewrap: data keys that an older master key wraps are wrapped by the newest; then the older ones can be taken away.

Invariants: data keys themselves don't change, so nothing sealed has to; a batch is one transaction, so stopping and
beginning again loses nothing; citizens who are worked with meanwhile are neither blocked for long nor overwritten.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol
from uuid import UUID, uuid4

from plumbing import audit
from plumbing.audit import Entry
from plumbing.clock import Clock
from plumbing.postgres import Connection, Database
from services.citizens.domain.keyring import Keyring, WrappedKey
from services.citizens.usecases.trail import VAULT

_BATCH: Final = 500


class People(Protocol):
    """The citizens' keys."""

    async def not_under(
        self, connection: Connection, master_key_id: str, *, after: UUID | None, limit: int
    ) -> dict[UUID, WrappedKey]: ...

    async def rewrap(
        self, connection: Connection, old: Mapping[UUID, WrappedKey], new: Mapping[UUID, WrappedKey]
    ) -> int: ...


class MonthKeys(Protocol):
    """The months' keys."""

    async def lock_not_under(self, connection: Connection, master_key_id: str) -> dict[str, WrappedKey]: ...

    async def rewrap(self, connection: Connection, keys: Mapping[str, WrappedKey]) -> None: ...


class OutsideKeys(Protocol):
    """The record of which master keys are needed."""

    async def hold_master(self, connection: Connection, key_id: str, now: datetime) -> None: ...

    async def release_master_keys(self, connection: Connection, *, but: str) -> list[str]: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Rewrapped:
    """What was wrapped anew, and the master keys that nothing needs any more."""

    citizens: int
    month_keys: int
    released: tuple[str, ...]


class Rewrap:
    """Wraps everything by the newest master key."""

    def __init__(
        self,
        *,
        database: Database,
        people: People,
        month_keys: MonthKeys,
        outside_keys: OutsideKeys,
        keyring: Keyring,
        clock: Clock,
    ) -> None:
        self._database = database
        self._people = people
        self._month_keys = month_keys
        self._outside_keys = outside_keys
        self._keyring = keyring
        self._clock = clock

    async def __call__(self) -> Rewrapped:
        citizens = await self._citizens()
        month_keys = await self._months()
        async with self._database.transaction() as connection:
            released = await self._outside_keys.release_master_keys(connection, but=self._keyring.newest_id)
            await audit.put(connection, [self._told("master-key.released", one) for one in sorted(released)])
        return Rewrapped(citizens=citizens, month_keys=month_keys, released=tuple(sorted(released)))

    async def _citizens(self) -> int:
        done = 0
        after: UUID | None = None
        while True:
            async with self._database.transaction() as connection:
                await self._hold(connection)
                old = await self._people.not_under(connection, self._keyring.newest_id, after=after, limit=_BATCH)
                if not old:
                    return done
                new = {citizen_id: self._again(wrapped, str(citizen_id)) for citizen_id, wrapped in old.items()}
                changed = await self._people.rewrap(connection, old, new)
                await audit.put(connection, [self._told(f"keys.rewrapped.{changed}", str(uuid4()))])
            done += changed
            after = max(old)

    async def _months(self) -> int:
        async with self._database.transaction() as connection:
            await self._hold(connection)
            old = await self._month_keys.lock_not_under(connection, self._keyring.newest_id)
            if old:
                new = {name: self._again(wrapped, name) for name, wrapped in old.items()}
                await self._month_keys.rewrap(connection, new)
                await audit.put(connection, [self._told(f"month-keys.rewrapped.{len(new)}", str(uuid4()))])
        return len(old)

    async def _hold(self, connection: Connection) -> None:
        """Somebody who was given the keys in another order may be releasing this one."""
        await self._outside_keys.hold_master(connection, self._keyring.newest_id, self._clock.now())

    def _again(self, wrapped: WrappedKey, owner: str) -> WrappedKey:
        return self._keyring.wrap(self._keyring.unwrap(wrapped, owner=owner), owner=owner)

    def _told(self, action: str, object_id: str) -> Entry:
        return Entry(
            actor=VAULT,
            action=action,
            subject=None,
            object_type="master-key",
            object_id=object_id,
            purpose="rotate-keys",
            at=self._clock.now(),
        )
