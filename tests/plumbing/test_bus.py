"""A subscription loses nothing and skips nothing, whatever the records hold and whatever the work raises."""

import asyncio
import gc
import time
from collections import Counter
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaConnectionError
from faststream import AckPolicy, FastStream
from faststream.kafka import KafkaBroker
from faststream.kafka.message import KafkaMessage
from faststream.kafka.subscriber.usecase import BatchSubscriber
from structlog.testing import capture_logs

from campaign.admin import delete_topic
from deploy.kafka import TopicToMake
from plumbing.bus import Record, Subscription, fetching, make_broker, start_producer, start_whole
from plumbing.errors import Unavailable
from plumbing.outbox.store import Row
from plumbing.telemetry import metrics
from stack import Stack
from tests.plumbing.helpers import (
    Recorder,
    bus_settings,
    committed,
    committed_is,
    fresh_group,
    lag_is,
    member,
    produce,
    producer,
    read_log,
    until,
)
from tests.support.fixtures import TopicFactory

AWAY = Unavailable("database")


# what the work does ----------------------------------------------------------------------------------------------------------


def test_every_subscription_of_the_bus_starts_at_the_beginning_and_rewinds_on_error() -> None:
    settings = bus_settings("127.0.0.1:1")
    broker = make_broker(settings)
    for name in ("one", "two"):
        Subscription(broker, topic=name, group=f"g.{name}", work=Recorder(), settings=settings)

    assert len(broker.subscribers) == 2
    for subscriber in broker.subscribers:
        assert isinstance(subscriber, BatchSubscriber)
        assert subscriber.ack_policy is AckPolicy.NACK_ON_ERROR
        options = subscriber._connection_args
        assert options["auto_offset_reset"] == "earliest"
        assert options["enable_auto_commit"] is False
        assert options["isolation_level"] == "read_committed"
        assert options["group_instance_id"] is None
        assert subscriber.max_records == settings.max_records
        assert subscriber._no_reply


async def test_what_was_there_before_the_group_is_read(kafka: str, topics: TopicFactory) -> None:
    topic = topics()
    await produce(kafka, topic, b"old")
    work = Recorder()

    async with member(kafka, topic, fresh_group(), work):
        await until(lambda: work.values == [b"old"])


async def test_offsets_are_committed_only_after_the_work_returned(kafka: str, topics: TopicFactory) -> None:
    topic, group = topics(), fresh_group()
    await produce(kafka, topic, b"1", b"2")
    began, may_end = asyncio.Event(), asyncio.Event()

    async def work(_records: Sequence[Record]) -> None:
        began.set()
        await may_end.wait()

    async with member(kafka, topic, group, work):
        await began.wait()
        assert await committed(kafka, group, topic) is None
        may_end.set()
        await until(lambda: committed_is(kafka, group, topic, 2))


async def test_what_comes_while_nothing_is_there_is_handed_on_at_once(kafka: str, topics: TopicFactory) -> None:
    topic, group = topics(), fresh_group()
    await produce(kafka, topic, b"1")
    work = Recorder()
    async with member(kafka, topic, group, work, batch_timeout_ms=60_000):
        await until(lambda: committed_is(kafka, group, topic, 1))
        await asyncio.sleep(0.5)  # it looks, and finds nothing
        began = time.monotonic()
        await produce(kafka, topic, b"2")
        await until(lambda: work.values == [b"1", b"2"])
        assert time.monotonic() - began < 20


async def test_a_batch_that_was_worked_is_forgotten_without_the_collector(kafka: str, topics: TopicFactory) -> None:
    topic, group = topics(), fresh_group()
    await produce(kafka, topic, b"1", b"2")
    work = Recorder()
    gc.collect()
    gc.disable()
    try:
        async with member(kafka, topic, group, work):
            await until(lambda: committed_is(kafka, group, topic, 2))
            await until(lambda: not any(isinstance(one, KafkaMessage) for one in gc.get_objects()))
    finally:
        gc.enable()


async def test_work_that_never_returned_is_redelivered_to_the_next_member(kafka: str, topics: TopicFactory) -> None:
    topic, group = topics(), fresh_group()
    await produce(kafka, topic, b"1", b"2")
    began = asyncio.Event()

    async def hang(_records: Sequence[Record]) -> None:
        began.set()
        await asyncio.Event().wait()

    async with member(kafka, topic, group, hang, graceful_seconds=0.1):
        await began.wait()
    work = Recorder()
    async with member(kafka, topic, group, work):
        await until(lambda: work.values == [b"1", b"2"])


