"""The clock's HTTP face: `GET /now`, `POST /turn`, `GET /subscribers`."""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from simulators.clock.dial import Dial, TurnedBack

LONGEST_WAIT_SECONDS = 30.0
LONGEST_TURN_DAYS = 3660.0


def make_app(dial: Dial) -> Starlette:
    """The ASGI application around one dial."""

    async def now(request: Request) -> JSONResponse:
        if subscriber := request.query_params.get("subscriber", "")[:100]:
            dial.taken_over(subscriber)
        return JSONResponse(_face(dial))

    async def turn(request: Request) -> JSONResponse:
        try:
            wish = _wish(await request.json())
        except (ValueError, KeyError, TypeError, AttributeError):
            return JSONResponse({"error": "bad-turn", "wants": 'either {"to": instant} or {"days": number}'}, 422)
        try:
            if isinstance(wish, datetime):
                dial.turn_to(wish)
            else:
                dial.turn_days(wish)
        except TurnedBack:
            return JSONResponse({"error": "turned-back", "now": dial.now().isoformat()}, 409)
        except OverflowError:
            return JSONResponse({"error": "bad-turn", "wants": "an instant that a calendar has"}, 422)
        missing = await _taken_over(dial, _patience(request))
        return JSONResponse({**_face(dial), "subscribers": dial.subscribers(), "missing": missing})

    async def subscribers(_: Request) -> JSONResponse:
        return JSONResponse({**_face(dial), "subscribers": dial.subscribers(), "missing": dial.behind()})

    async def alive(_: Request) -> JSONResponse:
        return JSONResponse({"status": "ok"})

    return Starlette(
        routes=[
            Route("/now", now),
            Route("/turn", _by_no_page(turn), methods=["POST"]),
            Route("/subscribers", subscribers),
            Route("/livez", alive),
            Route("/readyz", alive),
        ]
    )


def _by_no_page(work: Callable[[Request], Awaitable[JSONResponse]]) -> Callable[[Request], Awaitable[JSONResponse]]:
    async def answer(request: Request) -> JSONResponse:
        if "origin" in request.headers:  # a page in somebody's browser asks, and browsers tell so: no page of ours does
            return JSONResponse({"error": "asked-by-a-page"}, 403)
        return await work(request)

    return answer


def _face(dial: Dial) -> dict[str, Any]:
    setting = dial.setting
    return {"now": dial.now().isoformat(), "version": setting.version, "offset_seconds": setting.offset_seconds}


def _wish(body: Any) -> datetime | float:
    if set(body) == {"to"}:
        instant = datetime.fromisoformat(body["to"])
        if instant.tzinfo is None:
            raise ValueError("an instant needs a zone")
        return instant.astimezone(UTC)
    if set(body) == {"days"} and not isinstance(body["days"], bool | str):
        days = float(body["days"])
        if not 0 <= days <= LONGEST_TURN_DAYS:
            raise ValueError("too far, or backwards")
        return days
    raise ValueError("neither an instant nor days")


def _patience(request: Request) -> float:
    try:
        wanted = float(request.query_params.get("wait", "5"))
    except ValueError:
        wanted = 5.0
    return min(max(wanted, 0.0), LONGEST_WAIT_SECONDS) if math.isfinite(wanted) else 5.0


async def _taken_over(dial: Dial, patience: float) -> list[str]:
    """Wait until everybody who asked lately has asked again; who has not, when patience ends."""
    until = time.monotonic() + patience
    # A poll and no event: a subscriber that died stops being waited for by the passing of time alone.
    while (behind := dial.behind()) and time.monotonic() < until:
        await asyncio.sleep(0.02)
    return behind
