"""Batches begin apart, and what is held until then is neither lost nor doubled nor out of order."""

import asyncio
from collections import Counter
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import TopicAuthorizationFailedError

from plumbing.errors import Unavailable
from tests.plumbing.helpers import (
    Recorder,
    committed_is,
    fresh_group,
    lag_is,
    member,
    producer,
    until,
)
from tests.support.fixtures import TopicFactory


async def test_batches_begin_apart_and_the_first_of_them_at_once(kafka: str, topics: TopicFactory) -> None:
    topic = topics()
    work = Recorder()
    async with member(kafka, topic, fresh_group(), work, apart=1) as one:
        await until(lambda: one.subscription.is_assigned)
        async with producer(kafka) as told:
            for nth in range(40):
                await told.send_and_wait(topic, b"%d" % nth)
                await asyncio.sleep(0.01)
        assert work.values[:1] == [b"0"]
        await until(lambda: len(work.values) == 40)
    assert len(work.batches) <= 4


async def test_what_comes_before_a_batch_may_begin_is_in_it_to_the_last(kafka: str, topics: TopicFactory) -> None:
    """Of one partition the client asks for nothing more while something of it lies unread."""
    topic = topics(partitions=1)
    work = Recorder()
    async with member(kafka, topic, fresh_group(), work, apart=1.5) as one, producer(kafka) as told:
        await until(lambda: one.subscription.is_assigned)
        for nth in range(20):
            await told.send_and_wait(topic, b"%d" % nth)
            await asyncio.sleep(0.02)
        await until(lambda: len(work.values) == 20)
    assert [len(batch) for batch in work.batches] == [1, 19]
    assert work.values == [b"%d" % nth for nth in range(20)]


async def test_a_batch_that_is_full_begins_before_its_time(kafka: str, topics: TopicFactory) -> None:
    topic = topics(partitions=1)
    work = Recorder()
    async with member(kafka, topic, fresh_group(), work, apart=60, max_records=10) as one, producer(kafka) as told:
        await until(lambda: one.subscription.is_assigned)
        for nth in range(31):
            await told.send_and_wait(topic, b"%d" % nth)
        await until(lambda: len(work.values) == 31)
    assert [len(batch) for batch in work.batches] == [1, 10, 10, 10]


async def test_what_is_in_hand_when_fetching_fails_is_worked(
    kafka: str, topics: TopicFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was stepped over already: dropped here, the next batch's offsets would cover it."""
    topic, work = topics(partitions=1), Recorder()
    async with member(kafka, topic, fresh_group(), work, apart=3) as one, producer(kafka) as told:
        await until(lambda: one.subscription.is_assigned)
        await told.send_and_wait(topic, b"first")
        await until(lambda: len(work.values) == 1)
        consumer = one.subscription._subscriber.consumer
        assert consumer is not None
        fetch, failed = consumer.getmany, asyncio.Event()

        async def failing_behind_what_came(*, timeout_ms: int, max_records: int | None) -> Any:
            if timeout_ms == 0 and not failed.is_set():
                failed.set()
                raise TopicAuthorizationFailedError
            return await fetch(timeout_ms=timeout_ms, max_records=max_records)

        monkeypatch.setattr(consumer, "getmany", failing_behind_what_came)
        await told.send_and_wait(topic, b"second")
        await failed.wait()
        await told.send_and_wait(topic, b"third")
        await until(lambda: len(work.values) == 3)
    assert work.values == [b"first", b"second", b"third"]


async def test_what_is_in_hand_when_another_member_joins_is_worked_once(kafka: str, topics: TopicFactory) -> None:
    topic, group = topics(partitions=2), fresh_group()
    work, other = Recorder(), Recorder()
    async with member(kafka, topic, group, work, apart=4) as one, producer(kafka) as told:
        await until(lambda: one.subscription.is_assigned)
        await told.send_and_wait(topic, b"first", partition=0)
        await until(lambda: len(work.values) == 1)
        for nth in range(4):
            await told.send_and_wait(topic, b"%d" % nth, partition=nth % 2)
        async with member(kafka, topic, group, other) as two:
            await until(lambda: two.subscription.is_assigned)
            await told.send_and_wait(topic, b"last", partition=0)
            await told.send_and_wait(topic, b"last", partition=1)
            await until(lambda: len(work.values + other.values) >= 7)
    assert Counter(work.values + other.values) == Counter([b"first", b"0", b"1", b"2", b"3", b"last", b"last"])
    assert {b"0", b"1", b"2", b"3"} <= set(work.values)


async def test_what_is_in_hand_when_a_member_ends_comes_again(kafka: str, topics: TopicFactory) -> None:
    topic, group = topics(partitions=1), fresh_group()
    work, other = Recorder(), Recorder()
    async with member(kafka, topic, group, work, apart=60) as one, producer(kafka) as told:
        await until(lambda: one.subscription.is_assigned)
        await told.send_and_wait(topic, b"first")
        await until(lambda: len(work.values) == 1)
        await told.send_and_wait(topic, b"second")
        await until(lambda: lag_is(one.subscription, 0))  # it is in hand
    assert work.values == [b"first"]
    async with member(kafka, topic, group, other):
        await until(lambda: other.values == [b"second"])


async def test_what_was_taken_in_turns_is_rewound_to_the_first_of_it(kafka: str, topics: TopicFactory) -> None:
    topic, group = topics(partitions=2), fresh_group()
    work = Recorder()
    async with (
        member(kafka, topic, group, work, patience=0, apart=1) as one,
        producer(kafka) as told,
    ):
        await until(lambda: one.subscription.is_assigned)
        await told.send_and_wait(topic, b"first", partition=0)
        await until(lambda: len(work.values) == 1)
        work.fail(Unavailable("citizens"))
        for nth in range(12):
            await told.send_and_wait(topic, b"%d" % nth, partition=nth % 2)
            await asyncio.sleep(0.02)
        await until(lambda: committed_is(kafka, group, topic, 7))
        await until(lambda: len(work.values) >= 25)
    refused, taken = work.batches[1], [record for batch in work.batches[2:] for record in batch]
    for partition in (0, 1):
        told_of = [b"%d" % nth for nth in range(partition, 12, 2)]
        assert [record.value for record in refused if record.partition == partition] == told_of
        assert [record.value for record in taken if record.partition == partition] == told_of


async def test_no_place_is_in_a_batch_twice(kafka: str, topics: TopicFactory) -> None:
    topic = topics(partitions=1)
    work = Recorder()
    async with member(kafka, topic, fresh_group(), work, apart=2) as one, producer(kafka) as told:
        await until(lambda: one.subscription.is_assigned)
        for value in (b"0", b"1"):
            await told.send_and_wait(topic, value)
        await until(lambda: len(work.values) == 1)
        await until(lambda: lag_is(one.subscription, 0))  # the second is in hand
        consumer: Any = one.subscription._subscriber.consumer
        consumer.seek(TopicPartition(topic, 0), 0)
        await told.send_and_wait(topic, b"2")
        await until(lambda: len(work.values) >= 5)
    assert [[record.value for record in batch] for batch in work.batches[:2]] == [[b"0"], [b"1"]]
    assert work.values[2:] == [b"0", b"1", b"2"]
