"""What a scanner's word is taken for: the table of replies, a scanner that lies, dawdles or breaks off, and the real one."""

import asyncio
import contextlib
import io
from collections.abc import AsyncIterator, Callable
from typing import Any

import aioclamd
import clamd as blocking_clamd
import pytest

from plumbing.clamd import CHUNK_BYTES, Clamd, Clean, Infected, NotScanned, Unscannable, meaning
from plumbing.errors import Unavailable
from stack import Stack
from stack.settings import TEST_SIGNATURE

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Any]


async def pieces(data: bytes, size: int = CHUNK_BYTES) -> AsyncIterator[bytes]:
    for at in range(0, len(data), size):
        yield data[at : at + size]


@contextlib.asynccontextmanager
async def fake(talk: Talk) -> AsyncIterator[Clamd]:
    """Somebody who answers on clamd's port."""
    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        yield Clamd("127.0.0.1", port, seconds=2.5, idle_seconds=2.0)


def answering(reply: bytes, *, reads: bool = True) -> Talk:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if reads:
            await reader.readuntil(b"\0")
            while length := int.from_bytes(await reader.readexactly(4), "big"):
                await reader.readexactly(length)
        writer.write(reply)
        with contextlib.suppress(ConnectionError):
            await writer.drain()
        writer.close()

    return talk


@pytest.mark.parametrize(
    "reply",
    [
        b"",
        b"\0",
        b"stream: OK",
        b"stream: OK\n",
        b"stream: OK\n\0",
        b"stream: OK \0",
        b" stream: OK\0",
        b"Stream: OK\0",
        b"1: stream: OK\0",
        b"stream: ok\0",
        b"stream:OK\0",
        b"other: OK\0",
        b"OK\0",
        b"stream: OK\0stream: OK\0",
        b"stream: Eicar OK\0",
        b"stream: OK ERROR\0",
        b"stream: Can't allocate memory ERROR\0",
        b"INSTREAM size limit exceeded. ERROR\0",
        b"stream: FOUND\0",
        b"stream: \xff\xfe FOUND\0",
        b"stream: Two Words FOUND\0",
        b"\x00" * 10,
        b"A" * 10_000,
    ],
)
def test_only_the_exact_reply_is_clean(reply: bytes) -> None:
    assert isinstance(meaning(reply, is_whole=True), NotScanned)


def test_a_clean_reply_to_a_part_is_not_clean() -> None:
    assert meaning(b"stream: OK\0", is_whole=False) == NotScanned(reason="early-ok")
    assert meaning(b"stream: OK\0", is_whole=True) == Clean()


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (b"stream: Win.Test.EICAR_HDB-1 FOUND\0", Infected(name="Win.Test.EICAR_HDB-1")),
        (b"stream: (null) FOUND\0", Infected(name="(null)")),
        (b"stream: OK FOUND\0", Infected(name="OK")),
        (
            b"stream: Heuristics.Limits.Exceeded.MaxFileSize FOUND\0",
            Unscannable(name="Heuristics.Limits.Exceeded.MaxFileSize"),
        ),
        (b"stream: Heuristics.Encrypted.PDF FOUND\0", Unscannable(name="Heuristics.Encrypted.PDF")),
        (b"stream: Heuristics.Broken.Media.GIF FOUND\0", Unscannable(name="Heuristics.Broken.Media.GIF")),
    ],
)
def test_a_finding_says_what_it_is(reply: bytes, said: object) -> None:
    assert meaning(reply, is_whole=True) == said


@pytest.mark.parametrize("reply", [b"", b"stream: OK", b"stream: O", b"\0", b"hello\0", b"x" * 5000])
async def test_a_scanner_that_says_no_whole_word_has_not_scanned(reply: bytes) -> None:
    async with fake(answering(reply)) as clamd:
        assert isinstance(await clamd.scan(pieces(b"data"), size=4), NotScanned)