@pytest.mark.parametrize("error", [RuntimeError("ours"), AWAY], ids=["a fault of ours", "not now"])
async def test_a_batch_over_several_partitions_is_redelivered_whole(
    kafka: str, topics: TopicFactory, error: Exception
) -> None:
    topic, group = topics(partitions=3), fresh_group()
    for partition in range(3):
        await produce(kafka, topic, *(b"%d-%d" % (partition, nth) for nth in range(4)), partition=partition)
    expected = sorted(b"%d-%d" % (partition, nth) for partition in range(3) for nth in range(4))
    done: list[bytes | None] = []
    failed: list[bytes | None] = []

    async def work(records: Sequence[Record]) -> None:
        if len({record.partition for record in records}) > 1 and not failed:
            failed.extend(record.value for record in records)
            raise error
        done.extend(record.value for record in records)

    async with member(kafka, topic, group, work, patience=0, batch_timeout_ms=500):
        await until(lambda: len(done) >= 12)
        await asyncio.sleep(0.3)

    assert failed, "no batch held several partitions"
    assert sorted(done, key=str) == sorted(expected, key=str)
    assert [await committed(kafka, group, topic, nth) for nth in range(3)] == [4, 4, 4]


async def test_the_default_policy_would_lose_a_batch_whose_work_raised(kafka: str, topics: TopicFactory) -> None:
    topic, group = topics(), fresh_group()
    await produce(kafka, topic, b"1")
    broker = KafkaBroker(kafka)
    seen: list[Any] = []

    @broker.subscriber(topic, group_id=group, batch=True, auto_offset_reset="earliest", auto_commit_interval_ms=100)
    async def fail(batch: list[Any]) -> None:
        seen.extend(batch)
        raise RuntimeError

    async with broker:
        await broker.start()
        await until(lambda: bool(seen))
        await until(lambda: committed_is(kafka, group, topic, 1))


async def test_what_is_not_now_is_tried_again_in_place_with_the_same_records(kafka: str, topics: TopicFactory) -> None:
    topic = topics()
    await produce(kafka, topic, b"1", b"2")
    work = Recorder(AWAY, ConnectionError(), TimeoutError())

    async with member(kafka, topic, fresh_group(), work) as one:
        rewound = watch_rewinds(one.subscription)
        await until(lambda: len(work.batches) == 4)

    assert all([record.offset for record in batch] == [0, 1] for batch in work.batches)
    assert not rewound


async def test_patience_ends_with_a_rewind_that_skips_nothing(kafka: str, topics: TopicFactory) -> None:
    topic, group = topics(), fresh_group()
    await produce(kafka, topic, b"1", b"2")
    work = Recorder(*(Unavailable("citizens") for _ in range(6)))

    async with member(kafka, topic, group, work, patience=0.3) as one:
        rewound = watch_rewinds(one.subscription)
        await until(lambda: len(work.batches) == 7)
        await until(lambda: committed_is(kafka, group, topic, 2))

    assert rewound
    assert all([record.offset for record in batch] == [0, 1] for batch in work.batches)


async def test_a_rewind_never_goes_forward(kafka: str, topics: TopicFactory) -> None:
    """A topic made anew while a batch of the old one is tried again is read from its beginning; the old place is further on."""
    topic, group = topics(partitions=1), fresh_group()
    values: list[bytes | None] = []
    was_made_anew = asyncio.Event()

    async def work(records: Sequence[Record]) -> None:
        if records[-1].offset == 7 and not was_made_anew.is_set():
            was_made_anew.set()
            consumer: Any = one.subscription._subscriber.consumer
            consumer.seek(TopicPartition(topic, 0), 2)  # as the client does of itself then
            raise Unavailable("citizens")
        values.extend(record.value for record in records)

    async with member(kafka, topic, group, work, patience=0) as one, producer(kafka) as told:
        for nth in range(8):
            await told.send_and_wait(topic, b"%d" % nth)
        await was_made_anew.wait()
        await until(lambda: values[-6:] == [b"%d" % nth for nth in range(2, 8)])
        await until(lambda: committed_is(kafka, group, topic, 8))


