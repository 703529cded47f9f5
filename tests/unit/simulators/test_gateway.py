"""The gateway over real HTTP: its ledger tells the truth whatever its switches do."""

import asyncio
import base64
import contextlib
import sqlite3
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import aiohttp
import pytest
from starlette.responses import Response

from plumbing.safe_xml import parse, text_of
from tests.unit.simulators.letters import CPR, message, request, without
from tests.unit.simulators.papers import paper
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
    names = (
        "TransmissionId", "MessageUUID", "AfsendelseIdentifikator", "KanalKode", "TransaktionsDatoTid",
        "TransaktionsStatusKode", "FejlKode",
    )  # fmt: skip
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


@pytest.mark.parametrize(
    "wish",
    [
        {}, {"mode": "no-such"}, {"mode": "slow", "share": 2}, {"mode": "slow", "extra": 1},
        {"mode": "slow", "channel": "Brevdue"}, {"mode": "lookup_down", "channel": "NemSMS"}, {"mode": "slow", "channel": []},
    ],
)  # fmt: skip
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


def codes(bodies: list[bytes]) -> list[tuple[str | None, str | None]]:
    return [(status["TransaktionsStatusKode"], status["FejlKode"]) for status in map(post_status, bodies)]


DELIVERED = ("Afleveret Digital Post", None)


async def test_a_delivery_may_follow_a_failure(tmp_path: Path) -> None:
    async with pushing(tmp_path) as (receiver, address), _session() as session:
        await switch(session, address, mode="fail_then_delivered", error_code="some.code", seconds=0.5)
        await send(session, address, request(message()))
        await receiver.wait_for(1)
        began = time.monotonic()
        assert codes(await receiver.wait_for(2)) == [("Fejlet", "some.code"), DELIVERED]
        assert time.monotonic() - began > 0.3


async def test_a_status_of_a_letter_that_nobody_handed_in_comes_before_the_right_one(tmp_path: Path) -> None:
    async with pushing(tmp_path) as (receiver, address), _session() as session:
        await switch(session, address, mode="unmatched_status", number=2)
        uuid = uuid4()
        await send(session, address, request(message(uuid)))
        await receiver.wait_for(2)
        await send(session, address, paper("one"))
        bodies = await receiver.wait_for(8)
        assert codes(bodies[:2]) == [DELIVERED, DELIVERED]
        strange, own = (post_status(body) for body in bodies[:2])
        assert own["MessageUUID"] == str(uuid) != strange["MessageUUID"]
        assert strange["TransmissionId"] != own["TransmissionId"]
        strange = post_status(bodies[2])
        assert (strange["TransaktionsStatusKode"], strange["MessageUUID"]) == ("Modtaget Post Danmark", None)
        assert strange["AfsendelseIdentifikator"] not in {None, "one"}
        assert {post_status(body)["AfsendelseIdentifikator"] for body in bodies[3:]} == {"one"}
        ledger = await ledger_of(session, address)
        assert len(ledger["letters"]) == 2
        assert ledger["delivered_twice"] == []


async def test_a_failure_may_have_a_code_that_is_in_no_list(tmp_path: Path) -> None:
    async with pushing(tmp_path) as (receiver, address), _session() as session:
        await switch(session, address, mode="odd_code", error_code="recipient.unknown")
        await send(session, address, request(message()))
        assert codes(await receiver.wait_for(1)) == [("Fejlet", "helt.ny.kode")]


@pytest.mark.parametrize(
    ("body", "status"), [(request(message()), "Modtaget Digital Post"), (paper("one"), "Modtaget Fjern-print")]
)
async def test_received_may_be_told_again_and_again_but_not_for_ever(tmp_path: Path, body: bytes, status: str) -> None:
    async with pushing(tmp_path) as (receiver, address), _session() as session:
        await switch(session, address, mode="received_forever", seconds=0.01)
        await send(session, address, body)
        bodies = await receiver.wait_for(10)
        await asyncio.sleep(0.3)
        assert codes(bodies) == [(status, None)] * 10
        assert len(set(bodies)) == 10
        assert (await ledger_of(session, address))["status_messages_waiting"] == 0


async def test_somebody_becomes_exempt_between_the_look_up_and_the_letter(tmp_path: Path) -> None:
    async with pushing(tmp_path) as (receiver, address), _session() as session:
        await switch(session, address, mode="exempt_between", number=1)
        await send(session, address, paper("one"))
        await receiver.wait_for(5)
        assert await is_registered(session, address, CPR, "digitalpost")
        await send(session, address, request(message()))
        assert codes((await receiver.wait_for(6))[5:]) == [("Fejlet", "recipient.exempt")]
        assert not await is_registered(session, address, CPR, "digitalpost")
        assert await is_registered(session, address, CPR, "nemsms")


