"""What a transaction announces reaches Kafka, in order per key, whoever dies in between."""

import asyncio
import contextlib
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any

import pytest
from aiokafka import errors
from aiokafka.errors import KafkaError, KafkaTimeoutError, TopicAuthorizationFailedError
from structlog.testing import capture_logs
from typing_extensions import override

from campaign.admin import delete_topic
from deploy.kafka import TopicToMake
from plumbing import outbox
from plumbing.bus import start_producer
from plumbing.errors import Unavailable
from plumbing.outbox import MAX_MESSAGE_BYTES, Outgoing, Oversized, Relay, store
from plumbing.outbox.relay import Producer
from plumbing.outbox.store import Row
from plumbing.postgres import Database
from plumbing.telemetry.metrics import OUTBOX_CLOSED
from stack import Stack
from tests.plumbing.helpers import Message, bus_settings, read_log, set_limit, until
from tests.support.fixtures import TopicFactory

MIB = 1024 * 1024


# the table ----------------------------------------------------------------------------------------------------------------


async def test_a_message_of_a_transaction_that_rolled_back_is_not_there(pool: Database) -> None:
    async def fail() -> None:
        async with pool.transaction() as connection:
            await outbox.put(connection, [Message(topic="t")])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()

    assert await waiting(pool) == []


async def test_messages_are_read_back_as_they_were_put_in_their_order(pool: Database) -> None:
    headers = (("ce_id", b"1"), ("colon", b"a:b"), ("ce_id", b"\xff twice"), ("empty", b""))
    await put(pool, Message(topic="t", key="æ", value=b"\x00\xff", headers=headers), Message(topic="t", headers=()))

    async with pool.acquire() as connection:
        first, second = await store.read(connection, 10)
    assert (first.topic, first.key, first.value, first.headers) == ("t", "æ", b"\x00\xff", list(headers))
    assert second.headers == []
    assert first.seq < second.seq


async def test_a_header_with_a_line_break_is_refused_rather_than_read_as_two(pool: Database) -> None:
    with pytest.raises(ValueError, match="line break"):
        await put(pool, Message(topic="t", headers=(("subject", b"a\nce_id:forged"),)))


async def test_a_message_that_no_topic_takes_is_refused_when_it_is_made(pool: Database) -> None:
    headers = (("name", b"x" * 1000),)
    with pytest.raises(Oversized) as refused:
        await put(pool, Message(topic="t", value=bytes(MAX_MESSAGE_BYTES - 100), headers=headers))

    assert refused.value.topic == "t"
    assert await waiting(pool) == []


async def test_the_largest_message_that_is_taken_passes(pool: Database, kafka: str, topics: TopicFactory) -> None:
    topic = topics()
    value = bytes(MAX_MESSAGE_BYTES - len("key"))
    await put(pool, Message(topic=topic, value=value))

    async with relaying(pool, kafka):
        await until(lambda: is_empty(pool))

    assert [record.value for record in await read_log(kafka, topic)] == [value]


async def test_one_read_takes_a_few_megabytes_at_most_and_always_one_message(pool: Database) -> None:
    await put(pool, *(Message(topic="t", value=bytes(900_000)) for _ in range(20)))

    async with pool.acquire() as connection:
        rows = await store.read(connection, 1000)
        one = await store.read(connection, 1)

    assert 1 <= sum(len(row.value) for row in rows) <= 5 * MIB
    assert [row.seq for row in rows] == sorted(row.seq for row in rows)
    assert len(one) == 1


# relaying -----------------------------------------------------------------------------------------------------------------