async def test_a_fault_of_ours_is_tried_ever_more_slowly_and_never_skipped(kafka: str, topics: TopicFactory) -> None:
    topic, group = topics(), fresh_group()
    await produce(kafka, topic, b"poison")
    times: list[float] = []

    async def work(_records: Sequence[Record]) -> None:
        times.append(time.monotonic())
        if len(times) < 3:
            raise KeyError

    async with member(kafka, topic, group, work):
        await until(lambda: len(times) == 3)
        await until(lambda: committed_is(kafka, group, topic, 1))

    pauses = [after - before for before, after in pairwise(times)]
    assert pauses[0] > 0.9
    assert pauses[1] > 1.8


async def test_a_fault_that_lasts_for_days_is_still_slowed_down() -> None:
    settings = bus_settings("127.0.0.1:1")
    one = Subscription(make_broker(settings), topic="t", group="g", work=Recorder(), settings=settings)
    one._failures = 100_000
    one.stop_waiting()  # so that the pause itself is spared

    await one._slow_down(KeyError())


async def test_work_that_is_cancelled_from_within_does_not_end_the_consumer(kafka: str, topics: TopicFactory) -> None:
    topic = topics()
    await produce(kafka, topic, b"1")
    calls = 0

    async def work(_records: Sequence[Record]) -> None:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise asyncio.CancelledError

    async with member(kafka, topic, fresh_group(), work):
        await until(lambda: calls == 2)


# leaving and rebalancing -----------------------------------------------------------------------------------------------------


async def test_draining_ends_the_waiting_at_once_and_hands_the_batch_back(kafka: str, topics: TopicFactory) -> None:
    topic, group = topics(), fresh_group()
    await produce(kafka, topic, b"1")
    tried = asyncio.Event()

    async def away(_records: Sequence[Record]) -> None:
        tried.set()
        raise Unavailable("database")

    async with member(kafka, topic, group, away, graceful_seconds=20):
        await tried.wait()
        await asyncio.sleep(1)  # by now it waits for seconds
        left_at = time.monotonic()
    assert time.monotonic() - left_at < 3
    assert await committed(kafka, group, topic) is None


async def test_a_rebalance_does_not_make_a_draining_member_patient_again() -> None:
    settings = bus_settings("127.0.0.1:1")
    one = Subscription(make_broker(settings), topic="t", group="g", work=Recorder(), settings=settings)
    one.stop_waiting()
    await one.on_partitions_assigned([])

    assert await one._given_up_within(0.1)


async def test_a_revoked_batch_ends_and_is_committed_before_its_partitions_go(kafka: str, topics: TopicFactory) -> None:
    topic, group = topics(partitions=2), fresh_group()
    for partition in (0, 1):
        await produce(kafka, topic, b"1", partition=partition)
    began = asyncio.Event()
    seen: list[tuple[str, int, int]] = []

    def work(name: str, seconds: float) -> Any:
        async def note(records: Sequence[Record]) -> None:
            began.set()
            await asyncio.sleep(seconds)
            seen.extend((name, record.partition, record.offset) for record in records)

        return note

    async with member(kafka, topic, group, work("old", 2), batch_timeout_ms=300):
        await began.wait()
        async with member(kafka, topic, group, work("new", 0)) as newcomer:
            await until(lambda: newcomer.subscription.is_assigned)
            await until(lambda: len(seen) >= 2)
            await asyncio.sleep(0.5)

    assert sorted((partition, offset) for _, partition, offset in seen) == [(0, 0), (1, 0)]


async def test_a_revoked_batch_that_waits_is_given_up_at_once(kafka: str, topics: TopicFactory) -> None:
    topic, group = topics(partitions=2), fresh_group()
    for partition in (0, 1):
        await produce(kafka, topic, b"1", partition=partition)
    is_away = True
    tried = asyncio.Event()
    done: list[tuple[int, int]] = []

    async def work(records: Sequence[Record]) -> None:
        tried.set()
        if is_away:
            raise Unavailable("database")
        done.extend((record.partition, record.offset) for record in records)

    async with member(kafka, topic, group, work):
        await tried.wait()
        await asyncio.sleep(1.5)  # by now it waits for seconds
        joined_at = time.monotonic()
        async with member(kafka, topic, group, work) as newcomer:
            await until(lambda: newcomer.subscription.is_assigned)
            assert time.monotonic() - joined_at < 6
            is_away = False
            await until(lambda: sorted(done) == [(0, 0), (1, 0)])


