"""Taking notifications in, on a real PostgreSQL: one fate and one receipt for each record, one effect for each."""

import asyncio
import json
from base64 import b64decode
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from contracts.absence.v1 import REPORTED_SEALING_FIELD
from contracts.nemrefusion.v1 import AnyNotification, Parsed, parse_notification
from plumbing import faults, ids
from plumbing.dead_letters import FIELD, unpack
from plumbing.errors import Unavailable
from plumbing.sealing import open_sealed, open_text
from services.intake import gateways
from tests.support.fixtures import DatabaseFactory
from tests.support.intake_house import MONTH_KEY, House, bodies, open_house
from tests.support.notifications import citizen, raw, record, report, unemployed


@pytest.fixture
async def house(database: DatabaseFactory) -> AsyncIterator[House]:
    opened = await open_house(database)
    yield opened
    await opened.database.close()


@pytest.mark.rule("N3", "N8")
async def test_a_valid_report_opens_one_absence_and_gets_one_receipt(house: House) -> None:
    body = report()
    await house.take_in(bodies(body))
    assert await house.fates() == [(0, "accepted")]
    (event,) = await house.events()
    (receipt,) = await house.receipts()
    assert receipt["outcome"] == "accepted"
    assert receipt["notification_id"] == body["notification_id"] == event["notification_id"]
    assert receipt["absence_id"] == event["absence_id"]
    for table in ("absence", "notification", "audit_entry"):
        assert len(await house.rows(f"select * from {table}")) == 1  # noqa: S608


@pytest.mark.rule("N8")
async def test_past_intake_nothing_tells_who_the_citizen_is_and_what_was_told_is_sealed(house: House) -> None:
    body = report()
    await house.take_in([*bodies(body), record(raw(report(cause="flu")), 9)])
    columns = [
        str(dict(row))
        for table in ("outbox", "absence", "notification", "inbox_record", "audit_entry")
        for row in await house.rows(f"select * from {table}")  # noqa: S608
    ]
    for secret in (body["citizen"]["cpr"], "Prøveperson", "Prøvevej", "Værkstedet", "smed"):
        assert not any(secret in text or secret.encode().hex() in text for text in columns)
    (event,) = await house.events()
    known = house.people.citizen(body["citizen"]["cpr"])
    told = json.loads(open_text(known.key, event["reported"], owner=event["citizen_id"], field=REPORTED_SEALING_FIELD))
    assert told["employment"]["job_title"] == "smed"
    assert "citizen" not in told


@pytest.mark.rule("N4")
async def test_a_redelivered_batch_changes_nothing(house: House) -> None:
    batch = bodies(report(), report(cause="flu"), report(citizen=citizen("6201900002")))
    await house.take_in(batch)
    before = await house.rows("select * from outbox order by seq")
    await house.take_in(batch)
    assert await house.rows("select * from outbox order by seq") == before
    assert await house.fates() == [(0, "accepted"), (1, "rejected"), (2, "accepted")]


@pytest.mark.rule("N4")
async def test_the_same_notification_again_gets_its_originals_receipt_id_and_no_second_absence(house: House) -> None:
    body = report()
    spelt_otherwise = json.dumps(dict(reversed(body.items())), indent=3).encode()
    await house.take_in(bodies(body))
    await house.take_in([record(spelt_otherwise, 1), record(raw(body), 2)])
    first, second, third = await house.receipts()
    assert [second["outcome"], third["outcome"]] == ["duplicate", "duplicate"]
    assert first["receipt_id"] == second["receipt_id"] == third["receipt_id"]
    assert await house.fates() == [(0, "accepted"), (1, "duplicate"), (2, "duplicate")]
    assert len(await house.events()) == 1


@pytest.mark.rule("N4")
async def test_the_same_notification_twice_in_one_batch_has_its_effect_once(house: House) -> None:
    body = report()
    await house.take_in(bodies(body, body))
    assert await house.fates() == [(0, "accepted"), (1, "duplicate")]
    assert len(await house.events()) == 1


@pytest.mark.rule("N4")
@pytest.mark.parametrize("in_one_batch", [True, False])
async def test_the_same_id_with_another_content_is_a_conflict(house: House, in_one_batch: bool) -> None:
    body = report()
    other = {**body, "municipality_code": "0101"}
    if in_one_batch:
        await house.take_in(bodies(body, other))
    else:
        await house.take_in(bodies(body))
        await house.take_in([record(raw(other), 1)])
    assert await house.fates() == [(0, "accepted"), (1, "rejected")]
    assert [why["code"] for why in (await house.receipts())[1]["reasons"]] == ["conflict"]
    assert len(await house.dead_letters()) == 1


