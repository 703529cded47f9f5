"""The client against a vault that misbehaves: it says *not now* or *refused*, never anything else, and mixes nobody up."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from uuid import UUID

import pytest
from aiohttp import web

from contracts.citizens import v1
from contracts.citizens.client import VaultClient, VaultRefused, VaultUnavailable

TOKEN = "t" * 40
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def key_of(citizen_id: str) -> v1.KnownKey:
    return v1.KnownKey(key=UUID(citizen_id).bytes * 2)


class Fake:
    """A vault that knows everybody, counts what it is asked, and can be told to answer otherwise."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.references: list[str] = []
        self.otherwise: Handler | None = None

    async def answer(self, request: web.Request) -> web.StreamResponse:
        if self.otherwise is not None:
            return await self.otherwise(request)
        assert request.headers["authorization"] == f"Bearer {TOKEN}"
        self.references.append(request.headers["x-request-id"])
        body = await request.json()
        self.asked.append(body["citizen_ids"])
        told = v1.KeysResponse(keys=tuple(key_of(one) for one in body["citizen_ids"]))
        return web.Response(text=told.model_dump_json(), content_type="application/json")


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[str]:
    app = web.Application(client_max_size=10 * 1024 * 1024)
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@pytest.fixture
def fake() -> Fake:
    return Fake()


@pytest.fixture
async def client(fake: Fake) -> AsyncIterator[VaultClient]:
    async with serving(fake.answer) as url, VaultClient(url + "/", TOKEN, timeout=2) as client:
        yield client


def ids(count: int) -> list[UUID]:
    return [UUID(int=nth + 1) for nth in range(count)]


async def test_every_id_gets_its_own_key_past_a_batch_with_repeats_and_from_memory(
    fake: Fake, client: VaultClient
) -> None:
    await client.keys(ids(3))
    wanted = [*ids(1_203), *ids(5)]
    answers = await client.keys(wanted)

    assert answers == [key_of(str(one)) for one in wanted]
    assert [len(batch) for batch in fake.asked] == [3, 500, 500, 200]
    assert len(set(fake.references)) == 4


async def test_nothing_to_ask_asks_nothing(fake: Fake, client: VaultClient) -> None:
    assert await client.keys([]) == await client.resolve([]) == await client.cards([]) == []
    assert fake.asked == []


async def test_unknown_is_not_remembered_and_destroyed_is(fake: Fake, client: VaultClient) -> None:
    told = iter(
        [
            v1.KeysResponse(keys=(v1.Unknown(), v1.Destroyed())),
            v1.KeysResponse(keys=(key_of(str(UUID(int=1))),)),
        ]
    )

    async def otherwise(_request: web.Request) -> web.StreamResponse:
        return web.Response(text=next(told).model_dump_json())

    fake.otherwise = otherwise
    assert await client.keys(ids(2)) == [v1.Unknown(), v1.Destroyed()]
    assert await client.keys(ids(2)) == [key_of(str(UUID(int=1))), v1.Destroyed()]


def saying(status: int, text: str = "") -> Handler:
    async def answer(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=status, text=text)

    return answer


@pytest.mark.parametrize("status", [500, 502, 503, 504, 408, 429])
async def test_a_vault_in_trouble_is_away(fake: Fake, client: VaultClient, status: int) -> None:
    fake.otherwise = saying(status, "Bearer " + TOKEN)
    with pytest.raises(VaultUnavailable) as caught:
        await client.keys(ids(1))
    assert caught.value.reason == f"status-{status}"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "<html>",
        '{"keys": []}',
        v1.KeysResponse(keys=(v1.Unknown(),) * 2).model_dump_json(),
        '{"keys": [{"state": "maybe"}]}',
        '{"keys": [{"state": "known"}]}',
        '{"keys": [{"state": "known", "key": "c2hvcnQ="}]}',
        '{"keys": [{"state": "known", "key": 1}]}',
    ],
)
async def test_a_vault_that_answers_nonsense_is_away(fake: Fake, client: VaultClient, text: str) -> None:
    fake.otherwise = saying(200, text)
    with pytest.raises(VaultUnavailable) as caught:
        await client.keys(ids(1))
    assert caught.value.reason == "bad-answer"
    assert caught.value.__cause__ is None


