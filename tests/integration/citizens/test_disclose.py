"""Keys and cards: handed out to whom they are due, in the order asked, and written down."""

from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from contracts.citizens.client import VaultClient, VaultUnavailable
from contracts.citizens.v1 import Address, KnownCard, KnownKey, Unknown
from services.citizens.domain.rights import Caller
from tests.integration.citizens.running import NOON, TOKENS, Vault, cpr, person


async def test_keys_come_in_the_order_asked_and_unknown_ids_are_told_as_such(vault: Vault) -> None:
    one, two, nobody = await vault.known(1), await vault.known(2), uuid4()

    answers = await vault.tasks.keys([two.citizen_id, nobody, one.citizen_id, two.citizen_id])

    assert answers == [KnownKey(key=two.key), Unknown(), KnownKey(key=one.key), KnownKey(key=two.key)]


async def test_a_card_holds_what_a_letter_needs(vault: Vault) -> None:
    known = await vault.known(1, name="Æsel Ølgård-Å")

    (card,) = await vault.notifier.cards([known.citizen_id])

    assert card == KnownCard(
        cpr=cpr(1),
        name="Æsel Ølgård-Å",
        address=Address(lines=("Prøvegade 1, 2. tv.",), postal_code="9999", city="Prøveby"),
        address_protection=False,
        key=known.key,
    )


async def test_address_protection_is_told(vault: Vault) -> None:
    await vault.intake.resolve([person(1, protected=True, said_at=NOON)])
    (card,) = await vault.notifier.cards([(await vault.known(1)).citizen_id])

    assert isinstance(card, KnownCard)
    assert card.address_protection


async def test_more_than_a_batch_is_asked_in_batches(vault: Vault) -> None:
    answers = await vault.intake.resolve([person(number) for number in range(1_100)])
    ids = [answer.citizen_id for answer in answers if answer.state == "known"]

    keys = await vault.notifier.keys(ids)

    assert [answer.key for answer in keys if answer.state == "known"] == [
        answer.key for answer in answers if answer.state == "known"
    ]
    reads = await vault.rows("select count(distinct object_id) from audit_entry where action = 'key.read'")
    assert reads[0]["count"] == 3


async def test_every_citizen_asked_for_has_an_entry_for_every_request(vault: Vault) -> None:
    one, nobody = await vault.known(1), uuid4()
    await vault.tasks.keys([one.citizen_id, nobody])
    await vault.notifier.cards([one.citizen_id, one.citizen_id])

    assert (await vault.actions(one.citizen_id))[1:] == [
        ("service:tasks", "key.read", "key", "work-tasks"),
        ("service:notifier", "card.read", "card", "address-letter"),
    ]
    assert await vault.actions(nobody) == []


async def test_entries_of_one_request_carry_its_reference(vault: Vault) -> None:
    one, two = await vault.known(1), await vault.known(2)
    await vault.tasks.keys([one.citizen_id, two.citizen_id])

    rows = await vault.rows("select object_id from audit_entry where action = 'key.read'")
    assert len(rows) == 2
    assert len({UUID(row["object_id"]) for row in rows}) == 1


async def test_a_key_asked_for_again_within_minutes_is_not_fetched_again(vault: Vault) -> None:
    one = await vault.known(1)
    for _ in range(3):
        await vault.tasks.keys([one.citizen_id])

    assert len(await vault.actions(one.citizen_id)) == 2


async def test_a_card_is_fetched_each_time(vault: Vault) -> None:
    one = await vault.known(1, name="Før")
    await vault.notifier.cards([one.citizen_id])
    await vault.intake.resolve([person(1, name="Efter", said_at=NOON + timedelta(minutes=1))])
    (card,) = await vault.notifier.cards([one.citizen_id])

    assert isinstance(card, KnownCard)
    assert card.name == "Efter"


@pytest.mark.parametrize("what", ["keys", "cards"])
async def test_nothing_is_handed_out_that_cannot_be_audited(vault: Vault, what: str) -> None:
    one = await vault.known(1)
    owner = await vault.owner()
    await owner.execute("revoke insert on audit_unsealed_group from citizens")
    await owner.close()

    async with VaultClient(vault.url, TOKENS[Caller.NOTIFIER]) as client:
        with pytest.raises(VaultUnavailable) as caught:
            await (client.keys if what == "keys" else client.cards)([one.citizen_id])
    assert caught.value.reason == "status-500"
