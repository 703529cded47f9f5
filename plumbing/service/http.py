"""The HTTP servers of a process: its own probes, and whatever else it serves.

Invariants: who asks is known when a request's head is whole, so what comes before that is from anybody: it is bounded in size and
in time, and so is what comes between the pieces of a body, or after it. The bodies' own bounds are those of whoever reads them.
"""

import asyncio
import contextlib
from typing import Any, Final, cast

import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp
from typing_extensions import override
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

MOST_HEAD_BYTES: Final = 64 * 1024
"""As much as uvicorn's other parser takes; this one, httptools, has no bound of its own, and keeps all that comes."""
HEAD_SECONDS: Final = 10.0
MOST_WAITING: Final = 16
"""Requests of one connection that wait for the one before them. What comes in one piece may become thousands of them, each a
hundred times as large as what it is made of."""


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's own protocol, which waits for a head for ever, however long it gets, and keeps as many requests as come."""

    _deadline: asyncio.TimerHandle | None = None
    _beside = 0
    _got_on = False

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        super().connection_made(transport)
        self._expect_a_head()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._expect_nothing()
        super().connection_lost(exc)

    @override
    def data_received(self, data: bytes) -> None:
        self._got_on = False
        super().data_received(data)
        self._beside = 0 if self._got_on else self._beside + len(data)
        if self.transport.is_closing():
            return
        if self._beside > MOST_HEAD_BYTES:
            self._give_up()
        elif self._is_at_rest:  # uvicorn's own time for idle connections ended with the first byte
            self._expect_a_head()

    @override
    def on_headers_complete(self) -> None:
        if len(self.pipeline) >= MOST_WAITING:
            self.transport.close()
        if self.transport.is_closing():  # the rest of the piece is still read, and is nobody's request any more
            return
        super().on_headers_complete()
        self._got_on = True
        self._expect_nothing()

    @override
    def on_body(self, body: bytes) -> None:
        if self.transport.is_closing():
            return
        super().on_body(body)
        self._got_on = True

    @property
    def _is_at_rest(self) -> bool:
        """Whether no request is being answered."""
        cycle = cast("RequestResponseCycle | None", self.cycle)  # None until the first request
        return cycle is None or cycle.response_complete

    def _expect_a_head(self) -> None:
        if self._deadline is None:
            self._deadline = self.loop.call_later(HEAD_SECONDS, self._too_slow)

    def _expect_nothing(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _too_slow(self) -> None:
        self._deadline = None
        if not self.transport.is_closing():
            self.transport.close()

    def _give_up(self) -> None:
        if self._is_at_rest:
            self.send_400_response("The request's head is too large.")
        else:  # an answer may be on its way already
            self.transport.close()


class Server(uvicorn.Server):
    @contextlib.contextmanager
    @override
    def capture_signals(self) -> Any:  # the runner alone handles signals
        yield


def make_server(app: ASGIApp, host: str, port: int) -> uvicorn.Server:
    """A server that leaves signals to the runner and says nothing of itself."""
    return Server(
        uvicorn.Config(
            app,
            host=host,
            port=port,
            http=BoundedProtocol,
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            loop="none",
        )
    )


async def metrics(_request: Request) -> Response:
    """What Prometheus reads."""
    return PlainTextResponse(generate_latest(), media_type=CONTENT_TYPE_LATEST)
