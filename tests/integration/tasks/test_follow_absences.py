"""Every event about absences, on a real PostgreSQL."""

import asyncio
from collections import Counter
from datetime import date
from itertools import permutations
from typing import Any
from uuid import uuid4

import pytest

from contracts.absence.v1 import AbsenceEvent, FinalRefund, Pay, PayKind
from plumbing import faults
from plumbing.errors import Unavailable
from tests.support.tasks_house import NOW, House, Reporter, as_record, dispatched, kinds_of

COMMENT, REQUEST, FORM = "comment_reported_information", "benefit_request", "information_form"
CONSENT = "fast_track_consent"
WAGE = Pay(kind=PayKind.WAGE)
WAGE_STOPS = FinalRefund(absence_continues=True, unpaid_from=date(2026, 3, 20))


async def audited(house: House, absence_id: object) -> list[str]:
    sql = "select action from audit_entry where object_type = 'absence' and object_id = $1 order by id"
    return [row["action"] for row in await house.rows(sql, str(absence_id))]


@pytest.mark.rule("T20")
async def test_an_amendment_is_commented_anew_and_moves_no_running_deadline(house: House) -> None:
    reporter = Reporter()
    await house.hears(reporter.reports(pay=WAGE))
    (letter,) = await house.requests()
    await house.letters([as_record(dispatched(letter, NOW), 0)])
    await house.hears(reporter.amends(pay=WAGE, municipality_code="0461", reported="YW5ldw=="))
    assert await house.tasks(reporter.absence_id) == [
        (COMMENT, "report", "open"),
        (COMMENT, "report", "superseded"),
        (FORM, "report", "open"),
    ]
    (_, second) = await house.requests()
    assert (kinds_of(second), second["municipality_code"]) == ([COMMENT], "0461")
    assert await house.closings() == [(COMMENT, "superseded")]
    dated = await house.rows("select state, deadline_day from task where kind = $1 order by state", COMMENT)
    assert [tuple(row) for row in dated] == [("open", None), ("superseded", date(2026, 3, 28))]
    (form,) = await house.rows("select deadline_day from task where kind = $1", FORM)
    assert form["deadline_day"] == date(2026, 3, 28)
    kept = await house.absence(reporter.absence_id)
    assert (kept["municipality_code"], kept["reported"], kept["version"]) == ("0461", "YW5ldw==", 2)


@pytest.mark.rule("T20")
async def test_an_amended_pay_opens_a_benefit_request_once(house: House) -> None:
    reporter = Reporter()
    await house.hears(reporter.reports(pay=WAGE))
    await house.hears(reporter.amends())
    await house.hears(reporter.amends(municipality_code="0461"))
    assert [kinds_of(letter) for letter in await house.requests()] == [[COMMENT, FORM], [COMMENT, REQUEST], [COMMENT]]


@pytest.mark.rule("T20")
async def test_the_form_follows_once_where_an_amendment_takes_the_last_day_away(house: House) -> None:
    reporter = Reporter()
    await house.hears(reporter.reports(pay=WAGE, last_absence_day=date(2026, 3, 12)))
    await house.hears(reporter.amends(pay=WAGE))
    (_, letter) = await house.requests()
    assert kinds_of(letter) == [COMMENT, FORM]
    await house.letters([as_record(dispatched(letter, NOW), 0)])
    (form,) = await house.rows("select deadline_day, letter_id from task where kind = $1", FORM)
    assert (str(form["letter_id"]), form["deadline_day"]) == (letter["letter_id"], date(2026, 3, 28))
    # A form that is closed is not asked for again: here it is closed as something later will.
    async with house.database.transaction() as connection:
        closed = "update task set state = 'superseded', closed_at = now() where kind = $1"
        await connection.execute(closed, FORM)
    await house.hears(reporter.amends(pay=WAGE, last_absence_day=date(2026, 3, 15)))
    await house.hears(reporter.amends(pay=WAGE))
    assert [kinds_of(one) for one in await house.requests()] == [[COMMENT], [COMMENT, FORM], [COMMENT], [COMMENT]]


