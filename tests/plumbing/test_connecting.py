"""A connection that broke, and nobody noticed yet, in the loop that services run in."""

import asyncio
from typing import Any

import pytest
import uvloop
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaConnectionError
from aiokafka.protocol.metadata import MetadataRequest

from plumbing.bus import connecting
from tests.support.fixtures import TopicFactory

connecting.install()


async def break_now(connection: Any) -> None:
    """Until the loop knows, and whoever reads there is about to be told."""
    connection._writer.transport.abort()
    await asyncio.sleep(0)


def test_whoever_writes_there_is_told_that_it_is_broken(kafka: str) -> None:
    async def told() -> None:
        async with AIOKafkaConsumer(bootstrap_servers=kafka) as consumer:
            await consumer.topics()
            connection = next(iter(consumer._client._conns.values()))
            await break_now(connection)
            with pytest.raises(KafkaConnectionError, match="broken"):
                connection.send(MetadataRequest([]))
            assert not connection.connected()

    uvloop.run(told())


def test_what_is_known_of_the_cluster_is_kept_up_to_date_after_it(kafka: str, topics: TopicFactory) -> None:
    """The task that keeps it ended without a word, and whoever asked waited for ever."""
    topic, later = topics(), topics()

    async def kept() -> None:
        async with AIOKafkaConsumer(topic, bootstrap_servers=kafka) as consumer:
            client = consumer._client
            whole = client._get_conn

            async def that_breaks(*args: Any, **kwargs: Any) -> Any:
                client._get_conn = whole
                connection = await whole(*args, **kwargs)
                await break_now(connection)
                return connection

            client._get_conn = that_breaks
            async with asyncio.timeout(20):
                await client.force_metadata_update()
                await client.set_topics([topic, later])
            assert client.cluster.partitions_for_topic(later)

    uvloop.run(kept())
