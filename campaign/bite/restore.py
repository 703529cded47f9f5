"""The tasks database is lost and comes back from a backup that held nothing yet: everything is read from the log again.

What was announced before the loss is announced again, at another time and under the same ids: so no citizen gets a second
letter. First the absences are read, then the fates of their letters, as the runbook of a restore has it.
"""

import asyncio
import time

from aiokafka import AIOKafkaConsumer, TopicPartition

from campaign.site import Site
from laws.names import ABSENCE, LETTER, group
from laws.reading.kafka import group_lags
from stack.errors import NotReady

SERVICE = "tasks"
LONGEST_WAIT_SECONDS = 60.0


def restore(site: Site) -> None:
    """Loses the database of tasks and brings it back."""
    process = site.house.process(SERVICE)
    process.stop()
    site.stack.drop_database(site.stack.database(SERVICE).name)
    site.stack.create_database(SERVICE)
    site.house.migrate(SERVICE)
    for topic in (ABSENCE, LETTER):
        process.stop()
        asyncio.run(_read_again(site.stack.kafka_bootstrap, topic))
        process.start()
        _wait_until_read(site, topic)


async def _read_again(bootstrap: str, topic: str) -> None:
    """The group begins anew at the beginning of the topic."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=group(SERVICE, topic), enable_auto_commit=False)
    await consumer.start()
    try:
        partitions = [TopicPartition(topic, number) for number in range(6)]
        consumer.assign(partitions)
        await consumer.commit(await consumer.beginning_offsets(partitions))
    finally:
        await consumer.stop()


def _wait_until_read(site: Site, topic: str) -> None:
    until = time.monotonic() + LONGEST_WAIT_SECONDS
    while asyncio.run(group_lags(site.stack.kafka_bootstrap))[f"{SERVICE} on {topic}"]:
        if time.monotonic() > until:
            raise NotReady(f"{topic} was not read within {LONGEST_WAIT_SECONDS:g} s")
        time.sleep(0.5)
