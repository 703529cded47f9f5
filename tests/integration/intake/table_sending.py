"""Puts the table of bad notifications into Kafka: case after case on a few partitions, with good ones before and after each."""

import struct
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import cycle, groupby
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.record.util import calc_crc32c

from contracts.topics import NEMREFUSION_NOTIFICATION, PARTITIONS
from tests.support.bad_notifications import ACCEPTED, Case, Expected, Maker, Message, Way

ODD_ONES: Final = PARTITIONS - 1
"""The partition of everything that takes a producer of its own."""
_LARGEST: Final = 64 * 1024 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class Sent:
    """A record that is in the log, or (`place` is None) was refused by the broker."""

    case: str
    expected: Expected
    place: tuple[int, int] | None
    is_filler: bool = False


def good(make: Maker) -> Message:
    """What stands between cases."""
    return Message(value=make.report(), expected=ACCEPTED, key=make.id().encode())


async def send_table(kafka: str, cases: Sequence[Case], make: Maker, *, after_erasure: bool) -> list[Sent]:
    """Sends the messages that are due before the erasure, or those after it."""
    due = [(case, [each for each in case.messages if each.after_erasure is after_erasure]) for case in cases]
    plain = [(case, messages) for case, messages in due if messages and all(one.way is Way.PLAIN for one in messages)]
    odd = [(case, messages) for case, messages in due if messages and any(one.way is not Way.PLAIN for one in messages)]
    return [*await _send_plain(kafka, plain, make), *await _send_odd(kafka, odd, make)]


async def _send_plain(kafka: str, due: Sequence[tuple[Case, list[Message]]], make: Maker) -> list[Sent]:
    lined_up = [("", good(make), partition) for partition in range(ODD_ONES)]
    for (case, messages), partition in zip(due, cycle(range(ODD_ONES)), strict=False):
        lined_up += [(case.title, message, partition) for message in messages for _ in range(message.copies)]
        lined_up.append(("", good(make), partition))
    async with _producer(kafka, linger_ms=50, max_batch_size=1024 * 1024) as client:
        futures = [await _hand_over(client, message, partition) for _, message, partition in lined_up]
        offsets = [(await future).offset for future in futures]
    return [
        Sent(case=title, expected=message.expected, place=(partition, offset), is_filler=not title)
        for (title, message, partition), offset in zip(lined_up, offsets, strict=True)
    ]


async def _hand_over(client: Any, message: Message, partition: int) -> Any:
    # the client takes no record without key and value
    key = message.key if message.key is not None or message.value is not None else b""
    return await client.send(
        NEMREFUSION_NOTIFICATION.name,
        message.value,
        key=key,
        partition=partition,
        timestamp_ms=message.timestamp_ms,
        headers=list(message.headers),
    )


async def _send_odd(kafka: str, due: Sequence[tuple[Case, list[Message]]], make: Maker) -> list[Sent]:
    sent = []
    for case, messages in due:
        sent += [await _alone(kafka, "", good(make))]
        for way, alike in groupby(messages, key=lambda one: one.way):
            if way.is_codec:
                sent += await _as_one_batch(kafka, case.title, way, list(alike))
            else:
                sent += [await _alone(kafka, case.title, one) for one in alike]
    return [*sent, await _alone(kafka, "", good(make))] if due else []


async def _alone(kafka: str, title: str, message: Message) -> Sent:
    place: tuple[int, int] | None
    match message.way:
        case Way.REFUSED:
            place = None
            async with _producer(kafka) as client:
                try:
                    await (await _hand_over(client, message, ODD_ONES))
                except (KafkaError, struct.error):
                    pass
                else:
                    raise AssertionError(f"{title}: the broker took it")
        case Way.COMMITTED | Way.ABORTED as way:
            async with _producer(kafka, transactional_id=f"payroll-{title}") as client:
                await client.begin_transaction()
                done = await (await _hand_over(client, message, ODD_ONES))
                await (client.commit_transaction() if way is Way.COMMITTED else client.abort_transaction())
                place = ODD_ONES, done.offset
        case Way.RAW_HEADER_NAME:
            place = ODD_ONES, await _with_raw_header_name(kafka, message)
        case _:
            async with _producer(kafka) as client:
                place = ODD_ONES, (await (await _hand_over(client, message, ODD_ONES))).offset
    return Sent(case=title, expected=message.expected, place=place, is_filler=not title)


async def _as_one_batch(kafka: str, title: str, way: Way, messages: Sequence[Message]) -> list[Sent]:
    async with _producer(kafka, compression_type=way.value, max_batch_size=_LARGEST) as client:
        batch = client.create_batch()
        for one in messages:
            assert batch.append(key=one.key, value=one.value, timestamp=None, headers=list(one.headers)) is not None
        batch.close()
        done = await (await client.send_batch(batch, NEMREFUSION_NOTIFICATION.name, partition=ODD_ONES))
    return list(_places(title, messages, done.offset))


def _places(title: str, messages: Sequence[Message], base: int) -> Iterator[Sent]:
    for nth, one in enumerate(messages):
        yield Sent(case=title, expected=one.expected, place=(ODD_ONES, base + nth))


async def _with_raw_header_name(kafka: str, message: Message) -> int:
    """No client can send such a name, so it is written into a batch that was made with another of the same length."""
    name = b"x-\xff\xfe-payroll"
    placeholder = "?" * len(name)
    async with _producer(kafka) as client:
        batch = client.create_batch()
        batch.append(key=message.key, value=message.value, timestamp=None, headers=[(placeholder, b"x")])
        batch.close()
        raw = bytearray(batch._build())
        at = raw.index(placeholder.encode())
        raw[at : at + len(name)] = name
        raw[17:21] = struct.pack(">I", calc_crc32c(bytes(raw[21:])))
        batch._buffer = raw
        done = await (await client.send_batch(batch, NEMREFUSION_NOTIFICATION.name, partition=ODD_ONES))
    offset: int = done.offset
    return offset


@asynccontextmanager
async def _producer(kafka: str, **options: Any) -> AsyncIterator[Any]:
    client = AIOKafkaProducer(bootstrap_servers=kafka, acks="all", max_request_size=_LARGEST, **options)
    await client.start()
    try:
        yield client
    finally:
        await client.stop()
