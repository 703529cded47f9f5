"""Master keys change without a break and without touching what is sealed; a wrong key is told before it does harm."""

import asyncio
from datetime import timedelta
from uuid import UUID

import pytest

from contracts.citizens.v1 import KnownCitizen, MonthKey
from plumbing.sealing import new_key
from plumbing.service.settings import BadConfiguration
from services.citizens.app import Parts, check_keys, make_parts
from services.citizens.domain.keyring import MasterKeyMissing
from services.citizens.domain.rights import Act, Asking, Caller
from services.citizens.settings import Settings
from services.citizens.store import OutsideKeys
from tests.integration.citizens.running import NOON, Vault, encoded, make_settings, person

ASKING = Asking(caller=Caller.TASKS, act=Act.KEYS, purpose="work-tasks", reference=UUID(int=1))


def with_keys(vault: Vault, *master_keys: str, hmac_key: str | None = None) -> Settings:
    return make_settings(
        vault.addresses,
        master_keys=",".join(master_keys),
        hmac_key=hmac_key or vault.settings.hmac_key.get_secret_value(),
    )


async def restarted(vault: Vault, settings: Settings) -> Parts:
    """The vault as it comes up with other settings."""
    await check_keys(settings, vault.database, vault.clock.now())
    return make_parts(settings, vault.database, vault.clock)


async def key_of(parts: Parts, citizen_id: UUID) -> bytes:
    (answer,) = await parts.verbs.keys(ASKING, [citizen_id])
    assert answer.state == "known"
    return answer.key


async def test_a_rotation_step_by_step(vault: Vault) -> None:
    old = vault.settings.master_keys.get_secret_value()
    new = encoded(new_key())
    people = await vault.intake.resolve([person(number) for number in range(1_203)])
    known = [answer for answer in people if isinstance(answer, KnownCitizen)]
    gone = known.pop()
    await vault.ops.destroy(gone.citizen_id, "test")
    month = await vault.intake.month_key("dead-letter", "2026-11")

    # 1. the new key stands behind the old one everywhere; 2. it stands first, and wraps what is new
    await restarted(vault, with_keys(vault, old, new))
    both = with_keys(vault, new, old)
    parts = await restarted(vault, both)
    assert await key_of(parts, known[0].citizen_id) == known[0].key

    # 3. everything is wrapped anew; 4. the old key can go
    done = await parts.rewrap()
    assert (done.citizens, done.month_keys) == (1_202, 1)
    assert done.released == (vault.settings.keyring.newest_id,)
    parts = await restarted(vault, with_keys(vault, new))

    answers = await parts.verbs.keys(ASKING, [one.citizen_id for one in known])
    assert [answer.key for answer in answers if answer.state == "known"] == [one.key for one in known]
    asking = Asking(caller=Caller.INTAKE, act=Act.MONTH_KEYS, purpose="keep-dead-letters", reference=UUID(int=2))
    assert isinstance(month, MonthKey)
    assert await parts.verbs.month_key(asking, "dead-letter", "2026-11") == month
    again = await parts.rewrap()
    assert (again.citizens, again.month_keys, again.released) == (0, 0, ())


async def test_rewrapping_goes_on_beside_the_work(vault: Vault) -> None:
    old = vault.settings.master_keys.get_secret_value()
    await vault.intake.resolve([person(number) for number in range(600)])
    parts = await restarted(vault, with_keys(vault, encoded(new_key()), old))
    resolving = Asking(caller=Caller.INTAKE, act=Act.RESOLVE, purpose="receive-notification", reference=UUID(int=3))

    async def work(nth: int) -> None:
        said_at = NOON + timedelta(seconds=nth)
        await parts.verbs.resolve(resolving, [person(number, said_at=said_at) for number in range(nth, 700, 2)])

    await asyncio.gather(parts.rewrap(), *(work(nth) for nth in range(4)))
    await parts.rewrap()

    (row,) = await vault.rows("select count(*), count(distinct master_key_id) as kinds from citizen")
    assert (row["count"], row["kinds"]) == (700, 1)
    assert len(await parts.verbs.resolve(resolving, [person(number) for number in range(700)])) == 700


