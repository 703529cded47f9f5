"""A link: a TCP proxy of our own between the services and a server, which can be broken in the ways in which a network breaks.

Invariants: loopback only; what is not broken passes unchanged and in order; a break is told when it happened, not when it
was wished for; `heal` takes back whatever is still to come.

    cut         every connection is reset
    tear        every connection of now is ended after so many more bytes towards its client
    stall       nothing passes in either direction, and connections stay open
    refuse      nobody new is let in
    lose        the request, or the answer to it, of one exchange on whichever connection comes first; then that connection
                is reset. A lost answer is one that the server gave: what was asked for is done, and nobody hears of it
"""

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from campaign.wires import Exchange, KafkaWire, PostgresWire, Wire
from stack import Addresses, SecondListener, Stack
from stack.ports import free_port

T = TypeVar("T")

_PIECE = 64 * 1024
_VERB_SECONDS = 10.0
_HOST = "127.0.0.1"
_WITHOUT_LINGERING = struct.pack("ii", 1, 0)

Told = Callable[[str], None]


@dataclass(kw_only=True, slots=True, eq=False)
class _Line:
    """One connection through the link. `left`: how many bytes its client still gets, if they are numbered."""

    near: asyncio.StreamWriter
    far: asyncio.StreamWriter
    wire: Wire
    left: int | None = None

    def reset(self) -> None:
        _reset(self.near)
        _reset(self.far)

    def end(self) -> None:
        """What was said until now is still heard."""
        self.near.close()
        self.far.close()


@dataclass(kw_only=True, slots=True)
class Link:
    """One server behind a port of ours. `told` hears of each exchange that was broken, by a name like `commit answer lost`.

    The verbs may be called from any thread but the loop's.
    """

    loop: asyncio.AbstractEventLoop
    port: int
    target_port: int
    make_wire: Callable[[], Wire]
    told: Told
    _lines: set[_Line] = field(default_factory=set)
    _snares: list[tuple[Exchange, bool]] = field(default_factory=list)
    _flows: asyncio.Event = field(default_factory=asyncio.Event)
    _server: asyncio.Server | None = None

    def start(self) -> None:
        self._flows.set()
        self._do(self._listen())

    def stop(self) -> None:
        self._do(self._close())

    # the verbs ----------------------------------------------------------------------------------------------------------------

    def cut(self) -> int:
        """How many connections were reset."""
        return self._do(self._cut())

    def tear(self, after: int) -> int:
        """How many connections are numbered now."""
        return self._do(self._tear(after))

    def stall(self) -> None:
        self._do(self._set(flows=False))

    def refuse(self) -> None:
        self._do(self._deafen())

    def lose_answer(self, exchange: Exchange) -> None:
        self._do(self._ensnare(exchange, answer=True))

    def lose_request(self, exchange: Exchange) -> None:
        self._do(self._ensnare(exchange, answer=False))

    def heal(self) -> None:
        """Everything passes again, and nothing more is going to be broken."""
        self._do(self._heal())

    # in the loop --------------------------------------------------------------------------------------------------------------

    def _do(self, verb: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(verb, self.loop).result(_VERB_SECONDS)

    async def _listen(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, _HOST, self.port, limit=_PIECE)

    async def _deafen(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.close()

    async def _cut(self) -> int:
        lines = list(self._lines)
        for line in lines:
            line.reset()
        return len(lines)

    async def _tear(self, after: int) -> int:
        for line in self._lines:
            line.left = after
        return len(self._lines)

    async def _set(self, *, flows: bool) -> None:
        if flows:
            self._flows.set()
        else:
            self._flows.clear()

    async def _ensnare(self, exchange: Exchange, *, answer: bool) -> None:
        self._snares.append((exchange, answer))

    async def _heal(self) -> None:
        self._snares.clear()
        for line in self._lines:
            line.left = None
        await self._set(flows=True)
        await self._listen()

    async def _close(self) -> None:
        await self._deafen()
        await self._set(flows=True)
        await self._cut()
        while self._lines:
            await asyncio.sleep(0.01)

    async def _serve(self, reader: asyncio.StreamReader, near: asyncio.StreamWriter) -> None:
        try:
            answers, far = await asyncio.open_connection(_HOST, self.target_port, limit=_PIECE)
        except OSError:
            _reset(near)
            return
        line = _Line(near=near, far=far, wire=self.make_wire())
        self._lines.add(line)
        pumps = [
            asyncio.ensure_future(self._pump(reader, line, to_client=False)),
            asyncio.ensure_future(self._pump(answers, line, to_client=True)),
        ]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            line.end()
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)
            self._lines.discard(line)

    async def _pump(self, reader: asyncio.StreamReader, line: _Line, *, to_client: bool) -> None:
        """Until one side ends, or the line is broken."""
        writer = line.near if to_client else line.far
        with contextlib.suppress(OSError):
            while data := await reader.read(_PIECE):
                await self._flows.wait()
                if self._is_lost(data, line, to_client=to_client):
                    return
                if to_client and line.left is not None:
                    data, line.left = data[: line.left], line.left - len(data)
                writer.write(data)
                await writer.drain()
                if to_client and line.left is not None and line.left <= 0:
                    self.told("answer torn")
                    return

    def _is_lost(self, data: bytes, line: _Line, *, to_client: bool) -> bool:
        for exchange in line.wire.answered(data) if to_client else line.wire.asked(data):
            if (exchange, to_client) in self._snares:
                self._snares.remove((exchange, to_client))
                line.reset()
                self.told(f"{exchange} {'answer' if to_client else 'request'} lost")
                return True
        return False


def _reset(side: asyncio.StreamWriter) -> None:
    """The other end hears of a reset, not of an end."""
    connection = side.get_extra_info("socket")
    if connection is not None:
        with contextlib.suppress(OSError):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _WITHOUT_LINGERING)
    side.transport.abort()


@dataclass(frozen=True, kw_only=True, slots=True)
class Links:
    """The links of broker and database; others are reached without. `listener` is what the broker has to be started with."""

    kafka: Link
    postgres: Link
    listener: SecondListener

    def lead_to(self, stack: Stack) -> Addresses:
        """From now on they lead to these servers: where the services find them."""
        server, at = stack.postgres_admin_dsn, f"{_HOST}:{self.postgres.port}"
        head, _, database = server.rpartition("/")
        self.postgres.target_port = int(head.rpartition(":")[2])
        for link in (self.kafka, self.postgres):
            link.start()
        return replace(
            stack.addresses,
            kafka_bootstrap=f"{_HOST}:{self.kafka.port}",
            postgres_admin_dsn=f"{head.rpartition('@')[0]}@{at}/{database}",
            source="link",
        )

    def heal(self) -> None:
        for link in (self.kafka, self.postgres):
            link.heal()


@contextlib.contextmanager
def open_links(told: Told) -> Iterator[Links]:
    """Links that lead nowhere yet, in a loop and thread of their own; `told` is called there."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="links", daemon=True)
    thread.start()
    listener = SecondListener(port=free_port(), advertised_port=free_port())
    links = Links(
        kafka=Link(loop=loop, port=listener.advertised_port, target_port=listener.port, make_wire=KafkaWire, told=told),
        postgres=Link(loop=loop, port=free_port(), target_port=0, make_wire=PostgresWire, told=told),
        listener=listener,
    )
    try:
        yield links
    finally:
        for link in (links.kafka, links.postgres):
            link.stop()
        loop.call_soon_threadsafe(loop.stop)
        thread.join(_VERB_SECONDS)
        loop.close()
