"""The intake stage as it is deployed: subscription, use case, store, undertaker, relay and audit sealer, on a topic of its own.

The vault answers at once, from memory, and each citizen has a new card: the stage itself is measured.
"""

import asyncio
import os
from collections.abc import Sequence

from faststream import FastStream

from bench.child import Measured, Task, meter
from contracts.dead_letter.v1 import record as dead_letter
from contracts.nemrefusion.v1 import AnyNotification
from contracts.topics import NEMREFUSION_NOTIFICATION, consumer_group
from plumbing import ids
from plumbing.audit import Sealer
from plumbing.bus import BusSettings, Record, Subscription, make_broker, start_producer
from plumbing.clock import SystemClock
from plumbing.dead_letters import MonthKey, Undertaker
from plumbing.outbox import Relay
from plumbing.postgres import Database
from plumbing.service import memory
from services.intake.domain import Card, Citizen, Rules
from services.intake.municipalities import is_municipality
from services.intake.store import Store
from services.intake.usecases import Confirmer, TakeIn

GROUP = consumer_group("intake", NEMREFUSION_NOTIFICATION.name)
"""Whose dead letters they are: the topic is there."""


class _InstantVault:
    async def resolve(self, notifications: Sequence[AnyNotification]) -> list[Citizen | None]:
        return [self._citizen(one) for one in notifications]

    @staticmethod
    def _citizen(one: AnyNotification) -> Citizen:
        citizen_id = ids.derive(one.citizen.cpr)
        return Citizen(citizen_id=citizen_id, key=b"k" * 32, card_candidate=one.notification_id)

    async def confirm(self, cards: Sequence[Card]) -> None:
        pass

    async def month_key(self, month: str) -> MonthKey:
        return MonthKey(key_id=f"bench/{month}", key=b"m" * 32)


async def run(task: Task) -> Measured:
    """Work `task.count` notifications; the time runs from the first batch until the outbox is empty and offsets are committed."""
    database = await Database.open(task.dsn, application_name="bench")
    vault = _InstantVault()
    bus = BusSettings(bootstrap_servers=task.bootstrap, client_id=f"bench-{os.getpid()}")
    relay = Relay(database, lambda: start_producer(bus))
    confirmer = Confirmer(database, cards=vault, unconfirmed=Store())

    def after_commit() -> None:
        relay.wake()
        confirmer.wake()

    take_in = TakeIn(
        database,
        people=vault,
        notifications=Store(),
        undertaker=Undertaker(fetch_key=vault.month_key, write=dead_letter, clock=SystemClock(), group=GROUP),
        clock=SystemClock(),
        rules=Rules(accept_test_cpr=True, is_municipality=is_municipality),
        fingerprint_key=b"f" * 32,
        after_commit=after_commit,
    )
    done = 0
    finished = asyncio.Event()

    async def work(records: Sequence[Record]) -> None:
        nonlocal done
        meter.begin()
        await take_in(records)
        done += len(records)
        if done >= task.count:
            finished.set()

    broker = make_broker(bus)
    Subscription(broker, topic=task.topic, group=task.group, work=work, settings=bus)
    app = FastStream(broker, logger=None)
    relaying = asyncio.create_task(relay.run())
    sealing = asyncio.create_task(Sealer(database).run())
    tidying = asyncio.create_task(memory.tidy())
    confirming = asyncio.create_task(confirmer.run())
    await app.start()
    memory.settle()
    try:
        await finished.wait()
        while await _waiting(database):
            await asyncio.sleep(0.005)
        return meter.end(done)
    finally:
        sealing.cancel()
        tidying.cancel()
        confirming.cancel()
        await app.stop()
        relay.stop()
        await relaying
        await database.close()


async def _waiting(database: Database) -> bool:
    async with database.acquire() as connection:
        return bool(await connection.fetchval("select exists (select from outbox)"))