async def test_messages_leave_in_order_with_key_and_headers(pool: Database, kafka: str, topics: TopicFactory) -> None:
    topic = topics(partitions=3)
    for begin in range(0, 300, 50):
        await put(
            pool, *(Message(topic=topic, key=f"k{nth % 7}", value=b"%03d" % nth) for nth in range(begin, begin + 50))
        )
    await put(pool, Message(topic=topic, key="h", value=b"with", headers=(("ce_id", b"1"),)))

    async with relaying(pool, kafka, batch=40):
        await until(lambda: is_empty(pool))

    log = await read_log(kafka, topic)
    assert by_key(log) == {
        **{f"k{nth}".encode(): [b"%03d" % value for value in range(nth, 300, 7)] for nth in range(7)},
        b"h": [b"with"],
    }
    assert [record.headers for record in log if record.key == b"h"] == [(("ce_id", b"1"),)]


async def test_a_wake_spares_the_wait_for_the_next_poll(pool: Database, kafka: str, topics: TopicFactory) -> None:
    topic = topics()
    relay = Relay(pool, producers(kafka))
    async with running(relay):
        await asyncio.sleep(0.5)
        await put(pool, Message(topic=topic))
        relay.wake()
        await until(lambda: is_empty(pool), 2)


async def test_a_lower_number_that_is_committed_later_is_still_sent(
    pool: Database, kafka: str, topics: TopicFactory
) -> None:
    topic = topics()
    async with relaying(pool, kafka):
        async with pool.transaction() as slow:
            await outbox.put(slow, [Message(topic=topic, value=b"lower")])
            await put(pool, Message(topic=topic, value=b"higher"))
            await until(lambda: log_is(kafka, topic, [b"higher"]))
        await until(lambda: is_empty(pool))

    assert [record.value for record in await read_log(kafka, topic)] == [b"higher", b"lower"]


async def test_nothing_is_deleted_before_kafka_has_acknowledged_it(pool: Database) -> None:
    fake = FakeProducer()
    await put(pool, Message(topic="t", value=b"1"), Message(topic="t", value=b"2"))

    async with running(Relay(pool, fake.start)):
        await until(lambda: len(fake.pending) == 2)
        await asyncio.sleep(0.3)
        assert await waiting(pool) == [b"1", b"2"]
        fake.acknowledge()
        await until(lambda: is_empty(pool))


async def test_what_stands_behind_a_failure_is_sent_again_and_nothing_before_it(pool: Database) -> None:
    fake = FakeProducer()
    await put(pool, *(Message(topic="t", value=b"%d" % nth) for nth in range(4)))

    async with running(Relay(pool, fake.start)):
        await until(lambda: len(fake.pending) == 4)
        fake.acknowledges_at_once = True
        fake.fail(2, errors.NotLeaderForPartitionError())
        fake.acknowledge()
        await until(lambda: is_empty(pool))

    assert fake.sent == [b"0", b"1", b"2", b"3", b"2", b"3"]
    assert fake.stops == fake.starts


@pytest.mark.parametrize(
    "error",
    [KafkaTimeoutError(), TopicAuthorizationFailedError(), errors.ProducerFenced(), errors.OutOfOrderSequenceNumber()],
    ids=lambda error: type(error).__name__,
)
async def test_a_broker_that_is_slow_or_forbids_parks_nobody(pool: Database, error: KafkaError) -> None:
    fake = FakeProducer(error)
    await put(pool, Message(topic="t", value=b"1"))

    async with running(Relay(pool, fake.start, rest_seconds=0.01, closed_seconds=0.01)):
        await until(lambda: len(fake.sent) > 7)
        fake.refusal = None
        await until(lambda: is_empty(pool))

    assert await parked(pool) == []


async def test_a_broker_that_is_away_at_the_start_is_waited_for(pool: Database) -> None:
    fake = FakeProducer()
    fake.acknowledges_at_once = True
    attempts = 0

    async def start() -> Producer:
        nonlocal attempts
        attempts += 1
        if attempts < 4:
            raise Unavailable("kafka")
        return await fake.start()

    await put(pool, Message(topic="t"))
    async with running(Relay(pool, start, rest_seconds=0.01)):
        await until(lambda: is_empty(pool))


