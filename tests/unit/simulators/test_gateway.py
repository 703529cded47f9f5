"""The gateway over real HTTP: its ledger tells the truth whatever its switches do."""

import asyncio
import base64
import contextlib
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast
from uuid import UUID, uuid4

import aiohttp
import pytest
from python_serviceplatformen import digital_post
from python_serviceplatformen.authentication import KombitAccess
from starlette.responses import Response

from plumbing.safe_xml import parse, text_of
from tests.unit.simulators.letters import CPR, message, request, without
from tests.unit.simulators.servers import Receiver, gateway, ledger_of, serving

SEND = "/service/KombiPostAfsend_1/memos"


@contextlib.asynccontextmanager
async def _session() -> Any:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session:
        yield session


@contextlib.asynccontextmanager
async def pushing(directory: Path) -> AsyncIterator[tuple[Receiver, str]]:
    """A gateway and the place to which it pushes."""
    receiver = Receiver()
    async with (
        serving(receiver.app) as receiving,
        gateway(directory / "l", push_url=f"{receiving}/modtag") as address,
    ):
        yield receiver, address


async def send(session: aiohttp.ClientSession, address: str, body: bytes) -> tuple[int, str, str | None]:
    """HTTP status, Result and FejlId."""
    async with session.post(address + SEND, data=body, headers={"x-transaktionsid": str(uuid4())}) as answer:
        raw = await answer.read()
        if answer.content_type != "application/xml":
            return answer.status, "", None
        root = parse(raw, max_bytes=10_000)
        return answer.status, text_of(root, "Result") or "", text_of(root, "FejlId")


async def switch(session: aiohttp.ClientSession, address: str, **wish: Any) -> int:
    async with session.post(f"{address}/_sim/switches", json=wish) as answer:
        return answer.status


def _files(directory: Path) -> list[Path]:
    return list(directory.iterdir())


def post_status(body: bytes) -> dict[str, str | None]:
    inner = text_of(parse(body, max_bytes=100_000), "Base64")
    assert inner is not None
    root = parse(base64.b64decode(inner), max_bytes=100_000)
    names = ("TransmissionId", "MessageUUID", "KanalKode", "TransaktionsDatoTid", "TransaktionsStatusKode", "FejlKode")
    return {name: text_of(root, name) for name in names}


async def test_a_letter_is_taken_over_once_and_its_repeat_is_called_a_duplicate(tmp_path: Path) -> None:
    async with gateway(tmp_path / "l") as address, _session() as session:
        body = request(message(uuid4()))
        assert await send(session, address, body) == (200, "true", None)
        assert await send(session, address, body) == (409, "false", "message.duplicate")
        ledger = await ledger_of(session, address)
        assert [attempt["outcome"] for attempt in ledger["attempts"]] == ["accepted", "duplicate"]
        assert len(ledger["letters"]) == 1


async def test_the_same_id_with_other_bytes_is_a_conflict(tmp_path: Path) -> None:
    async with gateway(tmp_path / "l") as address, _session() as session:
        uuid = uuid4()
        await send(session, address, request(message(uuid)))
        assert await send(session, address, request(message(uuid, text="Noget andet"))) == (
            409,
            "false",
            "message.conflict",
        )


async def test_a_gateway_that_does_not_recognise_repeats_delivers_twice_and_the_ledger_says_so(tmp_path: Path) -> None:
    async with gateway(tmp_path / "l", dedupes=False) as address, _session() as session:
        body = request(message(uuid4()))
        assert (await send(session, address, body))[0] == 200
        assert (await send(session, address, body))[0] == 200
        ledger = await ledger_of(session, address)
        assert [found["letters"] for found in ledger["delivered_twice"]] == [2]


async def test_a_letter_written_anew_under_another_id_is_found(tmp_path: Path) -> None:
    async with gateway(tmp_path / "l") as address, _session() as session:
        first, second = uuid4(), uuid4()
        await send(session, address, request(message(first)))
        await send(session, address, request(message(second)))
        await send(session, address, request(message(uuid4(), case_id="another")))
        ledger = await ledger_of(session, address)
        assert [found["message_uuids"] for found in ledger["regenerated"]] == [sorted([str(first), str(second)])]


async def test_no_recipient_stands_in_the_ledger(tmp_path: Path) -> None:
    async with gateway(tmp_path / "l") as address, _session() as session:
        await send(session, address, request(message()))
        async with session.get(f"{address}/_sim/ledger") as answer:
            assert CPR not in await answer.text()
        assert not [file.name for file in _files(tmp_path) if CPR.encode() in file.read_bytes()]


@pytest.mark.parametrize(
    ("mode", "status"),
    [("error500", 500), ("error503", 503), ("error429", 429), ("refuse", 400), ("accept_then_500", 500)],
)
async def test_switches_answer_as_told_for_as_often_as_told(tmp_path: Path, mode: str, status: int) -> None:
    async with gateway(tmp_path / "l") as address, _session() as session:
        assert await switch(session, address, mode=mode, number=1) == 200
        body = request(message(uuid4()))
        assert (await send(session, address, body))[0] == status
        assert (await send(session, address, body))[0] == (409 if mode == "accept_then_500" else 200)
        assert len((await ledger_of(session, address))["letters"]) == 1


@pytest.mark.parametrize("mode", ["down", "accept_then_drop", "accept_then_hang"])
async def test_a_broken_connection_is_no_answer(tmp_path: Path, mode: str) -> None:
    async with gateway(tmp_path / "l") as address, _session() as session:
        await switch(session, address, mode=mode, number=1, seconds=0.1)
        with pytest.raises(aiohttp.ClientError):
            await send(session, address, request(message()))
        assert len((await ledger_of(session, address))["letters"]) == (0 if mode == "down" else 1)


