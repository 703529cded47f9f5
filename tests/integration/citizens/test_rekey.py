"""The lookup key changes while people are resolved: nobody is made known twice, nobody is lost, no erasure is forgotten."""

import asyncio
import importlib
from contextlib import AsyncExitStack
from datetime import timedelta

import asyncpg
import pytest

from contracts.citizens.client import VaultClient, VaultUnavailable
from contracts.citizens.v1 import Destroyed, KnownCitizen
from plumbing import audit, faults
from plumbing.postgres import migrations
from plumbing.sealing import new_key
from plumbing.service.settings import BadConfiguration
from services.citizens.app import Parts, check_keys, make_parts
from services.citizens.domain.rights import Caller
from services.citizens.settings import Settings
from services.citizens.usecases.sweep import ERASURE_KEPT
from tests.integration.citizens.running import NOON, TOKENS, Vault, encoded, make_settings, person, serve
from tests.support.fixtures import PlainDatabaseFactory

first = importlib.import_module("services.citizens.migrations.versions.0001_first")
second = importlib.import_module("services.citizens.migrations.versions.0002_lookup_keys_and_card_candidates")
PEOPLE = 1_203


def with_lookup_keys(vault: Vault, *keys: str) -> Settings:
    master_keys = vault.settings.master_keys.get_secret_value()
    return make_settings(vault.addresses, master_keys=master_keys, hmac_key=",".join(keys))


async def restarted(vault: Vault, settings: Settings) -> Parts:
    await check_keys(settings, vault.database, vault.clock.now())
    return make_parts(settings, vault.database, vault.clock)


async def client_of(stack: AsyncExitStack, parts: Parts, settings: Settings) -> VaultClient:
    """A replica behind its own HTTP server, as intake reaches it."""
    port = await serve(stack, parts, settings)
    return await stack.enter_async_context(VaultClient(f"http://127.0.0.1:{port}", TOKENS[Caller.INTAKE]))


async def ids(client: VaultClient, numbers: range) -> list[str]:
    answers = await client.resolve([person(number) for number in numbers], propose_cards=True)
    return [str(one.citizen_id) for one in answers if isinstance(one, KnownCitizen)]


async def known_by_key(vault: Vault) -> dict[str, int]:
    rows = await vault.rows("select lookup_key_id, count(*) from citizen where destroyed_at is null group by 1")
    return {row["lookup_key_id"]: row["count"] for row in rows}


async def test_a_rotation_step_by_step_while_people_are_resolved(vault: Vault) -> None:
    old, new = vault.settings.hmac_key.get_secret_value(), encoded(new_key())
    before = await ids(vault.intake, range(PEOPLE))
    both = with_lookup_keys(vault, new, old)
    stop = asyncio.Event()

    async def resolving(client: VaultClient, offset: int) -> int:
        """Known and new people, over and over, in other orders; the rounds done."""
        rounds = 0
        while not stop.is_set():
            assert await ids(client, range(offset, PEOPLE, 7)) == before[offset::7]
            fresh = range(PEOPLE + rounds * 3, PEOPLE + rounds * 3 + 3)
            assert await ids(client, fresh) == await ids(client, fresh)
            rounds += 1
        return rounds

    async with AsyncExitStack() as stack:
        # 1. both keys stand in every replica's settings, in whatever order a rolling deployment has reached
        first = await client_of(stack, parts := await restarted(vault, both), both)
        swapped = with_lookup_keys(vault, old, new)
        second = await client_of(stack, await restarted(vault, swapped), swapped)
        # 2. the command, while both replicas work
        work = [asyncio.create_task(resolving(client, nth)) for nth, client in enumerate((first, second, first))]
        done = await parts.rekey()
        await asyncio.sleep(0.3)
        stop.set()
        assert min(await asyncio.gather(*work)) > 0

    assert done.is_complete
    assert done.citizens >= PEOPLE
    assert (done.released, done.needed_until) == ((vault.settings.lookups.wanted_id,), None)
    assert set(await known_by_key(vault)) == {both.lookups.wanted_id}
    numbers = await vault.rows("select count(*) as all, count(distinct lookup) as different from citizen")
    assert numbers[0]["all"] == numbers[0]["different"]
    # 3. the old key can go
    alone = with_lookup_keys(vault, new)
    async with AsyncExitStack() as stack:
        after = await client_of(stack, await restarted(vault, alone), alone)
        assert await ids(after, range(PEOPLE)) == before
    again = await (await restarted(vault, alone)).rekey()
    assert (again.citizens, again.released) == (0, ())