@pytest.mark.rule("T20")
async def test_what_changes_nothing_that_is_shown_or_was_sent_before_makes_no_task(house: House) -> None:
    reporter = Reporter()
    await house.hears(reporter.reports())
    await house.hears(reporter.amends(is_changed=False, municipality_code="0461"))
    await house.hears(reporter.amends(is_current=False, municipality_code="0101"))
    assert len(await house.requests()) == 1
    kept = await house.absence(reporter.absence_id)
    assert (kept["municipality_code"], kept["told_version"], kept["version"]) == ("0461", 2, 3)


@pytest.mark.rule("T4", "T5")
async def test_a_refund_request_is_commented_and_asks_for_the_benefit_where_wage_stops(house: House) -> None:
    reporter = Reporter()
    await house.hears(reporter.reports(pay=WAGE))
    await house.hears(reporter.asks_for_refund())
    await house.hears(last := reporter.asks_for_refund(final=WAGE_STOPS))
    letters = await house.requests()
    assert [kinds_of(letter) for letter in letters] == [[COMMENT, FORM], [COMMENT], [COMMENT, REQUEST]]
    assert len({letter["letter_id"] for letter in letters}) == 3
    assert await house.closings() == []
    sealed = await house.rows("select kind, reported from notice where notification_id = $1", last.notification_id)
    assert [tuple(row) for row in sealed] == [("refund_requested", "cmVmdW5k")]
    about = await house.rows("select kind from task where notification_id = $1 order by 1", last.notification_id)
    assert [row["kind"] for row in about] == [REQUEST, COMMENT]


@pytest.mark.rule("T16")
async def test_fast_track_opens_a_preliminary_absence_that_the_report_joins(house: House) -> None:
    reporter = Reporter()
    await house.hears(reporter.asks_for_fast_track())
    kept = await house.absence(reporter.absence_id)
    assert (kept["state"], kept["municipality_code"], kept["reported"]) == ("preliminary", "0101", None)
    await house.hears(reporter.reports())
    kept = await house.absence(reporter.absence_id)
    assert (kept["state"], kept["municipality_code"], kept["version"]) == ("reported", "0751", 2)
    letters = await house.requests()
    assert [kinds_of(letter) for letter in letters] == [[CONSENT], [COMMENT, REQUEST, FORM]]
    assert [letter["municipality_code"] for letter in letters] == ["0101", "0751"]
    assert await audited(house, reporter.absence_id) == ["absence.opened", "absence.reported"]


@pytest.mark.rule("T16")
async def test_a_newer_fast_track_request_supersedes_the_older(house: House) -> None:
    reporter = Reporter()
    await house.hears(reporter.asks_for_fast_track(), reporter.asks_for_fast_track())
    await house.hears(reporter.asks_for_fast_track(is_current=False))
    assert await house.tasks(reporter.absence_id) == [
        (CONSENT, "fast_track", "open"),
        (CONSENT, "fast_track", "superseded"),
    ]
    assert await house.closings() == [(CONSENT, "superseded")]


@pytest.mark.rule("T13")
async def test_a_recovery_keeps_the_last_day_and_no_more(house: House) -> None:
    reporter = Reporter()
    await house.hears(reporter.reports())
    before = await house.tasks(reporter.absence_id)
    await house.hears(reporter.tells_recovery())
    await house.hears(reporter.tells_recovery(is_current=False, last_absence_day=date(2026, 3, 10)))
    kept = await house.absence(reporter.absence_id)
    assert (kept["recovered_day"], kept["last_absence_day"]) == (date(2026, 3, 18), date(2026, 3, 18))
    assert await house.tasks(reporter.absence_id) == before
    assert await house.closings() == []


