"""Month keys: made when first asked for, destroyed when their time is over."""

from datetime import datetime
from typing import Protocol

from contracts.citizens.v1 import Destroyed, MonthKey, MonthKeyAnswer, MonthKeyPurpose
from plumbing import audit
from plumbing.clock import Clock
from plumbing.errors import Unavailable
from plumbing.postgres import Connection, Database
from plumbing.sealing import new_key
from services.citizens.domain.keyring import Keyring, WrappedKey
from services.citizens.domain.months import MonthState, ends_at, key_id, state_of
from services.citizens.domain.rights import Asking
from services.citizens.usecases.trail import Trail


class MonthKeys(Protocol):
    """What giving out a month's key needs to read and keep."""

    async def get(self, connection: Connection, key_id: str) -> WrappedKey | None: ...

    async def add(
        self, connection: Connection, key_id: str, key: WrappedKey, *, ends_at: datetime, now: datetime
    ) -> bool: ...


class MasterKeys(Protocol):
    """The record of which master keys are needed."""

    async def hold_master(self, connection: Connection, key_id: str, now: datetime) -> None: ...


class MonthToCome(Exception):
    """The month has not begun; nothing can need its key."""


class DiscloseMonthKey:
    """Answers what the caller's own key of a month is; raises MonthToCome."""

    def __init__(
        self, database: Database, month_keys: MonthKeys, master_keys: MasterKeys, keyring: Keyring, clock: Clock
    ) -> None:
        self._database = database
        self._month_keys = month_keys
        self._master_keys = master_keys
        self._keyring = keyring
        self._clock = clock

    async def __call__(self, asking: Asking, purpose: MonthKeyPurpose, month: str) -> MonthKeyAnswer:
        now = self._clock.now()
        match state_of(month, now):
            case MonthState.TO_COME:
                raise MonthToCome
            case MonthState.OVER:
                return Destroyed()  # also where the sweep is late: the time is over
            case MonthState.OPEN:
                pass
        name = key_id(asking.caller, purpose, month)
        async with self._database.transaction() as connection:
            wrapped, action = await self._get_or_make(connection, name, month, now)
            key = self._keyring.unwrap(wrapped, owner=name)
            await audit.put(connection, [Trail(asking, now).entry(f"{action}.{name}", None, "month-key")])
        return MonthKey(key_id=name, key=key)

    async def _get_or_make(
        self, connection: Connection, name: str, month: str, now: datetime
    ) -> tuple[WrappedKey, str]:
        held = await self._month_keys.get(connection, name)
        if held is not None:
            return held, "month-key.read"
        await self._master_keys.hold_master(connection, self._keyring.newest_id, now)
        made = self._keyring.wrap(new_key(), owner=name)
        if await self._month_keys.add(connection, name, made, ends_at=ends_at(month), now=now):
            return made, "month-key.created"
        rival = await self._month_keys.get(connection, name)
        if rival is None:  # made and destroyed meanwhile, which takes a clock that jumped by a month
            raise Unavailable("database", "the month's key is gone")
        return rival, "month-key.read"
