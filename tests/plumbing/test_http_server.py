"""What anybody may send before it is known who asks: bounded in size and time, on real sockets."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from plumbing.service import http

SLOW = 0.3
HEAD = b"POST / HTTP/1.1\r\nhost: x\r\n"


@pytest.fixture
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "HEAD_SECONDS", SLOW)


@contextlib.asynccontextmanager
async def connected(port: int) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection to a server that tells how many bytes of a body came."""

    async def told(request: Request) -> Response:
        return PlainTextResponse(str(len(await request.body())))

    async def later(_: Request) -> Response:
        await asyncio.sleep(1)
        return PlainTextResponse("later")

    app = Starlette(routes=[Route("/", told, methods=["POST"]), Route("/later", later)])
    server = http.make_server(app, "127.0.0.1", port)
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.005)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield reader, writer
    finally:
        writer.close()
        server.should_exit = True
        await asyncio.wait({serving}, timeout=5)


async def poured(writer: asyncio.StreamWriter, piece: bytes, most: int) -> int:
    """How many bytes of these pieces were taken before the other side hung up; `most` at most."""
    sent = 0
    with contextlib.suppress(ConnectionError):
        while sent < most and not writer.is_closing():
            writer.write(piece)
            await writer.drain()
            sent += len(piece)
            await asyncio.sleep(0)
    return sent


async def ended(reader: asyncio.StreamReader) -> bytes:
    """The last words, once the connection is closed."""
    async with asyncio.timeout(5):
        with contextlib.suppress(ConnectionError):
            return await reader.read()
    return b""


@pytest.mark.parametrize(
    ("before", "piece"),
    [
        (HEAD, b"a: b\r\n" * 500),
        (HEAD + b"a: ", b"b" * 4000),
        (HEAD, b"a" * 4000),
        (b"POST /", b"a" * 4000),
        (b"POST /?", b"a" * 4000),
    ],
    ids=["headers", "a value", "a name", "a path", "a query"],
)
async def test_a_head_without_an_end_is_given_up(unused_tcp_port: int, before: bytes, piece: bytes) -> None:
    async with connected(unused_tcp_port) as (reader, writer):
        writer.write(before)
        sent = await poured(writer, piece, 32 * 1024 * 1024)
        said = await ended(reader)
    assert sent < 16 * 1024 * 1024  # what the sockets hold between the two
    assert not said or said.startswith(b"HTTP/1.1 400 ")


async def test_trailers_without_an_end_are_given_up(unused_tcp_port: int) -> None:
    async with connected(unused_tcp_port) as (reader, writer):
        writer.write(HEAD + b"transfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n")
        sent = await poured(writer, b"a: b\r\n" * 500, 32 * 1024 * 1024)
        await ended(reader)
    assert sent < 16 * 1024 * 1024


@pytest.mark.usefixtures("brief")
@pytest.mark.parametrize("sent", [b"", b"\r\n", b"POST", HEAD, HEAD + b"a: b\r\n"])
async def test_a_head_that_does_not_come_is_not_waited_for(unused_tcp_port: int, sent: bytes) -> None:
    async with connected(unused_tcp_port) as (reader, writer):
        writer.write(sent)
        assert await ended(reader) == b""


@pytest.mark.usefixtures("brief")
async def test_a_head_that_comes_drop_by_drop_is_not_waited_for(unused_tcp_port: int) -> None:
    async with connected(unused_tcp_port) as (reader, writer):
        waiting = asyncio.create_task(ended(reader))
        writer.write(b"POST /")
        for _ in range(50):
            if waiting.done():
                break
            writer.write(b"a")
            await asyncio.sleep(SLOW / 10)
        assert waiting.done()
        await waiting


@pytest.mark.usefixtures("brief")
async def test_a_connection_in_use_is_held_to_it_before_each_head(unused_tcp_port: int) -> None:
    async with connected(unused_tcp_port) as (reader, writer):
        for _ in range(2):
            writer.write(HEAD + b"content-length: 3\r\n\r\nabc")
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
            assert await reader.readexactly(1) == b"3"
        writer.write(b"\r\n")
        assert await ended(reader) == b""


@pytest.mark.usefixtures("brief")
async def test_a_body_may_be_long_and_take_its_time(unused_tcp_port: int) -> None:
    pieces, piece = 40, b"b" * 20_000
    async with connected(unused_tcp_port) as (reader, writer):
        writer.write(HEAD + b"transfer-encoding: chunked\r\n\r\n")
        for _ in range(pieces):
            writer.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
            await writer.drain()
            await asyncio.sleep(2 * SLOW / pieces)
        writer.write(b"0\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        assert await reader.readexactly(6) == str(pieces * len(piece)).encode()


async def test_a_connection_that_asks_for_ever_without_hearing_is_given_up(unused_tcp_port: int) -> None:
    async with connected(unused_tcp_port) as (reader, writer):
        writer.write(b"GET /later HTTP/1.1\r\nhost: x\r\n\r\n" * 1000)
        async with asyncio.timeout(0.9):
            assert await ended(reader) == b""


async def test_who_asks_a_few_things_at_once_hears_all_of_them_in_order(unused_tcp_port: int) -> None:
    async with connected(unused_tcp_port) as (reader, writer):
        asked = range(1, http.MOST_WAITING)
        writer.write(b"".join(HEAD + f"content-length: {size}\r\n\r\n{'b' * size}".encode() for size in asked))
        for size in asked:
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
            assert await reader.readexactly(len(str(size))) == str(size).encode()