async def test_new_messages_do_not_shorten_the_rest_after_a_failure(pool: Database) -> None:
    attempts = 0

    async def away() -> Producer:
        nonlocal attempts
        attempts += 1
        raise Unavailable("kafka")

    relay = Relay(pool, away)
    await put(pool, Message(topic="t"))
    async with running(relay):
        for _ in range(100):
            relay.wake()
            await asyncio.sleep(0.01)
    assert attempts <= 4


async def test_one_refused_message_parks_its_key_alone_and_the_rest_goes_on_in_order(
    pool: Database, kafka: str, topics: TopicFactory
) -> None:
    small = topics("small", partitions=2, config={"max.message.bytes": "20000"})
    other = topics("other")
    before = [Message(topic=small, key=f"k{nth % 5}", value=b"a%d" % nth) for nth in range(20)]
    bad = Message(topic=small, key="k0", value=secrets.token_bytes(60_000))
    after = [Message(topic=small, key=f"k{nth % 5}", value=b"b%d" % nth) for nth in range(20)]
    elsewhere = [Message(topic=other, key="k0", value=b"same key, other topic")]
    await put(pool, *before, bad, *after, *elsewhere)

    async with relaying(pool, kafka, rest_seconds=0.02):
        await until(lambda: parked_is(pool, [(small, "k0")]), 20)
        await until(lambda: waiting_is(pool, 1 + 4), 20)  # the refused one and those of its key behind it

    log = by_key(await read_log(kafka, small), only_first=True)
    for nth in range(5):
        expected = [b"a%d" % value for value in range(nth, 20, 5)]
        expected += [b"b%d" % value for value in range(nth, 20, 5)] if nth else []
        assert log[f"k{nth}".encode()] == expected
    assert len(await read_log(kafka, other)) < 5


async def test_a_key_that_is_released_goes_on_where_it_stood(pool: Database) -> None:
    fake = FakeProducer(errors.MessageSizeTooLargeError(), refused=(b"1",))
    await put(pool, Message(topic="t", value=b"1"), Message(topic="t", value=b"2"))

    async with running(Relay(pool, fake.start, rest_seconds=0.01)):
        await until(lambda: parked_is(pool, [("t", "key")]))
        assert await waiting(pool) == [b"1", b"2"]
        fake.refusal = None
        async with pool.acquire() as connection:
            await connection.execute("delete from outbox_parked_key")
        await until(lambda: is_empty(pool))

    assert fake.sent[-2:] == [b"1", b"2"]


async def test_what_is_parked_is_tried_again_now_and_then_and_goes_out_when_it_is_taken(pool: Database) -> None:
    fake = FakeProducer(errors.MessageSizeTooLargeError(), refused=(b"1", b"2"))
    keys = [("t", "one"), ("t", "two")]
    await put(pool, Message(topic="t", key="one", value=b"1"), Message(topic="t", key="two", value=b"2"))

    async with running(Relay(pool, fake.start, rest_seconds=0.01, parked_seconds=0.5)):
        await until(lambda: parked_is(pool, keys))
        tried = len(fake.sent)
        await until(lambda: len(fake.sent) >= tried + 4)
        assert await parked(pool) == keys
        fake.refusal = None
        await until(lambda: is_empty(pool))

    assert await parked(pool) == []


async def test_refusals_in_one_topic_hold_up_and_repeat_nothing_of_another(pool: Database) -> None:
    fake = FakeProducer(errors.MessageSizeTooLargeError(), refused=tuple(b"bad %d" % nth for nth in range(20)))
    for nth in range(20):
        await put(
            pool, Message(topic="dlq", key=f"{nth}", value=b"bad %d" % nth), Message(topic="t", value=b"%d" % nth)
        )

    async with running(Relay(pool, fake.start, rest_seconds=5)):
        await until(lambda: waiting_is(pool, 20), 3)
        assert await parked(pool) == []

    assert [value for value in fake.sent if not value.startswith(b"bad")] == [b"%d" % nth for nth in range(20)]


