"""No byte is left of what is of no use any more, whoever died, changed their mind or came again in between."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

import aiohttp
import pytest

from plumbing import jobs
from plumbing.errors import Unavailable
from plumbing.jobs import Again, Done
from services.uploads.usecases.check_pending import CheckPending
from services.uploads.usecases.deleting import erase_job
from services.uploads.usecases.inspect import NotChecked
from services.uploads.usecases.take_file import TakeFile
from stack import Stack
from stack.settings import TEST_SIGNATURE
from tests.integration.uploads.house import Citizen, House
from tests.integration.uploads.test_erasing import claim, eraser
from tests.integration.uploads.test_sending import pdf


class Away:
    """The scanner does not answer, until it is let go."""

    def __init__(self, house: House, servers: Stack) -> None:
        self._house = house
        self._clamd = servers.server("clamd")

    def __enter__(self) -> None:
        self._clamd.pause()
        self._house.scanner._proven = None

    def __exit__(self, *_: object) -> None:
        self._clamd.resume()


async def nothing_waits(house: House) -> None:
    """Until all jobs but those of the eraser are done."""
    async with asyncio.timeout(30):
        while left := await house.rows("select queue, state, reason from job where queue <> 'erase'"):
            assert all(one["state"] == "waiting" for one in left), left
            await asyncio.sleep(0.05)


async def test_what_is_taken_back_while_it_waits_leaves_no_byte_and_nothing_to_look_at(
    house: House, citizen: Citizen, documents_servers: Stack
) -> None:
    with Away(house, documents_servers):
        submission = await citizen.begin()
        assert (await citizen.add(submission, pdf())).status == 202
        assert (await citizen.ask("DELETE", f"/v1/submissions/{submission}")).status == 204
    await nothing_waits(house)
    assert house.objects(house.buckets.inbound, citizen.absence_id) == []
    assert house.objects(house.buckets.clean, citizen.absence_id) == []


@pytest.mark.parametrize("words", [b"0 0 m 9 9 l S", b"% " + TEST_SIGNATURE + b"\n0 0 m 9 9 l S"])
async def test_what_is_taken_out_in_the_middle_of_its_check_leaves_no_byte(
    house: House, citizen: Citizen, documents_servers: Stack, monkeypatch: pytest.MonkeyPatch, words: bytes
) -> None:
    whole, submission = CheckPending._checked, await citizen.begin()

    async def and_then_taken_back(self: CheckPending, *found: Any) -> Any:
        checked = await whole(self, *found)
        assert (await citizen.ask("DELETE", f"/v1/submissions/{submission}")).status == 204
        return checked

    monkeypatch.setattr(CheckPending, "_checked", and_then_taken_back)
    with Away(house, documents_servers):
        assert (await citizen.add(submission, pdf(words))).status == 202
    await nothing_waits(house)
    await eraser(house, documents_servers)(await claim(house))
    assert house.objects(house.buckets.inbound, citizen.absence_id) == []
    assert house.objects(house.buckets.clean, citizen.absence_id) == []


@pytest.mark.parametrize("is_erased_before", [True, False])
async def test_what_a_look_that_died_had_found_clean_leaves_no_byte_once_it_is_taken_out(
    house: House, citizen: Citizen, documents_servers: Stack, monkeypatch: pytest.MonkeyPatch, is_erased_before: bool
) -> None:
    whole, submission = CheckPending._checked, await citizen.begin()
    erased = eraser(house, documents_servers)

    async def and_then_died(self: CheckPending, *found: Any) -> Any:
        monkeypatch.setattr(CheckPending, "_checked", whole)
        await whole(self, *found)
        assert (await citizen.ask("DELETE", f"/v1/submissions/{submission}")).status == 204
        if is_erased_before:
            assert isinstance(await erased(await claim(house)), Done)
            await whole(self, *found)
        raise Unavailable("database", "killed")

    monkeypatch.setattr(CheckPending, "_checked", and_then_died)
    with Away(house, documents_servers):
        assert (await citizen.add(submission, pdf())).status == 202
    await nothing_waits(house)
    for _ in await house.rows("select from job where queue = 'erase'"):
        assert isinstance(await erased(await claim(house)), Done)
    assert CheckPending._checked is whole
    assert house.objects(house.buckets.inbound, citizen.absence_id) == []
    assert house.objects(house.buckets.clean, citizen.absence_id) == []


@pytest.mark.parametrize("is_first_away", [True, False])
async def test_of_a_try_that_was_never_on_record_nothing_is_left_beside_what_is(
    house: House,
    citizen: Citizen,
    documents_servers: Stack,
    monkeypatch: pytest.MonkeyPatch,
    is_first_away: bool,
) -> None:
    """Set aside first and clean when it comes again, with other bytes clean first."""
    submission, key = await citizen.begin(), uuid4()
    with monkeypatch.context() as broken:
        broken.setattr(TakeFile, "_write", died)
        if is_first_away:
            with Away(house, documents_servers):
                assert (await citizen.add(submission, pdf(), key=key)).status == 500
        else:
            assert (await citizen.add(submission, pdf(), key=key)).status == 500
    async with asyncio.timeout(20):
        while not house.scanner.is_in_service:
            await asyncio.sleep(0.05)
    data = pdf()
    added = await citizen.add(submission, data, key=key)
    assert added.status in {201, 202}  # a look at the scanner from before may just now have taken it out of service
    await nothing_waits(house)
    assert [one["state"] for one in (await citizen.show(submission))["files"]] == ["clean"]
    await eraser(house, documents_servers)(await claim(house))
    assert house.objects(house.buckets.inbound, citizen.absence_id) == []
    kept = house.objects(house.buckets.clean, citizen.absence_id)
    assert [one.rpartition("/")[2] for one in kept] == [added.body["sha256"]]
    got = await citizen.ask("GET", f"/v1/submissions/{submission}/files/{added.body['file_id']}/content")
    assert got.raw == data


async def test_whoever_was_given_up_as_stuck_writes_nothing_any_more(
    house: House, citizen: Citizen, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, submission, key = TakeFile._found, await citizen.begin(), uuid4()

    async def and_then_swept(self: TakeFile, *told: Any) -> Any:
        found = await whole(self, *told)
        assert await house.sweep.sweep() == 1
        return found

    with monkeypatch.context() as slow:
        slow.setattr(TakeFile, "_found", and_then_swept)
        assert (await citizen.add(submission, pdf(), key=key)).status == 503
    assert (await citizen.show(submission))["files"] == []
    assert (await citizen.add(submission, pdf(), key=key)).status == 201


async def test_what_came_again_before_its_erasure_stays(
    house: House, citizen: Citizen, documents_servers: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A try that was stuck is swept; the same comes again, and is coming, waiting or stored when the eraser gets to it."""
    submission, key, data = await citizen.begin(), uuid4(), pdf()
    with monkeypatch.context() as broken:
        broken.setattr(TakeFile, "_write", died)
        assert (await citizen.add(submission, data, key=key)).status == 500
    asked = eraser(house, documents_servers)
    file_id = (await house.rows("select file_id from arrival"))[0]["file_id"]
    async with house.database.transaction() as connection:
        known = await house.store.lock(connection, submission)
        assert known is not None
        await jobs.add(connection, [erase_job(known, file_id)])
    assert isinstance(await asked(await claim(house)), Again)
    assert await house.sweep.sweep() == 1
    with Away(house, documents_servers):
        added = await citizen.add(submission, data, key=key)
        assert added.status == 202
        assert isinstance(await asked(await claim(house)), Again)
    await nothing_waits(house)
    assert isinstance(await asked(await claim(house)), Done)
    got = await citizen.ask("GET", f"/v1/submissions/{submission}/files/{added.body['file_id']}/content")
    assert got.raw == data
    assert house.objects(house.buckets.inbound, citizen.absence_id) == []


