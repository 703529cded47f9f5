"""`python -m tests.plumbing.tiny serve|config|fail`; what it does wrong on wish stands in its settings."""

import asyncio
import sys
from collections.abc import Sequence

from pydantic import Field, SecretStr

from plumbing import ids, inbox, outbox
from plumbing.bus import Record
from plumbing.postgres import Database
from plumbing.service import Runner, main
from plumbing.service.kafka import KafkaSide, make_clock
from plumbing.service.settings import KafkaSettings
from tests.plumbing.helpers import Message

NAME = "tiny"
MIGRATIONS = "tests.plumbing.tiny.migrations"


class Settings(KafkaSettings):
    topic_in: str
    topic_out: str
    secret: SecretStr = Field(SecretStr("x"), min_length=1)
    numbers: tuple[int, ...] = ()
    work_seconds: float = 0
    loop_dies_after: float = 0
    watch_dies: str = ""


class Copy:
    def __init__(self, settings: Settings, database: Database, kafka: KafkaSide) -> None:
        self._settings = settings
        self._database = database
        self._kafka = kafka

    async def __call__(self, records: Sequence[Record]) -> None:
        await asyncio.sleep(self._settings.work_seconds)
        async with self._database.transaction() as connection:
            fresh = await inbox.admit(connection, {inbox.position_id(record) for record in records})
            copies = [self._copy(record) for record in records if inbox.position_id(record) in fresh]
            await outbox.put(connection, copies)
        self._kafka.relay.wake()

    def _copy(self, record: Record) -> Message:
        cause = inbox.position_id(record)
        return Message(topic=self._settings.topic_out, value=record.value or b"", event_id=ids.derive(cause, "copy"))


async def serve(settings: Settings) -> None:
    runner = Runner(NAME, settings)
    if settings.watch_dies:
        setattr(runner, settings.watch_dies, lambda: die(2))
    async with runner.probes():
        await make_clock(runner, settings, NAME)
        database = await runner.database(settings.database_url.get_secret_value(), MIGRATIONS)
        kafka = KafkaSide(runner, settings, NAME, database)
        kafka.subscribe(settings.topic_in, f"tiny.{settings.topic_in}", Copy(settings, database, kafka))
        if settings.loop_dies_after:
            runner.loop("mortal", lambda: die(settings.loop_dies_after))
        await runner.run()


async def die(seconds: float) -> None:
    await asyncio.sleep(seconds)
    raise KeyError("61-01-90 is nobody's")


async def fail(_settings: Settings, arguments: Sequence[str]) -> int:
    if arguments:
        raise ConnectionRefusedError(arguments[0])
    raise KeyError("a word of the content")


if __name__ == "__main__":
    sys.exit(main(NAME, Settings, serve, more={"fail": fail}))