async def test_a_topic_that_is_not_there_is_waited_for_by_its_own_messages_alone(pool: Database) -> None:
    fake = FakeProducer()
    fake.acknowledges_at_once = True
    fake.missing.add("dlq")
    for nth in range(20):
        await put(pool, Message(topic="dlq", value=b"dead %d" % nth), Message(topic="t", value=b"%d" % nth))

    with capture_logs() as lines:
        async with running(Relay(pool, fake.start, batch=10, closed_seconds=0.2)):
            await until(lambda: waiting_is(pool, 20), 3)
            await asyncio.sleep(1)
            assert await parked(pool) == []
            assert OUTBOX_CLOSED._value.get() == 1
            fake.missing.clear()
            await until(lambda: is_empty(pool))
            assert OUTBOX_CLOSED._value.get() == 0

    assert fake.sent == [*(b"%d" % nth for nth in range(20)), *(b"dead %d" % nth for nth in range(20))]
    assert [(line["log_level"], line["topic"]) for line in lines if "closed" in line["event"]] == [("error", "dlq")]


async def test_a_topic_that_is_deleted_holds_up_no_other_for_long_and_gets_what_waited_when_it_is_back(
    pool: Database, stack: Stack, kafka: str, topics: TopicFactory
) -> None:
    dlq, other = topics("dlq"), topics("other")
    async with relaying(pool, kafka, closed_seconds=0.5):
        await put(pool, Message(topic=dlq, value=b"0"), Message(topic=other, value=b"0"))
        await until(lambda: is_empty(pool))
        await delete_topic(kafka, dlq)
        await put(pool, *(Message(topic=dlq, key=f"{nth}", value=b"%d" % nth) for nth in range(500)))
        await put(pool, *(Message(topic=other, value=b"%d" % nth) for nth in range(1, 50)))
        await until(lambda: waiting_is(pool, 500), 25)
        await put(pool, Message(topic=other, value=b"50"))
        await until(lambda: waiting_is(pool, 500), 3)
        stack.make_topics(TopicToMake(name=dlq, partitions=1, config={}))
        await until(lambda: is_empty(pool), 10)

    assert by_key(await read_log(kafka, other), only_first=True)[b"key"] == [b"%d" % nth for nth in range(51)]
    assert {record.value for record in await read_log(kafka, dlq)} == {b"%d" % nth for nth in range(500)}


async def test_a_topic_that_takes_too_little_holds_up_no_other_and_gets_all_when_it_takes_more(
    pool: Database, kafka: str, topics: TopicFactory
) -> None:
    dlq, other = topics("dlq", config={"max.message.bytes": "2000"}), topics("other")
    dead = [Message(topic=dlq, key=f"{nth}", value=secrets.token_bytes(5_000)) for nth in range(10)]
    for nth, one in enumerate(dead):
        await put(pool, one, Message(topic=other, value=b"%d" % nth))

    async with relaying(pool, kafka, rest_seconds=0.1, parked_seconds=5):
        await until(lambda: waiting_is(pool, 10), 5)
        await until(lambda: parked_is(pool, [(dlq, f"{nth}") for nth in range(10)]), 30)
        await set_limit(kafka, dlq, MIB)
        await until(lambda: is_empty(pool), 20)

    assert await parked(pool) == []
    assert {record.value for record in await read_log(kafka, dlq)} == {one.value for one in dead}
    assert await log_is(kafka, other, [b"%d" % nth for nth in range(10)])


async def test_what_was_refused_together_is_not_blamed_one_by_one(pool: Database) -> None:
    fake = FakeProducer(errors.MessageSizeTooLargeError(), refused=(b"500",), together=True)
    await put(pool, *(Message(topic="t", key=str(nth), value=b"%d" % nth) for nth in range(1000)))

    async with running(Relay(pool, fake.start, rest_seconds=0.01)):
        await until(lambda: parked_is(pool, [("t", "500")]))
        await until(lambda: waiting_is(pool, 1))

    assert len(fake.sent) < 10_000
    assert fake.starts < 60


def row(topic: str, value: bytes, *, seq: int = 1, key: str = "k") -> Row:
    return Row(seq=seq, topic=topic, key=key, headers=[("name", b"header")], value=value, failures=0)


