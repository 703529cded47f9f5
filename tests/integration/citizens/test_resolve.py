"""Resolving: one citizen per number, the newest card, one entry in the audit trail for each."""

import asyncio
import random
from datetime import timedelta
from uuid import UUID

import asyncpg
import pytest

from contracts.citizens.v1 import KnownCard, KnownCitizen, Person, Unknown
from plumbing.postgres import is_transient
from plumbing.sealing import open_sealed
from services.citizens.domain.rights import Act, Asking, Caller
from tests.integration.citizens.running import NOON, Vault, cpr, person


async def test_a_person_gets_a_random_id_and_a_key_and_keeps_them(vault: Vault) -> None:
    first, again = await vault.known(1), await vault.known(1)
    other = await vault.known(2)

    assert first == again
    assert first.citizen_id.version == 4
    assert first.citizen_id != other.citizen_id
    assert first.key != other.key


async def test_answers_stand_in_the_order_asked_also_past_a_batch_and_with_repeats(vault: Vault) -> None:
    numbers = [*range(700), *range(300)]
    answers = await vault.intake.resolve([person(number) for number in numbers])

    ids = [answer.citizen_id for answer in answers if isinstance(answer, KnownCitizen)]
    assert len(ids) == 1_000
    assert ids[700:] == ids[:300]
    assert len(set(ids)) == 700
    cards = await vault.notifier.cards(ids)
    assert [card.cpr for card in cards if isinstance(card, KnownCard)] == [cpr(number) for number in numbers]


async def test_many_batches_that_name_the_same_new_people_make_each_of_them_once(vault: Vault) -> None:
    async def resolve(seed: int) -> dict[str, UUID]:
        numbers = list(range(200))
        random.Random(seed).shuffle(numbers)
        answers = await vault.intake.resolve(
            [person(number, said_at=NOON + timedelta(seconds=seed)) for number in numbers]
        )
        return {cpr(n): a.citizen_id for n, a in zip(numbers, answers, strict=True) if isinstance(a, KnownCitizen)}

    told = await asyncio.gather(*(resolve(seed) for seed in range(8)))

    assert all(one == told[0] for one in told)
    assert len(told[0]) == 200
    assert (await vault.rows("select count(*) from citizen"))[0]["count"] == 200
    # No deadlock was needed to get there: each of the 8 batches is one committed transaction with its 200 entries.
    assert (await vault.rows("select count(*) from audit_entry"))[0]["count"] == 1_600


async def test_overlapping_batches_in_any_order_never_deadlock(vault: Vault) -> None:
    asking = Asking(caller=Caller.INTAKE, act=Act.RESOLVE, purpose="receive-notification", reference=UUID(int=1))

    async def resolve(seed: int) -> None:
        numbers = random.Random(seed).sample(range(60), 40)
        people = [person(number, said_at=NOON + timedelta(seconds=seed)) for number in numbers]
        await vault.parts.verbs.resolve(asking, people)  # not over HTTP, so that a deadlock would show as what it is

    for round_ in range(6):
        await asyncio.gather(*(resolve(round_ * 100 + nth) for nth in range(8)))

    deadlocks = await vault.rows("select deadlocks from pg_stat_database where datname = current_database()")
    assert deadlocks[0]["deadlocks"] == 0


async def test_the_newest_card_stands_whatever_the_order_of_arrival(vault: Vault) -> None:
    ages = [3, 1, 4, 0, 2]
    for hours in ages:
        await vault.intake.resolve(
            [person(1, name=f"Sagt for {hours} timer siden", said_at=NOON - timedelta(hours=hours))]
        )

    assert await name_of(vault, await vault.known(1)) == "Sagt for 0 timer siden"


async def test_an_older_card_never_overwrites_a_newer_that_was_said_again_meanwhile(vault: Vault) -> None:
    for name, hour in (("A", 1), ("A", 3), ("B", 2)):
        await vault.intake.resolve([person(1, name=name, said_at=NOON + timedelta(hours=hour))])

    assert await name_of(vault, await vault.known(1)) == "A"


@pytest.mark.parametrize("names", [("Anna", "Bo"), ("Bo", "Anna")])
async def test_of_two_cards_said_at_one_instant_the_same_one_stands_in_either_order(
    vault: Vault, names: tuple[str, str]
) -> None:
    for name in names:
        await vault.known(1, name=name)

    assert await name_of(vault, await vault.known(1, name="Anna")) == "Bo"


