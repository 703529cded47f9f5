"""Cards that are proposed: a refused message changes no card, an accepted one loses none (decision 0027)."""

import asyncio
import random
from datetime import timedelta
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.citizens.client import VaultUnavailable
from contracts.citizens.v1 import BATCH, CardToConfirm, KnownCard, KnownCitizen, Person, Unknown
from plumbing import faults
from services.citizens.usecases.sweep import CANDIDATE_KEPT
from tests.integration.citizens.running import NOON, Vault, person


def said(name: str, hours: float) -> Person:
    return person(1, name=name, said_at=NOON + timedelta(hours=hours))


async def propose(vault: Vault, *people: Person) -> list[KnownCitizen]:
    answers = await vault.intake.resolve(people, propose_cards=True)
    return [answer for answer in answers if isinstance(answer, KnownCitizen)]


async def confirm(vault: Vault, *accepted: KnownCitizen) -> list[str]:
    """What intake does after its commit."""
    cards = [
        CardToConfirm(citizen_id=one.citizen_id, candidate=one.card_candidate)
        for one in accepted
        if one.card_candidate is not None
    ]
    return [answer.state for answer in await vault.intake.confirm(cards)]


async def name_of(vault: Vault, citizen_id: UUID) -> str | None:
    (card,) = await vault.notifier.cards([citizen_id])
    return card.name if isinstance(card, KnownCard) else None


async def candidates(vault: Vault) -> int:
    return len(await vault.rows("select from card_candidate"))


async def test_a_message_that_is_refused_leaves_the_card_as_it_was(vault: Vault) -> None:
    (first,) = await propose(vault, said("Gældende", 0))
    await confirm(vault, first)
    await propose(vault, said("Forkert", 1))

    assert await name_of(vault, first.citizen_id) == "Gældende"


async def test_the_card_of_a_message_that_is_accepted_becomes_current_when_it_is_confirmed(vault: Vault) -> None:
    (first,) = await propose(vault, said("Gammel", 0))
    (second,) = await propose(vault, said("Ny", 1))
    assert await confirm(vault, first) == ["current"]
    assert await name_of(vault, first.citizen_id) == "Gammel"
    assert await confirm(vault, second) == ["current"]
    assert await name_of(vault, first.citizen_id) == "Ny"
    assert await candidates(vault) == 0


async def test_a_refused_first_message_does_not_stand_against_an_accepted_one_that_was_said_before_it(
    vault: Vault,
) -> None:
    await propose(vault, said("Afvist", 5))
    (accepted,) = await propose(vault, said("Antaget", 1))
    await confirm(vault, accepted)

    assert await name_of(vault, accepted.citizen_id) == "Antaget"


async def test_an_accepted_repeat_of_the_same_card_keeps_a_late_older_one_out(vault: Vault) -> None:
    for one in (said("A", 1), said("A", 3)):
        await confirm(vault, *(await propose(vault, one)))
    (known,) = await propose(vault, said("B", 2))
    await confirm(vault, known)
    assert await name_of(vault, known.citizen_id) == "A"
    assert known.card_candidate is None  # what can never stand needs no confirmation


async def test_until_the_first_confirmation_a_letter_gets_the_card_that_was_said_last(vault: Vault) -> None:
    (known,) = await propose(vault, said("Tidlig", 0))
    await propose(vault, said("Sen", 1))
    assert await name_of(vault, known.citizen_id) == "Sen"
    await confirm(vault, known)
    assert await name_of(vault, known.citizen_id) == "Tidlig"


async def test_of_two_messages_in_one_request_about_one_person_each_has_its_candidate(vault: Vault) -> None:
    accepted, refused = await propose(vault, said("Antaget", 0), said("Afvist", 1))
    assert accepted.citizen_id == refused.citizen_id
    assert accepted.card_candidate != refused.card_candidate
    await confirm(vault, accepted)
    assert await name_of(vault, accepted.citizen_id) == "Antaget"


async def test_two_messages_with_one_id_and_different_cards_are_not_mixed_up(vault: Vault) -> None:
    # The vault knows no message ids: the candidate's name depends on what was said and when.
    (first,) = await propose(vault, said("Første", 0))
    (conflicting,) = await propose(vault, said("Anden", 0))
    assert first.card_candidate != conflicting.card_candidate
    await confirm(vault, first)
    assert await name_of(vault, first.citizen_id) == "Første"


async def test_asking_again_gives_the_same_candidate_and_confirming_again_changes_nothing(vault: Vault) -> None:
    (first,) = await propose(vault, said("Navn", 0))
    (again,) = await propose(vault, said("Navn", 0))
    assert again == first
    assert await candidates(vault) == 1
    assert await confirm(vault, first, again) == ["current", "current"]
    assert await confirm(vault, first) == ["gone"]
    (after,) = await propose(vault, said("Navn", 0))
    assert after.card_candidate is None


async def test_all_confirmations_of_a_request_are_answered_in_order_whatever_they_are(vault: Vault) -> None:
    old, new = await propose(vault, said("Gammel", 0), said("Ny", 1))
    (gone,) = await propose(vault, person(2))
    await vault.ops.destroy(gone.citizen_id, "test")
    nobody = CardToConfirm(citizen_id=UUID(int=4), candidate=UUID(int=5))
    cards = [
        nobody,
        *(
            CardToConfirm(citizen_id=one.citizen_id, candidate=one.card_candidate)
            for one in (old, gone, new)
            if one.card_candidate is not None
        ),
    ]
    assert [one.state for one in await vault.intake.confirm(cards)] == ["gone", "older", "destroyed", "current"]
    assert await vault.notifier.keys([gone.citizen_id]) != []


