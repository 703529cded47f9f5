"""The one file that knows which concrete parts `tasks` is made of."""

from contracts.citizens.client import VaultClient
from contracts.dead_letter.v1 import record as dead_letter
from contracts.topics import ABSENCE, LETTER, Topic, consumer_group
from plumbing.dead_letters import Undertaker
from plumbing.service import Runner
from plumbing.service.kafka import KafkaSide, make_clock
from plumbing.stage import Stage
from services.tasks.gateways import Vault
from services.tasks.handlers import read_absence, read_letter
from services.tasks.settings import Settings
from services.tasks.store import Store
from services.tasks.usecases import OpenTasks, StartClocks

NAME = "tasks"


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
                work=OpenTasks(store, clock),
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
        )
        await runner.run()
