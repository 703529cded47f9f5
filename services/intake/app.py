"""The one file that knows which concrete parts `intake` is made of."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from contracts.citizens.cache import KeyCache
from contracts.citizens.client import VaultClient
from contracts.dead_letter.v1 import DeadLetter
from contracts.dead_letter.v1 import record as dead_letter
from contracts.envelope import BadEnvelope
from contracts.events import BadEvent, Reader, UnknownEventType
from contracts.nemrefusion.v1 import ReasonCode
from contracts.topics import NEMREFUSION_NOTIFICATION, consumer_group, dead_letter_topic
from plumbing.bus.key_alarm import KeyAlarm
from plumbing.dead_letters import Undertaker, desk
from plumbing.postgres import Database
from plumbing.service import Runner, rereading
from plumbing.service.kafka import KafkaSide, make_clock
from plumbing.service.settings import BadConfiguration
from services.intake.domain import Rules
from services.intake.gateways import Vault
from services.intake.municipalities import is_municipality
from services.intake.settings import Settings
from services.intake.store import Store
from services.intake.usecases import Confirmer, Sweeper, TakeIn
from services.intake.usecases.candidates import Candidates

NAME = "intake"
# Notifications come one by one; what is gathered here goes on together.
NOTIFICATIONS_APART_SECONDS = 0.06


async def check_key(settings: Settings, database: Database, now: datetime) -> None:
    """Raise BadConfiguration unless this is the key that the database was filled with.

    Under another one each repeat would be a conflict, and whatever is sent about a known absence somebody else's.
    """
    key_id = Candidates(settings.fingerprint_key_bytes).key_id
    async with database.transaction() as connection:
        if await Store().note_key(connection, key_id, now) != key_id:
            raise BadConfiguration(
                "FINGERPRINT_KEY: not the key by which the notifications in this database are told apart"
            )


async def serve(settings: Settings) -> None:
    """Run until SIGTERM."""
    runner = Runner(NAME, settings)
    async with runner.probes():
        clock = await make_clock(runner, settings, NAME)
        database = await runner.database(settings.database_url.get_secret_value(), "services.intake.migrations")
        await check_key(settings, database, clock.now())
        client = VaultClient(
            settings.citizens_url,
            settings.citizens_token.get_secret_value(),
            cache=KeyCache(most=0),  # keys come with each answer here, and nobody asks for one again
        )
        runner.close(client.close)
        vault = Vault(client)
        kafka = KafkaSide(runner, settings, NAME, database)
        group = consumer_group(NAME, NEMREFUSION_NOTIFICATION.name)
        undertaker = Undertaker(fetch_key=vault.month_key, write=dead_letter, clock=clock, group=group)
        store = Store()
        confirmer = Confirmer(database, cards=vault, unconfirmed=store)
        runner.loop("confirmer of cards", confirmer.run)

        def after_commit() -> None:
            kafka.relay.wake()
            confirmer.wake()

        take_in = TakeIn(
            database,
            people=vault,
            notifications=store,
            undertaker=undertaker,
            clock=clock,
            rules=Rules(accept_test_cpr=settings.accept_test_cpr, is_municipality=is_municipality),
            fingerprint_key=settings.fingerprint_key_bytes,
            after_commit=after_commit,
        )
        sweeper = Sweeper(
            database,
            waiting=store,
            keys=vault,
            undertaker=undertaker,
            clock=clock,
            patience=timedelta(days=settings.waiting_days),
            every=settings.sweep_seconds,
        )
        runner.loop("sweeper of what waits", sweeper.run)
        kafka.subscribe(
            NEMREFUSION_NOTIFICATION.name,
            group,
            KeyAlarm(take_in),
            reasons=ReasonCode,
            apart=NOTIFICATIONS_APART_SECONDS,
        )
        await runner.run()


async def read_again(settings: Settings, arguments: Sequence[str]) -> int:
    """`read-again TOPIC --since …`: what came since a backup that was restored."""
    return await rereading.run(
        NAME,
        bus=settings.bus(client_id=f"{NAME}-read-again"),
        database_url=settings.database_url.get_secret_value(),
        groups={topic: consumer_group(NAME, topic) for topic in (NEMREFUSION_NOTIFICATION.name,)},
        arguments=arguments,
    )


async def dead_letters(settings: Settings, arguments: Sequence[str]) -> int:
    """`dead-letters list|show|replay`: what could never be worked."""
    async with VaultClient(settings.citizens_url, settings.citizens_token.get_secret_value()) as client:
        mine = desk.Desk(
            service=NAME,
            bus=settings.bus(client_id=f"{NAME}-dead-letters"),
            database_url=settings.database_url.get_secret_value(),
            migrations="services.intake.migrations",
            topics=[dead_letter_topic(consumer_group(NAME, NEMREFUSION_NOTIFICATION.name))],
            decode=Reader(DeadLetter).decode,
            faults=(BadEnvelope, BadEvent, UnknownEventType),
            fetch_key=Vault(client).month_key,
        )
        return await desk.run(mine, arguments)
