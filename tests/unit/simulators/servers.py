"""ASGI applications on real sockets of the loopback, for as long as a test needs them."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import aiohttp
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from typing_extensions import override

from plumbing.clock import Clock, SystemClock
from simulators.post_gateway.app import make_app
from simulators.post_gateway.intake import Intake
from simulators.post_gateway.ledger import Ledger
from simulators.post_gateway.print_house import PrintHouse
from simulators.post_gateway.pusher import Pusher
from simulators.post_gateway.register import Register
from simulators.post_gateway.sheets import SheetReader
from simulators.post_gateway.switches import Switchboard
from simulators.post_gateway.wire import BreakableProtocol

ACKNOWLEDGED = (
    b'<ns2:ModtagBeskedOutput xmlns="urn:oio:sagdok:3.0.0" xmlns:ns2="urn:oio:sts:1.0.0"><StandardRetur>'
    b"<StatusKode>20</StatusKode></StandardRetur></ns2:ModtagBeskedOutput>"
)


class _Quiet(uvicorn.Server):
    """Signals belong to pytest; `over` ends it at once, not when it looks the next time: hundreds of tests wait for that."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.over = asyncio.Event()

    def install_signal_handlers(self) -> None:
        pass

    @override
    async def main_loop(self) -> None:
        await self.on_tick(0)
        await self.over.wait()

    @override
    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """As the library's, looking two hundred times a second whether all has ended, not ten."""
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1):
                while self.server_state.connections or self.server_state.tasks:
                    await asyncio.sleep(0.005)
        for task in self.server_state.tasks:
            task.cancel()
        for server in self.servers:
            await server.wait_closed()
        await self.lifespan.shutdown()


@contextlib.asynccontextmanager
async def serving(app: Starlette) -> AsyncIterator[str]:
    """The address of `app` on a free port."""
    config = uvicorn.Config(
        app, port=0, http=BreakableProtocol, log_level="error", access_log=False, timeout_graceful_shutdown=1
    )
    server = _Quiet(config)
    task = asyncio.create_task(server._serve())
    while not server.started:
        await asyncio.sleep(0.005)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.over.set()
        await task


class Receiver:
    """Where status messages are pushed to; after `pause` seconds answers with what `answers` holds, then acknowledges."""

    def __init__(self) -> None:
        self.pause = 0.0
        self.at_once = self.most_at_once = 0
        self.bodies: list[bytes] = []
        self.tokens: list[str | None] = []
        self.answers: list[Response] = []
        self.app = Starlette(routes=[Route("/modtag", self.take, methods=["POST"])])

    async def take(self, request: Request) -> Response:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        self.bodies.append(await request.body())
        await asyncio.sleep(self.pause)
        self.at_once -= 1
        self.tokens.append(request.headers.get("authorization"))
        return self.answers.pop(0) if self.answers else Response(ACKNOWLEDGED, media_type="application/xml")

    async def wait_for(self, number: int, seconds: float = 5.0) -> list[bytes]:
        async with asyncio.timeout(seconds):
            while len(self.bodies) < number:
                await asyncio.sleep(0.01)
        return self.bodies


@contextlib.asynccontextmanager
async def gateway(
    path: Path,
    *,
    push_url: str | None = None,
    dedupes: bool = True,
    clock: Clock | None = None,
    absent: Mapping[str, float] | None = None,
    print_days: int = 0,
    return_share: float = 0.0,
    contents_kept: int = 5000,
) -> AsyncIterator[str]:
    """A gateway whose ledger is at `path`; `absent` are the shares of people who are not in its services. Its print house posts
    at once."""
    ledger, clock = Ledger(path, contents_kept=contents_kept), clock or SystemClock()
    intake = Intake(
        ledger=ledger,
        register=Register(ledger=ledger, absent=absent or {}),
        print_house=PrintHouse(reader=SheetReader(), print_days=print_days, return_share=return_share),
        clock=clock,
        switchboard=Switchboard(),
        dedupes=dedupes,
        status_delay=0.0,
    )
    async with serving(make_app(intake, Pusher(ledger, clock, push_url, "secret"))) as address:
        yield address


async def ledger_of(session: aiohttp.ClientSession, address: str) -> dict[str, Any]:
    async with session.get(f"{address}/_sim/ledger") as answer:
        body: dict[str, Any] = await answer.json()
        return body
