"""Letters and statuses that are worked together: each comes out as it would alone, whatever becomes of the others."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from typing_extensions import override

from contracts.letter.v1 import LetterRequested
from plumbing.errors import Unavailable
from plumbing.postgres import Connection, Database
from services.notifier.domain import HeardStatus, Hearing, Letter, NoRecipient, Recipient, Status
from services.notifier.store import Letters, Statuses
from services.notifier.usecases import TakeStatuses
from services.notifier.usecases.move import Mover
from simulators.post_gateway.statuses import DELIVERED, FAILED, RECEIVED
from tests.integration.notifier.post_office import WAYS, FixedClock, PostOffice, letter, open_post_office
from tests.integration.notifier.test_status_push import AT, status


@pytest.fixture
async def office(notifier_database: Database, tmp_path: Path) -> AsyncIterator[PostOffice]:
    async with open_post_office(notifier_database, tmp_path) as opened:
        yield opened


@pytest.fixture
async def quiet_office(office: PostOffice) -> PostOffice:
    """Its gateway tells no status by itself."""
    await office.switch(mode="no_status")
    return office


class _HardOfHearing(Database):
    """Every third commit is not heard of, once it is switched on."""

    every = 0
    commits = 0

    @override
    @contextlib.asynccontextmanager
    async def transaction(self, *, idle_seconds: float | None = None) -> AsyncIterator[Connection]:
        async with super().transaction(idle_seconds=idle_seconds) as connection:
            yield connection
        self.commits += 1
        if self.every and self.commits % self.every == 0:
            raise ConnectionResetError


async def transactions(office: PostOffice, table: str) -> int:
    """How many transactions wrote the table's rows."""
    [row] = await office.rows(f"select count(distinct xmin::text)::int as number from {table}")  # noqa: S608  # made of constants
    return int(row["number"])


async def handed_over(office: PostOffice, *asked: LetterRequested) -> None:
    await office.ask_for(*asked)
    for one in asked:
        await office.until_state(one, "handed_over")


def told(asked: LetterRequested, code: str) -> Status:
    return Status(
        besked_id=uuid4(),
        message_uuid=asked.letter_id,
        transmission_id=str(uuid4()),
        status_code=code,
        error_code=None,
        at=AT,
    )


async def each_once(office: PostOffice, asked: Sequence[LetterRequested]) -> None:
    """Every letter is taken once, with one id and one set of bytes, and told of once."""
    for one in asked:
        await office.until_state(one, "dispatched", 20)
    await office.until_idle()
    ledger = await office.ledger()
    assert (ledger["delivered_twice"], ledger["regenerated"]) == ([], [])
    assert Counter(one["message_uuid"] for one in ledger["letters"]) == Counter(str(one.letter_id) for one in asked)
    bodies = {(attempt["message_uuid"], attempt["body_sha256"]) for attempt in ledger["attempts"]}
    assert len(bodies) == len(asked)
    announced = Counter(event["letter_id"] for _, event in await office.events())
    assert announced == Counter(str(one.letter_id) for one in asked)


async def test_letters_that_are_asked_for_together_are_fixed_together(office: PostOffice) -> None:
    asked = [letter() for _ in range(16)]
    await office.ask_for(*asked)
    await each_once(office, asked)
    assert await transactions(office, "letter_request") < 8


async def test_where_repeats_are_not_recognised_each_letter_is_fixed_by_itself(
    notifier_database: Database, tmp_path: Path
) -> None:
    async with open_post_office(notifier_database, tmp_path, dedupes=False) as office:
        asked = [letter() for _ in range(16)]
        await office.ask_for(*asked)
        await each_once(office, asked)
        assert await transactions(office, "letter_request") == 16


async def test_one_of_a_group_that_cannot_be_written_to_harms_no_other(office: PostOffice) -> None:
    good = [letter() for _ in range(6)]
    nowhere, gone = letter(municipality_code="0999"), letter()
    office.people.gone.add(gone.citizen_id)
    await office.ask_for(*good[:3], nowhere, gone, *good[3:])
    for one in good:
        await office.until_state(one, "dispatched")
    for one in (nowhere, gone):
        await office.until_state(one, "failed")
    assert len((await office.ledger())["attempts"]) == len(good)