async def test_a_switch_may_reach_one_channel_only(tmp_path: Path) -> None:
    async with gateway(tmp_path / "l") as address, _session() as session:
        await switch(session, address, mode="down", channel="Fysisk Post")
        assert (await send(session, address, request(message())))[0] == 200
        with pytest.raises(aiohttp.ClientError):
            await send(session, address, paper("one"))


async def test_a_ledger_of_another_version_is_begun_anew(tmp_path: Path) -> None:
    with contextlib.closing(sqlite3.connect(tmp_path / "l")) as old:
        old.execute("create table letter (seq integer primary key, colour text)")
        old.commit()
    async with gateway(tmp_path / "l") as address, _session() as session:
        assert (await send(session, address, request(message())))[0] == 200
        assert len((await ledger_of(session, address))["letters"]) == 1


async def test_many_statuses_are_in_flight_at_once_and_each_only_once(tmp_path: Path) -> None:
    receiver = Receiver()
    receiver.pause = 0.5
    async with serving(receiver.app) as receiving, _session() as session:
        async with gateway(tmp_path / "l") as address:
            for _ in range(100):
                await send(session, address, request(message()))
        async with gateway(tmp_path / "l", push_url=f"{receiving}/modtag"):
            bodies = await receiver.wait_for(100, seconds=15)
            await asyncio.sleep(1.0)
            assert len(bodies) == len(set(bodies)) == 100
            assert 32 < receiver.most_at_once <= 64


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


async def test_slow_is_slow(tmp_path: Path) -> None:
    async with gateway(tmp_path / "l") as address, _session() as session:
        await switch(session, address, mode="slow", seconds=0.3)
        began = time.monotonic()
        assert (await send(session, address, request(message())))[0] == 200
        assert time.monotonic() - began >= 0.3


def sender_of(body: bytes) -> str | None:
    root = parse(body, max_bytes=100_000)
    return next(text_of(one, "UUIDIdentifikator") for one in root.iter() if one.tag.endswith("BeskedAnsvarligAktoer"))


async def test_paper_is_taken_over_once_and_its_life_is_told_by_the_print_house(tmp_path: Path) -> None:
    async with pushing(tmp_path) as (receiver, address), _session() as session:
        dispatch_id = "dc3303Soa44e-9c1c-46aaf36974de"
        assert await send(session, address, paper(dispatch_id)) == (200, "true", None)
        assert await send(session, address, paper(dispatch_id)) == (409, "false", "message.duplicate")
        bodies = await receiver.wait_for(5)
        statuses = [post_status(body) for body in bodies]
        assert [status["TransaktionsStatusKode"] for status in statuses] == [
            "Afsendt", "Modtaget Fjern-print", "Klar", "Afleveret til print og kuvertering", "Modtaget Post Danmark"
        ]  # fmt: skip
        for status in statuses:
            assert (status["AfsendelseIdentifikator"], status["KanalKode"]) == (dispatch_id, "Fysisk Post")
            assert (status["MessageUUID"], status["TransmissionId"]) == (None, None)
        assert {sender_of(body) for body in bodies} == {"afd21f3d-11c7-4f51-b2a6-f31d6480a9fb"}
        ledger = await ledger_of(session, address)
        assert [letter["dispatch_id"] for letter in ledger["letters"]] == [dispatch_id]
        assert ledger["delivered_twice"] == []


async def test_paper_that_a_forgetful_gateway_got_twice_is_seen(tmp_path: Path) -> None:
    async with gateway(tmp_path / "l", dedupes=False) as address, _session() as session:
        for _ in range(2):
            assert (await send(session, address, paper("one")))[0] == 200
        ledger = await ledger_of(session, address)
        assert [(found["message_uuid"], found["letters"]) for found in ledger["delivered_twice"]] == [("one", 2)]


async def test_statuses_of_digital_post_are_told_by_digital_post(tmp_path: Path) -> None:
    async with pushing(tmp_path) as (receiver, address), _session() as session:
        await send(session, address, request(message()))
        [body] = await receiver.wait_for(1)
        assert sender_of(body) == "96514e13-afdd-44d6-95a8-adc2ca19b127"


