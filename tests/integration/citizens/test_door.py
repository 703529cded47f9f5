"""The door: who may ask what, and one kind of answer to every kind of trouble, whatever is thrown at it."""

import asyncio
import io
import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import aiohttp
import pytest

from contracts.citizens import v1
from contracts.citizens.client import VaultClient, VaultRefused, VaultUnavailable
from services.citizens.api import door
from services.citizens.domain.rights import Act, Caller
from tests.integration.citizens.running import NOON, TOKENS, Vault, cpr, person

PATHS = {
    Act.RESOLVE: v1.RESOLVE_PATH,
    Act.CONFIRM: v1.CONFIRM_PATH,
    Act.KEYS: v1.KEYS_PATH,
    Act.CARDS: v1.CARDS_PATH,
    Act.MONTH_KEYS: v1.MONTH_KEYS_PATH,
    Act.DESTROY: v1.DESTROY_PATH,
}
BODIES: dict[Act, dict[str, Any]] = {
    Act.RESOLVE: {"people": [{"cpr": cpr(9), "said_at": "2026-11-01T00:00:00Z", "card": None}]},
    Act.CONFIRM: {"cards": [{"citizen_id": str(uuid4()), "candidate": str(uuid4())}]},
    Act.KEYS: {"citizen_ids": [str(uuid4())]},
    Act.CARDS: {"citizen_ids": [str(uuid4())]},
    Act.MONTH_KEYS: {"purpose": "dead-letter", "month": "2026-11"},
    Act.DESTROY: {"citizen_id": str(uuid4()), "reason": "test"},
}
ALLOWED = {
    (Caller.INTAKE, Act.RESOLVE),
    (Caller.INTAKE, Act.CONFIRM),
    (Caller.INTAKE, Act.KEYS),
    (Caller.INTAKE, Act.MONTH_KEYS),
    (Caller.TASKS, Act.KEYS),
    (Caller.TASKS, Act.MONTH_KEYS),
    (Caller.UPLOADS, Act.KEYS),
    (Caller.UPLOADS, Act.MONTH_KEYS),
    (Caller.NOTIFIER, Act.KEYS),
    (Caller.NOTIFIER, Act.CARDS),
    (Caller.NOTIFIER, Act.MONTH_KEYS),
    (Caller.OPS, Act.DESTROY),
}