async def test_a_lease_that_is_lost_before_the_bytes_are_fixed_is_nobody_elses_loss(
    office: PostOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = [letter() for _ in range(6)]
    original = office.people.recipient
    stolen = False

    async def stealing(citizen_id: UUID) -> Recipient | NoRecipient:
        nonlocal stolen
        if citizen_id == asked[2].citizen_id and not stolen:
            stolen = True
            await office.rows(
                "update job set token = gen_random_uuid(), available_at = clock_timestamp()"
                " where convert_from(payload, 'UTF8')::json ->> 'letter_id' = $1",
                str(asked[2].letter_id),
            )
        return await original(citizen_id)

    monkeypatch.setattr(office.people, "recipient", stealing)
    await office.ask_for(*asked)
    await each_once(office, asked)
    assert office.people.cards_read == 7  # the zombie's bytes were made and thrown away
    assert len((await office.ledger())["attempts"]) == 6


async def test_a_letter_that_moves_while_it_is_made_is_looked_at_anew(
    quiet_office: PostOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = [letter() for _ in range(3)]
    original = quiet_office.people.recipient

    async def slowly(citizen_id: UUID) -> Recipient | NoRecipient:
        if citizen_id == asked[1].citizen_id:
            assert await quiet_office.push(status(asked[1].letter_id)) == 200
        return await original(citizen_id)

    monkeypatch.setattr(quiet_office.people, "recipient", slowly)
    await handed_over(quiet_office, asked[0], asked[2])
    await quiet_office.ask_for(asked[1], offset=2)
    await quiet_office.until_state(asked[1], "dispatched")
    await quiet_office.until_idle()
    called = {attempt["message_uuid"] for attempt in (await quiet_office.ledger())["attempts"]}
    assert called == {str(asked[0].letter_id), str(asked[2].letter_id)}


async def test_bytes_that_cannot_be_fixed_keep_no_other_letter(
    office: PostOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = [letter() for _ in range(6)]
    original = Letters.add_requests
    failing = True

    async def add(self: Letters, connection: Connection, requests: Sequence[tuple[Letter, bytes]]) -> None:
        if failing and any(one.request.name.letter_id == asked[2].letter_id for one, _ in requests):
            raise RuntimeError
        await original(self, connection, requests)

    monkeypatch.setattr(Letters, "add_requests", add)
    await office.ask_for(*asked)
    for one in asked[:2] + asked[3:]:
        await office.until_state(one, "dispatched")
    assert await office.state(asked[2]) == "requested"
    failing = False
    await each_once(office, asked)


@pytest.mark.parametrize("dedupes", [True, False])
async def test_commits_that_are_not_heard_of_make_no_letter_twice(
    notifier_database: Database, tmp_path: Path, dedupes: bool
) -> None:
    database = _HardOfHearing(notifier_database._pool)
    async with open_post_office(database, tmp_path, dedupes=dedupes) as office:
        asked = [letter() for _ in range(12)]
        await office.ask_for(*asked)
        database.every = 3
        if dedupes:
            await each_once(office, asked)
            return

        async def ended() -> bool:
            with contextlib.suppress(ConnectionResetError):
                async with office.database.transaction() as connection:
                    await office.surface(connection)
            return {await office.state(one) for one in asked} <= {"dispatched", "unknown"}

        await office.until(ended, 20)
        ledger = await office.ledger()
        assert ledger["delivered_twice"] == []
        called = Counter(attempt["message_uuid"] for attempt in ledger["attempts"])
        assert set(called.values()) == {1}


async def test_statuses_that_come_together_are_taken_together_and_each_is_answered(quiet_office: PostOffice) -> None:
    asked = [letter() for _ in range(6)]
    await handed_over(quiet_office, *asked)
    twice, nobodys = uuid4(), uuid4()
    bodies = [
        status(asked[0].letter_id),
        status(asked[1].letter_id, FAILED),
        b"<ModtagBeskedInput/>",
        status(asked[2].letter_id, besked_id=twice),
        status(asked[2].letter_id, besked_id=twice),
        status(asked[3].letter_id, "Noget helt nyt"),
        status(nobodys),
        status(asked[4].letter_id),
        status(asked[4].letter_id, FAILED),
    ]
    assert await asyncio.gather(*map(quiet_office.push, bodies)) == [200] * len(bodies)
    states = [await quiet_office.state(one) for one in asked]
    assert states == ["dispatched", "failed", "dispatched", "handed_over", "dispatched", "handed_over"]
    rows = await quiet_office.rows("select message_uuid, hearing from letter_status")
    assert Counter(row["hearing"] for row in rows) == {
        "applied": 4,
        "unknown_code": 1,
        "unmatched": 1,
        "contradiction": 1,
    }
    # Of the fifth that it failed, too, if that was heard first.
    assert Counter(kind for kind, _ in await quiet_office.events())["dispatched"] == 3
    assert await quiet_office.rows("select 1 from audit_entry where action = 'status.contradiction'")
    assert await transactions(quiet_office, "letter_status") < 5


async def test_what_is_told_of_one_letter_in_one_go_is_taken_in_the_order_in_which_it_came(
    quiet_office: PostOffice,
) -> None:
    asked, other = letter(), letter()
    await handed_over(quiet_office, asked, other)
    take = TakeStatuses(Letters(), Statuses(), Mover(letters=Letters(), clock=FixedClock()), FixedClock(), WAYS)
    first = told(asked, RECEIVED)
    codes = [first, told(asked, DELIVERED), told(other, FAILED), told(asked, FAILED), first, told(asked, DELIVERED)]
    async with quiet_office.database.transaction() as connection:
        hearings = await take(connection, codes)
    assert hearings == [
        Hearing.LATE,
        Hearing.APPLIED,
        Hearing.APPLIED,
        Hearing.CONTRADICTION,
        None,
        Hearing.REPEATED,
    ]
    assert [await quiet_office.state(one) for one in (asked, other)] == ["dispatched", "failed"]
    assert [kind for kind, _ in await quiet_office.events()] == ["dispatched", "failed"]
    audited = await quiet_office.rows("select action from audit_entry where action like 'status.%' order by id")
    assert [row["action"] for row in audited] == ["status.late", "status.contradiction", "status.repeated"]


async def test_a_status_that_cannot_be_kept_is_asked_for_again_and_harms_no_other(
    quiet_office: PostOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = [letter() for _ in range(4)]
    await handed_over(quiet_office, *asked)
    original = Statuses.add
    bad = uuid4()

    async def add(self: Statuses, connection: Connection, heard: Sequence[HeardStatus]) -> set[UUID]:
        if any(one.status.besked_id == bad for one in heard):
            raise Unavailable("test")
        return await original(self, connection, heard)

    monkeypatch.setattr(Statuses, "add", add)
    bodies = [status(one.letter_id, besked_id=bad if nth == 1 else None) for nth, one in enumerate(asked)]
    assert await asyncio.gather(*map(quiet_office.push, bodies)) == [200, 503, 200, 200]
    assert [await quiet_office.state(one) for one in asked] == ["dispatched", "handed_over", "dispatched", "dispatched"]
    monkeypatch.undo()
    assert await quiet_office.push(bodies[1]) == 200
    assert await quiet_office.state(asked[1]) == "dispatched"


async def test_a_status_that_another_process_keeps_meanwhile_is_taken_once_and_harms_no_other(
    quiet_office: PostOffice,
) -> None:
    asked, other = letter(), letter()
    await handed_over(quiet_office, asked, other)
    besked_id = uuid4()
    async with quiet_office.database.acquire() as connection:
        rival = connection.transaction()
        await rival.start()
        await connection.execute(
            "insert into letter_status (besked_id, message_uuid, transmission_id, status_code, at, hearing)"
            " values ($1, $2, 'x', 'y', now(), 'unmatched')",
            besked_id,
            uuid4(),
        )
        bodies = [status(other.letter_id, besked_id=besked_id), status(asked.letter_id)]
        pushes = [asyncio.create_task(quiet_office.push(body)) for body in bodies]
        await asyncio.sleep(0.3)
        await rival.commit()
    assert await asyncio.gather(*pushes) == [200, 200]
    assert [await quiet_office.state(one) for one in (asked, other)] == ["dispatched", "handed_over"]
    hearings = Counter(row["hearing"] for row in await quiet_office.rows("select hearing from letter_status"))
    assert hearings == {"unmatched": 1, "applied": 1}