async def test_a_share_of_one_half_reaches_about_half(tmp_path: Path) -> None:
    async with gateway(tmp_path / "l") as address, _session() as session:
        await switch(session, address, mode="error500", share=0.5)
        answers = [(await send(session, address, request(message())))[0] for _ in range(60)]
        assert 15 < answers.count(500) < 45


async def test_503_tells_when_to_come_back(tmp_path: Path) -> None:
    async with gateway(tmp_path / "l") as address, _session() as session:
        await switch(session, address, mode="error503", retry_after=7)
        async with session.post(address + SEND, data=request(message())) as answer:
            assert answer.headers["retry-after"] == "7"


@pytest.mark.parametrize("wish", [{}, {"mode": "no-such"}, {"mode": "slow", "share": 2}, {"mode": "slow", "extra": 1}])
async def test_a_switch_nobody_knows_is_refused(tmp_path: Path, wish: dict[str, Any]) -> None:
    async with gateway(tmp_path / "l") as address, _session() as session:
        assert await switch(session, address, **wish) == 422


async def test_the_status_is_pushed_in_the_published_form(tmp_path: Path) -> None:
    async with pushing(tmp_path) as (receiver, address), _session() as session:
        uuid = uuid4()
        await send(session, address, request(message(uuid)))
        [body] = await receiver.wait_for(1)
        status = post_status(body)
        assert status["MessageUUID"] == str(uuid)
        assert (status["TransaktionsStatusKode"], status["KanalKode"]) == ("Afleveret Digital Post", "Digital Post")
        assert (status["TransaktionsDatoTid"] or "").endswith("Z")
        assert status["FejlKode"] is None
        root = parse(body, max_bytes=100_000)
        assert root.tag == "{urn:oio:sts:1.0.0}ModtagBeskedInput"
        assert str(UUID(text_of(root, "UUIDIdentifikator") or "")) in body.decode()
        assert receiver.tokens == ["Bearer secret"]


async def test_a_status_is_pushed_until_it_is_acknowledged_and_not_after(tmp_path: Path) -> None:
    async with pushing(tmp_path) as (receiver, address), _session() as session:
        receiver.answers = [Response(status_code=503), Response(b"<html>", 200), Response(b"", 200)]
        await send(session, address, request(message()))
        bodies = await receiver.wait_for(4)
        await asyncio.sleep(0.6)
        assert len(bodies) == 4
        assert len(set(bodies)) == 1


async def test_the_same_status_may_come_twice_and_a_contradiction_after_it(tmp_path: Path) -> None:
    async with pushing(tmp_path) as (receiver, address), _session() as session:
        await switch(session, address, mode="status_twice", number=1)
        await send(session, address, request(message()))
        first, second = await receiver.wait_for(2)
        assert first == second
        await switch(session, address, mode="contradict_status", error_code="recipient.gone")
        await send(session, address, request(message()))
        statuses = [post_status(body) for body in (await receiver.wait_for(4))[2:]]
        assert [status["TransaktionsStatusKode"] for status in statuses] == ["Afleveret Digital Post", "Fejlet"]
        assert statuses[1]["FejlKode"] == "recipient.gone"


async def test_a_malformed_memo_is_taken_over_and_fails_by_status(tmp_path: Path) -> None:
    async with pushing(tmp_path) as (receiver, address), _session() as session:
        assert (await send(session, address, request(without(message(), "label"))))[0] == 200
        [body] = await receiver.wait_for(1)
        status = post_status(body)
        assert (status["TransaktionsStatusKode"], status["FejlKode"]) == ("Fejlet", "memo.invalid")


async def test_what_waits_to_be_pushed_survives_a_restart(tmp_path: Path) -> None:
    receiver = Receiver()
    async with serving(receiver.app) as receiving, _session() as session:
        async with gateway(tmp_path / "l") as address:
            await send(session, address, request(message()))
        async with gateway(tmp_path / "l", push_url=f"{receiving}/modtag"):
            await receiver.wait_for(1)


class _Access:
    """What the public library needs of a login."""

    def __init__(self, environment: str, certificate: Path) -> None:
        self.environment = environment
        self.cert_path = str(certificate)

    def get_access_token(self, _entity: str) -> str:
        return "Holder-of-key token"


async def test_the_public_librarys_own_client_works_against_it(tmp_path: Path) -> None:
    certificate = tmp_path / "certificate.pem"
    certificate.touch()
    async with gateway(tmp_path / "l") as address, _session() as session:
        access = cast("KombitAccess", _Access(f"{address}/", certificate))
        transaction = await asyncio.to_thread(digital_post.send_message, "Digital Post", message(), access)
        attempts = (await ledger_of(session, address))["attempts"]
        assert [(attempt["transaction_id"], attempt["outcome"]) for attempt in attempts] == [(transaction, "accepted")]
        assert await asyncio.to_thread(digital_post.is_registered, CPR, "digitalpost", access)
        async with session.post(f"{address}/_sim/exemptions", json={"number": CPR, "exempt": True}):
            pass
        assert not await asyncio.to_thread(digital_post.is_registered, CPR, "digitalpost", access)
        assert await asyncio.to_thread(digital_post.is_registered, CPR, "nemsms", access)


async def test_slow_is_slow(tmp_path: Path) -> None:
    async with gateway(tmp_path / "l") as address, _session() as session:
        await switch(session, address, mode="slow", seconds=0.3)
        began = time.monotonic()
        assert (await send(session, address, request(message())))[0] == 200
        assert time.monotonic() - began >= 0.3
