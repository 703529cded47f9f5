"""The vault and the post gateway, as `notifier` sees them."""

import json
import ssl
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Final, Literal
from uuid import UUID

import aiohttp

from contracts.citizens import v1
from contracts.citizens.client import VaultClient, VaultRefused, VaultUnavailable
from plumbing.dead_letters import KeyDestroyed, MonthKey
from plumbing.errors import Unavailable
from plumbing.safe_xml import BadXml, parse, text_of
from plumbing.together import Together
from services.notifier import domain
from services.notifier.domain import Address, Heard, LookedUp, NoRecipient, Recipient, Registration

_LARGEST_ANSWER_BYTES: Final = 64 * 1024
_LONGEST_RETRY_AFTER: Final = 3600.0


class Vault:
    """Who is written to. Cards wanted within a few milliseconds are asked for together; raises Unavailable."""

    def __init__(self, client: VaultClient, *, gather_seconds: float = 0.005) -> None:
        self._client = client
        self._asked: Together[UUID, Recipient | NoRecipient] = Together(
            self._recipients, apart=gather_seconds, most=v1.BATCH
        )

    async def month_key(self, month: str) -> MonthKey:
        """This month's key for dead letters."""
        try:
            answer = await self._client.month_key("dead-letter", month)
        except VaultUnavailable as error:
            raise Unavailable("citizens", error.reason) from None
        if not isinstance(answer, v1.MonthKey):
            raise KeyDestroyed("citizens", "the month's key is destroyed")
        return MonthKey(key_id=answer.key_id, key=answer.key)

    async def key(self, citizen_id: UUID) -> bytes | NoRecipient:
        """The key of somebody whose letter is already made."""
        try:
            [answer] = await self._client.keys([citizen_id])
        except VaultUnavailable as error:
            raise Unavailable("citizens", error.reason) from None
        return answer.key if isinstance(answer, v1.KnownKey) else NoRecipient(reason=f"citizen.{answer.state}")

    async def recipient(self, citizen_id: UUID) -> Recipient | NoRecipient:
        """Name and number, for this moment."""
        return await self._asked(citizen_id)

    async def _recipients(self, citizen_ids: Sequence[UUID]) -> list[Recipient | NoRecipient | Exception]:
        wanted = list(dict.fromkeys(citizen_ids))
        try:
            found = dict(zip(wanted, map(_recipient, await self._client.cards(wanted)), strict=True))
            return [found[citizen_id] for citizen_id in citizen_ids]
        except VaultUnavailable as error:  # told to each of them, as is a refusal: asking one by one would not help
            return [Unavailable("citizens", error.reason) for _ in citizen_ids]
        except VaultRefused as error:
            return [error for _ in citizen_ids]


def _recipient(answer: v1.CardAnswer) -> Recipient | NoRecipient:
    if isinstance(answer, v1.KnownCard):
        return Recipient(cpr=answer.cpr, name=answer.name, key=answer.key, address=_address(answer.address))
    return NoRecipient(reason=f"citizen.{answer.state}")


def _address(told: v1.Address | None) -> Address | None:
    if told is None:
        return None
    return Address(lines=told.lines, postal_code=told.postal_code, city=told.city, country=told.country)


