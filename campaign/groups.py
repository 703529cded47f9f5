"""Kafka's own record of its consumer groups: who was a member in which generation.

The coordinator writes each generation of a group into `__consumer_offsets`, beside the offsets, so that it outlives a broker
that is killed. A *rebalance* is counted where partitions were dealt anew among the living: the members changed, and some of those
from before are still there. A process that was alone and comes back is none.

The form of these records: GroupMetadataKey.json and GroupMetadataValue.json of Apache Kafka.
"""

import asyncio
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

_TOPIC: Final = "__consumer_offsets"
_KEY_OF_A_GROUP: Final = 2
_WITH_INSTANCE_IDS: Final = 3
_KNOWN: Final = frozenset({2, _WITH_INSTANCE_IDS})
_READ_SECONDS: Final = 20.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Generation:
    """One generation of a group; nobody is in it while the group is empty."""

    group: str
    number: int
    members: frozenset[str]


@dataclass(kw_only=True, slots=True)
class Groups:
    """What is known of all groups of a broker; each look reads on from the one before."""

    bootstrap: str
    _generations: dict[tuple[str, int], Generation] = field(default_factory=dict)
    _since: dict[TopicPartition, int] = field(default_factory=dict)

    async def look(self) -> None:
        """Learn what came since; raises KafkaError, OSError and TimeoutError while the broker does not answer."""
        async with asyncio.timeout(_READ_SECONDS):
            partitions = await _partitions(self.bootstrap)
            consumer = AIOKafkaConsumer(bootstrap_servers=self.bootstrap, enable_auto_commit=False)
            await consumer.start()
            try:
                await self._read(consumer, partitions)
            finally:
                await consumer.stop()

    async def _read(self, consumer: AIOKafkaConsumer, partitions: list[TopicPartition]) -> None:
        consumer.assign(partitions)
        begins, ends = await consumer.beginning_offsets(partitions), await consumer.end_offsets(partitions)
        for one in partitions:
            self._since[one] = max(begins[one], self._since.get(one, 0))
            consumer.seek(one, self._since[one])
        while left := [one for one in partitions if self._since[one] < ends[one]]:
            for one, records in (await consumer.getmany(*left, timeout_ms=500)).items():
                self.learn((record.key, record.value) for record in records)
                self._since[one] = await consumer.position(one)

    def learn(self, records: Iterable[tuple[bytes | None, bytes | None]]) -> None:
        """Keys and values as they lie; those that are about offsets say nothing."""
        for key, value in records:
            found = generation_in(key, value)
            if found is not None:
                self._generations[found.group, found.number] = found

    @property
    def rebalances(self) -> list[Generation]:
        """The generations that came of a rebalance, group by group."""
        ordered = [self._generations[name] for name in sorted(self._generations)]
        return [after for before, after in pairwise(ordered) if _is_rebalance(before, after)]

    @property
    def largest(self) -> Mapping[str, int]:
        """How many members each group had at most."""
        found: dict[str, int] = {}
        for one in self._generations.values():
            found[one.group] = max(found.get(one.group, 0), len(one.members))
        return found


def generation_in(key: bytes | None, value: bytes | None) -> Generation | None:
    """What a record of the coordinator says of a group, if it is about one that still is; raises ValueError for a form that is
    not known here."""
    if key is None or value is None or _Bytes(key).int16() != _KEY_OF_A_GROUP:
        return None
    group = _Bytes(key, at=2).text()
    told = _Bytes(value)
    version = told.int16()
    if version not in _KNOWN:
        message = f"a group's record of version {version}"
        raise ValueError(message)
    told.text()  # the type of protocol
    number = told.int32()
    told.text()  # the protocol
    told.text()  # the leader
    told.skip(8)  # since when
    members = frozenset(_member(told, version) for _ in range(told.int32()))
    return Generation(group=group, number=number, members=members)


def _member(told: "_Bytes", version: int) -> str:
    name = told.text()
    for _ in range(3 if version >= _WITH_INSTANCE_IDS else 2):
        told.text()  # instance id, client id, client's host
    told.skip(8)  # time-outs of rebalance and session
    for _ in range(2):
        told.skip(max(0, told.int32()))  # what it reads, what it was given
    return name


def _is_rebalance(before: Generation, after: Generation) -> bool:
    is_next = before.group == after.group
    return is_next and before.members != after.members and bool(before.members & after.members)


@dataclass(slots=True)
class _Bytes:
    """Kafka's plain encoding, read from the beginning."""

    data: bytes
    at: int = 0

    def int16(self) -> int:
        return self._unpack(">h", 2)

    def int32(self) -> int:
        return self._unpack(">i", 4)

    def text(self) -> str:
        """Null is told as nothing."""
        length = max(0, self.int16())
        self.at += length
        return self.data[self.at - length : self.at].decode()

    def skip(self, length: int) -> None:
        self.at += length

    def _unpack(self, form: str, length: int) -> int:
        [found] = struct.unpack_from(form, self.data, self.at)
        self.at += length
        return int(found)


async def _partitions(bootstrap: str) -> list[TopicPartition]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=5_000)
    await admin.start()
    try:
        [told] = await admin.describe_topics([_TOPIC])
        return [TopicPartition(_TOPIC, one["partition"]) for one in told["partitions"]]
    finally:
        await admin.close()