async def test_messages_of_a_key_keep_their_order_however_many_batches_they_take(
    kafka: str, topics: TopicFactory
) -> None:
    topic = topics()
    values = [b"%05d" % nth + secrets.token_bytes(20_000) for nth in range(60)]
    client = await start_producer(bus_settings(kafka))
    rows = [row(topic, value, seq=nth, key=f"key-{nth % 3}") for nth, value in enumerate(values)]
    acknowledged = await client.send(rows)
    assert len(acknowledged) == len(rows)
    await asyncio.gather(*acknowledged)
    await client.stop()
    found = await read_log(kafka, topic)
    assert sorted(one.value or b"" for one in found) == values
    for key in range(3):
        mine = [one for one in found if one.key == f"key-{key}".encode()]
        assert [one.value for one in mine] == values[key::3]
        assert len({one.partition for one in mine}) == 1
        assert all(dict(one.headers) == {"name": b"header"} for one in mine)


async def test_the_producer_would_refuse_its_partition_for_ever_after_one_refused_record(
    kafka: str, topics: TopicFactory
) -> None:
    topic = topics(config={"max.message.bytes": "1000"})

    async def send(client: Producer, value: bytes) -> None:
        [acknowledged] = await client.send([row(topic, value)])
        await acknowledged

    client = await start_producer(bus_settings(kafka))
    await send(client, b"small")
    with pytest.raises(errors.MessageSizeTooLargeError):
        await send(client, secrets.token_bytes(5000))
    with pytest.raises(KafkaError):
        await send(client, b"small")
    await client.stop()

    renewed = await start_producer(bus_settings(kafka))
    await send(renewed, b"small")
    await renewed.stop()


# the lease ----------------------------------------------------------------------------------------------------------------


async def test_of_two_relays_one_works(pool: Database, kafka: str, topics: TopicFactory) -> None:
    topic = topics()
    starts: list[str] = []

    def counted(name: str) -> Callable[[], Awaitable[Producer]]:
        async def start() -> Producer:
            starts.append(name)
            return await start_producer(bus_settings(kafka))

        return start

    async with running(Relay(pool, counted("one"))), running(Relay(pool, counted("two"))):
        for nth in range(20):
            await put(pool, *(Message(topic=topic, value=b"%d-%d" % (nth, part)) for part in range(5)))
            await asyncio.sleep(0.02)
        await until(lambda: is_empty(pool))

    assert len(starts) == 1
    counts = Counter(record.value for record in await read_log(kafka, topic))
    assert len(counts) == 100
    assert set(counts.values()) == {1}


async def test_the_lease_is_released_when_its_holder_stops(pool: Database) -> None:
    fake = FakeProducer()
    fake.acknowledges_at_once = True
    async with running(Relay(pool, fake.start, lease_seconds=60)):
        await put(pool, Message(topic="t"))
        await until(lambda: is_empty(pool))
    async with running(Relay(pool, fake.start, lease_seconds=60)):
        await put(pool, Message(topic="t"))
        await until(lambda: is_empty(pool), 3)


async def test_a_lease_that_ran_out_is_taken_over_under_the_next_epoch(pool: Database) -> None:
    async with pool.acquire() as connection:
        assert await store.hold_lease(connection, "first", 0.2) == 1
        assert await store.hold_lease(connection, "second", 60) is None
        assert await store.hold_lease(connection, "first", 0.2) == 1
        await asyncio.sleep(0.3)
        assert await store.hold_lease(connection, "second", 60) == 2
        assert await store.hold_lease(connection, "first", 60) is None


async def test_a_lease_of_a_clock_that_was_turned_back_since_keeps_nobody_waiting(pool: Database) -> None:
    """Whoever held it died, and by the database's clock it would end in an hour."""
    fake = FakeProducer()
    fake.acknowledges_at_once = True
    async with pool.acquire() as connection:
        assert await store.hold_lease(connection, "died", 3_600) == 1
        await put(pool, Message(topic="t"))
        async with running(Relay(pool, fake.start)):
            await until(lambda: is_empty(pool), 5)
        assert await connection.fetchval("select epoch from outbox_lease") == 2


