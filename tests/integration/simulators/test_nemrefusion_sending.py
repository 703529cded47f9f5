"""Sending: every record ends up in the log in order per key, and the ledger tells what is known of each attempt."""

import asyncio
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaConnectionError, KafkaTimeoutError, UnknownTopicOrPartitionError
from typing_extensions import override

from simulators.nemrefusion.ledger import Ledger
from simulators.nemrefusion.oddities import ODDITIES
from simulators.nemrefusion.sending import Sender, Undeliverable, kafka_producer
from simulators.nemrefusion.traffic import Mix, Sent, generate
from tests.support.fixtures import TopicFactory

AS_OF = date(2026, 3, 20)
PARTITIONS = 3
LARGE = {"max.message.bytes": str(11 * 1024 * 1024)}


def records(count: int, *, mix: Mix | None = None) -> list[Sent]:
    return list(generate(seed=7, count=count, as_of=AS_OF, mix=mix or Mix(bad=0.2, duplicates=0.2, odd=0.2)))


def lines_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


async def log_of(kafka: str, topic: str) -> dict[tuple[int, int], bytes | None]:
    """The raw log, by partition and offset."""
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka, enable_auto_commit=False, auto_offset_reset="earliest")
    await consumer.start()
    try:
        partitions = [TopicPartition(topic, number) for number in range(PARTITIONS)]
        consumer.assign(partitions)
        ends = await consumer.end_offsets(partitions)
        found: dict[tuple[int, int], bytes | None] = {}
        while len(found) < sum(ends.values()):
            for batch in (await consumer.getmany(timeout_ms=500)).values():
                found |= {(record.partition, record.offset): record.value for record in batch}
        return found
    finally:
        await consumer.stop()


async def test_every_record_is_in_the_log_where_the_ledger_says(
    kafka: str, topics: TopicFactory, tmp_path: Path
) -> None:
    name = topics("notification", partitions=PARTITIONS, config=LARGE)
    sent = records(600)

    with new_ledger(tmp_path) as ledger:
        async with Sender(kafka_producer(kafka), topic=name, ledger=ledger) as sender:
            tally = await sender.send_all(sent)

    told = lines_of(tmp_path / "ledger.jsonl")
    log = await log_of(kafka, name)
    where = {line["sequence"]: (line["partition"], line["offset"]) for line in told if line["type"] == "ok"}
    assert (tally.ok, tally.unknown, tally.refused) == (600, 0, 0)
    assert {sequence: log[place] for sequence, place in where.items()} == {each.sequence: each.value for each in sent}
    assert len(log) == 600
    assert {oddity.name for oddity in ODDITIES} & {each.what for each in sent} >= {"a header that is null", "no key"}


async def test_records_with_the_same_key_stay_in_order(kafka: str, topics: TopicFactory, tmp_path: Path) -> None:
    name = topics("notification", partitions=PARTITIONS, config=LARGE)
    sent = records(400, mix=Mix(duplicates=0.6, bad=0))

    with new_ledger(tmp_path) as ledger:
        async with Sender(kafka_producer(kafka), topic=name, ledger=ledger) as sender:
            await sender.send_all(sent)

    where = {line["sequence"]: line for line in lines_of(tmp_path / "ledger.jsonl") if line["type"] == "ok"}
    last: dict[bytes | None, tuple[int, int]] = {}
    for each in sent:
        partition, offset = where[each.sequence]["partition"], where[each.sequence]["offset"]
        if each.key is not None and each.key in last:
            assert last[each.key][0] == partition
            assert last[each.key][1] < offset
        last[each.key] = (partition, offset)


async def test_a_record_the_broker_refuses_is_told_as_failed_and_holds_nothing_else_up(
    kafka: str, topics: TopicFactory, tmp_path: Path
) -> None:
    """An idempotent producer can't send to a partition behind a refused record; a new one can."""
    name = topics("notification", partitions=PARTITIONS, config={"max.message.bytes": "100000"})
    sent = records(40, mix=Mix(bad=0, duplicates=0, odd=0))
    sent[20] = _with_value(sent[20], _noise(400_000))

    with new_ledger(tmp_path) as ledger:
        async with Sender(kafka_producer(kafka), topic=name, ledger=ledger) as sender:
            tally = await sender.send_all(sent)

    told = lines_of(tmp_path / "ledger.jsonl")
    assert tally.refused == 1
    assert [line["error"] for line in told if line["type"] == "fail"] == ["MessageSizeTooLargeError"]
    assert {line["sequence"] for line in told if line["type"] == "ok"} == set(range(40)) - {20}
    assert {each.value for each in sent} - {sent[20].value} <= set((await log_of(kafka, name)).values())


