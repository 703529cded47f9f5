"""What is heard from the gateway and the vault, over real HTTP, however they behave."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import cast
from uuid import UUID, uuid4

import aiohttp
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from contracts.citizens import v1
from contracts.citizens.client import VaultClient, VaultUnavailable
from plumbing.errors import Unavailable
from services.notifier.domain import DEFAULT_CODES, Answer, Heard, NoRecipient, Recipient, meaning
from services.notifier.gateways import PostGateway, Vault, gateway_session
from tests.unit.notifier.test_paper import DISPATCH
from tests.unit.notifier.test_paper import request as paper_request
from tests.unit.simulators import papers
from tests.unit.simulators.letters import message, request
from tests.unit.simulators.servers import gateway, ledger_of, serving

BODY = request(message())
KEY = bytes(32)


@contextlib.asynccontextmanager
async def asking(url: str, seconds: float = 2.0) -> AsyncIterator[PostGateway]:
    session = gateway_session(seconds=seconds, connections=4, reuse_connections=True, certificate=None)
    yield PostGateway(session, url)
    await session.close()


async def heard_from(
    answer: Response | Callable[[], Awaitable[Response]], seconds: float = 2.0, *, paper: bool = False
) -> Heard:
    """What is heard from a gateway that gives this answer, and takes paper or messages only."""

    async def endpoint(_: Request) -> Response:
        return answer if isinstance(answer, Response) else await answer()

    way = "kombi" if paper else "memos"
    app = Starlette(routes=[Route(f"/service/KombiPostAfsend_1/{way}", endpoint, methods=["POST"])])
    async with serving(app) as address, asking(address, seconds) as client:
        send = client.send_paper if paper else client.send
        return await send(BODY, transaction_id=uuid4())


async def test_a_letter_is_taken_over_and_its_repeat_is_success_too(tmp_path: Path) -> None:
    async with gateway(tmp_path / "l") as address, asking(address) as client:
        first = await client.send(BODY, transaction_id=uuid4())
        again = await client.send(BODY, transaction_id=uuid4())
    assert (meaning(first, DEFAULT_CODES), meaning(again, DEFAULT_CODES)) == (Answer.TAKEN_OVER, Answer.TAKEN_OVER)
    assert again.code == "message.duplicate"


async def test_paper_is_taken_over_by_the_same_table_of_answers(tmp_path: Path) -> None:
    paper = paper_request(pdf=papers.LETTER)
    async with gateway(tmp_path / "l") as address, asking(address) as client, aiohttp.ClientSession() as session:
        assert meaning(await client.send_paper(paper, transaction_id=uuid4()), DEFAULT_CODES) is Answer.TAKEN_OVER
        assert (await client.send_paper(paper, transaction_id=uuid4())).code == "message.duplicate"
        ledger = await ledger_of(session, address)
    [letter] = ledger["letters"]
    assert (letter["channel"], letter["dispatch_id"]) == ("Fysisk Post", DISPATCH)
    assert {status["error_code"] for status in ledger["status_messages"]} == {None}
    assert meaning(await heard_from(Response(status_code=503), paper=True), DEFAULT_CODES) is Answer.UNKNOWN


async def test_the_transaction_id_is_the_one_given(tmp_path: Path) -> None:
    transaction = uuid4()
    async with gateway(tmp_path / "l") as address, asking(address) as client, aiohttp.ClientSession() as session:
        await client.send(BODY, transaction_id=transaction)
        async with session.get(f"{address}/_sim/ledger") as answer:
            [attempt] = (await answer.json())["attempts"]
    assert attempt["transaction_id"] == str(transaction)


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("error500", Answer.UNKNOWN),
        ("error503", Answer.NOT_TAKEN),
        ("error429", Answer.NOT_TAKEN),
        ("refuse", Answer.REFUSED),
        ("down", Answer.UNKNOWN),
        ("accept_then_500", Answer.UNKNOWN),
        ("accept_then_drop", Answer.UNKNOWN),
        ("accept_then_hang", Answer.UNKNOWN),
        ("accept_then_html", Answer.UNKNOWN),
    ],
)
async def test_no_answer_is_taken_for_more_than_it_says(tmp_path: Path, mode: str, expected: Answer) -> None:
    async with gateway(tmp_path / "l") as address, aiohttp.ClientSession() as session:
        async with session.post(f"{address}/_sim/switches", json={"mode": mode, "seconds": 5}) as answer:
            assert answer.status == 200
        async with asking(address, seconds=0.5) as client:
            assert meaning(await client.send(BODY, transaction_id=uuid4()), DEFAULT_CODES) is expected


async def test_nobody_there_means_that_nothing_was_sent(unused_tcp_port: int) -> None:
    async with asking(f"http://127.0.0.1:{unused_tcp_port}") as client:
        assert await client.send(BODY, transaction_id=uuid4()) == Heard(http_status=None, was_sent=False)


async def test_a_redirect_is_not_followed() -> None:
    assert (await heard_from(RedirectResponse("/elsewhere"))).http_status == 307


async def test_an_endless_answer_is_cut() -> None:
    async def endless() -> Response:
        async def stream() -> AsyncIterator[bytes]:
            while True:
                yield b"x" * 10_000
                await asyncio.sleep(0)

        return StreamingResponse(stream())

    assert await heard_from(endless) == Heard(http_status=200)


async def test_a_dripping_answer_ends_with_the_deadline() -> None:
    async def dripping() -> Response:
        async def stream() -> AsyncIterator[bytes]:
            while True:
                yield b" "
                await asyncio.sleep(0.05)

        return StreamingResponse(stream())

    assert await heard_from(dripping, seconds=0.5) == Heard(http_status=None)


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"{}", b"<!DOCTYPE a><kombi_response><Result>true</Result></kombi_response>"]
)
async def test_an_answer_that_cannot_be_read_says_nothing(body: bytes) -> None:
    assert await heard_from(Response(body)) == Heard(http_status=200)


@pytest.mark.parametrize(
    ("given", "least", "most"),
    [
        ("7", 7, 7),
        ("999999", 3600, 3600),
        ("-1", None, None),
        ("soon", None, None),
        ("Mon, 30 Nov 2026 17:00:00 +99999999999999999999", None, None),
        ("30 Nov 2026 99999999999999999999:00:00 GMT", None, None),
        ("30 Nov 9999999999 17:00:00 GMT", None, None),
    ],
)
async def test_retry_after_is_understood_and_bounded(given: str, least: float | None, most: float | None) -> None:
    pause = (await heard_from(Response(status_code=503, headers={"retry-after": given}))).retry_after
    if least is None or most is None:
        assert pause is None
    else:
        assert pause is not None
        assert least <= pause <= most


@pytest.mark.parametrize(("ahead", "least", "most"), [(90, 60, 90), (-90, 0, 0)])
async def test_retry_after_may_be_a_date(ahead: int, least: float, most: float) -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=ahead), usegmt=True)
    pause = (await heard_from(Response(status_code=503, headers={"retry-after": date}))).retry_after
    assert pause is not None
    assert least <= pause <= most


class StubVault:
    """Stands for the vault's client; counts how often it was asked."""

    def __init__(self, answers: dict[UUID, v1.CardAnswer], *, away: bool = False) -> None:
        self._answers = answers
        self._away = away
        self.asked: list[list[UUID]] = []

    async def cards(self, citizen_ids: list[UUID]) -> list[v1.CardAnswer]:
        self.asked.append(citizen_ids)
        if self._away:
            raise VaultUnavailable("test")
        return [self._answers[citizen_id] for citizen_id in citizen_ids]