async def test_a_batch_longer_than_the_session_keeps_its_place_while_partitions_are_revoked(
    kafka: str, topics: TopicFactory
) -> None:
    topic, group = topics(partitions=2), fresh_group()
    await produce(kafka, topic, b"1")
    began = asyncio.Event()
    done: list[str] = []

    async def slow(_records: Sequence[Record]) -> None:
        began.set()
        await asyncio.sleep(3.5)
        done.append("slow")

    async def quick(_records: Sequence[Record]) -> None:
        done.append("quick")

    async with member(kafka, topic, group, slow, session_timeout_ms=1_000):
        await began.wait()
        async with member(kafka, topic, group, quick, session_timeout_ms=1_000):
            await until(lambda: "slow" in done)
            await until(lambda: committed_is(kafka, group, topic, 1))
            await asyncio.sleep(0.5)

    assert done == ["slow"]


# what is told about it -------------------------------------------------------------------------------------------------------


async def test_lag_is_what_was_not_read_yet(kafka: str, topics: TopicFactory) -> None:
    topic = topics(partitions=2)
    for partition in (0, 1):
        await produce(kafka, topic, *(b"%d" % nth for nth in range(10)), partition=partition)
    may_end = asyncio.Event()

    async def work(_records: Sequence[Record]) -> None:
        await may_end.wait()

    async with member(kafka, topic, fresh_group(), work, max_records=5) as one:
        await until(lambda: lag_is(one.subscription, 15))
        may_end.set()
        await until(lambda: lag_is(one.subscription, 0))


async def test_lag_is_unknown_while_there_is_no_consumer() -> None:
    settings = bus_settings("127.0.0.1:1")
    one = Subscription(make_broker(settings), topic="t", group="g", work=Recorder(), settings=settings)

    assert await one.lag() is None
    assert not one.is_assigned


async def test_it_is_told_for_how_long_the_broker_has_said_nothing(kafka: str, topics: TopicFactory) -> None:
    """A gauge of lag stands still meanwhile, mostly at nothing, and looks well."""

    async def says_nothing(_partitions: object) -> dict[TopicPartition, int]:
        raise KafkaConnectionError

    async with member(kafka, topics(), fresh_group(), Recorder()) as one:
        await until(lambda: lag_is(one.subscription, 0))
        assert one.subscription.blind_seconds() == 0
        with pytest.MonkeyPatch.context() as away:
            away.setattr(one.subscription._subscriber.consumer, "end_offsets", says_nothing)
            assert await one.subscription.lag() is None
            await asyncio.sleep(0.3)
            assert await one.subscription.lag() is None
            assert one.subscription.blind_seconds() >= 0.3
        assert await one.subscription.lag() == 0
        assert one.subscription.blind_seconds() == 0


async def test_lag_survives_a_partition_that_was_just_revoked(kafka: str, topics: TopicFactory) -> None:
    topic = topics()
    await produce(kafka, topic, b"1")
    work = Recorder()

    async with member(kafka, topic, fresh_group(), work) as one:
        await until(lambda: bool(work.values))
        consumer: Any = one.subscription._subscriber.consumer
        consumer.assignment = lambda: {TopicPartition(topic, 0), TopicPartition(topic, 7)}
        assert await one.subscription.lag() is None


async def test_a_batch_in_work_for_too_long_is_stuck(kafka: str, topics: TopicFactory) -> None:
    topic = topics()
    await produce(kafka, topic, b"1")
    may_end = asyncio.Event()

    async def work(_records: Sequence[Record]) -> None:
        await may_end.wait()

    async with member(kafka, topic, fresh_group(), work) as one:
        await until(lambda: one.subscription.is_stuck(0.2))
        assert not one.subscription.is_stuck(60)
        may_end.set()
        await until(lambda: not one.subscription.is_stuck(0.2))


async def test_a_consumer_that_reads_no_more_although_there_is_more_is_stuck(kafka: str, topics: TopicFactory) -> None:
    topic = topics()
    await produce(kafka, topic, b"1")
    work = Recorder()

    async with member(kafka, topic, fresh_group(), work) as one:
        await until(lambda: bool(work.values))
        for task in one.subscription._subscriber.tasks:
            task.cancel()
        assert await one.subscription.lag() == 0
        assert not one.subscription.is_stuck(0)
        await produce(kafka, topic, b"2")
        await until(lambda: lag_is(one.subscription, 1))
        await until(lambda: one.subscription.is_stuck(0.1))