def test_the_command_sends_at_a_rate_and_stops_when_told(kafka: str, topics: TopicFactory, tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    arguments = ("--seed", "3", "--count", "100000", "--rate", "100", "--as-of", "2026-03-20", "--ledger", str(path))
    servers = ("--bootstrap-servers", kafka, "--topic", topics("notification", partitions=PARTITIONS, config=LARGE))
    process = subprocess.Popen(
        [sys.executable, "-m", "simulators.nemrefusion", "send", *arguments, *servers],
        stdout=subprocess.PIPE,
        text=True,
    )
    with closing(_Ended(process)):
        _wait_until(lambda: path.exists() and path.read_text().count('"ok"') >= 100)
        process.send_signal(signal.SIGTERM)
        output, _ = process.communicate(timeout=20)

    told = lines_of(path)
    attempts = sum(line["type"] == "invoke" for line in told)
    assert process.returncode == 0
    assert attempts == sum(line["type"] == "ok" for line in told) < 1_000
    assert output.startswith(f"sent {attempts} ")
    assert told[0]["type"] == "run"
    assert told[0]["seed"] == 3


def test_the_command_says_when_there_is_no_broker(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "simulators.nemrefusion", "send", "--count", "1", "--as-of", "2026-03-20"]
    where = ["--ledger", str(tmp_path / "ledger.jsonl"), "--bootstrap-servers", "127.0.0.1:1"]
    done = subprocess.run([*command, *where], capture_output=True, text=True, check=False)

    assert done.returncode == 69
    assert "not delivered" in done.stderr


class FlakyProducer:
    """Answers as told, without a broker: outcomes that a real one gives only in bad luck."""

    def __init__(self, fate: Callable[[int], BaseException | None], log: list[bytes | None]) -> None:
        self._fate = fate
        self._log = log

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def send(self, _topic: str, value: bytes | None, **_: Any) -> "asyncio.Future[Any]":
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        error = self._fate(len(self._log))
        self._log.append(value)
        if error is None:
            asyncio.get_running_loop().call_soon(future.set_result, _Written(0, len(self._log)))
        else:
            asyncio.get_running_loop().call_soon(future.set_exception, error)
        return future


class _Written:
    def __init__(self, partition: int, offset: int) -> None:
        self.partition = partition
        self.offset = offset


async def test_an_unknown_outcome_is_told_as_such_and_sent_again(tmp_path: Path) -> None:
    log: list[bytes | None] = []
    sent = records(10, mix=Mix(bad=0, duplicates=0))

    with new_ledger(tmp_path) as ledger:
        producer = FlakyProducer(lambda number: KafkaTimeoutError() if number == 4 else None, log)
        async with Sender(lambda: producer, topic="t", ledger=ledger) as sender:
            tally = await sender.send_all(sent)

    told = lines_of(tmp_path / "ledger.jsonl")
    assert (tally.ok, tally.unknown) == (10, 1)
    assert log.count(sent[4].value) == 2
    assert [(line["type"], line["attempt"]) for line in told if line.get("sequence") == 4] == [
        ("invoke", 1),
        ("info", 1),
        ("invoke", 2),
        ("ok", 2),
    ]


async def test_a_broker_that_is_away_for_a_while_loses_nothing(tmp_path: Path) -> None:
    log: list[bytes | None] = []
    starts = iter([None, KafkaConnectionError(), KafkaConnectionError(), None])
    sent = records(3, mix=Mix(bad=0, duplicates=0))

    class Returning(FlakyProducer):
        @override
        async def start(self) -> None:
            if error := next(starts):
                raise error

    with new_ledger(tmp_path) as ledger:
        producer = Returning(lambda number: KafkaTimeoutError() if number == 1 else None, log)
        async with Sender(lambda: producer, topic="t", ledger=ledger) as sender:
            tally = await sender.send_all(sent)

    assert tally.ok == 3
    assert {each.value for each in sent} == set(log)


async def test_a_record_that_never_gets_through_ends_the_run(tmp_path: Path) -> None:
    with new_ledger(tmp_path) as ledger:
        producer = FlakyProducer(lambda _: UnknownTopicOrPartitionError(), [])
        async with Sender(lambda: producer, topic="t", ledger=ledger, attempts=2) as sender:
            with pytest.raises(Undeliverable):
                await sender.send_all(records(1))

    assert [line["type"] for line in lines_of(tmp_path / "ledger.jsonl")] == ["invoke", "fail", "invoke", "fail"]


async def test_a_repeat_waits_until_its_original_is_acknowledged(tmp_path: Path) -> None:
    log: list[bytes | None] = []
    original = records(1, mix=Mix(bad=0, duplicates=0, odd=0))[0]
    repeat = _with_value(original, b"repeat", sequence=1)

    with new_ledger(tmp_path) as ledger:
        producer = FlakyProducer(lambda number: KafkaTimeoutError() if number == 0 else None, log)
        async with Sender(lambda: producer, topic="t", ledger=ledger) as sender:
            await sender.send_all([original, repeat])

    assert log == [original.value, original.value, b"repeat"]


async def test_the_ledger_holds_nothing_about_anybody(tmp_path: Path) -> None:
    sent = records(300)
    with new_ledger(tmp_path) as ledger:
        async with Sender(lambda: FlakyProducer(lambda _: None, []), topic="t", ledger=ledger) as sender:
            await sender.send_all(sent)

    text = (tmp_path / "ledger.jsonl").read_text()
    people = [json.loads(each.value)["citizen"] for each in sent if each.what == "employee" and each.value]
    assert people
    assert not any(person["cpr"] in text or person["name"] in text for person in people)


def new_ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "ledger.jsonl")


class _Ended:
    """Makes sure that a process of ours does not outlive its test."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def close(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()


def _with_value(sent: Sent, value: bytes, *, sequence: int | None = None) -> Sent:
    return replace(sent, value=value, sequence=sent.sequence if sequence is None else sequence)


def _noise(size: int) -> bytes:
    return Random(1).randbytes(size)


def _wait_until(condition: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "nothing came"
        time.sleep(0.05)