def card(cpr: str) -> v1.KnownCard:
    return v1.KnownCard(cpr=cpr, name="Test", address=None, address_protection=False, key=KEY)


async def test_cards_wanted_at_the_same_time_are_asked_for_together() -> None:
    people = {uuid4(): card(f"61019000{nth:02}") for nth in range(40)}
    client = StubVault(dict(people))
    vault = Vault(cast("VaultClient", client))
    first = next(iter(people))
    found = await asyncio.gather(*[vault.recipient(one) for one in people], vault.recipient(first))
    assert len(client.asked) == 1
    assert len(client.asked[0]) == 40
    numbers = [one.cpr for one in found if isinstance(one, Recipient)]
    assert numbers == [*(one.cpr for one in people.values()), people[first].cpr]


async def test_nobody_under_that_id_is_an_answer_and_an_absent_vault_is_not() -> None:
    gone, never = uuid4(), uuid4()
    vault = Vault(cast("VaultClient", StubVault({gone: v1.Destroyed(), never: v1.Unknown()})))
    assert await vault.recipient(gone) == NoRecipient(reason="citizen.destroyed")
    assert await vault.recipient(never) == NoRecipient(reason="citizen.unknown")
    away = Vault(cast("VaultClient", StubVault({}, away=True)))
    outcomes = await asyncio.gather(away.recipient(gone), away.recipient(never), return_exceptions=True)
    assert all(isinstance(one, Unavailable) for one in outcomes)


def test_a_recipient_never_shows_in_a_log_or_a_traceback() -> None:
    assert "6101901234" not in repr(Recipient(cpr="6101901234", name="Kirsten", key=KEY))
    assert "Kirsten" not in repr(Recipient(cpr="6101901234", name="Kirsten", key=KEY))