@pytest.mark.rule("N4")
async def test_an_id_that_was_rejected_is_free_for_the_corrected_message(house: House) -> None:
    body = report()
    await house.take_in(bodies({**body, "municipality_code": "0000"}, body))
    assert await house.fates() == [(0, "rejected"), (1, "accepted")]


@pytest.mark.rule("N5")
async def test_the_same_report_under_a_new_id_is_a_duplicate_of_the_first(house: House) -> None:
    body = report()
    again = {**body, "notification_id": report()["notification_id"], "sent_at": "2026-03-19T08:30:00Z"}
    await house.take_in(bodies(body))
    await house.take_in([record(raw(again), 1)])
    first, second = await house.receipts()
    assert second["outcome"] == "duplicate"
    assert second["receipt_id"] == first["receipt_id"]
    (fate,) = await house.rows('select message_id from inbox_record where "offset" = 1')
    assert fate["message_id"] == body["notification_id"]


@pytest.mark.rule("N5")
@pytest.mark.parametrize("in_one_batch", [True, False])
async def test_the_same_absence_told_otherwise_is_to_be_amended(house: House, in_one_batch: bool) -> None:
    body = report()
    other = {**body, "notification_id": report()["notification_id"], "employment": {"job_title": "maler"}}
    if in_one_batch:
        await house.take_in(bodies(body, other))
    else:
        await house.take_in(bodies(body))
        await house.take_in([record(raw(other), 1)])
    receipt = (await house.receipts())[1]
    assert [(why["field"], why["code"]) for why in receipt["reasons"]] == [("absence_reference", "repeated-absence")]
    assert len(await house.events()) == 1


@pytest.mark.rule("N5")
async def test_a_repeat_under_another_reference_is_found_by_citizen_reporter_employment_and_first_day(
    house: House,
) -> None:
    body = report()
    other = {**body, "notification_id": report()["notification_id"], "absence_reference": report()["absence_reference"]}
    await house.take_in(bodies(body, other))
    assert await house.fates() == [(0, "accepted"), (1, "duplicate")]


@pytest.mark.rule("N5")
async def test_two_employers_make_two_absences_of_one_citizen(house: House) -> None:
    other = report()["reporter"] | {"production_unit": "1000000002"}
    await house.take_in(bodies(report(), report(reporter=other)))
    first, second = await house.events()
    assert first["citizen_id"] == second["citizen_id"]
    assert first["absence_id"] != second["absence_id"]


@pytest.mark.rule("N3")
async def test_good_notifications_go_on_between_bad_ones(house: House) -> None:
    batch = [
        record(None, 0),
        record(b"<html>", 1),
        record(raw(report()), 2),
        record(b'{"version": 99}', 3),
        record(raw(report(citizen=citizen("6201900002"))), 4),
        record(b"\xff\xfe", 5),
    ]
    await house.take_in(batch)
    assert [fate for _, fate in await house.fates()] == [
        "rejected",
        "rejected",
        "accepted",
        "rejected",
        "accepted",
        "rejected",
    ]
    assert len(await house.dead_letters()) == 4
    assert len(await house.receipts()) == 6


@pytest.mark.rule("N3", "N8")
async def test_a_dead_letter_holds_the_sealed_original_and_nothing_of_it_in_clear(house: House) -> None:
    value = raw(report(cause="a diagnosis"))
    await house.take_in([record(value, 0)])
    (letter,) = await house.dead_letters()
    assert "diagnosis" not in json.dumps(letter)
    sealed = b64decode(letter["original"]["sealed"])
    opened = unpack(open_sealed(MONTH_KEY.key, sealed, owner=MONTH_KEY.key_id, field=FIELD))
    assert opened[1] == value


async def test_while_the_vault_is_away_nothing_is_settled(house: House) -> None:
    house.people.is_away = True
    with pytest.raises(Unavailable):
        await house.take_in(bodies(report()))
    assert await house.fates() == []


