"""Letters on a real PostgreSQL and over real HTTP: delivered once or surfaced, whatever the gateway does (L2, M1, M3, M4)."""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from contracts.letter.v1 import LetterRequested
from plumbing import faults
from plumbing.postgres import Database
from services.notifier.letters import GatewayRequest, Renderer
from tests.integration.notifier.post_office import CPR, NAME, PostOffice, as_record, letter, open_post_office


@pytest.fixture
async def office(notifier_database: Database, tmp_path: Path) -> AsyncIterator[PostOffice]:
    async with open_post_office(notifier_database, tmp_path) as opened:
        yield opened


@pytest.fixture
async def careful_office(notifier_database: Database, tmp_path: Path) -> AsyncIterator[PostOffice]:
    """Its gateway does not recognise repeats."""
    async with open_post_office(notifier_database, tmp_path, dedupes=False) as opened:
        yield opened


@pytest.mark.rule("M1", "M3")
async def test_a_letter_that_was_asked_for_is_sent_once_and_told_of_when_the_gateway_proves_it(
    notifier_database: Database, tmp_path: Path
) -> None:
    async with open_post_office(notifier_database, tmp_path, renderer=Renderer()) as office:
        asked = letter()
        await office.ask_for(asked)
        await office.until_state(asked, "dispatched")
        ledger = await office.ledger()
        [taken], [status] = ledger["letters"], ledger["status_messages"]
        assert taken["message_uuid"] == str(asked.letter_id)
        [(kind, event)] = await office.events()
    assert kind == "dispatched"
    assert event["letter_id"] == str(asked.letter_id)
    told, proven = datetime.fromisoformat(event["dispatched_at"]), datetime.fromisoformat(status["at"])
    assert abs((told - proven).total_seconds()) < 0.001  # PKO_PostStatus tells milliseconds
    assert event["proof"]["transmission_id"] == taken["transmission_id"]
    assert event["proof"]["status_code"] == "Afleveret Digital Post"


async def test_an_accepted_letter_is_not_sent_until_the_status_says_so(office: PostOffice) -> None:
    await office.switch(mode="no_status")
    asked = letter()
    await office.ask_for(asked)
    await office.until_state(asked, "handed_over")
    await office.until_idle()
    assert await office.events() == []


async def test_every_way_of_asking_twice_makes_one_letter(office: PostOffice) -> None:
    asked = letter()
    same_event, other_event = as_record(asked, 0, event_id=uuid4()), as_record(asked, 2)
    await office.stage([same_event, same_event._replace(offset=1)])
    await office.stage([same_event, other_event, as_record(asked, 3)])
    await office.until_state(asked, "dispatched")
    assert len((await office.ledger())["attempts"]) == 1
    assert await office.rows("select fate, count(*)::int as n from inbox_record group by 1 order by 1")


async def test_the_same_letter_asked_for_differently_is_a_dead_letter_and_the_first_stays(office: PostOffice) -> None:
    asked = letter()
    other = asked.model_copy(update={"municipality_code": "0101"})
    good = letter()
    await office.ask_for(asked, other, good)
    await office.until_state(asked, "dispatched")
    await office.until_state(good, "dispatched")
    [row] = await office.rows('select fate, reason from inbox_record where "offset" = 1')
    assert (row["fate"], row["reason"]) == ("rejected", "letter-conflict")
    assert len((await office.ledger())["letters"]) == 2


async def test_what_is_no_letter_request_is_a_dead_letter_and_the_next_one_goes_on(office: PostOffice) -> None:
    good = letter()
    bad = as_record(letter(), 0)._replace(value=b"{")
    await office.stage([bad, as_record(good, 1)])
    await office.until_state(good, "dispatched")
    topics = await office.rows("select aggregatetype from outbox")
    assert Counter(row[0] for row in topics) == {"mitsyg.notifier.x.dlq": 1, "sygefravaer.letter.v1": 1}


