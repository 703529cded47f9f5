"""The HTTP servers of a process: its own probes, and whatever else it serves."""

import contextlib
from typing import Any

import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp
from typing_extensions import override


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