class PostGateway:
    """SF1601 over HTTP: KombiPostAfsend and PostForespørgsel. What happens on the way is told as what was heard, never raised.

    No redirects, one deadline over everything, answers read up to a bound, no URL or body in any log.
    """

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._send_url = f"{url.rstrip('/')}/service/KombiPostAfsend_1"
        self._register_url = f"{url.rstrip('/')}/service/PostForespoerg_1"

    async def send(self, request: bytes, *, transaction_id: UUID) -> Heard:
        """Hand in a letter as MeMo."""
        return await self._send("memos", request, transaction_id)

    async def send_paper(self, request: bytes, *, transaction_id: UUID) -> Heard:
        """Hand in a letter as paper."""
        return await self._send("kombi", request, transaction_id)

    async def _send(self, way: str, request: bytes, transaction_id: UUID) -> Heard:
        headers = {"content-type": "application/xml", "accept": "application/xml", **_transaction(transaction_id)}
        try:
            async with self._session.post(
                f"{self._send_url}/{way}", data=request, headers=headers, allow_redirects=False
            ) as answer:
                return _heard(answer.status, await _bounded(answer), answer.headers.get("retry-after"))
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
            return Heard(http_status=None, was_sent=False)
        except (aiohttp.ClientError, TimeoutError, OSError):
            return Heard(http_status=None)

    async def is_registered(
        self, cpr: str, *, transaction_id: UUID, service: Literal["digitalpost", "nemsms"] = "digitalpost"
    ) -> LookedUp:
        """Whether somebody can be reached there now.

        The gateway's own interface has the number in the URL. aiohttp's exceptions and answers carry it: nothing of them
        leaves this call, and nothing here is ever logged or traced.
        """
        headers = {"accept": "application/json", **_transaction(transaction_id)}
        try:
            async with self._session.get(
                f"{self._register_url}/{service}", params={"cprNumber": cpr}, headers=headers, allow_redirects=False
            ) as answer:
                status, body, retry_after = answer.status, await _bounded(answer), answer.headers.get("retry-after")
        except (aiohttp.ClientError, TimeoutError, OSError):
            return LookedUp(registration=Registration.UNAVAILABLE, http_status=None)
        return LookedUp(
            registration=domain.registration(status, _result(body)),
            http_status=status,
            retry_after=_seconds(retry_after),
        )


def _transaction(transaction_id: UUID) -> dict[str, str]:
    return {
        "x-transaktionsid": str(transaction_id),
        "x-transaktionstid": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def gateway_session(
    *, seconds: float, connections: int, reuse_connections: bool, certificate: Path | None
) -> aiohttp.ClientSession:
    """The session for the gateway. A kept connection may be closed under a request, which leaves its outcome unknown: where
    that costs a letter, each call gets a connection of its own."""
    context = ssl.create_default_context()
    if certificate is not None:
        context.load_cert_chain(certificate)
    connector = aiohttp.TCPConnector(limit=connections, force_close=not reuse_connections, ssl=context)
    timeout = aiohttp.ClientTimeout(total=seconds, connect=min(seconds, 3.0))
    return aiohttp.ClientSession(connector=connector, timeout=timeout, cookie_jar=aiohttp.DummyCookieJar())


async def _bounded(answer: aiohttp.ClientResponse) -> bytes:
    body = b""
    async for piece in answer.content.iter_chunked(_LARGEST_ANSWER_BYTES):
        body += piece
        if len(body) > _LARGEST_ANSWER_BYTES:
            return b""  # longer than anything the gateway says: it says nothing that can be read
    return body


def _heard(status: int, body: bytes, retry_after: str | None) -> Heard:
    pause = _seconds(retry_after)
    try:
        root = parse(body, max_bytes=_LARGEST_ANSWER_BYTES)
    except BadXml:
        return Heard(http_status=status, retry_after=pause)
    code = text_of(root, "FejlId") or text_of(root, "FejlKode")
    result = {"true": True, "false": False}.get((text_of(root, "Result") or "").lower())
    return Heard(http_status=status, result=result, code=code, retry_after=pause)


def _result(body: bytes) -> bool | None:
    """The boolean `result` of a JSON object; None where there is none."""
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return None
    result = answer.get("result") if isinstance(answer, dict) else None
    return result if isinstance(result, bool) else None


def _seconds(retry_after: str | None) -> float | None:
    """Retry-After, as seconds or as a date; None where it is neither."""
    if retry_after is None:
        return None
    if retry_after.isascii() and retry_after.isdigit():
        return min(float(retry_after[:6]), _LONGEST_RETRY_AFTER)
    try:
        until = parsedate_to_datetime(retry_after)
    except (ValueError, OverflowError):  # the calendar is not asked about every number
        return None
    if until.tzinfo is None:
        return None
    return min(max((until - datetime.now(UTC)).total_seconds(), 0.0), _LONGEST_RETRY_AFTER)