@pytest.mark.parametrize(
    "mode",
    ["accept_then_500", "accept_then_drop", "accept_then_hang", "accept_then_html", "error500", "error503", "down"],
)
async def test_a_gateway_that_recognises_repeats_gets_the_same_id_and_bytes_until_it_answers(
    office: PostOffice, mode: str
) -> None:
    await office.switch(mode=mode, number=2, seconds=5, retry_after=0)
    asked = letter()
    await office.ask_for(asked)
    await office.until_state(asked, "dispatched", 15)
    await office.until_idle()
    ledger = await office.ledger()
    assert len(ledger["letters"]) == 1
    assert {attempt["message_uuid"] for attempt in ledger["attempts"]} == {str(asked.letter_id)}
    assert len({attempt["body_sha256"] for attempt in ledger["attempts"]}) == 1
    assert len({attempt["transaction_id"] for attempt in ledger["attempts"]}) == 1
    assert len(await office.events()) == 1
    assert office.people.cards_read == 1


@pytest.mark.parametrize("mode", ["accept_then_500", "accept_then_drop", "accept_then_hang", "accept_then_html"])
async def test_a_gateway_that_does_not_is_never_asked_again_after_an_unknown_outcome(
    careful_office: PostOffice, mode: str
) -> None:
    await careful_office.switch(mode=mode, number=1, seconds=5)
    asked = letter()
    await careful_office.ask_for(asked)
    await careful_office.until_state(asked, "dispatched")  # the status came, whatever the answer was
    await careful_office.until_idle()
    ledger = await careful_office.ledger()
    assert (len(ledger["attempts"]), len(ledger["letters"])) == (1, 1)


@pytest.mark.parametrize("mode", ["error503", "error429"])
async def test_a_call_that_certainly_changed_nothing_is_made_again_also_there(
    careful_office: PostOffice, mode: str
) -> None:
    await careful_office.switch(mode=mode, number=2, retry_after=0)
    asked = letter()
    await careful_office.ask_for(asked)
    await careful_office.until_state(asked, "dispatched")
    ledger = await careful_office.ledger()
    assert [attempt["outcome"] for attempt in ledger["attempts"]] == ["not-taken", "not-taken", "accepted"]


