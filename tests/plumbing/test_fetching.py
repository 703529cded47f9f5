"""Whatever records hold, they arrive as they are, and nothing beside them is lost."""

import asyncio
import struct
from typing import Any

import pytest
from aiokafka.record.util import calc_crc32c
from faststream import AckPolicy
from faststream.kafka import KafkaBroker

from plumbing.bus import fetching
from plumbing.telemetry import metrics
from tests.plumbing.helpers import (
    Headers,
    Recorder,
    committed,
    fresh_group,
    lag_is,
    member,
    produce,
    producer,
    until,
)
from tests.support.fixtures import TopicFactory

BAD_HEADERS: list[Headers] = [
    [("ce_id", None)],
    [("ce_id", b"\xff\xfe")],
    [("", b"empty name")],
    [("twice", b"1"), ("twice", b"2")],
    [(f"header-{nth}", b"x") for nth in range(1000)],
    [("content-type", b"application/x-pickle"), ("reply_to", b"sygefravaer.absence.v1")],
]


@pytest.mark.parametrize("headers", BAD_HEADERS, ids=["null", "not-utf-8", "no-name", "twice", "1000", "framework"])
async def test_a_header_of_any_kind_loses_neither_its_record_nor_its_batch(
    kafka: str, topics: TopicFactory, headers: Headers
) -> None:
    topic = topics()
    await produce(kafka, topic, b"before")
    await produce(kafka, topic, b"odd", headers=headers)
    await produce(kafka, topic, b"after")
    work = Recorder()

    async with member(kafka, topic, fresh_group(), work):
        await until(lambda: len(work.values) == 3)

    assert work.values == [b"before", b"odd", b"after"]
    odd = [record for batch in work.batches for record in batch][1]
    assert odd.headers == tuple((name, value or b"") for name, value in headers)


async def test_the_framework_alone_would_lose_the_batch_of_a_null_header(kafka: str, topics: TopicFactory) -> None:
    topic, group = topics(), fresh_group()
    await produce(kafka, topic, b"before")
    await produce(kafka, topic, b"odd", headers=[("ce_id", None)])
    broker = KafkaBroker(kafka)
    seen: list[Any] = []

    @broker.subscriber(
        topic, group_id=group, batch=True, auto_offset_reset="earliest", ack_policy=AckPolicy.NACK_ON_ERROR
    )
    async def keep(batch: list[Any]) -> None:
        seen.extend(batch)

    async with broker:
        await broker.start()
        await asyncio.sleep(1)
        await produce(kafka, topic, b"after")
        await until(lambda: bool(seen))

    assert seen == [b"after"]
    assert await committed(kafka, group, topic) == 3  # two records were stepped over in silence


async def test_a_header_name_that_is_not_utf_8_is_read_escaped_and_stops_nobody(
    kafka: str, topics: TopicFactory
) -> None:
    topic = topics(partitions=2)
    for partition in (0, 1):
        await produce(kafka, topic, b"before", partition=partition)
    await produce_with_raw_header_name(kafka, topic, b"\xffname")
    for partition in (0, 1):
        await produce(kafka, topic, b"after", partition=partition)
    work = Recorder()

    async with member(kafka, topic, fresh_group(), work):
        await until(lambda: len(work.values) == 6)

    by_partition = {nth: [r.value for b in work.batches for r in b if r.partition == nth] for nth in (0, 1)}
    assert by_partition == {0: [b"before", b"first", b"odd", b"after"], 1: [b"before", b"after"]}
    odd = next(record for batch in work.batches for record in batch if record.value == b"odd")
    assert odd.headers == (("\\xffname", b"x"),)


async def produce_with_raw_header_name(kafka: str, topic: str, name: bytes) -> None:
    """No client of ours can send such a name, so it is written into a batch that was made with another of the same length."""
    placeholder = "?" * len(name)
    async with producer(kafka) as client:
        batch = client.create_batch()
        batch.append(key=None, value=b"first", timestamp=None)
        batch.append(key=None, value=b"odd", timestamp=None, headers=[(placeholder, b"x")])
        batch.close()
        raw = bytearray(batch._build())
        at = raw.index(placeholder.encode())
        raw[at : at + len(name)] = name
        raw[17:21] = struct.pack(">I", calc_crc32c(bytes(raw[21:])))
        batch._buffer = raw
        await (await client.send_batch(batch, topic, partition=0))