@pytest.mark.rule("T20")
async def test_a_withdrawal_closes_what_is_unsolved_and_nothing_is_asked_after_it(house: House) -> None:
    reporter = Reporter()
    await house.hears(reporter.reports(), reporter.amends())
    await house.hears(reporter.withdraws())
    assert {state for _, _, state in await house.tasks(reporter.absence_id)} == {"withdrawn", "superseded"}
    closings = await house.closings()
    assert closings[0] == (COMMENT, "superseded")
    assert sorted(closings[1:]) == [(REQUEST, "withdrawn"), (COMMENT, "withdrawn"), (FORM, "withdrawn")]
    asked = len(await house.requests())
    await house.hears(reporter.amends(), reporter.asks_for_refund(final=WAGE_STOPS), reporter.asks_for_fast_track())
    await house.hears(reporter.tells_recovery(), reporter.withdraws())
    assert len(await house.requests()) == asked
    assert (await house.absence(reporter.absence_id))["state"] == "withdrawn"
    assert await house.rows("select * from task where closed_at is null or state = 'open'") == []


@pytest.mark.rule("T20")
async def test_a_report_taken_back_before_it_came_is_kept_and_asks_for_nothing(house: House) -> None:
    reporter = Reporter()
    await house.hears(reporter.reports(is_withdrawn=True), reporter.withdraws())
    kept = await house.absence(reporter.absence_id)
    assert (kept["state"], kept["version"]) == ("withdrawn", 2)
    assert await house.messages("sygefravaer.task.v1") == await house.requests() == []


@pytest.mark.rule("T2")
async def test_a_letter_that_goes_out_after_the_withdrawal_opens_nothing_again(house: House) -> None:
    reporter = Reporter()
    await house.hears(reporter.reports(), reporter.withdraws())
    (letter,) = await house.requests()
    await house.letters([as_record(dispatched(letter, NOW), 0)])
    rows = await house.rows("select state, deadline_day from task")
    assert {tuple(row) for row in rows} == {("withdrawn", date(2026, 3, 28))}


def a_life() -> tuple[Reporter, list[AbsenceEvent]]:
    reporter = Reporter()
    return reporter, [
        reporter.asks_for_fast_track(),
        reporter.reports(pay=WAGE),
        reporter.amends(pay=WAGE, municipality_code="0461"),
        reporter.asks_for_refund(final=WAGE_STOPS),
        reporter.tells_recovery(),
        reporter.withdraws(),
    ]


async def traces(house: House, reporter: Reporter) -> tuple[Any, ...]:
    kept = await house.absence(reporter.absence_id)
    told = [
        sorted(one.keys())
        for one in await house.messages("sygefravaer.task.v1")
        if one["absence_id"] == str(reporter.absence_id)
    ]
    letters = [kinds_of(one) for one in await house.requests() if one["absence_id"] == str(reporter.absence_id)]
    facts = {name: kept[name] for name in kept if name not in {"absence_id", "citizen_id"}}
    return facts, letters, told, await house.tasks(reporter.absence_id), await audited(house, reporter.absence_id)


async def test_a_whole_life_in_one_batch_is_the_same_as_one_event_at_a_time(house: House) -> None:
    at_once, events = a_life()
    await house.hears(*events)
    one_by_one, events = a_life()
    for event in events:
        await house.hears(event)
    assert await traces(house, at_once) == await traces(house, one_by_one)
    assert set(await house.fates()) == {"accepted"}


@pytest.mark.rule("N5")
async def test_l12_a_batch_out_of_order_is_worked_in_the_order_of_versions(house: House) -> None:
    in_order, events = a_life()
    await house.hears(*events)
    turned, events = a_life()
    await house.hears(*reversed(events))
    assert await traces(house, turned) == await traces(house, in_order)


async def test_a_life_told_again_from_the_beginning_changes_nothing(house: House) -> None:
    reporter, events = a_life()
    records = [as_record(event, nth) for nth, event in enumerate(events)]
    await house.absences(records)
    before = await traces(house, reporter)
    again = [one._replace(offset=100 + one.offset) for one in records]
    await house.absences(again)
    await house.absences(list(reversed(records)))
    assert await traces(house, reporter) == before
    assert Counter(await house.fates()) == {"accepted": 6, "duplicate": 6}


