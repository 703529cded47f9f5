"""The one thing ASGI cannot do: break the connection without an answer."""

import asyncio
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from typing_extensions import override
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_TRANSPORT = "post_gateway.transport"


class BreakableProtocol(HttpToolsProtocol):
    """uvicorn's own protocol, which also tells the application its transport."""

    @override
    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        self.scope["extensions"] = {_TRANSPORT: {"transport": self.transport}}


class BrokenConnection(Response):
    """No answer at all: after `seconds` of silence the connection is reset."""

    def __init__(self, request: Request, seconds: float = 0.0) -> None:
        super().__init__()
        self._transport: Any = request.scope.get("extensions", {}).get(_TRANSPORT, {}).get("transport")
        self._seconds = seconds

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._seconds:
            await asyncio.sleep(self._seconds)
        self._transport.abort()
        await asyncio.sleep(0)  # let the loss be noticed, so that nothing is sent in its place