async def test_a_try_that_was_overtaken_leaves_nothing_beside_what_is_on_record(
    house: House, citizen: Citizen, documents_servers: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first sets its bytes aside after the second is on record."""
    whole, submission, key = TakeFile._found, await citizen.begin(), uuid4()

    async def and_then_overtaken(*_: Any) -> Any:
        monkeypatch.setattr(TakeFile, "_found", whole)
        assert (await citizen.add(submission, data, key=key)).status == 201
        await nothing_waits(house)
        return NotChecked(reason="too-slow")

    data = pdf()
    monkeypatch.setattr(TakeFile, "_found", and_then_overtaken)
    assert (await citizen.add(submission, data, key=key)).status == 503
    assert isinstance(await eraser(house, documents_servers)(await claim(house)), Done)
    assert house.objects(house.buckets.inbound, citizen.absence_id) == []
    assert len(house.objects(house.buckets.clean, citizen.absence_id)) == 1


@pytest.mark.parametrize("comes_again_as", ["nothing of use", "a connection that breaks"])
async def test_of_a_try_that_died_nothing_is_left_when_the_next_one_does_not_come_whole(
    house: House,
    citizen: Citizen,
    documents_servers: Stack,
    monkeypatch: pytest.MonkeyPatch,
    comes_again_as: str,
) -> None:
    """The next one stored nothing, and knows nothing of what the one before has stored."""
    submission, key = await citizen.begin(), uuid4()
    with monkeypatch.context() as broken:
        broken.setattr(TakeFile, "_write", died)
        assert (await citizen.add(submission, pdf(), key=key)).status == 500
    assert len(house.objects(house.buckets.clean, citizen.absence_id)) == 1
    if comes_again_as == "nothing of use":
        assert (await citizen.add(submission, b"MZ of no use", key=key)).body["code"] == "type-not-accepted"
    else:
        async with abandoned(monkeypatch):
            await broken_off(citizen, submission, key)
    assert await house.sweep.sweep() == 1
    assert isinstance(await eraser(house, documents_servers)(await claim(house)), Done)
    assert house.objects(house.buckets.clean, citizen.absence_id) == []


async def test_a_try_that_breaks_off_does_not_take_the_place_of_the_next_one(
    house: House, citizen: Citizen, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client whose connection broke sends again at once; that it broke is noticed only while the second try is looked at."""
    whole, submission, key = TakeFile._found, await citizen.begin(), uuid4()
    first_comes, first_breaks = asyncio.Event(), asyncio.Event()

    async def and_then_the_first_broke(self: TakeFile, *told: Any) -> Any:
        async with abandoned(monkeypatch):
            first_breaks.set()
        return await whole(self, *told)

    first = asyncio.create_task(broken_off(citizen, submission, key, comes=first_comes, breaks=first_breaks))
    await first_comes.wait()
    while not await house.rows("select from arrival"):
        await asyncio.sleep(0.02)
    monkeypatch.setattr(TakeFile, "_found", and_then_the_first_broke)
    assert (await citizen.add(submission, pdf(), key=key)).status == 201
    await first
    assert [one["state"] for one in (await citizen.show(submission))["files"]] == ["clean"]
    assert await house.rows("select from arrival") == []


async def broken_off(
    citizen: Citizen,
    submission: UUID,
    key: UUID,
    *,
    comes: asyncio.Event | None = None,
    breaks: asyncio.Event | None = None,
) -> None:
    """A file of which the beginning comes, and then no more."""

    async def beginning() -> AsyncIterator[bytes]:
        yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.pdf"\r\n\r\n%PDF-1.7'
        if comes is not None and breaks is not None:
            comes.set()
            await breaks.wait()
        await asyncio.sleep(0.2)
        raise ConnectionError("broken")

    headers = {"content-type": "multipart/form-data; boundary=b", "idempotency-key": str(key)}
    with pytest.raises((aiohttp.ClientError, ConnectionError)):
        await citizen.ask("POST", f"/v1/submissions/{submission}/files", data=beginning(), headers=headers)


@asynccontextmanager
async def abandoned(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """Ends when a file was given up whose bytes never came."""
    whole, was_abandoned = TakeFile.abandon, asyncio.Event()

    async def and_tell(self: TakeFile, *told: Any) -> None:
        await whole(self, *told)
        was_abandoned.set()

    with monkeypatch.context() as told:
        told.setattr(TakeFile, "abandon", and_tell)
        yield
        async with asyncio.timeout(20):
            await was_abandoned.wait()


async def died(*_: object) -> None:
    raise RuntimeError("killed between the store and the row")