class Knocker:
    """Sends whatever to the vault."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self._url = url
        self._session = session

    async def __call__(
        self,
        path: str = v1.RESOLVE_PATH,
        body: object = BODIES[Act.RESOLVE],
        *,
        method: str = "POST",
        token: str | None = TOKENS[Caller.INTAKE],
        headers: dict[str, str] | None = None,
    ) -> tuple[int, dict[str, Any], aiohttp.ClientResponse]:
        sent = {"content-type": "application/json"}
        if token is not None:
            sent["authorization"] = f"Bearer {token}"
        data = body if isinstance(body, AsyncIterator) else io.BytesIO(_bytes(body))
        async with self._session.request(
            method, self._url + path, data=data, headers={**sent, **(headers or {})}
        ) as answer:
            raw = await answer.read()
        return answer.status, json.loads(raw) if raw else {}, answer


def _bytes(body: object) -> bytes:
    return body if isinstance(body, bytes) else json.dumps(body).encode()


@pytest.fixture
async def knock(vault: Vault) -> AsyncIterator[Knocker]:
    async with aiohttp.ClientSession() as session:
        yield Knocker(vault.url, session)


async def test_each_caller_may_ask_what_is_its_business_and_nothing_else(knock: Knocker) -> None:
    allowed = set()
    for caller in Caller:
        for act in Act:
            status, body, _ = await knock(PATHS[act], BODIES[act], token=TOKENS[caller])
            assert status in {200, 403}
            if status == 200:
                allowed.add((caller, act))
            else:
                assert body["code"] == "forbidden"
    assert allowed == ALLOWED


STRANGERS = [
    "",
    "Bearer",
    "Bearer ",
    f"Basic {TOKENS[Caller.INTAKE]}",
    f"Bearer {TOKENS[Caller.INTAKE]}x",
    f"Bearer {TOKENS[Caller.INTAKE][:-1]}",
    f"Bearer {TOKENS[Caller.INTAKE].upper()}",
    "Bearer \xe6\xf8\xe5",
    f"Bearer intake={TOKENS[Caller.INTAKE]}",
]


async def test_nobody_gets_in_without_a_known_token(knock: Knocker) -> None:
    for authorization in STRANGERS:
        status, body, answer = await knock(token=None, headers={"authorization": authorization})
        assert (status, body["code"]) == (401, "unauthorized"), authorization
        assert answer.headers["www-authenticate"] == "Bearer"


async def test_nobody_gets_in_with_no_token_or_with_two(vault: Vault, knock: Knocker) -> None:
    assert (await knock(token=None))[0] == 401
    reader, writer = await asyncio.open_connection("127.0.0.1", int(vault.url.rpartition(":")[2]))
    token = f"authorization: Bearer {TOKENS[Caller.INTAKE]}\r\n"
    writer.write(f"POST /v1/resolve HTTP/1.1\r\nhost: x\r\n{token}{token}content-length: 2\r\n\r\n{{}}".encode())
    assert b" 401 " in await reader.readline()
    writer.close()


async def test_a_body_is_not_read_from_who_may_not_ask(knock: Knocker) -> None:
    for token, status in ((None, 401), (TOKENS[Caller.TASKS], 403)):
        assert (await knock(body=b"\xff not json", token=token))[0] == status


INVALID: list[tuple[bytes | dict[str, Any], list[tuple[str, str]]]] = [
    (b"", [("", "json-invalid")]),
    (b"null", [("", "model-type")]),
    (b"[]", [("", "model-type")]),
    (b"{", [("", "json-invalid")]),
    (b"\xff\xfe", [("", "json-invalid")]),
    (b'{"people": NaN}', [("people", "tuple-type")]),
    ({}, [("people", "missing")]),
    ({"people": []}, [("people", "too-short")]),
    ({"people": [{}]}, [("people.0.cpr", "missing"), ("people.0.said_at", "missing")]),
    ({"people": [BODIES[Act.RESOLVE]["people"][0]] * 501}, [("people", "too-long")]),
    *(
        ({"people": [{"cpr": wrong, "said_at": "2026-11-01T00:00:00Z"}]}, [("people.0.cpr", code)])
        for wrong, code in (
            (6101900001, "string-type"),
            ("", "string-pattern-mismatch"),
            ("610190-0001", "string-pattern-mismatch"),
            ("61019000011", "string-pattern-mismatch"),
            ("6101900001\n", "string-pattern-mismatch"),
            ("٦١٠١٩٠٠٠٠١", "string-pattern-mismatch"),
            (None, "string-type"),
        )
    ),
    *(
        ({"people": [{"cpr": cpr(1), "said_at": wrong}]}, [("people.0.said_at", code)])
        for wrong, code in (
            ("2026-11-01T00:00:00", "value-error"),
            ("2026-11-01", "value-error"),
            ("1767225600", "value-error"),
            ("i går", "value-error"),
            ("2026-02-30T00:00:00Z", "value-error"),
            ("0001-01-01T00:00:00+01:00", "value-error"),  # what .NET sends for no date at all
            (1767225600, "datetime-type"),
            (None, "datetime-type"),
        )
    ),
    (
        {"people": [{"cpr": cpr(1), "said_at": "2026-11-01T00:00:00Z", "card": {"name": "", "address_protection": 1}}]},
        [("people.0.card.name", "string-too-short"), ("people.0.card.address_protection", "bool-type")],
    ),
]


async def test_an_invalid_request_is_refused_by_place_and_kind_of_fault(knock: Knocker) -> None:
    for body, fields in INVALID:
        status, told, answer = await knock(body=body)
        assert (status, told["code"]) == (422, "invalid"), body
        assert answer.headers["content-type"] == "application/problem+json"
        assert [(one["field"], one["code"]) for one in told["fields"]] == fields, body


NO_IDS: list[object] = [
    [],
    ["x"],
    [1],
    [None],
    "00000000-0000-0000-0000-000000000000",
    [str(uuid4())] * 501,
    [str(uuid4()) + "0"],
]


async def test_ids_that_are_none_are_refused(knock: Knocker) -> None:
    for ids in NO_IDS:
        for act in (Act.KEYS, Act.CARDS):
            status, told, _ = await knock(PATHS[act], {"citizen_ids": ids}, token=TOKENS[Caller.NOTIFIER])
            assert (status, told["code"]) == (422, "invalid"), ids


NO_MONTHS: list[object] = ["2026-13", "2026-1", "1999-12", "2026-11-01", "November", 202611, "../..", "2026-11\n"]


async def test_a_month_that_is_none_is_refused(knock: Knocker) -> None:
    for month in NO_MONTHS:
        status, told, _ = await knock(v1.MONTH_KEYS_PATH, {"purpose": "dead-letter", "month": month})
        assert (status, told["code"]) == (422, "invalid"), month


async def test_unknown_fields_are_passed_over_so_that_a_newer_caller_can_talk_to_an_older_vault(knock: Knocker) -> None:
    body = {"people": [BODIES[Act.RESOLVE]["people"][0] | {"nickname": "x"}], "trace": 1}
    assert (await knock(body=body))[0] == 200


async def test_a_body_may_be_so_large_and_no_larger(knock: Knocker) -> None:
    told = json.dumps(BODIES[Act.RESOLVE]).encode()
    assert (await knock(body=told.ljust(door.MOST_BODY_BYTES)))[0] == 200
    status, problem, _ = await knock(body=told.ljust(door.MOST_BODY_BYTES + 1))
    assert (status, problem["code"]) == (413, "too-large")


async def test_a_body_without_a_length_is_counted_as_it_comes(knock: Knocker) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(door.MOST_BODY_BYTES // 65_536 + 8):
            yield b" " * 65_536

    status, problem, _ = await knock(body=endless())
    assert (status, problem["code"]) == (413, "too-large")


async def test_a_full_batch_of_the_longest_people_fits(vault: Vault) -> None:
    card = v1.Card(
        name="\x01" * 400,  # a control character takes six bytes in JSON
        address=v1.Address(lines=("\x01" * 200,) * 5, postal_code="\x01" * 20, city="\x01" * 100),
        address_protection=True,
    )
    people = [v1.Person(cpr=cpr(number), said_at=NOON, card=card) for number in range(v1.BATCH)]

    known = [answer for answer in await vault.intake.resolve(people) if isinstance(answer, v1.KnownCitizen)]
    cards = await vault.notifier.cards([one.citizen_id for one in known])

    assert len(known) == v1.BATCH
    assert all(isinstance(one, v1.KnownCard) and one.name == card.name for one in cards)


async def test_a_body_that_trickles_in_is_given_up(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "_BODY_SECONDS", 0.2)
    reader, writer = await asyncio.open_connection("127.0.0.1", int(vault.url.rpartition(":")[2]))
    writer.write(
        f"POST /v1/resolve HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {TOKENS[Caller.INTAKE]}\r\n"
        "content-type: application/json\r\ncontent-length: 1000\r\n\r\n{".encode()
    )
    assert b" 408 " in await asyncio.wait_for(reader.readline(), 5)
    writer.close()


async def test_another_media_type_or_packed_bytes_are_not_read(knock: Knocker) -> None:
    for name, value in (
        ("content-type", "text/plain"),
        ("content-type", "application/xml"),
        ("content-encoding", "gzip"),
    ):
        status, problem, _ = await knock(headers={name: value})
        assert (status, problem["code"]) == (415, "unsupported-media-type"), value


async def test_only_post_is_answered(vault: Vault) -> None:
    for method in ("GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND"):
        reader, writer = await asyncio.open_connection("127.0.0.1", int(vault.url.rpartition(":")[2]))
        writer.write(f"{method} /v1/resolve HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n".encode())
        answer = await asyncio.wait_for(reader.read(), 5)
        writer.close()
        assert answer.startswith(b"HTTP/1.1 405 "), method
        assert b"\r\nallow: POST\r\n" in answer


async def test_there_is_nothing_at_any_other_address(knock: Knocker) -> None:
    for path in ("/", "/v1", "/v1/resolve/", "/v2/resolve", "/docs", "/openapi.json", "/metrics", "/V1/RESOLVE"):
        status, problem, _ = await knock(path)
        assert (status, problem["code"]) == (404, "not-found"), path


async def test_every_answer_is_kept_by_nobody_and_names_no_software(knock: Knocker) -> None:
    for answer in ((await knock())[2], (await knock(token=None))[2], (await knock("/nothing"))[2]):
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"


async def test_a_reference_that_was_given_is_told_back_and_anything_else_is_replaced(knock: Knocker) -> None:
    given = str(uuid4())
    assert (await knock(token=None, headers={"x-request-id": given}))[1]["reference"] == given
    for wrong in ("x", cpr(1), "0" * 36, "{" + given[2:]):
        told = (await knock(token=None, headers={"x-request-id": wrong}))[1]["reference"]
        assert told != wrong
        assert UUID(told).version == 4


async def test_while_the_database_is_away_the_answer_is_later(vault: Vault, knock: Knocker) -> None:
    await vault.database.close()
    for act in Act:
        caller = next(one for one, may in sorted(ALLOWED) if may is act)
        status, problem, answer = await knock(PATHS[act], BODIES[act], token=TOKENS[caller])
        assert (status, problem["code"]) == (503, "unavailable")
        assert answer.headers["retry-after"] == "1"
    with pytest.raises(VaultUnavailable) as caught:
        await vault.intake.resolve([person(1)])
    assert caught.value.reason == "status-503"


async def test_an_answer_that_takes_too_long_is_later(
    vault: Vault, knock: Knocker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door, "_ANSWER_SECONDS", 0.2)
    known = await vault.known(9)
    async with vault.database.transaction() as connection:
        await connection.fetch("select from citizen where citizen_id = $1 for update", known.citizen_id)
        body = {"people": [person(9, said_at=NOON).model_dump(mode="json")]}
        assert (await knock(body=body))[0] == 503
    assert (await knock(body=body))[0] == 200


async def test_a_fault_of_ours_shows_nothing_of_itself(vault: Vault, knock: Knocker) -> None:
    owner = await vault.owner()
    await owner.execute("alter table citizen rename column sealed_cpr to hemmelig_kolonne")
    await owner.close()
    status, problem, _ = await knock()

    assert (status, problem["code"], problem["fields"]) == (500, "internal", [])
    assert "hemmelig" not in json.dumps(problem)


async def test_more_at_once_than_the_vault_reads_is_later(knock: Knocker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(door, "_MOST_AT_ONCE", 0)
    assert (await knock())[0] == 503


async def test_the_client_tells_a_refusal_from_being_away(vault: Vault) -> None:
    known = await vault.known(1)
    with pytest.raises(VaultRefused) as caught:
        await vault.intake.cards([known.citizen_id])
    assert (caught.value.status, caught.value.code) == (403, "forbidden")
    async with VaultClient(vault.url, "x" * 40) as stranger:
        with pytest.raises(VaultRefused) as caught:
            await stranger.keys([known.citizen_id])
    assert (caught.value.status, caught.value.code) == (401, "unauthorized")
