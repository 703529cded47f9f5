"""Names and addresses become current only by notifications that took effect (a rejected one changes nobody's letters)."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import pytest

from plumbing import faults
from plumbing.errors import Unavailable
from services.intake.store import Store
from services.intake.usecases import Confirmer
from tests.support.fixtures import DatabaseFactory
from tests.support.intake_house import House, bodies, open_house
from tests.support.notifications import amendment, fast_track, recovery, report, withdrawal


@pytest.fixture
async def house(database: DatabaseFactory) -> AsyncIterator[House]:
    opened = await open_house(database)
    opened.people.proposes = True
    yield opened
    await opened.database.close()


def confirmer(house: House) -> Confirmer:
    return Confirmer(house.database, cards=house.people, unconfirmed=Store())


def of(house: House, *accepted: dict[str, Any]) -> set[UUID]:
    return {house.people.candidate(one["notification_id"]) for one in accepted}


async def confirmed(house: House) -> set[UUID]:
    while await confirmer(house).confirm():
        pass
    return {one.candidate for one in house.people.confirmed}


async def test_cards_of_accepted_notifications_are_confirmed_once(house: House) -> None:
    body = report()
    change = amendment(body)
    await house.take_in(bodies(body, change, recovery(body), body))
    assert await confirmed(house) == of(house, body, change)
    assert len(house.people.confirmed) == 2
    assert await house.rows("select from card") == []


async def test_a_rejected_notification_confirms_nothing(house: House) -> None:
    body = report()
    conflict = {**body, "first_absence_day": "2026-03-03"}
    repeated = {**body, "notification_id": str(uuid4()), "cause": "work_injury"}
    stranger = amendment(body, reporter={**body["reporter"], "cvr": "10000017"})
    await house.take_in(bodies(body, conflict, repeated, stranger, withdrawal(body), amendment(body)))
    assert await confirmed(house) == of(house, body)


@pytest.mark.parametrize("reference", [None, str(uuid4())])
async def test_a_report_that_repeats_another_tells_where_the_person_lives_now(
    house: House, reference: str | None
) -> None:
    """Of the absence it says nothing new, so nothing happens twice; the address is not thrown away with it."""
    body = report()
    moved = {
        **body,
        "notification_id": str(uuid4()),
        "absence_reference": reference or body["absence_reference"],
        "sent_at": "2026-03-19T08:30:00+01:00",
        "citizen": {**body["citizen"], "has_address_protection": True},
    }
    await house.take_in(bodies(body, moved, body, moved))
    assert [one["outcome"] for one in await house.receipts()] == ["accepted", "duplicate", "duplicate", "duplicate"]
    assert await confirmed(house) == of(house, body, moved)
    assert len(await house.events()) == 1


async def test_what_waits_confirms_its_card_when_it_joins_and_what_never_joins_none(house: House) -> None:
    body = report()
    early, stranger = amendment(body), amendment(body, reporter={**body["reporter"], "cvr": "10000017"})
    await house.take_in(bodies(early, stranger))
    assert await confirmed(house) == set()
    await house.take_in([bodies(early, stranger, body)[2]])
    assert await confirmed(house) == of(house, early, body)


async def test_a_fast_track_request_confirms_its_card(house: House) -> None:
    request = fast_track(report())
    await house.take_in(bodies(request))
    assert await confirmed(house) == of(house, request)


async def test_while_the_vault_is_away_nothing_is_forgotten(house: House) -> None:
    body = report()
    await house.take_in(bodies(body))
    house.people.is_away = True
    with pytest.raises(Unavailable):
        await confirmer(house).confirm()
    house.people.is_away = False
    assert await confirmed(house) == of(house, body)


async def test_a_life_that_ends_between_answer_and_deletion_confirms_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = report()
    await house.take_in(bodies(body))
    monkeypatch.setattr(faults, "_plan", faults._parse("intake.after_confirm:raise:1"))
    monkeypatch.setattr(faults, "_passed", type(faults._passed)())
    with pytest.raises(faults.FaultInjected):
        await confirmer(house).confirm()
    assert await confirmed(house) == of(house, body)
    assert len(house.people.confirmed) == 2
