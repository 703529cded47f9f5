"""The one file that knows which concrete parts `tasks` is made of."""

import asyncio
import contextlib
from collections.abc import Sequence

from prometheus_client import Gauge

from contracts.citizens.client import VaultClient
from contracts.dead_letter.v1 import DeadLetter
from contracts.dead_letter.v1 import record as dead_letter
from contracts.envelope import BadEnvelope
from contracts.events import BadEvent, Reader, UnknownEventType
from contracts.topics import ABSENCE, LETTER, Topic, consumer_group, dead_letter_topic
from plumbing.dead_letters import Undertaker, desk
from plumbing.postgres import Database
from plumbing.service import Runner, rereading
from plumbing.service.kafka import KafkaSide, make_clock
from plumbing.stage import Stage
from services.tasks.gateways import Vault
from services.tasks.handlers import read_absence, read_letter
from services.tasks.settings import Settings
from services.tasks.store import Store
from services.tasks.usecases import FollowAbsences, StartClocks

NAME = "tasks"
# What became of letters comes one by one, and decides about days.
LETTERS_APART_SECONDS = 0.2
WAITING = Gauge("mitsyg_tasks_waiting_events", "Events that wait for their absence to be known.")
OLDEST_WAITING = Gauge("mitsyg_tasks_waiting_oldest_seconds", "Age of the oldest of them.")


async def serve(settings: Settings) -> None:
    """Run until SIGTERM."""
    runner = Runner(NAME, settings)
    async with runner.probes():
        clock = await make_clock(runner, settings, NAME)
        database = await runner.database(settings.database_url.get_secret_value(), "services.tasks.migrations")
        client = VaultClient(settings.citizens_url, settings.citizens_token.get_secret_value())
        runner.close(client.close)
        vault = Vault(client)
        kafka = KafkaSide(runner, settings, NAME, database)
        store = Store()

        def undertaker(topic: Topic) -> Undertaker:
            group = consumer_group(NAME, topic.name)
            return Undertaker(fetch_key=vault.month_key, write=dead_letter, clock=clock, group=group)

        kafka.subscribe(
            ABSENCE.name,
            consumer_group(NAME, ABSENCE.name),
            Stage(
                database,
                read=read_absence,
                work=FollowAbsences(store, clock),
                undertaker=undertaker(ABSENCE),
                after_commit=kafka.relay.wake,
            ),
        )
        kafka.subscribe(
            LETTER.name,
            consumer_group(NAME, LETTER.name),
            Stage(
                database,
                read=read_letter,
                work=StartClocks(store, clock),
                undertaker=undertaker(LETTER),
                after_commit=kafka.relay.wake,
            ),
            apart=LETTERS_APART_SECONDS,
        )
        runner.loop("waiting gauges", lambda: _gauges(database, store))
        await runner.run()


async def _gauges(database: Database, store: Store) -> None:
    while True:
        with contextlib.suppress(Exception):  # the gauges keep their last value while the database is away
            async with database.acquire() as connection:
                number, seconds = await store.count_waiting(connection)
            WAITING.set(number)
            OLDEST_WAITING.set(seconds)
        await asyncio.sleep(5)


async def read_again(settings: Settings, arguments: Sequence[str]) -> int:
    """`read-again TOPIC --since …`: what came since a backup that was restored."""
    return await rereading.run(
        NAME,
        bus=settings.bus(client_id=f"{NAME}-read-again"),
        database_url=settings.database_url.get_secret_value(),
        groups={
            topic: consumer_group(NAME, topic)
            for topic in (
                ABSENCE.name,
                LETTER.name,
            )
        },
        arguments=arguments,
    )


async def dead_letters(settings: Settings, arguments: Sequence[str]) -> int:
    """`dead-letters list|show|replay`: what could never be worked."""
    async with VaultClient(settings.citizens_url, settings.citizens_token.get_secret_value()) as client:
        mine = desk.Desk(
            service=NAME,
            bus=settings.bus(client_id=f"{NAME}-dead-letters"),
            database_url=settings.database_url.get_secret_value(),
            migrations="services.tasks.migrations",
            topics=[dead_letter_topic(consumer_group(NAME, topic.name)) for topic in (ABSENCE, LETTER)],
            decode=Reader(DeadLetter).decode,
            faults=(BadEnvelope, BadEvent, UnknownEventType),
            fetch_key=Vault(client).month_key,
        )
        return await desk.run(mine, arguments)
