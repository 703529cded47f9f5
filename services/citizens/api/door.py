"""The door that every request passes: who asks, may they, what do they ask; and what every kind of trouble looks like outside.

Invariants: nobody without a token has their body read, and nobody without the right to ask; no answer and no log line holds
anything of a request; what goes wrong inside is `unavailable` (it may work later) or `internal`, and never shows its cause.
A request is answered within eight seconds, which is less than callers wait.
"""

import asyncio
import time
from collections import Counter as Tally
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeVar
from uuid import UUID, uuid4

import structlog
from prometheus_client import Counter, Histogram
from pydantic import BaseModel, ValidationError
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from contracts.citizens import v1
from plumbing.postgres import is_transient
from services.citizens.api import problems
from services.citizens.api.problems import Refused
from services.citizens.domain.rights import Act, Asking, Tokens, admit

log = structlog.get_logger(__name__)

MOST_BODY_BYTES: Final = 5 * 1024 * 1024
"""More than `BATCH` people with the longest names and addresses there may be."""
_BODY_SECONDS: Final = 10.0
_ANSWER_SECONDS: Final = 8.0
_MOST_AT_ONCE: Final = 64

REQUESTS: Final = Counter("mitsyg_vault_requests", "Requests, by act and what came of them.", ("act", "outcome"))
ANSWERS: Final = Counter("mitsyg_vault_answers", "Answers inside batches, by act and state.", ("act", "state"))
SECONDS: Final = Histogram(
    "mitsyg_vault_seconds",
    "Time from a read request to its answer.",
    ("act",),
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)

Body = TypeVar("Body", bound=BaseModel)


class Door:
    """Makes an endpoint of a verb."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens
        self._at_once = 0

    def endpoint(
        self, act: Act, body: type[Body], work: Callable[[Asking, Body], Awaitable[tuple[BaseModel, Sequence[str]]]]
    ) -> Callable[[Request], Awaitable[Response]]:
        """`work` gives the answer and the state of each item in it."""

        async def answer(request: Request) -> Response:
            reference = _reference(request)
            try:
                asking = self._admit(request, act, reference)
                asked = _parse(body, await self._read(request))
                began = time.perf_counter()
                told, states = await self._within_bounds(work(asking, asked))
            except ClientDisconnect:
                REQUESTS.labels(act.value, "disconnected").inc()
                return Response(status_code=400)
            except Exception as error:  # noqa: BLE001  # the last resort: whatever it is, its text stays inside
                return _refuse(act, reference, error)
            seconds = time.perf_counter() - began
            _tell(asking, states, seconds)
            return Response(told.model_dump_json(), media_type="application/json", headers=problems.ALWAYS)

        return answer

    def _admit(self, request: Request, act: Act, reference: UUID) -> Asking:
        presented = request.headers.getlist("authorization")
        scheme, _, token = presented[0].partition(" ") if len(presented) == 1 else ("", "", "")
        caller = self._tokens.caller(token.strip()) if scheme.lower() == "bearer" else None
        if caller is None:
            raise Refused("unauthorized")
        asking = admit(caller, act, reference)
        if asking is None:
            log.warning("caller has no business here", act=act.value, caller=caller.value, reference=str(reference))
            raise Refused("forbidden")
        return asking

    async def _read(self, request: Request) -> bytes:
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json" or request.headers.get("content-encoding", "identity") != "identity":
            raise Refused("unsupported-media-type")
        length = request.headers.get("content-length", "0")
        if not length.isdecimal() or len(length) > 18 or int(length) > MOST_BODY_BYTES:
            raise Refused("too-large")
        if self._at_once >= _MOST_AT_ONCE:
            raise Refused("unavailable")
        self._at_once += 1
        body = bytearray()
        try:
            async with asyncio.timeout(_BODY_SECONDS):
                async for chunk in request.stream():
                    body += chunk
                    if len(body) > MOST_BODY_BYTES:
                        raise Refused("too-large")
        except TimeoutError:
            raise Refused("too-slow") from None
        finally:
            self._at_once -= 1
        return bytes(body)

    async def _within_bounds(self, work: Awaitable[tuple[BaseModel, Sequence[str]]]) -> tuple[BaseModel, Sequence[str]]:
        async with asyncio.timeout(_ANSWER_SECONDS):
            return await work


def _reference(request: Request) -> UUID:
    given = request.headers.get(v1.REQUEST_ID_HEADER, "")
    try:
        return UUID(given) if len(given) == 36 else uuid4()
    except ValueError:
        return uuid4()


def _parse(body: type[Body], raw: bytes) -> Body:
    try:
        return body.model_validate_json(raw)
    except ValidationError as error:
        raise problems.invalid(error) from None


def _refuse(act: Act, reference: UUID, error: Exception) -> Response:
    if isinstance(error, Refused):
        refused = error
        log.info("refused", act=act.value, code=error.code, reference=str(reference))
    elif is_transient(error):
        refused = Refused("unavailable")
        log.warning("not answered now", act=act.value, reference=str(reference), error=type(error).__name__)
    else:
        refused = Refused("internal")
        log.error("not answered", act=act.value, reference=str(reference), exc_info=error)
    REQUESTS.labels(act.value, refused.code).inc()
    return problems.response(refused, str(reference))


def _tell(asking: Asking, states: Sequence[str], seconds: float) -> None:
    act = asking.act.value
    REQUESTS.labels(act, "answered").inc()
    SECONDS.labels(act).observe(seconds)
    tally = Tally(states)
    for state, count in tally.items():
        ANSWERS.labels(act, state).inc(count)
    log.info(
        "answered",
        act=act,
        caller=asking.caller.value,
        reference=str(asking.reference),
        milliseconds=round(seconds * 1000, 1),
        **tally,
    )
