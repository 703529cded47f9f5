"""Intake's use cases on a real database, without Kafka: for the tests of what becomes of notifications."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid5

import asyncpg

from contracts.dead_letter.v1 import record as dead_letter
from contracts.nemrefusion.v1 import AnyNotification
from plumbing.bus import Record
from plumbing.dead_letters import MonthKey, Undertaker
from plumbing.errors import Unavailable
from plumbing.postgres import Database
from services.intake.domain import Card, Citizen, Rules
from services.intake.municipalities import is_municipality
from services.intake.store import Store
from services.intake.usecases import TakeIn
from tests.support.fixtures import DatabaseFactory
from tests.support.notifications import raw, record

NOW = datetime(2026, 3, 20, 12, tzinfo=UTC)
MONTH_KEY = MonthKey(key_id="dead-letter/intake/2026-03", key=bytes(32))


class FixedClock:
    def __init__(self, now: datetime = NOW) -> None:
        self.at = now

    def now(self) -> datetime:
        return self.at


@dataclass
class People:
    """A vault in memory: the same number is always the same citizen; `erased` ones have none."""

    is_away: bool = False
    erased: set[str] = field(default_factory=set)
    proposes: bool = False
    confirmed: list[Card] = field(default_factory=list)

    async def resolve(self, notifications: Sequence[AnyNotification]) -> list[Citizen | None]:
        if self.is_away:
            raise Unavailable("citizens")
        return [None if one.citizen.cpr in self.erased else self._proposed(one) for one in notifications]

    async def confirm(self, cards: Sequence[Card]) -> None:
        if self.is_away:
            raise Unavailable("citizens")
        self.confirmed += cards

    def candidate(self, notification_id: str | UUID) -> UUID:
        """The name of the card that a notification proposes."""
        return uuid5(UUID(int=8), str(notification_id))

    def _proposed(self, notification: AnyNotification) -> Citizen:
        known = self.citizen(notification.citizen.cpr)
        has_card = self.proposes and hasattr(notification.citizen, "address")
        return replace(known, card_candidate=self.candidate(notification.notification_id) if has_card else None)

    @staticmethod
    def citizen(cpr: str) -> Citizen:
        return Citizen(citizen_id=uuid5(UUID(int=7), cpr), key=b"k" * 32)


@dataclass
class House:
    """Intake without Kafka: its use case, and what it left in the database."""

    database: Database
    people: People
    clock: FixedClock
    take_in: TakeIn
    wakes: list[int]

    async def rows(self, sql: str) -> list[asyncpg.Record]:
        async with self.database.acquire() as connection:
            return list(await connection.fetch(sql))

    async def fates(self) -> list[tuple[int, str]]:
        return [
            (row["offset"], row["fate"])
            for row in await self.rows('select "offset", fate from inbox_record order by partition, "offset"')
        ]

    async def messages(self, topic: str) -> list[dict[str, Any]]:
        rows = await self.rows(f"select payload from outbox where aggregatetype = '{topic}' order by seq")  # noqa: S608
        return [json.loads(row["payload"]) for row in rows]

    async def receipts(self) -> list[dict[str, Any]]:
        return await self.messages("nemrefusion.receipt.v1")

    async def events(self) -> list[dict[str, Any]]:
        return await self.messages("sygefravaer.absence.v1")

    async def dead_letters(self) -> list[dict[str, Any]]:
        return await self.messages("mitsyg.intake.nemrefusion.notification.v1.dlq")


async def fetch_key(_month: str) -> MonthKey:
    return MONTH_KEY


async def open_house(database: DatabaseFactory) -> House:
    """Intake without Kafka on a database of its own."""
    opened = await Database.open(database("intake").runtime_dsn, application_name="test")
    people, clock, wakes = People(), FixedClock(), [0]
    take_in = _take_in(opened, people, clock, wakes, Store())
    return House(database=opened, people=people, clock=clock, take_in=take_in, wakes=wakes)


def intake_on(house: House, store: Store) -> TakeIn:
    """Another process of the same house, with a store of its own."""
    return _take_in(house.database, house.people, house.clock, house.wakes, store)


def _take_in(database: Database, people: People, clock: FixedClock, wakes: list[int], store: Store) -> TakeIn:
    return TakeIn(
        database,
        people=people,
        notifications=store,
        undertaker=Undertaker(
            fetch_key=fetch_key,
            write=dead_letter,
            clock=clock,
            group="mitsyg.intake.nemrefusion.notification.v1",
        ),
        clock=clock,
        rules=Rules(accept_test_cpr=True, is_municipality=is_municipality),
        fingerprint_key=b"f" * 32,
        after_commit=lambda: wakes.append(1),
    )


def bodies(*given: dict[str, Any]) -> list[Record]:
    return [record(raw(body), offset) for offset, body in enumerate(given)]
