"""While nobody can look, nothing is clean and nothing is lost (D4): files wait, and are looked at when somebody can."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest
from prometheus_client import REGISTRY

from plumbing import ids
from plumbing.clamd import Clean, Infected, NotScanned, Scan, Unscannable, Version
from plumbing.errors import Unavailable
from plumbing.objects import Altered, Bucket
from services.uploads.usecases import scan_again
from services.uploads.usecases.scan_again import LOST, OLDEST
from services.uploads.usecases.watch_scanner import WatchedScanner
from stack import Stack
from stack.settings import TEST_SIGNATURE
from tests.integration.uploads.house import Citizen, House
from tests.integration.uploads.test_erasing import eraser
from tests.integration.uploads.test_sending import pdf

FRESH = datetime.now(UTC).strftime("%a %b %d %H:%M:%S %Y")


class Played:
    """A scanner that says what it is told to."""

    def __init__(self, *said: Scan, version: Version | None = None) -> None:
        self.said = list(said)
        self.told: Version | None = version or Version(engine="1.4.6", signatures=1, day=FRESH)

    async def scan(self, chunks: AsyncIterator[bytes], *, size: int) -> Scan:
        assert size == sum([len(piece) async for piece in chunks])
        return self.said.pop(0) if self.said else NotScanned(reason="nothing more")

    async def version(self) -> Version:
        if self.told is None:
            raise Unavailable("clamd")
        return self.told


@contextmanager
def nobody_looks(house: House, servers: Stack) -> Iterator[None]:
    """The scanner hangs, and that is known."""
    clamd = servers.server("clamd")
    clamd.pause()
    try:
        house.scanner._proven = None  # what its next look finds out
        yield
    finally:
        clamd.resume()


def watched(scanner: Played, **more: Any) -> WatchedScanner:
    return WatchedScanner(scanner, canary=b"a canary of ours", largest=300_000, stale_days=7, **more)


@pytest.mark.parametrize(
    "said",
    [
        (Clean(), Clean()),  # says OK to everything (F103), or stops early
        (NotScanned(reason="timeout"), Clean()),
        (Infected(name="x"), Infected(name="x")),  # says FOUND to everything
        (Infected(name="x"), NotScanned(reason="timeout")),
    ],
)
async def test_a_scanner_that_does_not_prove_itself_is_not_in_service(said: tuple[Scan, ...]) -> None:
    scanner = watched(Played(*said, Clean()))
    assert not await scanner.look()

    async def one() -> AsyncIterator[bytes]:
        yield b"x"

    assert await scanner.scan(one(), size=1) == NotScanned(reason="out-of-service")
    with pytest.raises(Unavailable):
        await scanner.version()


async def test_who_was_served_once_goes_on_taking_files_while_it_is_away() -> None:
    played = Played(Infected(name="x"), Clean())
    scanner = watched(played)
    played.told, there = None, played.told
    assert not await scanner.look()
    assert not scanner.was_in_service  # F094: it takes none before somebody can look
    played.told = there
    assert await scanner.look()
    played.told = None
    assert not await scanner.look()
    assert (scanner.was_in_service, scanner.is_in_service) == (True, False)


async def test_the_proof_is_asked_for_anew_when_signatures_change() -> None:
    played = Played(Infected(name="x"), Clean())
    scanner = watched(played)
    assert await scanner.look()
    assert await scanner.look()  # not due: nothing is asked
    played.told = Version(engine="1.4.6", signatures=2, day=FRESH)
    assert not await scanner.look()
    played.said = [Infected(name="x"), Clean()]
    assert await scanner.look()


@pytest.mark.parametrize("now", [Version(engine="1.4.6", signatures=2, day=FRESH), None])
async def test_f092_what_was_scanned_while_signatures_changed_is_not_clean_yet(now: Version | None) -> None:
    played = Played(Infected(name="x"), Clean(), Clean(), Infected(name="y"))
    scanner = watched(played)
    assert await scanner.look()
    played.told = now

    async def one() -> AsyncIterator[bytes]:
        yield b"x"

    assert await scanner.scan(one(), size=1) == NotScanned(reason="signatures-changed")
    assert await scanner.scan(one(), size=1) == Infected(name="y")


@pytest.mark.parametrize(
    ("version", "is_fresh"),
    [
        (Version(engine="1", signatures=1, day=FRESH), True),
        (Version(engine="1", signatures=1, day="Sat Jan 03 09:12:45 2026"), False),
        (Version(engine="1", signatures=1, day="yesterday"), False),
        (Version(engine="1"), False),
    ],
)
async def test_stale_signatures_take_the_scanner_out_of_service(version: Version, is_fresh: bool) -> None:
    assert await watched(Played(Infected(name="x"), Clean(), version=version)).look() is is_fresh


async def test_f090_while_the_scanner_is_away_files_wait_and_the_time_of_sending_is_kept(
    house: House, citizen: Citizen, documents_servers: Stack
) -> None:
    with nobody_looks(house, documents_servers):
        submission = await citizen.begin()
        added = await citizen.add(submission, pdf())
        assert (added.status, added.body["state"]) == (202, "pending")
        assert "endnu" in added.body["texts"]["da"]["what"]
        [waiting] = house.objects(house.buckets.inbound, citizen.absence_id)
        assert house.objects(house.buckets.clean, citizen.absence_id) == []
        sent = await citizen.send(submission)
        assert (sent.status, sent.body["state"]) == (202, "waiting")
        file_id = added.body["file_id"]
        assert (await citizen.ask("GET", f"/v1/submissions/{submission}/files/{file_id}/content")).status == 404
    shown = await until(citizen, submission, "sent")
    assert shown["sent_at"] == sent.body["sent_at"]
    async with asyncio.timeout(10):
        while house.objects(house.buckets.inbound, citizen.absence_id):
            await asyncio.sleep(0.05)
    assert [key.split("/")[1] for key in house.objects(house.buckets.clean, citizen.absence_id)] == [
        waiting.split("/")[1]
    ]


async def test_what_waits_and_turns_out_bad_holds_its_submission_back(
    house: House, citizen: Citizen, documents_servers: Stack
) -> None:
    with nobody_looks(house, documents_servers):
        submission = await citizen.begin()
        assert (await citizen.add(submission, pdf(b"% " + TEST_SIGNATURE + b"\n0 0 m 9 9 l S"))).status == 202
        assert (await citizen.send(submission)).status == 202
    shown = await until(citizen, submission, "open")
    assert [one["code"] for one in shown["files"]] == ["infected"]
    assert len(shown["attempts"]) == 1
    async with asyncio.timeout(10):
        while house.objects(house.buckets.inbound, citizen.absence_id):
            await asyncio.sleep(0.05)
    assert house.objects(house.buckets.clean, citizen.absence_id) == []


async def test_sent_again_after_its_check_what_was_held_back_stays_so_and_is_told_of_once(
    house: House, citizen: Citizen, documents_servers: Stack
) -> None:
    key = uuid4()
    with nobody_looks(house, documents_servers):
        submission = await citizen.begin()
        bad = await citizen.add(submission, pdf(b"% " + TEST_SIGNATURE + b"\n0 0 m 9 9 l S"))
        assert [bad.status, (await citizen.add(submission, pdf())).status] == [202, 202]
        assert [(await citizen.send(submission, key)).status for _ in range(2)] == [202, 202]
    held = await until(citizen, submission, "open")
    again = await citizen.send(submission, key)
    assert (again.status, again.body["code"]) == (409, "has-refused-files")
    # In another window, what is bad is taken out; whoever repeats the first request knows nothing of it.
    path = f"/v1/submissions/{submission}/files/{bad.body['file_id']}"
    assert (await citizen.ask("DELETE", path)).status == 204
    stale = await citizen.send(submission, key)
    assert (stale.status, stale.body["code"]) == (409, "has-refused-files")
    shown = await citizen.show(submission)
    assert (shown["state"], shown.get("sent_at"), shown["attempts"]) == ("open", None, held["attempts"])
    [told] = await house.rows("select payload from outbox")
    assert b"refused_at" in told["payload"]
    [attempt] = await house.rows("select attempt_id from attempt")
    assert attempt["attempt_id"] == ids.derive(submission, "attempt", key)
    await until_checked(citizen, submission)
    assert (await citizen.send(submission)).status == 200
    assert (await citizen.send(submission, key)).status == 409  # that one was held back, whatever came after it


async def test_what_was_sent_before_its_attempt_had_an_id_is_held_back_as_ever(
    house: House, citizen: Citizen, documents_servers: Stack
) -> None:
    with nobody_looks(house, documents_servers):
        submission = await citizen.begin()
        assert (await citizen.add(submission, pdf(b"% " + TEST_SIGNATURE + b"\n0 0 m 9 9 l S"))).status == 202
        assert (await citizen.send(submission)).status == 202
        async with house.database.transaction() as connection:
            await connection.execute("update submission set attempt_id = null")
    shown = await until(citizen, submission, "open")
    assert len(shown["attempts"]) == 1
    assert len(await house.rows("select from outbox")) == 1


async def test_u76_a_document_that_turns_bad_later_is_recalled_and_not_given_out(
    house: House, citizen: Citizen, documents_servers: Stack
) -> None:
    words = b"harmless until tomorrow 5d41402abc4b2a76b9719d911017c592"
    submission = await citizen.begin()
    file_id = (await citizen.add(submission, pdf(b"% " + words + b"\n0 0 m 9 9 l S"))).body["file_id"]
    assert (await citizen.add(submission, pdf())).status == 201
    assert (await citizen.send(submission)).status == 200
    documents_servers.learn_signature("Tomorrow", words)
    try:
        async with house.database.transaction() as connection:
            await connection.execute("update file set signatures = 0")  # as if others had looked at them
        assert await house.scan_again.some() == 2
        states = [one["state"] for one in (await citizen.show(submission))["files"]]
        assert states == ["recalled", "clean"]
        got = await citizen.ask("GET", f"/v1/submissions/{submission}/files/{file_id}/content")
        assert (got.status, got.body["code"]) == (410, "recalled")
        told = [row["payload"] for row in await house.rows("select payload from outbox")]
        assert sum(b"recalled_at" in one and file_id.encode() in one for one in told) == 1
        assert await house.scan_again.some() == 0
        await house.sweep.sweep()
        assert REGISTRY.get_sample_value("mitsyg_uploads_recalled_files") == 1
    finally:
        documents_servers.forget_signature("Tomorrow")


@pytest.mark.parametrize(
    "name",
    ["Heuristics.Limits.Exceeded.MaxScanTime", "Heuristics.Limits.Exceeded.MaxFileSize", "Heuristics.Broken.Media.PNG"],
)
async def test_a_document_that_the_scanner_cannot_look_into_any_more_is_not_recalled(
    house: House, citizen: Citizen, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """It was busy, or is configured otherwise since: no virus was found, and what is erased is gone."""
    submission, data = await citizen.begin(), pdf()
    file_id = (await citizen.add(submission, data)).body["file_id"]
    assert (await citizen.send(submission)).status == 200
    async with house.database.transaction() as connection:
        await connection.execute("update file set signatures = 0")  # as if others had looked at it

    async def cannot_look(*_: object, **__: object) -> Scan:
        return Unscannable(name=name)

    with monkeypatch.context() as busy:
        busy.setattr(type(house.scanner), "scan", cannot_look)
        assert await house.scan_again.some() == 0
    assert await house.rows("select from job where queue = 'erase'") == []
    got = await citizen.ask("GET", f"/v1/submissions/{submission}/files/{file_id}/content")
    assert (got.status, got.raw) == (200, data)
    assert await house.scan_again.some() == 1  # it comes again, and is looked at when that is possible


async def test_twenty_documents_that_are_lost_do_not_keep_a_bad_one_from_being_recalled(
    house: House, citizen: Citizen, documents_servers: Stack
) -> None:
    submissions = [await citizen.begin() for _ in range(3)]
    for nth in range(20):
        assert (await citizen.add(submissions[nth // 10], pdf())).status == 201
    await eraser(house, documents_servers)._clean.erase(f"{citizen.absence_id}/", may_go_on=lambda: asyncio.sleep(0))
    words = b"harmless until tomorrow 7d793037a0760186574b0282f2f435e7"
    assert (await citizen.add(submissions[2], pdf(b"% " + words + b"\n0 0 m 9 9 l S"))).status == 201
    documents_servers.learn_signature("Tomorrow", words)
    scanning = asyncio.create_task(house.scan_again.run())
    try:
        async with house.database.transaction() as connection:  # as if others had looked at them, four days ago
            await connection.execute("update file set signatures = 0, scanned_at = scanned_at - interval '4 days'")
        async with asyncio.timeout(60):
            while [one["state"] for one in (await citizen.show(submissions[2]))["files"]] != ["recalled"]:
                await asyncio.sleep(0.1)
        before = LOST._value.get()
        async with asyncio.timeout(30):
            while LOST._value.get() < before + 40:  # each is tried again in every pass
                await asyncio.sleep(0.1)
        assert OLDEST._value.get() > 3 * 24 * 3600
        states = await house.rows("select state, count(*) as number from file group by state order by state")
        assert [tuple(one) for one in states] == [("clean", 20), ("recalled", 1)]
    finally:
        scanning.cancel()
        documents_servers.forget_signature("Tomorrow")


@pytest.mark.parametrize("is_taken_back", [True, False])
async def test_what_is_taken_back_and_erased_while_others_are_scanned_again_is_not_lost(
    house: House, citizen: Citizen, documents_servers: Stack, monkeypatch: pytest.MonkeyPatch, is_taken_back: bool
) -> None:
    """Somebody is woken for what is lost."""
    submission = await citizen.begin()
    assert (await citizen.add(submission, pdf())).status == 201
    async with house.database.transaction() as connection:
        await connection.execute("update file set signatures = 0")
    fetch = type(house.clean).fetch

    async def erased_just_now(bucket: Bucket, *arguments: Any, **more: Any) -> None:
        if is_taken_back:
            assert (await citizen.ask("DELETE", f"/v1/submissions/{submission}")).status == 204
        erasing = eraser(house, documents_servers)._clean
        assert await erasing.erase(f"{citizen.absence_id}/", may_go_on=lambda: asyncio.sleep(0)) == 1
        await fetch(bucket, *arguments, **more)

    monkeypatch.setattr(type(house.clean), "fetch", erased_just_now)
    before = LOST._value.get()
    await house.scan_again.some()
    assert LOST._value.get() - before == (0 if is_taken_back else 1)


async def test_what_the_store_does_not_give_is_passed_over_until_the_next_pass(
    house: House, citizen: Citizen, monkeypatch: pytest.MonkeyPatch
) -> None:
    submission = await citizen.begin()
    for _ in range(3):
        assert (await citizen.add(submission, pdf())).status == 201
    async with house.database.transaction() as connection:
        await connection.execute("update file set signatures = 0")
    fetch, asked = type(house.clean).fetch, []

    async def refuses_the_first(bucket: Bucket, key: str, *arguments: Any, **more: Any) -> None:
        asked.append(key)
        if key == asked[0]:
            raise Unavailable("objects")
        await fetch(bucket, key, *arguments, **more)

    monkeypatch.setattr(type(house.clean), "fetch", refuses_the_first)
    monkeypatch.setattr(scan_again, "_AT_ONCE", 1)
    assert [await house.scan_again.some() for _ in range(5)] == [0, 1, 1, 0, 0]  # the fourth ends the pass
    assert [key == asked[0] for key in asked] == [True, False, False, True]


async def test_u88_bytes_that_are_not_what_was_stored_are_not_given_out(
    house: House, citizen: Citizen, monkeypatch: pytest.MonkeyPatch
) -> None:
    submission = await citizen.begin()
    file_id = (await citizen.add(submission, pdf())).body["file_id"]
    async with house.database.transaction() as connection:
        await connection.execute("update file set size = size - 1")
    got = await citizen.ask("GET", f"/v1/submissions/{submission}/files/{file_id}/content")
    assert got.status == 503
    assert b"%PDF" not in got.raw

    async def altered(*_: object, **__: object) -> None:
        raise Altered

    monkeypatch.setattr(type(house.clean), "fetch", altered)
    assert (await citizen.ask("GET", f"/v1/submissions/{submission}/files/{file_id}/content")).status == 503


async def test_what_never_came_in_whole_is_swept(house: House, citizen: Citizen) -> None:
    submission = await citizen.begin()
    async with house.database.transaction() as connection:
        await house.store.begin_arrival(connection, citizen.absence_id, submission, citizen.citizen_id)
    assert await house.sweep.sweep() == 1
    assert await house.sweep.sweep() == 0
    [job] = await house.rows("select queue, payload from job")
    assert job["payload"].decode() == f"{citizen.absence_id}/{citizen.absence_id}/ {submission}"


async def until(citizen: Citizen, submission: object, state: str) -> Any:
    async with asyncio.timeout(30):
        while (shown := await citizen.show(submission))["state"] != state:  # type: ignore[arg-type]
            await asyncio.sleep(0.1)
    return shown


async def until_checked(citizen: Citizen, submission: object) -> None:
    async with asyncio.timeout(30):
        while any(one["state"] == "pending" for one in (await citizen.show(submission))["files"]):  # type: ignore[arg-type]
            await asyncio.sleep(0.1)