async def is_registered(session: aiohttp.ClientSession, address: str, number: str, service: str) -> bool:
    url = f"{address}/service/PostForespoerg_1/{service}"
    async with session.get(url, params={"cprNumber": number}) as answer:
        return bool((await answer.json())["result"])


async def test_a_share_of_people_is_in_no_service_and_always_the_same_ones(tmp_path: Path) -> None:
    numbers = [f"61{nth:08}" for nth in range(400)]
    found = []
    for name in ("one", "two"):
        absent = {"digitalpost": 0.25, "nemsms": 0.5}
        async with gateway(tmp_path / name, absent=absent) as address, _session() as session:
            asked = {
                service: [number for number in numbers if await is_registered(session, address, number, service)]
                for service in absent
            }
            found.append(asked)
    assert found[0] == found[1]
    assert 260 <= len(found[0]["digitalpost"]) <= 340
    assert 150 <= len(found[0]["nemsms"]) <= 250
    assert not set(found[0]["nemsms"]) <= set(found[0]["digitalpost"])


async def test_what_was_said_of_a_person_counts_before_the_share(tmp_path: Path) -> None:
    async with gateway(tmp_path / "l", absent={"digitalpost": 1.0}) as address, _session() as session:
        assert not await is_registered(session, address, CPR, "digitalpost")
        async with session.post(f"{address}/_sim/exemptions", json={"number": CPR, "exempt": False}) as answer:
            assert answer.status == 200
        assert await is_registered(session, address, CPR, "digitalpost")


async def test_whoever_is_exempt_gets_no_digital_post(tmp_path: Path) -> None:
    receiver = Receiver()
    async with (
        serving(receiver.app) as receiving,
        gateway(tmp_path / "l", push_url=f"{receiving}/modtag", absent={"digitalpost": 1.0}) as address,
        _session() as session,
    ):
        assert (await send(session, address, request(message())))[0] == 200
        [body] = await receiver.wait_for(1)
        status = post_status(body)
        assert (status["TransaktionsStatusKode"], status["FejlKode"]) == ("Fejlet", "recipient.exempt")


@pytest.mark.parametrize(
    ("mode", "status"),
    [("lookup_error500", 500), ("lookup_error503", 503), ("lookup_error429", 429), ("lookup_refuse", 400)],
)
async def test_the_register_misbehaves_as_told_and_letters_are_untouched(
    tmp_path: Path, mode: str, status: int
) -> None:
    async with gateway(tmp_path / "l") as address, _session() as session:
        assert await switch(session, address, mode=mode, number=1, retry_after=7) == 200
        assert (await send(session, address, request(message())))[0] == 200
        url = f"{address}/service/PostForespoerg_1/digitalpost"
        async with session.get(url, params={"cprNumber": CPR}) as answer:
            assert answer.status == status
            assert answer.headers.get("retry-after") == ("7" if status in {429, 503} else None)
        assert await is_registered(session, address, CPR, "digitalpost")


async def test_the_register_may_be_slow_show_a_page_or_break_off(tmp_path: Path) -> None:
    async with gateway(tmp_path / "l") as address, _session() as session:
        url = f"{address}/service/PostForespoerg_1/digitalpost"
        await switch(session, address, mode="lookup_html", number=1)
        async with session.get(url, params={"cprNumber": CPR}) as answer:
            assert (answer.status, answer.content_type) == (200, "text/html")
        await switch(session, address, mode="lookup_down")
        with pytest.raises(aiohttp.ClientError):
            await session.get(url, params={"cprNumber": CPR})
        await switch(session, address, mode="lookup_slow", seconds=0.3, number=1)
        began = time.monotonic()
        assert await is_registered(session, address, CPR, "digitalpost")
        assert time.monotonic() - began >= 0.3


async def test_no_page_in_a_browser_changes_anything(tmp_path: Path) -> None:
    async with gateway(tmp_path / "l") as address, _session() as session:
        await send(session, address, request(message(uuid4())))
        for path, told in (
            ("reset", ""),
            ("switches", '{"mode": "down"}'),
            ("exemptions", f'{{"number": "{CPR}", "exempt": true}}'),
        ):
            page = {"origin": "https://elsewhere.example", "content-type": "text/plain"}
            async with session.post(f"{address}/_sim/{path}", data=told, headers=page) as answer:
                assert answer.status == 403
        assert len((await ledger_of(session, address))["letters"]) == 1
        assert (await send(session, address, request(message(uuid4()))))[1] == "true"
