"""Opening tasks and starting clocks, on a real PostgreSQL."""

from collections import Counter
from datetime import UTC, date, datetime
from uuid import uuid4

import pytest

from contracts.absence.v1 import CitizenKind
from contracts.topics import LETTER
from plumbing import faults
from plumbing.bus import Record
from tests.support.tasks_house import NOW, House, as_record, dispatched, not_sent, reported


@pytest.mark.rule("T1", "M1")
async def test_a_report_opens_its_tasks_and_asks_for_one_letter_that_names_them(house: House) -> None:
    letter = await house.opened_letter(reported())
    assert [task["kind"] for task in letter["tasks"]] == [
        "comment_reported_information",
        "benefit_request",
        "information_form",
    ]
    opened = await house.messages("sygefravaer.task.v1")
    assert [task["task_id"] for task in opened] == [task["task_id"] for task in letter["tasks"]]
    assert {task["letter_id"] for task in opened} == {letter["letter_id"]}
    assert (letter["planned_day"], letter["planned_deadline_day"]) == ("2026-03-20", "2026-03-28")


@pytest.mark.rule("T2")
async def test_until_the_letter_is_proven_out_its_tasks_have_no_deadline(house: House) -> None:
    await house.opened_letter(reported())
    assert {row["deadline_day"] for row in await house.rows("select deadline_day from task")} == {None}


@pytest.mark.rule("M1")
async def test_a_report_that_makes_no_task_makes_no_letter(house: House) -> None:
    event = reported(citizen_kind=CitizenKind.SELF_EMPLOYED, pay=None, last_absence_day=date(2026, 3, 10))
    await house.absences([as_record(event, 0)])
    assert await house.rows("select * from letter") == []
    assert len(await house.rows("select * from absence")) == 1


async def test_a_repeated_event_makes_nothing_new_wherever_it_arrives(house: House) -> None:
    event, event_id = reported(), uuid4()
    await house.absences([as_record(event, 0, event_id=event_id), as_record(event, 1, event_id=event_id)])
    await house.absences([as_record(event, 0, event_id=event_id), as_record(event, 7, event_id=event_id)])
    assert len(await house.messages("sygefravaer.letter-request.v1")) == 1
    fates = Counter(row["fate"] for row in await house.rows("select fate from inbox_record"))
    assert fates == {"accepted": 1, "duplicate": 2}


async def test_a_second_report_of_a_known_absence_is_buried_and_its_neighbours_go_on(house: House) -> None:
    first = reported()
    await house.absences([as_record(first, 0), as_record(first, 1), as_record(reported(), 2)])
    fates = [row["fate"] for row in await house.rows('select fate from inbox_record order by "offset"')]
    assert fates == ["accepted", "rejected", "accepted"]
    (buried,) = await house.messages("mitsyg.tasks.sygefravaer.absence.v1.dlq")
    assert buried["reasons"] == [{"field": "absence_id", "code": "absence-is-known"}]


@pytest.mark.rule("T1", "T2")
async def test_a_proven_dispatch_sets_the_deadline_of_every_task_of_the_letter(house: House) -> None:
    letter = await house.opened_letter(reported())
    await house.letters([as_record(dispatched(letter, datetime(2026, 3, 24, 12, tzinfo=UTC)), 0)])
    rows = await house.rows("select day_zero, deadline_day, deadline_at from task")
    assert {tuple(row) for row in rows} == {
        (date(2026, 3, 24), date(2026, 4, 1), datetime(2026, 4, 1, 22, tzinfo=UTC))  # summer time began in between
    }
    told = [one for one in await house.messages("sygefravaer.task.v1") if "deadline_at" in one]
    assert len(told) == 3
    assert {one["deadline_at"] for one in told} == {"2026-04-01T22:00:00Z"}


@pytest.mark.rule("T2")
async def test_a_letter_that_failed_never_starts_the_deadline(house: House) -> None:
    letter = await house.opened_letter(reported())
    await house.letters([as_record(not_sent(letter), 0)])
    assert {row["deadline_day"] for row in await house.rows("select deadline_day from task")} == {None}
    assert [row["state"] for row in await house.rows("select state from letter")] == ["failed"]