async def test_a_zombie_deletes_nothing(pool: Database) -> None:
    await put(pool, Message(topic="t", value=b"1"))
    async with pool.acquire() as connection:
        old = await store.hold_lease(connection, "zombie", 0)
        rows = await store.read(connection, 10)
        await asyncio.sleep(0.05)
        new = await store.hold_lease(connection, "successor", 60)
        assert old is not None
        assert new is not None
        assert await store.delete(connection, [row.seq for row in rows], "zombie", old) == 0
        assert await store.delete(connection, [row.seq for row in rows], "zombie", new) == 0
        assert await store.delete(connection, [row.seq for row in rows], "successor", new) == 1


async def test_a_relay_that_slept_through_its_lease_stands_back(pool: Database) -> None:
    sleeper, successor = FakeProducer(), FakeProducer()
    successor.acknowledges_at_once = True
    await put(pool, Message(topic="t", value=b"1"))

    one = Relay(pool, sleeper.start, lease_seconds=0.4)
    async with running(one):
        await until(lambda: bool(sleeper.pending))
        async with pool.acquire() as connection:  # as if it had been stopped until its lease was over
            await connection.execute("update outbox_lease set owner = 'successor', epoch = epoch + 1")
            await connection.execute("update outbox_lease set expires_at = clock_timestamp() + interval '1 minute'")
        sleeper.acknowledge()
        await asyncio.sleep(0.6)
        assert await waiting(pool) == [b"1"]
        assert sleeper.sent == [b"1"]


async def test_the_lease_is_kept_while_an_acknowledgement_takes_long(pool: Database) -> None:
    slow, rival = FakeProducer(), FakeProducer()
    await put(pool, Message(topic="t", value=b"1"))

    async with running(Relay(pool, slow.start, lease_seconds=0.6)):
        await until(lambda: bool(slow.pending))
        async with running(Relay(pool, rival.start, lease_seconds=0.6)):
            await asyncio.sleep(1.5)
            assert not rival.sent
            slow.acknowledge()
            await until(lambda: is_empty(pool))


async def test_stopping_relays_what_waits_first(pool: Database, kafka: str, topics: TopicFactory) -> None:
    topic = topics()
    relay = Relay(pool, producers(kafka), batch=10)
    await put(pool, *(Message(topic=topic, value=b"%d" % nth) for nth in range(95)))
    relay.stop()
    await asyncio.wait_for(relay.run(), 10)

    assert len(await read_log(kafka, topic)) == 95


async def test_stopping_does_not_wait_for_a_broker_that_is_away(pool: Database) -> None:
    async def away() -> Producer:
        raise Unavailable("kafka")

    relay = Relay(pool, away)
    await put(pool, Message(topic="t"))
    relay.stop()
    await asyncio.wait_for(relay.run(), 2)

    assert len(await waiting(pool)) == 1


async def test_a_fault_of_ours_ends_the_relay_visibly(pool: Database) -> None:
    async def broken() -> Producer:
        raise KeyError

    await put(pool, Message(topic="t"))
    with pytest.raises(KeyError):
        await asyncio.wait_for(Relay(pool, broken).run(), 5)


# helpers ------------------------------------------------------------------------------------------------------------------