async def test_rivals_with_the_keys_in_either_order_make_each_person_known_once(vault: Vault) -> None:
    old, new = vault.settings.hmac_key.get_secret_value(), encoded(new_key())
    async with AsyncExitStack() as stack:
        clients = []
        for keys in ((old, new), (new, old)):
            settings = with_lookup_keys(vault, *keys)
            clients.append(await client_of(stack, await restarted(vault, settings), settings))
        rekey = (await restarted(vault, with_lookup_keys(vault, new, old))).rekey
        for round_ in range(12):
            numbers = range(round_ * 20, round_ * 20 + 20)
            told = await asyncio.gather(
                *(ids(client, numbers) for client in clients * 2), *([rekey()] if round_ == 5 else [])
            )
            assert told[0] == told[1] == told[2] == told[3]
    assert (await vault.rows("select count(*) from citizen"))[0]["count"] == 240


async def test_it_is_done_in_parts_and_goes_on_where_it_was_stopped(
    vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = vault.settings.hmac_key.get_secret_value(), encoded(new_key())
    before = await ids(vault.intake, range(PEOPLE))
    both = with_lookup_keys(vault, new, old)
    parts = await restarted(vault, both)

    done = await parts.rekey(most=500)
    assert (done.citizens, done.is_complete, done.released) == (500, False, ())
    monkeypatch.setattr(faults, "_plan", faults._parse("citizens.before_rekey_commit:raise:2"))
    monkeypatch.setattr(faults, "_passed", type(faults._passed)())
    with pytest.raises(faults.FaultInjected):
        await parts.rekey()
    assert (await known_by_key(vault))[both.lookups.wanted_id] == 1_000

    done = await parts.rekey()
    assert (done.citizens, done.is_complete) == (203, True)
    async with AsyncExitStack() as stack:
        assert await ids(await client_of(stack, parts, both), range(PEOPLE)) == before
    actions = [
        row["action"] for row in await vault.rows("select action from audit_entry where object_type = 'lookup-key'")
    ]
    assert actions == [
        "lookup-key.made-current",
        "lookups.rekeyed.500",
        "lookups.rekeyed.500",
        "lookups.rekeyed.203",
        "lookup-key.released",
    ]


async def test_who_is_resolved_in_the_middle_of_it_keeps_id_key_and_card(vault: Vault) -> None:
    old, new = vault.settings.hmac_key.get_secret_value(), encoded(new_key())
    known = await vault.known(1, name="Før")
    both = with_lookup_keys(vault, new, old)
    parts = await restarted(vault, both)
    async with AsyncExitStack() as stack:
        client = await client_of(stack, parts, both)
        await parts.rekey(most=0)  # the key is current, nobody is moved
        assert await client.resolve([person(1, name="Midt i", said_at=NOON)]) == [known]
        await parts.rekey()
        assert await client.resolve([person(1, name="Efter", said_at=NOON + timedelta(hours=1))]) == [known]
    (card,) = await vault.notifier.cards([known.citizen_id])
    assert card.state == "known"
    assert card.name == "Efter"


async def test_an_erasure_under_the_old_key_holds_until_its_time_is_over(vault: Vault) -> None:
    old, new = vault.settings.hmac_key.get_secret_value(), encoded(new_key())
    await vault.ops.destroy((await vault.known(1)).citizen_id, "erasure-request")
    both = with_lookup_keys(vault, new, old)
    parts = await restarted(vault, both)
    done = await parts.rekey()
    assert (done.released, done.needed_until) == ((), NOON + ERASURE_KEPT)
    with pytest.raises(BadConfiguration, match=f"HMAC_KEY: missing {vault.settings.lookups.wanted_id}"):
        await restarted(vault, with_lookup_keys(vault, new))

    async with AsyncExitStack() as stack:
        client = await client_of(stack, parts, both)
        assert await client.resolve([person(1, said_at=NOON)]) == [Destroyed()]
        # known again under the new key, and erased again: both notes are read, the later one holds
        (back,) = await client.resolve([person(1, said_at=NOON + timedelta(hours=1))])
        assert isinstance(back, KnownCitizen)
        vault.clock.turn(timedelta(hours=2))
        await vault.ops.destroy(back.citizen_id, "erasure-request")
        assert await client.resolve([person(1, said_at=NOON + timedelta(hours=1))]) == [Destroyed()]

    vault.clock.turn(ERASURE_KEPT)
    await parts.sweep()
    assert (await parts.rekey()).released == (vault.settings.lookups.wanted_id,)
    await restarted(vault, with_lookup_keys(vault, new))


async def test_a_replica_that_was_not_given_the_current_key_makes_nobody_known(vault: Vault) -> None:
    """`vault` itself holds the old key alone, as a replica that a deployment forgot."""
    known = await vault.known(1)
    new = encoded(new_key())
    await (await restarted(vault, with_lookup_keys(vault, new, vault.settings.hmac_key.get_secret_value()))).rekey()

    for number in (1, 2):
        with pytest.raises(VaultUnavailable):
            await vault.intake.resolve([person(number)])
    assert [row["citizen_id"] for row in await vault.rows("select citizen_id from citizen")] == [known.citizen_id]


async def test_three_lookup_keys_are_too_many_and_none_may_wrap_as_well(vault: Vault) -> None:
    keys = [encoded(new_key()) for _ in range(3)]
    with pytest.raises(ValueError, match="more than 2 keys"):
        with_lookup_keys(vault, *keys)
    with pytest.raises(ValueError, match="each key has one use"):
        make_settings(vault.addresses, master_keys=keys[0], hmac_key=f"{keys[1]},{keys[0]}")


async def test_a_filled_database_is_migrated_and_processes_of_the_version_before_still_work_on_it(
    plain_database: PlainDatabaseFactory,
) -> None:
    addresses = plain_database()
    role = migrations.role_of(addresses.runtime_dsn)
    owner = await asyncpg.connect(addresses.owner_dsn)
    for sql in (audit.SCHEMA, first.SQL):
        await owner.execute(sql.replace("{role}", role))
    await owner.execute("insert into outside_key values ('lookup', 'the-only-one', now())")
    await owner.execute(_AS_BEFORE, b"a" * 32)
    await owner.execute("insert into erasure (lookup, erased_at) values ($1, now())", b"e" * 32)
    await owner.execute(second.SQL.replace("{role}", role))
    before = await asyncpg.connect(addresses.runtime_dsn)
    await before.execute(_AS_BEFORE, b"b" * 32)
    await before.execute("insert into erasure (lookup, erased_at) values ($1, now())", b"f" * 32)
    keys = await owner.fetch("select lookup_key_id from citizen union all select lookup_key_id from erasure")
    current = await owner.fetch("select key_id from outside_key where is_current and purpose = 'lookup'")
    await before.close()
    await owner.close()
    assert [row[0] for row in (*keys, *current)] == ["the-only-one"] * 5


_AS_BEFORE = """
insert into citizen (citizen_id, lookup, master_key_id, wrapped_key, sealed_cpr, created_at)
values (gen_random_uuid(), $1, 'm', '', '', now())
"""
