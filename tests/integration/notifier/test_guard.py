"""Too many letters at once are held until somebody looked, and nothing is lost by it."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from plumbing.postgres import Database
from services.notifier import commands
from services.notifier.domain import Limits, Pace
from services.notifier.store import Gates
from services.notifier.usecases import SendLetter
from tests.integration.notifier.post_office import PostOffice, letter, open_post_office

HERE = Pace("0751", "report")
ELSEWHERE = Pace("0851", "report")
SMALL = Limits(hour=3, day=5, country_hour=100, country_day=100)


@pytest.fixture
async def office(notifier_database: Database, tmp_path: Path) -> AsyncIterator[PostOffice]:
    async with open_post_office(notifier_database, tmp_path, limits=SMALL) as opened:
        yield opened


async def states(office: PostOffice) -> dict[str, int]:
    rows = await office.rows("select state, count(*) as number from letter group by 1")
    return {row["state"]: row["number"] for row in rows}


async def test_as_many_as_are_allowed_go_out_and_the_rest_is_held(office: PostOffice) -> None:
    first = [letter() for _ in range(3)]
    await office.ask_for(*first)
    for one in first:
        await office.until_state(one, "dispatched")
    await office.ask_for(letter(), letter(), offset=3)
    await office.until_idle()
    assert await states(office) == {"dispatched": 3, "held": 2}
    assert await office.rows("select 1 from job") == []
    [gate] = await office.rows("select municipality_code, template, shut_by, reason from letter_gate")
    assert tuple(gate) == ("0751", "report", "service:notifier", "too-many")


async def test_what_is_asked_for_behind_a_shut_gate_is_held_too_and_others_are_not(office: PostOffice) -> None:
    await office.ask_for(*[letter() for _ in range(4)])
    late, elsewhere = letter(), letter(municipality_code="0101")
    await office.ask_for(late, elsewhere, offset=4)
    await office.until_state(elsewhere, "dispatched")
    assert await office.state(late) == "held"


async def test_the_whole_country_has_a_limit_too(notifier_database: Database, tmp_path: Path) -> None:
    limits = Limits(hour=100, day=100, country_hour=2, country_day=100)
    async with open_post_office(notifier_database, tmp_path, limits=limits) as office:
        asked = [letter(municipality_code=code) for code in ("0101", "0751", "0851")]
        await office.ask_for(*asked)
        assert await states(office) == {"held": 3}
        [gate] = await office.rows("select municipality_code from letter_gate")
        assert gate["municipality_code"] == "*"


async def test_a_repeated_request_counts_once(office: PostOffice) -> None:
    asked = [letter() for _ in range(3)]
    for offset in (0, 3, 6):
        await office.ask_for(*asked, offset=offset)
    for one in asked:
        await office.until_state(one, "dispatched")
    assert [row["number"] for row in await office.rows("select number from letter_pace")] == [3, 3]


async def test_processes_count_together(office: PostOffice) -> None:
    """The count is the database's: batches at the same time see each other's letters."""
    await asyncio.gather(*[office.ask_for(letter(), letter(), offset=10 * nth) for nth in range(3)])
    found = await states(office)
    assert found.pop("held") >= 2
    assert await office.rows("select 1 from letter_gate")


async def test_let_go_each_goes_out_once_and_counting_begins_anew(office: PostOffice) -> None:
    asked = [letter() for _ in range(5)]
    await office.ask_for(*asked)
    assert await states(office) == {"held": 5}
    assert await office.guard.go(HERE, "person:anna") == 5
    assert await office.guard.go(HERE, "person:anna") == 0
    office.worker.wake()
    for one in asked:
        await office.until_state(one, "dispatched")
    ledger = await office.ledger()
    assert len(ledger["letters"]) == 5
    more = letter()
    await office.ask_for(more, offset=5)
    await office.until_state(more, "dispatched")
    entries = await office.rows("select actor, object_id from audit_entry where action = 'gate.opened' order by 1")
    assert [tuple(row) for row in entries] == [("person:anna", "0751/report")] * 2


async def test_a_municipality_that_is_let_go_leaves_the_others_held(office: PostOffice) -> None:
    there = Pace("0101", "report")
    for gate in (HERE, there):
        await office.guard.stop(gate, "person:anna")
    here, elsewhere = letter(), letter(municipality_code="0101")
    await office.ask_for(here, elsewhere)
    assert await office.guard.go(HERE, "person:anna") == 1
    assert await office.state(elsewhere) == "held"
    assert await office.guard.go(there, "person:anna") == 1


async def test_a_letter_that_another_gate_holds_stays(office: PostOffice) -> None:
    await office.guard.stop(Pace("*", "report"), "person:anna")
    await office.guard.stop(HERE, "person:anna")
    await office.ask_for(letter())
    assert await office.guard.go(HERE, "person:anna") == 0
    assert await states(office) == {"held": 1}
    assert await office.guard.go(Pace("*", "report"), "person:anna") == 1


async def test_stopped_letters_under_way_are_held_unless_their_bytes_are_fixed(office: PostOffice) -> None:
    office.people.away = 1000  # the vault: nothing can be written meanwhile
    waiting = letter()
    await office.ask_for(waiting)
    await office.guard.stop(HERE, "person:anna")
    await office.until_state(waiting, "held")
    assert await office.rows("select 1 from job") == []
    office.people.away = 0
    assert await office.guard.go(HERE, "person:anna") == 1
    office.worker.wake()
    await office.until_state(waiting, "dispatched")


async def test_a_letter_that_is_being_made_while_its_gate_is_shut_is_held(
    office: PostOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = office.people.recipient

    async def shut_meanwhile(citizen_id: UUID) -> Any:
        monkeypatch.setattr(office.people, "recipient", read)
        await office.guard.stop(HERE, "person:anna")
        return await read(citizen_id)

    monkeypatch.setattr(office.people, "recipient", shut_meanwhile)
    asked = letter()
    await office.ask_for(asked)
    await office.until_state(asked, "held")
    assert (await office.ledger())["attempts"] == []
    assert await office.rows("select 1 from letter_request") == []


async def test_a_letter_that_is_being_held_while_its_gate_is_opened_goes_out_all_the_same(
    office: PostOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    await office.guard.stop(ELSEWHERE, "person:anna")
    stays = letter(municipality_code=ELSEWHERE.municipality_code)
    await office.ask_for(stays)
    office.people.away = 1000
    waiting = letter()
    await office.ask_for(waiting, offset=1)
    write = SendLetter._change_all

    async def opened_meanwhile(self: SendLetter, connection: Any, changes: Any) -> None:
        monkeypatch.setattr(SendLetter, "_change_all", write)
        assert await office.guard.go(HERE, "person:anna") == 0
        await write(self, connection, changes)

    monkeypatch.setattr(SendLetter, "_change_all", opened_meanwhile)
    await office.guard.stop(HERE, "person:anna")
    await office.until_state(waiting, "held")
    assert await office.rows("select 1 from job") == []

    office.people.away = 0
    assert [await office.guard.let_go_strays() for _ in range(2)] == [1, 0]
    office.worker.wake()
    await office.until_state(waiting, "dispatched")
    assert await office.state(stays) == "held"


async def test_somebody_on_duty_sees_what_is_held_and_turns_it(
    office: PostOffice, capsys: pytest.CaptureFixture[str]
) -> None:
    async def typed(*arguments: str) -> tuple[int, str]:
        capsys.readouterr()  # what was logged
        code = await commands.guard(office.database, Gates(), office.guard, arguments)
        return code, capsys.readouterr().out

    await office.ask_for(*[letter() for _ in range(4)])
    code, listed = await typed("list")
    told = json.loads(listed)
    assert (code, told["municipality"], told["template"], told["held"]) == (0, "0751", "report", 4)
    assert await typed("go", "0751", "report", "--by", "anna") == (0, "4 let go\n")
    assert await typed("list") == (0, "")
    assert (await typed("stop", "*", "hearing", "--by", "anna"))[0] == 0
    for wrong in (
        ("go", "0751", "report"),
        ("go", "75", "report", "--by", "anna"),
        ("go", "0751", "x", "--by", "anna"),
        ("go", "0751", "report", "--by", "010190.1234"),
        (),
    ):
        assert (await typed(*wrong))[0] == 2