async def test_a_report_sent_before_its_citizen_was_erased_brings_nobody_back(house: House) -> None:
    body = report()
    house.people.erased = {body["citizen"]["cpr"]}
    await house.take_in(bodies(body))
    assert [why["code"] for why in (await house.receipts())[0]["reasons"]] == ["too-late"]
    assert await house.events() == []


async def test_what_was_rejected_stays_rejected_when_it_is_delivered_again_later(house: House) -> None:
    body = report(first_absence_day="2026-03-21", sent_at="2026-03-21T07:00:00+01:00")
    batch = bodies(body, report(citizen=citizen("6201900002")))
    await house.take_in(batch)
    assert await house.fates() == [(0, "rejected"), (1, "accepted")]
    house.clock.at = datetime(2026, 3, 25, tzinfo=UTC)  # by now it would be plausible
    await house.take_in(batch)
    assert await house.fates() == [(0, "rejected"), (1, "accepted")]
    assert len(await house.receipts()) == 2


@pytest.mark.rule("N3", "N4")
@pytest.mark.parametrize("point", ["intake.in_transaction", "intake.before_commit", "intake.after_commit"])
async def test_a_batch_that_breaks_anywhere_has_its_effect_once(
    house: House, point: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = bodies(report(), report(cause="flu"))
    monkeypatch.setattr(faults, "_plan", faults._parse(f"{point}:raise:1"))
    monkeypatch.setattr(faults, "_passed", type(faults._passed)())
    with pytest.raises(faults.FaultInjected):
        await house.take_in(batch)
    await house.take_in(batch)
    assert await house.fates() == [(0, "accepted"), (1, "rejected")]
    assert len(await house.receipts()) == 2
    assert len(await house.events()) == 1
    assert len(await house.dead_letters()) == 1


async def test_a_recreated_topic_is_not_taken_for_a_redelivery(house: House) -> None:
    await house.take_in(bodies(report()))
    await house.take_in(bodies(report(citizen=citizen("6201900002"))))
    assert await house.fates() == [(0, "accepted"), (0, "accepted")]
    assert len(await house.events()) == 2


async def test_the_outcome_does_not_depend_on_how_the_log_is_cut(house: House) -> None:
    """Repeats, conflicts and corrections that meet in one batch end as they do one by one."""
    known, other = report(), report(citizen=citizen("6201900002"))
    again = {**known, "notification_id": report()["notification_id"], "employment": {"job_title": "maler"}}
    log = [
        known,
        again,  # rejected: the absence is known, and told otherwise; its id is free
        {**other, "notification_id": again["notification_id"]},  # the corrected message under that id
        {**report(), "absence_reference": again["absence_reference"], "first_absence_day": "2026-03-03"},  # rejected
        report(first_absence_day="2026-03-03"),  # what the one before did not open, this one does
        known,
    ]
    expected = ["accepted", "rejected", "accepted", "rejected", "accepted", "duplicate"]
    await house.take_in(bodies(*log))
    assert [fate for _, fate in await house.fates()] == expected


async def test_the_same_log_one_by_one_ends_the_same(house: House) -> None:
    known, other = report(), report(citizen=citizen("6201900002"))
    again = {**known, "notification_id": report()["notification_id"], "employment": {"job_title": "maler"}}
    log = [
        known,
        again,
        {**other, "notification_id": again["notification_id"]},
        {**report(), "absence_reference": again["absence_reference"], "first_absence_day": "2026-03-03"},
        report(first_absence_day="2026-03-03"),
        known,
    ]
    for each in bodies(*log):
        await house.take_in([each])
    expected = ["accepted", "rejected", "accepted", "rejected", "accepted", "duplicate"]
    assert [fate for _, fate in await house.fates()] == expected


async def test_a_repeat_of_a_repeat_names_the_notification_that_was_accepted(house: House) -> None:
    body = report()
    again = {**body, "notification_id": report()["notification_id"]}
    await house.take_in(bodies(body))
    await house.take_in([record(raw(again), 1)])
    await house.take_in([record(raw(again), 2)])
    named = {row["message_id"] for row in await house.rows("select message_id from inbox_record")}
    assert named == {body["notification_id"]}


async def test_a_record_that_was_rejected_leaves_its_id_free_when_it_is_delivered_again(house: House) -> None:
    body = report(first_absence_day="2026-03-21", sent_at="2026-03-21T00:30:00+01:00")
    house.clock.at = datetime(2026, 3, 20, 22, 59, tzinfo=UTC)
    await house.take_in(bodies(body))
    house.clock.at = datetime(2026, 3, 25, tzinfo=UTC)
    await house.take_in([record(raw({**body, "notification_id": report()["notification_id"]}), 1)])
    await house.take_in(bodies(body))  # delivered again: it keeps its fate and touches nothing
    assert await house.fates() == [(0, "rejected"), (1, "accepted")]
    assert len(await house.rows("select * from notification")) == 1


async def test_a_resend_of_an_accepted_report_is_a_duplicate_also_after_its_citizen_was_erased(house: House) -> None:
    body = report()
    await house.take_in(bodies(body))
    house.people.erased = {body["citizen"]["cpr"]}
    await house.take_in([record(raw(body), 1)])
    assert await house.fates() == [(0, "accepted"), (1, "duplicate")]


async def test_receipts_of_a_recreated_topic_are_events_of_their_own(house: House) -> None:
    await house.take_in(bodies(report()))
    await house.take_in(bodies(report(citizen=citizen("6201900002"))))
    ids = await house.rows("select id from outbox where aggregatetype = 'nemrefusion.receipt.v1'")
    assert len({row["id"] for row in ids}) == 2


@pytest.mark.rule("N8")
async def test_a_receipt_id_cannot_be_computed_from_the_message(house: House) -> None:
    """Whoever knows all of a message but the CPR number must not be able to find it by trying."""
    body = report()
    await house.take_in(bodies(body))
    parsed = parse_notification(raw(body))
    assert isinstance(parsed, Parsed)
    guess = ids.derive(body["notification_id"], parsed.fingerprint().hex(), "receipt")
    assert (await house.receipts())[0]["receipt_id"] != str(guess)


@pytest.mark.rule("N3")
@pytest.mark.parametrize(
    "changes",
    [
        {"sent_at": "9999-12-31T23:30:00Z"},
        {"sent_at": "0001-01-01T00:00:00Z", "first_absence_day": "0001-01-01"},
        {"pay": {"kind": "sickness_benefit", "until": "9999-12-31"}},
        {"last_absence_day": "9999-12-31"},
    ],
)
async def test_no_day_that_a_calendar_holds_stops_the_notifications_behind_it(
    house: House, changes: dict[str, Any]
) -> None:
    await house.take_in(bodies(report(**changes), report(citizen=citizen("6201900002"))))
    assert await house.fates() == [(0, "rejected"), (1, "accepted")]


@pytest.mark.rule("N3")
async def test_a_place_too_deep_to_name_is_answered(house: House) -> None:
    deep = b'{"citizen":' + b"[" * 100 + b"NaN" + b"]" * 100 + b"}"
    await house.take_in([record(deep, 0), record(raw(report()), 1)])
    assert await house.fates() == [(0, "rejected"), (1, "accepted")]


async def test_a_fund_is_one_fund_with_or_without_leading_zeros(house: House) -> None:
    body = unemployed()
    other = unemployed(reporter={**body["reporter"], "fund_number": "12"})
    await house.take_in(bodies(body, other))
    assert [fate for _, fate in await house.fates()] == ["accepted", "rejected"]


async def test_a_batch_of_one_message_is_one_absence(house: House) -> None:
    value = raw(report())
    await house.take_in([record(value, offset) for offset in range(500)])
    assert [fate for _, fate in await house.fates()] == ["accepted", *["duplicate"] * 499]


async def test_two_batches_at_once_open_an_absence_once(house: House) -> None:
    body = report()
    await asyncio.gather(
        *(house.take_in([record(raw(body), offset, partition=offset)]) for offset in range(6)),
    )
    assert Counter(fate for _, fate in await house.fates()) == {"accepted": 1, "duplicate": 5}
    assert len(await house.events()) == 1


def test_whatever_the_contract_accepts_the_vault_can_be_asked() -> None:
    """The longest name and address that a report may hold fit what the vault takes."""
    longest = "Å" * 200
    address = {"lines": [longest] * 5, "postal_code": "9" * 12, "city": longest, "country": "GL"}
    body = report(citizen={**report()["citizen"], "name": longest, "address": address})
    parsed = parse_notification(raw(body))
    assert isinstance(parsed, Parsed), parsed
    assert isinstance(parsed.notification, AnyNotification)
    person = gateways._person(parsed.notification)
    assert person.card is not None
    assert person.card.name == longest