@pytest.mark.rule("N5")
async def test_what_comes_before_its_absence_waits_and_joins_it(house: House) -> None:
    reporter = Reporter()
    report, amendment, refund = reporter.reports(), reporter.amends(), reporter.asks_for_refund()
    await house.hears(refund)
    await house.hears(amendment)
    assert await house.fates() == ["parked", "parked"]
    assert (await house.absence(reporter.absence_id))["state"] == "awaited"
    assert await house.messages("sygefravaer.task.v1") == await house.requests() == []
    await house.hears(report)
    assert [kinds_of(letter) for letter in await house.requests()] == [[COMMENT, REQUEST, FORM], [COMMENT], [COMMENT]]
    assert await house.closings() == [(COMMENT, "superseded")]
    assert await house.rows("select * from waiting") == []
    assert await audited(house, reporter.absence_id) == [
        "absence.opened",
        "absence.amended",
        "absence.refund_requested",
    ]


@pytest.mark.rule("N5")
async def test_an_event_that_waits_is_not_kept_twice(house: House) -> None:
    reporter = Reporter()
    reporter.reports()
    waits = as_record(reporter.amends(), 0)
    await house.absences([waits])
    await house.absences([waits, waits._replace(offset=1)])
    assert await house.fates() == ["parked", "duplicate"]
    assert len(await house.rows("select * from waiting")) == 1


async def waits_as(house: House, event_type: str) -> None:
    """What waits is of this type from now on."""
    (row,) = await house.rows("delete from waiting returning *")
    values = row["event_id"], row["absence_id"], row["version"], event_type, row["value"]
    await house.rows(
        "insert into waiting (event_id, absence_id, version, type, value) values ($1, $2, $3, $4, $5)", *values
    )


@pytest.mark.rule("O1")
async def test_what_a_later_version_left_waiting_stops_nobody_after_it_was_rolled_back(house: House) -> None:
    """It is left where it is, and worked with whatever comes next once that version is back."""
    reporter = Reporter()
    report, amendment = reporter.reports(pay=WAGE), reporter.amends(pay=WAGE, municipality_code="0461")
    await house.hears(amendment)
    later, known = "dk.mitsygefravaer.absence.imagined.v1", "dk.mitsygefravaer.absence.amended.v1"
    await waits_as(house, later)
    await house.hears(report)
    assert [kinds_of(letter) for letter in await house.requests()] == [[COMMENT, FORM]]
    assert [row["type"] for row in await house.rows("select type from waiting")] == [later]
    await waits_as(house, known)
    await house.hears(reporter.tells_recovery())
    assert [kinds_of(letter) for letter in await house.requests()] == [[COMMENT, FORM], [COMMENT]]
    assert await house.rows("select * from waiting") == []


@pytest.mark.rule("N5")
async def test_of_what_waits_only_what_can_joins_a_preliminary_absence(house: House) -> None:
    reporter = Reporter()
    fast_track, report = reporter.asks_for_fast_track(), reporter.reports()
    await house.hears(reporter.amends(), reporter.tells_recovery())
    await house.hears(fast_track)
    waiting = await house.rows("select type from waiting")
    assert [row["type"] for row in waiting] == ["dk.mitsygefravaer.absence.amended.v1"]
    assert (await house.absence(reporter.absence_id))["recovered_day"] == date(2026, 3, 18)
    await house.hears(report)
    assert await house.rows("select * from waiting") == []
    assert (await house.absence(reporter.absence_id))["version"] == 4


@pytest.mark.rule("N5")
async def test_l12_events_end_the_same_in_every_order(house: House) -> None:
    """Each of the 24 orders of a report, an amendment, a recovery and a withdrawal, every event in a batch of its own (F164)."""
    ends = set()
    for order in permutations(range(4)):
        reporter = Reporter()
        events = [
            reporter.reports(),
            reporter.amends(municipality_code="0461"),
            reporter.tells_recovery(),
            reporter.withdraws(),
        ]
        for place in order:
            await house.hears(events[place])
        kept = await house.absence(reporter.absence_id)
        ends.add(tuple(value for name, value in kept.items() if name not in {"absence_id", "citizen_id"}))
        assert "open" not in {state for _, _, state in await house.tasks(reporter.absence_id)}
        assert (await audited(house, reporter.absence_id)).count("absence.opened") == 1
    assert len(ends) == 1
    assert await house.rows("select * from waiting") == []