async def test_a_vault_without_a_key_that_still_wraps_something_does_not_start(vault: Vault) -> None:
    await vault.known(1)
    with pytest.raises(BadConfiguration, match=r"MASTER_KEYS: missing [0-9a-f]{16}"):
        await restarted(vault, with_keys(vault, encoded(new_key())))


async def test_what_a_replica_wraps_by_a_key_that_was_released_is_not_lost(vault: Vault) -> None:
    """`rewrap` was run while a replica of before the change still stood: it goes on wrapping by the old key."""
    old, new = vault.settings.master_keys.get_secret_value(), encoded(new_key())
    parts = await restarted(vault, with_keys(vault, new, old))
    assert (await parts.rewrap()).released == (vault.settings.keyring.newest_id,)

    known = await vault.known(1)  # by the replica of before
    month = await vault.intake.month_key("dead-letter", "2026-11")

    with pytest.raises(BadConfiguration, match=f"MASTER_KEYS: missing {vault.settings.keyring.newest_id}"):
        await restarted(vault, with_keys(vault, new))
    done = await parts.rewrap()
    assert (done.citizens, done.month_keys, done.released) == (1, 1, (vault.settings.keyring.newest_id,))
    parts = await restarted(vault, with_keys(vault, new))
    assert await key_of(parts, known.citizen_id) == known.key
    asking = Asking(caller=Caller.INTAKE, act=Act.MONTH_KEYS, purpose="keep-dead-letters", reference=UUID(int=2))
    assert await parts.verbs.month_key(asking, "dead-letter", "2026-11") == month


async def test_a_key_is_not_released_beside_somebody_who_wraps_by_it(vault: Vault) -> None:
    """The row of the key is held until what it wraps is there to be seen."""
    old_id, outside_keys = vault.settings.keyring.newest_id, OutsideKeys()
    async with vault.database.transaction() as wrapping:
        await outside_keys.hold_master(wrapping, old_id, NOON)

        async def release() -> list[str]:
            async with vault.database.transaction() as connection:
                return await outside_keys.release_master_keys(connection, but="another")

        releasing = asyncio.create_task(release())
        await asyncio.sleep(0.3)
        assert not releasing.done()
        await wrapping.execute(
            "insert into month_key (key_id, ends_at, master_key_id, wrapped_key, created_at) values ('a', $1, $2, '', $1)",
            NOON,
            old_id,
        )
    assert await releasing == []


async def test_a_vault_with_another_lookup_key_does_not_start_and_nobody_is_made_known_twice(vault: Vault) -> None:
    await vault.known(1)
    master_keys = vault.settings.master_keys.get_secret_value()
    with pytest.raises(BadConfiguration, match="HMAC_KEY"):
        await restarted(vault, with_keys(vault, master_keys, hmac_key=encoded(new_key())))


async def test_a_refused_start_leaves_no_trace(vault: Vault) -> None:
    before = await vault.rows("select * from outside_key")
    for settings in (make_settings(vault.addresses), with_keys(vault, encoded(new_key()))):
        with pytest.raises(BadConfiguration):
            await restarted(vault, settings)
    assert await vault.rows("select * from outside_key") == before


async def test_a_key_wrapped_for_one_citizen_does_not_unwrap_for_another(vault: Vault) -> None:
    one, two = await vault.known(1), await vault.known(2)
    await (owner := await vault.owner()).execute(
        "update citizen set wrapped_key = (select wrapped_key from citizen where citizen_id = $1) where citizen_id = $2",
        one.citizen_id,
        two.citizen_id,
    )
    await owner.close()

    assert await key_of(vault.parts, one.citizen_id) == one.key
    with pytest.raises(Exception, match="the seal is broken"):
        await key_of(vault.parts, two.citizen_id)


async def test_a_master_key_that_is_missing_at_work_is_named_by_id_alone(vault: Vault) -> None:
    one = await vault.known(1)
    parts = make_parts(with_keys(vault, encoded(new_key())), vault.database, vault.clock)
    with pytest.raises(MasterKeyMissing, match=vault.settings.keyring.newest_id):
        await key_of(parts, one.citizen_id)