@pytest.mark.rule("T2", "M3")
async def test_a_late_proof_after_a_failure_starts_the_deadline(house: House) -> None:
    letter = await house.opened_letter(reported())
    await house.letters([as_record(not_sent(letter), 0), as_record(dispatched(letter, NOW), 1)])
    assert {row["deadline_day"] for row in await house.rows("select deadline_day from task")} == {date(2026, 3, 28)}


@pytest.mark.rule("T2")
async def test_the_same_proof_told_twice_sets_the_deadline_once(house: House) -> None:
    letter = await house.opened_letter(reported())
    proof = dispatched(letter, NOW)
    await house.letters([as_record(proof, 0), as_record(proof, 1)])
    told = [one for one in await house.messages("sygefravaer.task.v1") if "deadline_at" in one]
    assert len(told) == 3
    audited = await house.rows("select * from audit_entry where action = 'task.deadline_set'")
    assert len(audited) == 3


async def test_the_fate_of_a_letter_that_nobody_asked_for_is_buried(house: House) -> None:
    letter = await house.opened_letter(reported())
    stranger = dispatched({**letter, "letter_id": str(uuid4())}, NOW)
    await house.letters([as_record(stranger, 0), as_record(dispatched(letter, NOW), 1)])
    fates = [
        row["fate"]
        for row in await house.rows(
            """select fate from inbox_record where topic = 'sygefravaer.letter.v1' order by "offset" """
        )
    ]
    assert fates == ["rejected", "accepted"]


@pytest.mark.rule("T2")
@pytest.mark.parametrize("at", [datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC), datetime(2036, 3, 20, 12, tzinfo=UTC)])
async def test_a_proof_of_a_year_to_come_is_buried_and_stops_nobody(house: House, at: datetime) -> None:
    """Some systems say the last instant of the calendar for none; the later of two deadlines would stay for ever."""
    letter = await house.opened_letter(reported())
    await house.letters([as_record(dispatched(letter, at), 0), as_record(dispatched(letter, NOW), 1)])
    rows = await house.rows(
        """select fate, reason from inbox_record where topic = $1 order by "offset" """, LETTER.name
    )
    assert [tuple(row) for row in rows] == [("rejected", "implausible-dispatch"), ("accepted", None)]
    assert {row["deadline_day"] for row in await house.rows("select deadline_day from task")} == {date(2026, 3, 28)}


async def test_an_event_of_a_newer_kind_is_passed_over_and_a_broken_one_is_buried(house: House) -> None:
    good = as_record(reported(), 0)
    newer = Record(
        topic=good.topic,
        partition=0,
        offset=1,
        key=None,
        value=b"{}",
        headers=tuple(
            (name, b"dk.mitsygefravaer.absence.imagined.v1" if name == "ce_type" else value)
            for name, value in good.headers
        ),
        timestamp_ms=1,
    )
    broken = Record(topic=good.topic, partition=0, offset=2, key=None, value=b"{", headers=good.headers, timestamp_ms=1)
    bare = Record(topic=good.topic, partition=0, offset=3, key=None, value=b"{}", headers=(), timestamp_ms=1)
    await house.absences([newer, broken, bare, good])
    fates = [row["fate"] for row in await house.rows('select fate from inbox_record order by "offset"')]
    assert fates == ["accepted", "passed", "rejected", "rejected"]


@pytest.mark.parametrize("point", ["stage.after_inbox", "stage.before_commit", "stage.after_commit"])
async def test_a_batch_that_breaks_anywhere_opens_its_tasks_once(
    house: House, point: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = [as_record(reported(), 0)]
    monkeypatch.setattr(faults, "_plan", faults._parse(f"{point}:raise:1"))
    monkeypatch.setattr(faults, "_passed", Counter())
    with pytest.raises(faults.FaultInjected):
        await house.absences(batch)
    await house.absences(batch)
    assert len(await house.messages("sygefravaer.letter-request.v1")) == 1
    assert len(await house.rows("select * from task")) == 3
