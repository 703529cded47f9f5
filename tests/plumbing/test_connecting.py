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


def test_who_stops_while_a_fetch_failed_just_now_is_not_told_to_be_cancelled(kafka: str, topics: TopicFactory) -> None:
    """The client cancelled its own task that waits to fetch again, raised that to its caller, and left all connections open."""
    topic = topics()

    async def stopped() -> None:
        consumer = AIOKafkaConsumer(topic, bootstrap_servers=kafka, retry_backoff_ms=60_000)
        await consumer.start()
        connections = consumer._client._conns
        async with asyncio.timeout(20):
            for (
                partition
            ) in consumer.assignment():  # asking where a partition begins is no fetch, and slept over likewise
                await consumer.position(partition)
            while not any(map(_waits_to_fetch_again, consumer._fetcher._pending_tasks)):
                for connection in list(connections.values()):
                    await break_now(connection)
                await asyncio.sleep(0.05)
            try:
                await consumer.stop()
            except asyncio.CancelledError:
                pytest.fail("it was told to be cancelled")
        assert not any(connection.connected() for connection in connections.values())

    asyncio.run(stopped())  # uvloop would hang where this fails


def _waits_to_fetch_again(task: "asyncio.Task[Any]") -> bool:
    return any(frame.f_code.co_name == "_proc_fetch_request" and "err" in frame.f_locals for frame in task.get_stack())