async def test_an_answer_without_end_is_cut_off(fake: Fake, client: VaultClient) -> None:
    async def otherwise(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(200):
            await response.write(b" " * 65_536)
        return response

    fake.otherwise = otherwise
    with pytest.raises(VaultUnavailable) as caught:
        await client.keys(ids(1))
    assert caught.value.reason == "answer-too-large"


async def test_a_vault_that_does_not_answer_in_time_is_away(fake: Fake) -> None:
    async def otherwise(_request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(30)
        return web.Response()

    fake.otherwise = otherwise
    async with serving(fake.answer) as url, VaultClient(url, TOKEN, timeout=0.2) as client:
        with pytest.raises(VaultUnavailable):
            await client.keys(ids(1))


async def test_nobody_there_is_away() -> None:
    async with VaultClient("http://127.0.0.1:1", TOKEN) as client:
        with pytest.raises(VaultUnavailable, match="ClientConnectorError"):
            await client.keys(ids(1))


@pytest.mark.parametrize(
    ("status", "code"),
    [(401, "unauthorized"), (403, "forbidden"), (413, "too-large"), (422, "invalid"), (422, "implausible-month")],
)
async def test_a_refusal_is_told_with_its_code_and_reference(
    fake: Fake, client: VaultClient, status: int, code: v1.ProblemCode
) -> None:
    fake.otherwise = saying(status, v1.Problem(title="No.", status=status, code=code, reference="r").model_dump_json())
    with pytest.raises(VaultRefused) as caught:
        await client.keys(ids(1))
    assert (caught.value.status, caught.value.code) == (status, code)
    assert UUID(caught.value.reference).version == 4


async def test_a_redirect_is_not_followed(fake: Fake, client: VaultClient) -> None:
    async def otherwise(request: web.Request) -> web.StreamResponse:
        assert request.path == v1.KEYS_PATH
        return web.Response(status=307, headers={"location": "/elsewhere"})

    fake.otherwise = otherwise
    with pytest.raises(VaultRefused) as caught:
        await client.keys(ids(1))
    assert (caught.value.status, caught.value.code) == (307, "no-problem-document")


async def test_a_connection_that_was_closed_under_us_is_tried_once_more(fake: Fake, client: VaultClient) -> None:
    hung_up = 0

    async def otherwise(request: web.Request) -> web.StreamResponse:
        nonlocal hung_up
        hung_up += 1
        if hung_up == 1:
            assert request.transport is not None
            request.transport.close()
        fake.otherwise = None
        return await fake.answer(request) if hung_up > 1 else web.Response()

    fake.otherwise = otherwise
    assert await client.keys(ids(1)) == [key_of(str(UUID(int=1)))]


async def test_a_closed_client_holds_no_key(fake: Fake) -> None:
    async with serving(fake.answer) as url:
        client = VaultClient(url, TOKEN)
        await client.keys(ids(2))
        await client.close()
        await client.keys(ids(2))
        await client.close()
    assert len(fake.asked) == 2


def test_the_wire_form_of_each_message_is_what_it_was() -> None:
    person = v1.Person.model_validate_json('{"cpr": "6101900001", "said_at": "2026-11-01T01:00:00+01:00"}')
    assert json.loads(person.model_dump_json()) == {
        "cpr": "6101900001",
        "said_at": "2026-11-01T00:00:00Z",
        "card": None,
    }
    assert json.loads(v1.KnownKey(key=bytes(32)).model_dump_json()) == {"state": "known", "key": "A" * 43 + "="}
    assert "6101900001" not in repr(person)
    assert "\\x00" not in repr(v1.KnownKey(key=bytes(32)))