async def test_bytes_that_a_later_version_kept_wait_for_it_and_are_sent_as_they_are(
    office: PostOffice, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed, unpacked = vars(GatewayRequest)["packed"].fget, GatewayRequest.unpacked
    with monkeypatch.context() as later:
        later.setattr(GatewayRequest, "packed", property(lambda request: b"\x7f" + packed(request)))
        await office.switch(mode="error503", number=1, retry_after=0)
        asked = letter()
        await office.ask_for(asked)

        async def waits() -> bool:
            return bool(await office.rows("select from job where reason = 'later-form'"))

        await office.until(waits)
    assert len((await office.ledger())["letters"]) == 0

    monkeypatch.setattr(GatewayRequest, "unpacked", lambda kept: unpacked(kept[1:]))
    await office.until_state(asked, "dispatched")
    assert len((await office.ledger())["letters"]) == 1


@pytest.mark.parametrize("mode", ["error500", "down"])
async def test_an_outcome_nobody_knows_is_surfaced_and_not_guessed(careful_office: PostOffice, mode: str) -> None:
    await careful_office.switch(mode=mode)
    asked = letter()
    await careful_office.ask_for(asked)
    await careful_office.until_state(asked, "in_doubt")
    await careful_office.until_idle()
    assert await careful_office.events() == []
    await asyncio.sleep(0.4)
    async with careful_office.database.transaction() as connection:
        assert await careful_office.surface(connection) == 1
        assert await careful_office.surface(connection) == 0
    assert await careful_office.state(asked) == "unknown"
    [(kind, event)] = await careful_office.events()
    assert (kind, event["reason"]) == ("failed", "outcome-unknown")
    assert len((await careful_office.ledger())["attempts"]) == 1


async def test_a_letter_whose_status_is_late_is_surfaced_and_the_late_status_is_still_taken(office: PostOffice) -> None:
    await office.switch(mode="late_status", seconds=1.2)
    asked = letter()
    await office.ask_for(asked)
    await office.until_state(asked, "handed_over")
    await asyncio.sleep(0.4)
    async with office.database.transaction() as connection:
        await office.surface(connection)
    assert await office.state(asked) == "unknown"
    await office.until_state(asked, "dispatched")
    assert [kind for kind, _ in await office.events()] == ["failed", "dispatched"]


async def test_a_letter_is_not_overdue_before_its_time(office: PostOffice) -> None:
    await office.switch(mode="no_status")
    asked = letter()
    await office.ask_for(asked)
    await office.until_state(asked, "handed_over")
    async with office.database.transaction() as connection:
        assert await office.surface(connection) == 0


async def test_a_definitive_refusal_fails_the_letter_at_once(office: PostOffice) -> None:
    await office.switch(mode="refuse", error_code="recipient.unknown", number=1)
    asked = letter()
    await office.ask_for(asked)
    await office.until_state(asked, "failed")
    await office.until_idle()
    [(kind, event)] = await office.events()
    assert (kind, event["reason"]) == ("failed", "recipient.unknown")
    assert len((await office.ledger())["attempts"]) == 1


async def test_a_status_of_failure_fails_the_letter(office: PostOffice) -> None:
    await office.switch(mode="fail_status", error_code="recipient.deceased", number=1)
    asked, other = letter(), letter()
    await office.ask_for(asked)
    await office.until_state(asked, "failed")
    await office.ask_for(other, offset=1)
    await office.until_state(other, "dispatched")
    assert [(kind, event.get("reason")) for kind, event in await office.events()] == [
        ("failed", "recipient.deceased"),
        ("dispatched", None),
    ]


async def test_an_answer_in_no_table_parks_the_letter_and_a_release_sends_it(office: PostOffice) -> None:
    await office.switch(mode="refuse", error_code="never.seen", number=1)
    asked = letter()
    await office.ask_for(asked)
    await office.until_idle()
    [job] = await office.rows("select state, reason from job")
    assert (job["state"], job["reason"], await office.state(asked)) == ("parked", "odd-answer-400", "prepared")
    await office.rows("update job set state = 'waiting', attempts = 0, available_at = now()")
    await office.until_state(asked, "dispatched")
    assert len((await office.ledger())["letters"]) == 1


async def test_a_letter_that_was_tried_too_often_is_surfaced(notifier_database: Database, tmp_path: Path) -> None:
    async with open_post_office(notifier_database, tmp_path, attempts=3) as office:
        await office.switch(mode="error500")
        asked = letter()
        await office.ask_for(asked)
        await office.until_state(asked, "unknown")
        [job] = await office.rows("select state, attempts from job")
        assert (job["state"], job["attempts"]) == ("parked", 3)
        assert [event["reason"] for _, event in await office.events()] == ["outcome-unknown"]


@pytest.mark.parametrize(
    ("changes", "reason"), [({"municipality_code": "0999"}, "municipality.unknown"), ({}, "citizen.destroyed")]
)
async def test_who_cannot_be_written_to_or_by_whom_is_a_failure(
    office: PostOffice, changes: dict[str, Any], reason: str
) -> None:
    asked = letter(**changes)
    if not changes:
        office.people.gone.add(asked.citizen_id)
    await office.ask_for(asked)
    await office.until_state(asked, "failed")
    [(_, event)] = await office.events()
    assert event["reason"] == reason
    assert (await office.ledger())["attempts"] == []


async def test_somebody_erased_between_two_tries_is_unknown_not_failed(office: PostOffice) -> None:
    await office.switch(mode="accept_then_500", number=1)
    await office.switch(mode="no_status")
    asked = letter()
    original = office.people.key

    async def erased(citizen_id: Any) -> Any:
        office.people.gone.add(asked.citizen_id)
        return await original(citizen_id)

    office.people.key = erased  # type: ignore[method-assign]
    await office.ask_for(asked)
    await office.until_state(asked, "unknown")
    assert [event["reason"] for _, event in await office.events()] == ["outcome-unknown"]


async def test_an_absent_vault_delays_and_loses_nothing(office: PostOffice) -> None:
    office.people.away = 4
    asked = letter()
    await office.ask_for(asked)
    await office.until_state(asked, "dispatched")


async def test_a_later_version_is_another_letter_with_an_id_that_follows_from_it(office: PostOffice) -> None:
    first = letter()
    second = first.model_copy(update={"version": 2})
    await office.ask_for(first, second)
    await office.until_state(first, "dispatched")
    await office.until_state(second, "dispatched")
    uuids = {one["message_uuid"] for one in (await office.ledger())["letters"]}
    assert len(uuids) == 2
    assert str(first.letter_id) in uuids


async def test_nothing_about_the_citizen_lies_open_in_any_table(office: PostOffice) -> None:
    asked = letter()
    await office.ask_for(asked)
    await office.until_state(asked, "dispatched")
    tables = await office.rows(
        "select tablename from pg_tables where schemaname = 'public' and tablename <> 'alembic_version'"
    )
    for table in tables:
        for row in await office.rows(f"table {table[0]}"):
            content = b" ".join(
                bytes(value) if isinstance(value, bytes) else str(value).encode() for value in row.values()
            )
            assert CPR.encode() not in content, table[0]
            assert NAME.encode() not in content, table[0]
            assert not re.search(rb"Kirsten|%PDF|<memo:", content), table[0]


async def test_the_bytes_of_a_letter_and_a_status_can_never_be_changed(office: PostOffice) -> None:
    asked = letter()
    await office.ask_for(asked)
    await office.until_state(asked, "dispatched")
    for statement in (
        "update letter_request set sealed = ''",
        "delete from letter_request",
        "update letter_status set hearing = 'late'",
        "delete from letter_status",
        "delete from letter",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await office.rows(statement)


async def test_every_step_of_a_letter_is_in_the_audit_trail(office: PostOffice) -> None:
    asked = letter()
    await office.ask_for(asked)
    await office.until_state(asked, "dispatched")
    await office.until_idle()
    actions = [row["action"] for row in await office.rows("select action, subject from audit_entry order by id")]
    # the status may come before the answer of the call is written
    assert [action for action in actions if action != "letter.handed_over"] == [
        "letter.requested",
        "letter.prepared",
        "letter.dispatched",
    ]
    [subject] = {row["subject"] for row in await office.rows("select subject from audit_entry")}
    assert subject == asked.citizen_id


POINTS = [
    "jobs.after_claim",
    "notifier.after_claim",
    "notifier.after_render_stored",
    "notifier.before_call",
    "notifier.after_call",
    "jobs.before_result",
    "notifier.before_result",
    "jobs.before_result_commit",
    "jobs.after_result",
    "notifier.status_before_commit",
    "notifier.status_after_commit",
]


@pytest.mark.parametrize("point", POINTS)
async def test_a_fault_at_any_point_leaves_one_letter_and_one_event(
    office: PostOffice, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    monkeypatch.setattr(faults, "_plan", faults._parse(f"{point}:raise:1,{point}:raise:3"))
    monkeypatch.setattr(faults, "_passed", Counter())
    asked = [letter() for _ in range(4)]
    await office.ask_for(*asked)
    for one in asked:
        await office.until_state(one, "dispatched", 20)
    await office.until_idle()
    ledger = await office.ledger()
    assert (ledger["delivered_twice"], ledger["regenerated"]) == ([], [])
    assert ledger["letters_total"] == 4
    assert sorted(event["letter_id"] for _, event in await office.events()) == sorted(
        str(one.letter_id) for one in asked
    )
    assert faults._passed[point] >= 3


@pytest.mark.parametrize("point", POINTS)
async def test_and_where_repeats_are_not_recognised_at_most_one_letter_and_the_rest_surfaced(
    careful_office: PostOffice, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    monkeypatch.setattr(faults, "_plan", faults._parse(f"{point}:raise:1,{point}:raise:3"))
    monkeypatch.setattr(faults, "_passed", Counter())
    asked = [letter() for _ in range(4)]
    await careful_office.ask_for(*asked)
    await careful_office.until_idle()
    await asyncio.sleep(0.5)

    async def ended(one: LetterRequested) -> bool:
        async with careful_office.database.transaction() as connection:
            await careful_office.surface(connection)
        return await careful_office.state(one) in {"dispatched", "unknown"}

    for one in asked:
        await careful_office.until(lambda one=one: ended(one), 20)  # type: ignore[misc]
    ledger = await careful_office.ledger()
    assert (ledger["delivered_twice"], ledger["regenerated"]) == ([], [])
    assert len(ledger["attempts"]) == len({attempt["message_uuid"] for attempt in ledger["attempts"]})