async def test_a_message_without_a_card_has_nothing_to_confirm(vault: Vault) -> None:
    (bare,) = await propose(vault, person(1, without_card=True))
    assert bare.card_candidate is None
    assert await vault.notifier.cards([bare.citizen_id]) == [Unknown()]


async def test_a_destroyed_citizen_leaves_no_candidate(vault: Vault) -> None:
    (known,) = await propose(vault, said("Slettes", -1))
    await vault.ops.destroy(known.citizen_id, "erasure-request")

    assert await candidates(vault) == 0
    assert await confirm(vault, known) == ["destroyed"]
    assert await vault.intake.resolve([said("Slettes", -1)], propose_cards=True) != [known]


async def test_destroying_while_cards_are_proposed_and_confirmed_leaves_none_behind(vault: Vault) -> None:
    for round_ in range(10):
        vault.clock.turn(timedelta(hours=1))
        now = vault.clock.now() + timedelta(minutes=1)
        (known,) = await propose(vault, person(1, said_at=now))
        await asyncio.gather(
            propose(vault, person(1, name=f"Navn {round_}", said_at=now + timedelta(seconds=1))),
            vault.ops.destroy(known.citizen_id, "test"),
            confirm(vault, known),
        )
    left = await vault.rows("select from card_candidate join citizen using (citizen_id) where destroyed_at is not null")
    assert left == []


async def test_a_candidate_outlives_every_wait_and_is_then_forgotten(vault: Vault) -> None:
    await propose(vault, said("Afvist", 0))
    vault.clock.turn(CANDIDATE_KEPT)
    assert (await vault.parts.sweep()).candidates == 0
    vault.clock.turn(timedelta(seconds=1))
    assert (await vault.parts.sweep()).candidates == 1
    assert await candidates(vault) == 0


async def test_a_confirmation_is_in_the_audit_trail(vault: Vault) -> None:
    (known,) = await propose(vault, said("Navn", 0))
    await propose(vault, said("Nyere", 1))
    await confirm(vault, known)
    assert [action for _, action, *_ in await vault.actions(known.citizen_id)] == [
        "citizen.created",
        "card.proposed",
        "card.confirmed",
    ]


async def test_a_crash_before_the_commit_confirms_nothing_and_the_same_request_does_it_later(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    (known,) = await propose(vault, said("Navn", 0))
    monkeypatch.setattr(faults, "_plan", faults._parse("citizens.before_confirm_commit:raise:1"))
    monkeypatch.setattr(faults, "_passed", type(faults._passed)())
    with pytest.raises(VaultUnavailable):
        await confirm(vault, known)
    assert await candidates(vault) == 1
    assert await confirm(vault, known) == ["current"]


async def test_overlapping_batches_of_proposals_and_confirmations_never_deadlock(vault: Vault) -> None:
    async def work(seed: int) -> None:
        numbers = random.Random(seed).sample(range(60), 40)
        people = [person(number, said_at=NOON + timedelta(seconds=seed)) for number in numbers]
        await confirm(vault, *(await propose(vault, *people)))

    for round_ in range(4):
        await asyncio.gather(*(work(round_ * 100 + nth) for nth in range(8)))
    deadlocks = await vault.rows("select deadlocks from pg_stat_database where datname = current_database()")
    assert deadlocks[0]["deadlocks"] == 0


async def test_a_batch_is_a_handful_of_statements_whatever_its_size(vault: Vault) -> None:
    await confirm(vault, *(await propose(vault, person(0))))  # the driver has learnt the types it needs
    seen: list[str] = []
    async with vault.database.acquire() as connection:
        connection.add_query_logger(lambda query: seen.append(query.query))
    known = await propose(vault, *(person(number) for number in range(1, BATCH + 1)))
    assert len(seen) == 7  # begin, find, erasures, add, candidates, audit, commit
    seen.clear()
    await confirm(vault, *known)
    assert len(seen) == 7  # begin, lock, candidates, replace cards, remove, audit, commit


Step = tuple[int, int, bool]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.booleans()), min_size=1, max_size=6),
    seed=st.integers(0, 1_000),
    number=st.integers(10, 9_999),
)
async def test_whatever_the_order_the_last_said_of_the_accepted_cards_stands(
    vault: Vault, steps: list[Step], seed: int, number: int
) -> None:
    """Against a model that knows only the set of accepted statements."""
    one = await vault.known_without_card(number)
    before = await name_of(vault, one)
    told = [(hour, f"Navn {name}", accepted) for hour, name, accepted in steps]
    pending: list[KnownCitizen] = []
    order = random.Random(seed)
    base = vault.clock.now()
    vault.clock.turn(timedelta(days=1))  # examples share a database: later ones speak later
    for hour, name, accepted in told:
        (known,) = await propose(vault, person(number, name=name, said_at=base + timedelta(hours=hour)))
        if accepted:
            pending.append(known)
        if pending and order.random() < 0.5:
            await confirm(vault, pending.pop(order.randrange(len(pending))))
    order.shuffle(pending)
    for known in pending:
        await confirm(vault, known)

    accepted_ones = [(hour, name) for hour, name, accepted in told if accepted]
    if accepted_ones:
        assert await name_of(vault, one) == max(accepted_ones)[1]
    elif before is not None and await vault.has_card(one):
        assert await name_of(vault, one) == before