@pytest.mark.parametrize("point", ["stage.after_inbox", "stage.before_commit", "stage.after_commit"])
async def test_a_join_that_breaks_anywhere_is_made_once(
    house: House, point: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    reporter = Reporter()
    report, withdrawal = reporter.reports(), reporter.withdraws()
    await house.hears(withdrawal)
    batch = [as_record(report, 7, event_id=uuid4())]
    monkeypatch.setattr(faults, "_plan", faults._parse(f"{point}:raise:1"))
    monkeypatch.setattr(faults, "_passed", Counter())
    with pytest.raises(faults.FaultInjected):
        await house.absences(batch)
    await house.absences(batch)
    assert len(await house.requests()) == 1
    assert await house.closings() == [(COMMENT, "withdrawn"), (REQUEST, "withdrawn"), (FORM, "withdrawn")]
    assert await house.rows("select * from waiting") == []


async def test_batches_at_the_same_time_about_one_absence_lose_nothing(house: House) -> None:
    """As when partitions are added while events are on their way (F176): one of the two is repeated where both are the first."""

    async def insists(event: AbsenceEvent, offset: int) -> None:
        record = as_record(event, offset)
        for _ in range(5):
            try:
                return await house.absences([record])
            except Unavailable:
                continue
        raise AssertionError("never came through")

    for nth in range(10):
        reporter = Reporter()
        report, withdrawal = reporter.reports(), reporter.withdraws()
        await asyncio.gather(insists(withdrawal, 2 * nth), insists(report, 2 * nth + 1))
        assert (await house.absence(reporter.absence_id))["state"] == "withdrawn"
        assert {state for _, _, state in await house.tasks(reporter.absence_id)} == {"withdrawn"}
    assert await house.rows("select * from waiting") == []


@pytest.mark.parametrize("was_asked", [True, False])
async def test_an_absence_that_an_older_version_wrote_is_judged_by_what_it_asked(house: House, was_asked: bool) -> None:
    """The older version, which may still run beside this one, keeps neither pay nor a state (F211)."""
    reporter = Reporter()
    report = reporter.reports()
    cause = uuid4()
    async with house.database.transaction() as connection:
        await connection.execute(
            """
            insert into absence (absence_id, citizen_id, citizen_kind, municipality_code, first_absence_day, reported,
                                 opened_at)
            values ($1, $2, 'employee', '0751', '2026-03-02', 'c2VhbGVk', $3)
            """,
            report.absence_id,
            report.citizen_id,
            NOW,
        )
        await connection.execute(
            """
            insert into letter (letter_id, version, absence_id, citizen_id, cause_id, planned_deadline_day, requested_at,
                                state)
            values ($1, 1, $2, $3, 'cause', '2026-03-28', $4, 'requested')
            """,
            cause,
            report.absence_id,
            report.citizen_id,
            NOW,
        )
        for place, kind in enumerate([COMMENT, REQUEST] if was_asked else [COMMENT], start=1):
            await connection.execute(
                """
                insert into task (task_id, absence_id, citizen_id, kind, letter_id, order_in_letter, opened_at, state)
                values ($1, $2, $3, $4, $5, $6, $7, 'open')
                """,
                uuid4(),
                report.absence_id,
                report.citizen_id,
                kind,
                cause,
                place,
                NOW,
            )
    await house.hears(reporter.asks_for_refund(final=WAGE_STOPS))
    (letter,) = await house.requests()
    assert kinds_of(letter) == ([COMMENT] if was_asked else [COMMENT, REQUEST])
    await house.hears(reporter.amends())
    assert (COMMENT, "superseded") in await house.closings()