async def test_a_partition_that_stands_is_told_of_though_another_flows(
    kafka: str, topics: TopicFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic = topics(partitions=2)
    await produce(kafka, topic, b"stands", partition=0)
    is_damaged = True
    monkeypatch.setattr(fetching, "_REFETCH_AFTER_SECONDS", 0.2)
    monkeypatch.setattr(
        fetching._Batch,
        "validate_crc",
        lambda batch: not (is_damaged and b"stands" in bytes(batch._raw)),
        raising=False,
    )
    work = Recorder()

    async with member(kafka, topic, fresh_group(), work) as one:

        async def stands() -> bool:
            await one.subscription.lag()
            return one.subscription.standing_seconds() > 1

        async with producer(kafka) as client:
            while not await stands():
                await client.send_and_wait(topic, b"flows", partition=1)
                await asyncio.sleep(0.05)
        assert len(work.batches) > 5
        assert not one.subscription.is_stuck(
            1
        )  # one that flows is not ended: the rest of what it reads would stand too
        is_damaged = False
        await until(lambda: b"stands" in work.values)
        await until(lambda: lag_is(one.subscription, 0))
        assert one.subscription.standing_seconds() == 0


async def test_partitions_do_not_stand_while_a_batch_is_in_work(kafka: str, topics: TopicFactory) -> None:
    topic = topics(partitions=2)
    for partition in (0, 1):
        await produce(kafka, topic, b"1", b"2", partition=partition)
    may_end = asyncio.Event()

    async def work(_records: Sequence[Record]) -> None:
        await may_end.wait()

    async with member(kafka, topic, fresh_group(), work, max_records=1) as one:
        await until(lambda: lag_is(one.subscription, 3))
        before = one.subscription.standing_seconds()
        await asyncio.sleep(1)
        assert await one.subscription.lag() == 3
        assert one.subscription.standing_seconds() == before < 0.5
        may_end.set()
        await until(lambda: lag_is(one.subscription, 0))


async def test_a_start_that_failed_half_way_leaves_no_consumer_behind(
    kafka: str, topics: TopicFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tried again, the first subscription would have two, and the framework acknowledge what one reads by the other."""
    first, second, group = topics(partitions=1), topics(partitions=1), fresh_group()
    broker = make_broker(bus_settings(kafka), graceful_seconds=1)
    works = [Recorder(), Recorder()]
    reading = [
        Subscription(broker, topic=topic, group=f"{group}.{topic}", work=work, settings=bus_settings(kafka))
        for topic, work in zip((first, second), works, strict=True)
    ]
    app = FastStream(broker, logger=None)
    with monkeypatch.context() as broken:
        broken.setattr(type(reading[1]._subscriber), "_post_start", failing_at(reading[1]._subscriber))
        with pytest.raises(KafkaConnectionError):
            await start_whole(app)
    assert [one._subscriber.tasks for one in reading] == [[], []]
    assert reading[0]._subscriber.consumer is None

    await start_whole(app)
    try:
        assert [len(one._subscriber.tasks) for one in reading] == [1, 1]
        await produce(kafka, first, b"1")
        await produce(kafka, second, b"2")
        await until(lambda: [work.values for work in works] == [[b"1"], [b"2"]])
    finally:
        await app.stop()


async def test_a_member_that_never_comes_back_to_its_group_is_stuck(kafka: str, topics: TopicFactory) -> None:
    topic = topics()
    async with member(kafka, topic, fresh_group(), Recorder()) as one:
        await until(lambda: one.subscription.is_assigned)
        await one.subscription.lag()
        assert not one.subscription.is_stuck(0)
        await one.subscription.on_partitions_revoked([])
        assert await one.subscription.lag() == 0
        await until(lambda: one.subscription.is_stuck(0.1))
        assert not one.subscription.is_stuck(60)
        await one.subscription.on_partitions_assigned([])
        await one.subscription.lag()
        assert not one.subscription.is_stuck(0)


async def test_a_member_beyond_the_number_of_partitions_is_in_its_place_and_idle(
    kafka: str, topics: TopicFactory
) -> None:
    topic, group = topics(partitions=1), fresh_group()
    async with (
        member(kafka, topic, group, Recorder()) as one,
        member(kafka, topic, group, Recorder()) as two,
    ):
        await until(lambda: one.subscription.is_assigned and two.subscription.is_assigned)


async def test_a_topic_that_is_not_there_is_waited_for_and_not_made_up(kafka: str) -> None:
    settings = bus_settings(kafka)
    broker = make_broker(settings)
    one = Subscription(broker, topic="no.such.topic", group=fresh_group(), work=Recorder(), settings=settings)
    async with broker:
        starting = asyncio.create_task(broker.start())
        await asyncio.sleep(1)
        assert not starting.done()
        assert not one.is_assigned
        starting.cancel()
    assert not await is_topic(kafka, "no.such.topic"), "it was made, with nobody's partitions and retention"


# a topic that is deleted and made anew ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("away_seconds", [0, 4])
async def test_a_topic_made_anew_under_its_reader_is_read_from_its_beginning_soon_and_that_is_told(
    stack: Stack, kafka: str, topics: TopicFactory, away_seconds: float
) -> None:
    topic = topics(partitions=2)
    await produce(kafka, topic, *(b"old %d" % nth for nth in range(20)))
    await produce(kafka, topic, b"old", partition=1)
    work = Recorder()
    new = {b"new %d" % nth for nth in range(3)}

    with capture_logs() as lines:
        async with member(kafka, topic, fresh_group(), work) as one:
            await until(lambda: len(work.values) == 21)
            await until(lambda: lag_is(one.subscription, 0))
            await make_anew(stack, topic, away_seconds)
            await produce(kafka, topic, *new)

            async def is_read() -> bool:  # the lag is asked for by whoever runs the subscription, every second
                return await one.subscription.lag() == 0 and new <= set(work.values)

            await until(is_read, 15)

    assert Counter(work.values).most_common(1)[0][1] == 1
    told = [line for line in lines if line["event"] == "a topic ends before where it ended"]
    assert [(line["log_level"], line["topic"], line["partitions"]) for line in told] == [("error", topic, [0, 1])]
    assert metrics.TOPIC_WENT_BACK.labels(topic)._value.get() == 2


async def test_where_a_group_was_goes_with_the_topic_so_that_nothing_of_the_new_one_is_passed_over(
    stack: Stack, kafka: str, topics: TopicFactory
) -> None:
    topic, group = topics(), fresh_group()
    await produce(kafka, topic, b"1", b"2", b"3")
    work = Recorder()
    async with member(kafka, topic, group, work):
        await until(lambda: committed_is(kafka, group, topic, 3))

    await make_anew(stack, topic, 0)
    new = [b"new %d" % nth for nth in range(6)]
    await produce(kafka, topic, *new)  # beyond where the group was
    async with member(kafka, topic, group, work):
        await until(lambda: len(work.values) == 9)
    assert work.values[3:] == new


async def make_anew(stack: Stack, topic: str, away_seconds: float) -> None:
    partitions = len({one.partition for one in await read_log(stack.kafka_bootstrap, topic)})
    await delete_topic(stack.kafka_bootstrap, topic)
    await asyncio.sleep(away_seconds)
    await asyncio.to_thread(stack.make_topics, TopicToMake(name=topic, partitions=partitions, config={}))


# producing ----------------------------------------------------------------------------------------------------


async def test_a_producer_waits_for_all_replicas_and_writes_nothing_twice(kafka: str, topics: TopicFactory) -> None:
    topic = topics()
    client: Any = await start_producer(bus_settings(kafka))
    inside = client._producer
    assert isinstance(inside, AIOKafkaProducer)
    assert inside._sender._acks == -1
    assert inside._txn_manager is not None  # the idempotent one
    [acknowledged] = await client.send([Row(seq=1, topic=topic, key="k", headers=[], value=b"v", failures=0)])
    await acknowledged
    await client.stop()

    assert [record.value for record in await read_log(kafka, topic)] == [b"v"]


async def test_a_broker_that_is_away_is_unavailable() -> None:
    with pytest.raises(Unavailable):
        await start_producer(bus_settings("127.0.0.1:1"))


# helpers ----------------------------------------------------------------------------------------------------


def failing_at(subscriber: BatchSubscriber) -> Callable[[BatchSubscriber], None]:
    """A hook that lets all start but this one."""
    inherited = type(subscriber)._post_start

    def start_or_fail(self: BatchSubscriber) -> None:
        if self is subscriber:
            raise KafkaConnectionError
        inherited(self)

    return start_or_fail


def watch_rewinds(subscription: Subscription) -> list[int]:
    consumer: Any = subscription._subscriber.consumer
    seek = consumer.seek
    rewound: list[int] = []

    def note(partition: TopicPartition, offset: int) -> None:
        rewound.append(offset)
        seek(partition, offset)

    consumer.seek = note
    return rewound


async def is_topic(kafka: str, name: str) -> bool:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    try:
        return name in await admin.list_topics()
    finally:
        await admin.close()
