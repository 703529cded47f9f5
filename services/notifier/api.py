"""`POST /beskedfordeler/modtag`: the Beskedfordeler pushes PKO_PostStatus messages (danish-interfaces 3c).

Who may push: the real one comes with mutual TLS, which ends in the proxy in front of us; the proxy adds a bearer token that only
it knows. The simulator sends the token itself. See README.md.

Pushes that come within a few milliseconds are taken in one transaction, and each is answered when that is committed.

What is answered: 200 with StatusKode 20 once the message is kept for good, whatever it says; 200 with StatusKode 40 for what is
no status message (it would be none the next time either); 401, 408, 413, and 503 for *not now*, after which it is pushed again.
Nothing of a message is logged: error texts of the gateway may quote the letter.
"""

import asyncio
import hmac
from collections.abc import Callable, Sequence
from typing import Final
from xml.etree.ElementTree import Element, SubElement, tostring

import structlog
from prometheus_client import Counter
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from plumbing.faults import FaultInjected, faultpoint
from plumbing.postgres import Database, is_transient
from plumbing.together import Together
from services.notifier.domain import Hearing, Status
from services.notifier.post_status import MAX_PUSH_BYTES, NoStatus, read_status
from services.notifier.usecases import TakeStatuses
from services.notifier.usecases.take_statuses import count

log = structlog.get_logger(__name__)

BODY_SECONDS: Final = 10.0
PUSHES: Final = Counter("mitsyg_status_pushes", "Pushes, by how they were answered.", ("answer",))


class StatusPush:
    """The route's work; up to `together` pushes that come within `gather_seconds` of the last are taken together."""

    def __init__(
        self,
        database: Database,
        take: TakeStatuses,
        token: str,
        after_commit: Callable[[], None],
        *,
        together: int = 64,
        gather_seconds: float = 0.005,
    ) -> None:
        self._database = database
        self._take = take
        self._taken = Together(self._take_all, apart=gather_seconds, most=together)
        self._after_commit = after_commit
        self._token = f"Bearer {token}".encode()

    async def __call__(self, request: Request) -> Response:
        given = request.headers.get("authorization", "").encode()
        if not hmac.compare_digest(given, self._token):
            return _answer(401, "unauthorized")
        try:
            body = await _whole(request)
        except _NotWhole as error:
            return _answer(error.http_status, error.answer)
        try:
            status = read_status(body)
        except NoStatus as error:
            log.error("a push that is no status message", code=error.code)
            return _answer(200, "malformed", status_code=40, error=error.code)
        try:
            await self.take(status)
        except Exception as error:
            if not (is_transient(error) or isinstance(error, FaultInjected)):
                raise
            log.warning("a status cannot be taken now", error=type(error).__name__)
            return _answer(503, "unavailable")
        return _answer(200, "kept", status_code=20)

    async def take(self, status: Status) -> None:
        """Take a status; it is kept for good when this returns."""
        count(status, await self._taken(status))
        faultpoint("notifier.status_after_commit")
        self._after_commit()

    async def _take_all(self, statuses: Sequence[Status]) -> list[Hearing | Exception | None]:
        async with self._database.transaction() as connection:
            hearings = await self._take(connection, statuses)
            faultpoint("notifier.status_before_commit")
        return [*hearings]


def make_api(push: StatusPush) -> Starlette:
    """The ASGI application."""
    return Starlette(routes=[Route("/beskedfordeler/modtag", push.__call__, methods=["POST"])])


class _NotWhole(Exception):
    """A body that does not come, or not as it should."""

    def __init__(self, http_status: int, answer: str) -> None:
        super().__init__(answer)
        self.http_status = http_status
        self.answer = answer


async def _whole(request: Request) -> bytes:
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for piece in request.stream():
                body += piece
                if len(body) > MAX_PUSH_BYTES:
                    raise _NotWhole(413, "too-large")
    except TimeoutError:
        raise _NotWhole(408, "too-slow") from None
    except ClientDisconnect:
        raise _NotWhole(400, "disconnected") from None
    return bytes(body)


def _answer(http_status: int, answer: str, *, status_code: int = 50, error: str = "") -> Response:
    PUSHES.labels(answer).inc()
    root = Element("{urn:oio:sts:1.0.0}ModtagBeskedOutput")
    standard = SubElement(root, "{urn:oio:sagdok:3.0.0}StandardRetur")
    SubElement(standard, "{urn:oio:sagdok:3.0.0}StatusKode").text = str(status_code)
    SubElement(standard, "{urn:oio:sagdok:3.0.0}FejlbeskedTekst").text = error or None
    headers = {"retry-after": "1"} if http_status == 503 else {}
    return Response(tostring(root, encoding="utf-8", xml_declaration=True), http_status, headers, "application/xml")
