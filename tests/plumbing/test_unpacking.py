"""A compressed batch harms nobody by what it unfolds to (N47): on a real broker, which takes it as it travels."""

import asyncio
import resource
import struct
from collections.abc import Callable, Sequence
from typing import Any, Final

import cramjam
import pytest
from aiokafka.errors import CorruptRecordException
from aiokafka.record.default_records import DefaultRecordBatch, DefaultRecordBatchBuilder
from aiokafka.record.util import calc_crc32c, encode_varint
from structlog.testing import capture_logs

from plumbing.bus import Record, fetching
from plumbing.bus.unpacking import MOST_BYTES, unpack
from stack.paths import ROOT
from tests.plumbing.helpers import Recorder, fresh_group, member, produce, producer, until
from tests.support.fixtures import TopicFactory

MIB: Final = 1024 * 1024
CODECS: Final = {"gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}
LARGE: Final = {"max.message.bytes": str(11 * MIB)}


def packed(codec: str | None, values: list[bytes]) -> bytes:
    """A batch as producers make it."""
    builder = DefaultRecordBatchBuilder(
        magic=2,
        compression_type=CODECS[codec] if codec else 0,
        is_transactional=0,
        producer_id=-1,
        producer_epoch=-1,
        base_sequence=-1,
        batch_size=1 << 30,
    )
    for nth, value in enumerate(values):
        assert builder.append(nth, timestamp=1, key=None, value=value, headers=[]) is not None
    return bytes(builder.build())


def values_in(raw: bytes) -> list[bytes]:
    found: list[bytes] = []
    batch = DefaultRecordBatch(raw)
    while len(found) < struct.unpack_from(">i", raw, 57)[0]:
        found.append(next(batch).value)
    return found


@pytest.mark.parametrize("codec", [*CODECS, None])
@pytest.mark.parametrize(
    "values", [[b""], [b"x" * MIB], [b"%d" % nth for nth in range(1_000)]], ids=["0", "1M", "1000"]
)
def test_a_batch_within_the_bound_is_unpacked_whole(codec: str | None, values: list[bytes]) -> None:
    plain = unpack(packed(codec, values))

    assert plain.is_whole
    assert values_in(plain.raw) == values
    assert DefaultRecordBatch(plain.raw).compression_type == 0


@pytest.mark.parametrize("codec", CODECS)
def test_the_bound_holds_to_the_byte(codec: str) -> None:
    raw = packed(codec, [b"x" * 100_000] * 10)
    whole = unpack(raw)
    size = len(whole.raw) - 61

    assert unpack(raw, size) == whole
    cut = unpack(raw, size - 1)
    assert not cut.is_whole
    assert len(cut.raw) < len(whole.raw)
    assert cut.raw[61:] == whole.raw[61 : len(cut.raw)]


@pytest.mark.parametrize("codec", CODECS)
def test_snappy_in_one_piece_and_several_streams_are_read_too(codec: str) -> None:
    records = unpack(packed(None, [b"first", b"second"])).raw[61:]
    head, tail = records[:5], records[5:]
    compress: dict[str, Callable[[bytes], Any]] = {
        "gzip": cramjam.gzip.compress, "lz4": cramjam.lz4.compress, "zstd": cramjam.zstd.compress,
    }  # fmt: skip
    one = bytes(cramjam.snappy.compress_raw(records))
    content = one if codec == "snappy" else bytes(compress[codec](head)) + bytes(compress[codec](tail))

    assert values_in(unpack(batch_of(content, codec=codec, count=2)).raw) == [b"first", b"second"]


@pytest.mark.parametrize("codec", CODECS)
def test_broken_bytes_are_no_bomb(codec: str) -> None:
    """They stop their partition, as they did, and are not passed over as too large."""
    with pytest.raises((CorruptRecordException, cramjam.DecompressionError)):
        unpack(packed(codec, [b"%d" % nth for nth in range(1_000)])[:-9])


def test_reporters_are_told_the_bound() -> None:
    assert f"up to {MOST_BYTES // MIB} MiB are" in (ROOT / "docs/reporters/README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("codec", CODECS)
async def test_what_stands_too_deep_is_handed_on_unread_and_what_comes_behind_is_read(
    kafka: str, topics: TopicFactory, codec: str
) -> None:
    topic = topics(partitions=2, config=LARGE)
    sent = [b"%d" % nth + b" " * MIB for nth in range(40)]
    await produce(kafka, topic, b"before")
    await send(kafka, topic, packed(codec, sent))
    await produce(kafka, topic, b"behind")
    await produce(kafka, topic, b"beside", partition=1)
    work = Recorder()

    with capture_logs() as lines:
        async with member(kafka, topic, fresh_group(), work):
            await until(lambda: b"behind" in work.values and b"beside" in work.values)

    records = [record for batch in work.batches for record in batch if record.partition == 0]
    assert [record.offset for record in records] == list(range(42))
    read = [record.value for record in records if not record.is_unread]
    assert read == [b"before", *sent[:31], b"behind"]
    unread = [record for record in records if record.is_unread]
    assert [(one.offset, one.key, one.value, one.headers) for one in unread] == [
        (n, None, None, ()) for n in range(32, 41)
    ]
    assert max(map(size, work.batches)) <= fetching.MOST_BYTES_AT_ONCE + 2 * MIB
    assert [(line["offset"], line["read"]) for line in lines if "unfolds" in line["event"]] == [(1, 31)]


async def test_gigabytes_in_a_hundred_kilobytes_cost_a_bounded_memory(kafka: str, topics: TopicFactory) -> None:
    topic = topics(config=LARGE)
    await send(kafka, topic, bomb(records=4, mebibytes=1024))
    await produce(kafka, topic, b"behind")
    work = Recorder()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    async with member(kafka, topic, fresh_group(), work):
        await until(lambda: b"behind" in work.values)

    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert [(one.offset, one.is_unread) for batch in work.batches for one in batch] == [
        (0, True), (1, True), (2, True), (3, True), (4, False)
    ]  # fmt: skip
    assert (after - before) / 1024 < 200


async def test_whoever_comes_back_goes_on_behind_what_is_done(kafka: str, topics: TopicFactory) -> None:
    topic, group = topics(config=LARGE), fresh_group()
    await send(kafka, topic, packed("zstd", [b"%d" % nth + b" " * MIB for nth in range(40)]))
    done: list[int] = []

    async def work_until_35(records: Sequence[Record]) -> None:
        if records[0].offset >= 35:
            await asyncio.Event().wait()
        done.extend(record.offset for record in records)

    async with member(kafka, topic, group, work_until_35, max_records=5):
        await until(lambda: len(done) == 35)
    work = Recorder()
    async with member(kafka, topic, group, work):
        await until(lambda: bool(work.values))

    assert [(one.offset, one.is_unread) for batch in work.batches for one in batch] == [
        (n, True) for n in range(35, 40)
    ]


def size(batch: list[Record]) -> int:
    return sum(len(record.value or b"") for record in batch)


def bomb(*, records: int, mebibytes: int) -> bytes:
    """A batch whose records hold so many mebibytes of nothing each."""
    zeros = bytes(cramjam.zstd.compress(bytes(64 * MIB)))
    content = b""
    for nth in range(records):
        value = mebibytes * MIB
        head = b"\0" + varint(0) + varint(nth) + varint(-1) + varint(value)
        head = varint(len(head) + value + 1) + head
        content += bytes(cramjam.zstd.compress(head)) + zeros * (mebibytes // 64)
        content += bytes(cramjam.zstd.compress(varint(0)))
    return batch_of(content, codec="zstd", count=records)


def varint(number: int) -> bytes:
    written = bytearray()
    encode_varint(number, written.append)
    return bytes(written)


def batch_of(content: bytes, *, codec: str, count: int) -> bytes:
    """A batch around records that were packed otherwise than producers do."""
    raw = bytearray(packed(codec, [b""] * count)[:61] + content)
    struct.pack_into(">i", raw, 8, len(raw) - 12)
    struct.pack_into(">I", raw, 17, calc_crc32c(bytes(raw[21:])))
    return bytes(raw)


async def send(kafka: str, topic: str, raw: bytes) -> None:
    """Hand the broker this very batch."""
    async with producer(kafka, request_timeout_ms=120_000, max_request_size=20 * MIB) as client:
        batch = client.create_batch()
        batch.append(key=None, value=b"", timestamp=None)
        batch.close()
        batch._build()
        batch._buffer = bytearray(raw)
        await (await client.send_batch(batch, topic, partition=0))