async def test_an_ok_before_everything_was_sent_is_not_clean() -> None:
    async with fake(answering(b"stream: OK\0", reads=False)) as clamd:
        said = await clamd.scan(pieces(bytes(64 * CHUNK_BYTES)), size=64 * CHUNK_BYTES)
        assert isinstance(said, NotScanned)


async def test_a_stream_shorter_than_was_said_is_never_ended_and_never_clean() -> None:
    ended = asyncio.Event()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError):
            await reader.readuntil(b"\0")
            while length := int.from_bytes(await reader.readexactly(4), "big"):
                await reader.readexactly(length)
            ended.set()
        writer.close()

    async with fake(talk) as clamd:
        assert await clamd.scan(pieces(b"half"), size=8) == NotScanned(reason="no-reply")
        assert not ended.is_set()


async def test_silence_ends_by_our_own_clock() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with fake(talk) as clamd:
        assert await clamd.scan(pieces(b"data"), size=4) == NotScanned(reason="timeout")


async def test_nobody_there_is_not_scanned_and_tells_no_version() -> None:
    clamd = Clamd("127.0.0.1", 1, seconds=1.0)
    assert await clamd.scan(pieces(b"data"), size=4) == NotScanned(reason="no-connection")
    assert not await clamd.ping()
    with pytest.raises(Unavailable):
        await clamd.version()


@pytest.mark.parametrize(
    ("told", "version"),
    [
        (b"ClamAV 1.4.6/27840/Sat Nov 28 09:12:45 2026\0", ("1.4.6", 27840, "Sat Nov 28 09:12:45 2026")),
        (b"ClamAV 1.4.6\0", ("1.4.6", None, None)),
    ],
)
async def test_a_version_tells_engine_and_signatures(told: bytes, version: tuple[object, ...]) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\0")
        writer.write(told)
        writer.close()

    async with fake(talk) as clamd:
        found = await clamd.version()
        assert (found.engine, found.signatures, found.day) == version


@pytest.fixture
def real(documents_servers: Stack) -> Clamd:
    return Clamd(documents_servers.addresses.clamd_host, documents_servers.addresses.clamd_port)


@pytest.mark.parametrize("before", [0, 1, CHUNK_BYTES - 7, CHUNK_BYTES, 3 * CHUNK_BYTES + 5])
async def test_the_real_scanner_finds_what_public_clients_find(
    real: Clamd, documents_servers: Stack, before: int
) -> None:
    data = bytes(before) + TEST_SIGNATURE + bytes(100)
    said = await real.scan(pieces(data), size=len(data))
    host, port = documents_servers.addresses.clamd_host, documents_servers.addresses.clamd_port
    aio = (await aioclamd.ClamdAsyncClient(host, port).instream(io.BytesIO(data)))["stream"]
    old = blocking_clamd.ClamdNetworkSocket(host, port).instream(io.BytesIO(data))["stream"]
    assert isinstance(said, Infected)
    assert aio == old == ("FOUND", said.name)


async def test_the_signature_is_found_at_every_offset_across_a_border_of_pieces(real: Clamd) -> None:
    for offset in range(len(TEST_SIGNATURE) + 1):
        before = bytes(CHUNK_BYTES - offset)
        data = before + TEST_SIGNATURE
        assert isinstance(await real.scan(pieces(data), size=len(data)), Infected), offset
    data = bytes(70) + TEST_SIGNATURE
    for size in (1, 2, 7, 13):
        assert isinstance(await real.scan(pieces(data, size), size=len(data)), Infected), size


async def test_many_scans_at_once_wait_their_turn_with_us_and_all_are_answered(real: Clamd) -> None:
    clean = b"nothing to see" * 1000
    said = await asyncio.gather(*(real.scan(pieces(clean), size=len(clean)) for _ in range(60)))
    assert said == [Clean()] * 60


async def test_what_is_over_the_scanners_own_limit_is_not_scanned(real: Clamd) -> None:
    size = 26 * 1024 * 1024
    said = await real.scan(pieces(bytes(size)), size=size)
    assert isinstance(said, NotScanned)