async def test_bytes_that_were_damaged_on_the_way_are_fetched_again_and_nothing_beside_them_is_lost(
    kafka: str, topics: TopicFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic = topics(partitions=6)
    for partition in range(6):
        await produce(kafka, topic, b"%d" % partition, partition=partition)
    checked = 0

    def is_whole(_batch: Any) -> bool:
        nonlocal checked
        checked += 1
        return checked not in {3, 5, 8}

    monkeypatch.setattr(fetching, "_REFETCH_AFTER_SECONDS", 0.3)
    monkeypatch.setattr(fetching._Batch, "validate_crc", is_whole, raising=False)
    work = Recorder()
    async with member(kafka, topic, fresh_group(), work, max_records=500):
        await until(lambda: len(work.values) == 6)
        await asyncio.sleep(0.5)
    assert sorted(work.values, key=str) == [b"%d" % partition for partition in range(6)]
    assert checked > 6


async def test_a_partition_that_stays_damaged_is_counted_again_and_again_while_the_others_flow(
    kafka: str, topics: TopicFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic, group = topics(partitions=2), fresh_group()
    metrics.begin_at_zero(topic, (), ())
    await produce(kafka, topic, b"damaged", partition=0)
    monkeypatch.setattr(fetching, "_REFETCH_AFTER_SECONDS", 0.2)
    monkeypatch.setattr(
        fetching._Batch, "validate_crc", lambda batch: b"damaged" not in bytes(batch._raw), raising=False
    )
    work = Recorder()
    async with member(kafka, topic, group, work):
        await until(lambda: unreadable(topic) > 0)
        await produce(kafka, topic, b"1", partition=1)
        await until(lambda: work.values == [b"1"])
        before = unreadable(topic)
        await until(lambda: unreadable(topic) > before + 1)
        await produce(kafka, topic, b"2", partition=1)
        await until(lambda: work.values == [b"1", b"2"])

    assert not await committed(kafka, group, topic, 0)  # it waits, and is not stepped over


def unreadable(topic: str) -> float:
    return float(metrics.PARTITION_UNREADABLE.labels(topic)._value.get())


async def test_null_keys_and_values_and_their_places_arrive_as_they_are(kafka: str, topics: TopicFactory) -> None:
    topic = topics()
    async with producer(kafka) as client:
        await client.send_and_wait(topic, None, key=b"\xff", timestamp_ms=1_700_000_000_000)
        await client.send_and_wait(topic, b"\xff", key=None)
    work = Recorder()

    async with member(kafka, topic, fresh_group(), work):
        await until(lambda: len(work.values) == 2)

    first, second = (record for batch in work.batches for record in batch)
    assert (first.topic, first.partition, first.offset, first.key, first.value) == (topic, 0, 0, b"\xff", None)
    assert first.timestamp_ms == 1_700_000_000_000
    assert (second.offset, second.key, second.value) == (1, None, b"\xff")


@pytest.mark.parametrize("codec", ["gzip", "snappy", "lz4", "zstd"])
async def test_every_codec_a_sender_may_use_is_read(kafka: str, topics: TopicFactory, codec: str) -> None:
    topic = topics()
    async with producer(kafka, compression_type=codec) as client:
        await client.send_and_wait(topic, b"compressed " * 100)
    work = Recorder()

    async with member(kafka, topic, fresh_group(), work):
        await until(lambda: len(work.values) == 1)


async def test_what_a_transaction_aborted_is_never_handed_over(kafka: str, topics: TopicFactory) -> None:
    topic = topics()
    async with producer(kafka, transactional_id=fresh_group()) as client:
        for value in (b"aborted", b"kept"):
            await client.begin_transaction()
            await client.send_and_wait(topic, value)
            await (client.commit_transaction() if value == b"kept" else client.abort_transaction())
    work = Recorder()

    async with member(kafka, topic, fresh_group(), work) as one:
        await until(lambda: bool(work.values))
        assert work.values == [b"kept"]
        await until(lambda: lag_is(one.subscription, 0))