class FakeProducer:
    """Acknowledges when it is told to, or refuses: everything, or some values, or all that travels with these."""

    def __init__(self, refusal: Exception | None = None, *, refused: tuple[bytes, ...] = (), together: bool = False):
        self.sent: list[bytes] = []
        self.pending: list[asyncio.Future[None]] = []
        self.starts = 0
        self.stops = 0
        self.refusal = refusal
        self.missing: set[str] = set()
        self.acknowledges_at_once = refusal is not None
        self._refused = refused
        self._together = together

    async def start(self) -> Producer:
        self.starts += 1
        return self

    async def send(self, rows: Sequence[Row]) -> list[asyncio.Future[Any]]:
        return [self._send(row.value) for row in rows]

    def _send(self, value: bytes) -> asyncio.Future[Any]:
        self.sent.append(value)
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.pending.append(future)
        if self._together:
            self._answer_together()
        elif self.refusal is not None and (not self._refused or value in self._refused):
            future.set_exception(self.refusal)
        elif self.acknowledges_at_once:
            future.set_result(None)
        return future

    async def has(self, topic: str) -> bool:
        return topic not in self.missing

    async def stop(self) -> None:
        self.stops += 1

    def acknowledge(self) -> None:
        for future in self.pending:
            if not future.done():
                future.set_result(None)
        self.pending.clear()

    def fail(self, nth: int, error: Exception) -> None:
        self.pending[nth].set_exception(error)

    def _answer_together(self) -> None:
        if len(self.pending) == 1:
            loop = asyncio.get_running_loop()
            loop.call_later(0.005, self._answer)

    def _answer(self) -> None:
        round_of = self.sent[-len(self.pending) :]
        if self.refusal is not None and set(round_of) & set(self._refused):
            for future in self.pending:
                future.set_exception(self.refusal)
        self.acknowledge()


async def put(pool: Database, *messages: Outgoing) -> None:
    async with pool.transaction() as connection:
        await outbox.put(connection, messages)


async def waiting(pool: Database) -> list[bytes]:
    async with pool.acquire() as connection:
        return [row["payload"] for row in await connection.fetch("select payload from outbox order by seq")]


async def waiting_is(pool: Database, number: int) -> bool:
    return len(await waiting(pool)) == number


async def is_empty(pool: Database) -> bool:
    return await waiting_is(pool, 0)


async def parked(pool: Database) -> list[tuple[str, str]]:
    async with pool.acquire() as connection:
        return [(row[0], row[1]) for row in await connection.fetch("select * from outbox_parked_key order by 1, 2")]


async def parked_is(pool: Database, wanted: list[tuple[str, str]]) -> bool:
    return await parked(pool) == wanted


async def log_is(kafka: str, topic: str, wanted: list[bytes]) -> bool:
    return [record.value for record in await read_log(kafka, topic)] == wanted


def by_key(log: Any, *, only_first: bool = False) -> dict[bytes, list[bytes]]:
    """Values by key in the order of the log; `only_first` leaves out repeats, as a consumer does."""
    found: dict[bytes, list[bytes]] = {}
    for record in log:
        values = found.setdefault(record.key, [])
        if not only_first or record.value not in values:
            values.append(record.value)
    return found


def producers(kafka: str) -> Callable[[], Awaitable[Producer]]:
    return lambda: start_producer(bus_settings(kafka))


async def test_rounds_begin_apart_and_the_first_at_once(pool: Database, kafka: str, topics: TopicFactory) -> None:
    topic = topics()
    rounds: list[int] = []

    class Counted(Relay):
        @override
        async def _round(self) -> int:
            if moved := await super()._round():
                rounds.append(moved)
            return moved

    async with running(Counted(pool, producers(kafka), apart=0.5)) as relay:
        for nth in range(30):
            await put(pool, Message(topic=topic, value=b"%d" % nth))
            relay.wake()
            await asyncio.sleep(0.01)
        await until(lambda: sum(rounds) == 30)
    assert rounds[0] < 5
    assert len(rounds) <= 5


def relaying(pool: Database, kafka: str, **options: Any) -> contextlib.AbstractAsyncContextManager[Relay]:
    return running(Relay(pool, producers(kafka), **options))


@contextlib.asynccontextmanager
async def running(relay: Relay) -> AsyncIterator[Relay]:
    task = asyncio.create_task(relay.run())
    try:
        yield relay
        assert not task.done() or task.result() is None
    finally:
        relay.stop()
        done, _ = await asyncio.wait({task}, timeout=5)
        if not done:
            task.cancel()
            await asyncio.wait({task})