async def test_of_two_cards_in_one_request_the_newest_stands(vault: Vault) -> None:
    newer, older = person(1, name="Ny", said_at=NOON), person(1, name="Gammel", said_at=NOON - timedelta(days=1))
    (first, second) = await vault.intake.resolve([newer, older])

    assert isinstance(first, KnownCitizen)
    assert first == second
    assert await name_of(vault, first) == "Ny"


async def test_a_person_without_a_card_is_made_known_and_gets_the_card_later(vault: Vault) -> None:
    (bare,) = await vault.intake.resolve([person(1, without_card=True, said_at=NOON)])
    assert isinstance(bare, KnownCitizen)
    assert await vault.notifier.cards([bare.citizen_id]) == [Unknown()]

    later = await vault.known(1, name="Kom senere")  # said an hour before, and still the only card there is
    assert later == bare
    assert await name_of(vault, bare) == "Kom senere"


async def test_a_message_without_a_card_leaves_the_card_as_it_is(vault: Vault) -> None:
    known = await vault.known(1, name="Står")
    await vault.intake.resolve([person(1, without_card=True, said_at=NOON + timedelta(days=1))])

    assert await name_of(vault, known) == "Står"


async def test_what_is_stored_opens_only_under_the_citizens_own_key(vault: Vault) -> None:
    known, other = await vault.known(1), await vault.known(2)
    (row,) = await vault.rows("select * from citizen where citizen_id = $1", known.citizen_id)

    opened = open_sealed(known.key, row["sealed_cpr"], owner=str(known.citizen_id), field="citizen.cpr")
    assert opened.decode() == cpr(1)
    assert cpr(1).encode() not in b"".join(value for value in row.values() if isinstance(value, bytes))
    assert known.key not in row["wrapped_key"]
    assert other.key != known.key


async def test_each_citizen_of_a_request_has_one_audit_entry_that_says_what_happened(vault: Vault) -> None:
    known = await vault.known(1)
    await vault.known(1)
    await vault.intake.resolve([person(1, said_at=NOON), person(1, said_at=NOON - timedelta(minutes=1))])

    assert await vault.actions(known.citizen_id) == [
        ("service:intake", "citizen.created", "key", "receive-notification"),
        ("service:intake", "citizen.resolved", "key", "receive-notification"),
        ("service:intake", "card.replaced", "key", "receive-notification"),
    ]


async def test_nobody_is_made_known_when_the_audit_entry_cannot_be_written(vault: Vault) -> None:
    known = await vault.known(1)
    owner = await vault.owner()
    await owner.execute("revoke insert on audit_entry from citizens")
    await owner.close()
    asking = Asking(caller=Caller.INTAKE, act=Act.RESOLVE, purpose="receive-notification", reference=UUID(int=1))

    for people in ([person(2)], [person(1, said_at=NOON)]):
        with pytest.raises(asyncpg.InsufficientPrivilegeError) as caught:
            await vault.parts.verbs.resolve(asking, people)
        assert not is_transient(caught.value)

    rows = await vault.rows("select citizen_id, card_said_at from citizen")
    assert [(row["citizen_id"], row["card_said_at"]) for row in rows] == [(known.citizen_id, NOON - timedelta(hours=1))]


async def test_a_batch_is_a_handful_of_statements_whatever_its_size(vault: Vault) -> None:
    await vault.known(0)  # the driver has learnt the types it needs
    seen: list[str] = []
    async with vault.database.acquire() as connection:
        connection.add_query_logger(lambda query: seen.append(query.query))

    async def statements(people: list[Person]) -> int:
        seen.clear()
        await vault.intake.resolve(people)
        return len(seen)

    one, many = await statements([person(1)]), await statements([person(number) for number in range(2, 502)])
    newer = await statements([person(number, said_at=NOON) for number in range(500)])
    assert one == many == 6  # begin, find, erasures, add, audit, commit
    assert newer == 6  # begin, find, erasures, replace cards, audit, commit


async def name_of(vault: Vault, known: KnownCitizen) -> str:
    (card,) = await vault.notifier.cards([known.citizen_id])
    assert isinstance(card, KnownCard)
    return card.name
