"""Destroying: final, complete, and no bridge from the new person to the old one (decision 0010)."""

import asyncio
from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

import asyncpg
import pytest
from typing_extensions import override

from contracts.citizens.client import VaultClient
from contracts.citizens.v1 import Destroyed, DestroyResponse, KnownCitizen, ResolveAnswer
from plumbing.postgres import Connection
from services.citizens.domain.rights import Act, Asking, Caller
from services.citizens.store import Candidates, OutsideKeys, People
from services.citizens.usecases.resolve import Resolve
from services.citizens.usecases.sweep import ERASURE_KEPT
from tests.integration.citizens.running import NOON, TOKENS, Vault, person

NOBODY = UUID(int=4)
GONE = DestroyResponse(state="destroyed")


async def resolve(vault: Vault, hours_after_noon: float) -> ResolveAnswer:
    (answer,) = await vault.intake.resolve([person(1, said_at=NOON + timedelta(hours=hours_after_noon))])
    return answer


async def test_nothing_is_left_of_a_destroyed_citizen_but_the_id(vault: Vault) -> None:
    known = await vault.known(1)
    assert await vault.ops.destroy(known.citizen_id, "erasure-request") == GONE

    (row,) = await vault.rows("select * from citizen")
    assert {name for name, value in row.items() if value is not None} == {"citizen_id", "created_at", "destroyed_at"}


async def test_destroyed_is_the_answer_from_then_on_to_everybody(vault: Vault) -> None:
    known = await vault.known(1)
    await vault.ops.destroy(known.citizen_id, "erasure-request")

    async with VaultClient(vault.url, TOKENS[Caller.NOTIFIER]) as notifier:
        assert await notifier.keys([known.citizen_id]) == [Destroyed()]
        assert await notifier.cards([known.citizen_id]) == [Destroyed()]


async def test_destroying_twice_destroys_once_and_is_written_down_twice(vault: Vault) -> None:
    known = await vault.known(1)
    for _ in range(2):
        vault.clock.turn(timedelta(hours=1))
        assert await vault.ops.destroy(known.citizen_id, "retention-ended") == GONE

    assert (await vault.actions(known.citizen_id))[1:] == [
        ("service:ops", "citizen.destroyed.retention-ended", "nothing", "erase"),
        ("service:ops", "citizen.destroyed-before.retention-ended", "nothing", "erase"),
    ]
    (row,) = await vault.rows("select destroyed_at from citizen")
    assert row["destroyed_at"] == NOON + timedelta(hours=1)


async def test_an_id_that_never_was_cannot_be_destroyed(vault: Vault) -> None:
    assert await vault.ops.destroy((await vault.known(1)).citizen_id, "test") == GONE
    assert (await vault.ops.destroy(NOBODY, "test")).state == "unknown"


async def test_a_replay_of_what_was_said_before_the_erasure_brings_nobody_back(vault: Vault) -> None:
    known = await vault.known(1)
    await vault.ops.destroy(known.citizen_id, "erasure-request")

    assert await resolve(vault, -1) == Destroyed()
    assert await resolve(vault, 0) == Destroyed()  # at the very instant
    assert len(await vault.rows("select from citizen")) == 1


async def test_who_is_erased_while_a_later_message_is_looked_up_is_not_who_it_is_about(vault: Vault) -> None:
    """Found alive, and erased before the erasures are read: what is said later is about the person who is made known now."""
    old = await vault.known(1)

    class Late(People):
        @override
        async def erasures(self, connection: Connection, lookups: Collection[bytes]) -> dict[bytes, datetime]:
            await vault.ops.destroy(old.citizen_id, "erasure-request")
            return await super().erasures(connection, lookups)

    resolve_late = Resolve(
        database=vault.database,
        people=Late(),
        candidates=Candidates(),
        master_keys=OutsideKeys(),
        keyring=vault.settings.keyring,
        lookups=vault.settings.lookups,
        clock=vault.clock,
    )
    asking = Asking(caller=Caller.INTAKE, act=Act.RESOLVE, purpose="receive-notification", reference=NOBODY)
    (new,) = await resolve_late(asking, [person(1, said_at=NOON + timedelta(minutes=1))])
    assert isinstance(new, KnownCitizen)
    assert (new.citizen_id, new.key) != (old.citizen_id, old.key)
    assert [answer.state for answer in await vault.tasks.keys([old.citizen_id, new.citizen_id])] == [
        "destroyed",
        "known",
    ]


async def test_what_is_said_after_the_erasure_makes_a_new_citizen_without_a_link(vault: Vault) -> None:
    old = await vault.known(1)
    await vault.ops.destroy(old.citizen_id, "erasure-request")
    new = await resolve(vault, 1)

    assert isinstance(new, KnownCitizen)
    assert new.citizen_id != old.citizen_id
    assert new.key != old.key
    async with VaultClient(vault.url, TOKENS[Caller.TASKS]) as tasks:
        assert [answer.state for answer in await tasks.keys([old.citizen_id, new.citizen_id])] == ["destroyed", "known"]


async def test_a_replay_does_not_attach_to_the_new_citizen_either(vault: Vault) -> None:
    await vault.ops.destroy((await vault.known(1)).citizen_id, "erasure-request")
    new = await resolve(vault, 1)

    old, again = await vault.intake.resolve(
        [person(1, name="Slettet", said_at=NOON - timedelta(hours=5)), person(1, said_at=NOON + timedelta(hours=2))]
    )
    assert old == Destroyed()
    assert again == new


async def test_a_second_erasure_moves_the_line_and_an_earlier_one_does_not_move_it_back(vault: Vault) -> None:
    await vault.ops.destroy((await vault.known(1)).citizen_id, "erasure-request")
    new = await resolve(vault, 1)
    assert isinstance(new, KnownCitizen)
    vault.clock.turn(timedelta(hours=2))
    await vault.ops.destroy(new.citizen_id, "erasure-request")

    assert await resolve(vault, 1) == Destroyed()
    assert isinstance(await resolve(vault, 3), KnownCitizen)


async def test_the_note_of_an_erasure_goes_when_nothing_can_be_replayed_any_more(vault: Vault) -> None:
    await vault.ops.destroy((await vault.known(1)).citizen_id, "erasure-request")
    vault.clock.turn(ERASURE_KEPT)
    assert (await vault.parts.sweep()).erasures == 0
    vault.clock.turn(timedelta(seconds=1))
    assert (await vault.parts.sweep()).erasures == 1

    assert await vault.rows("select from erasure") == []
    (row,) = await vault.rows("select lookup from citizen")
    assert row["lookup"] is None


async def test_the_database_itself_refuses_to_bring_a_destroyed_citizen_back(vault: Vault) -> None:
    known = await vault.known(1)
    (before,) = await vault.rows("select * from citizen")
    await vault.ops.destroy(known.citizen_id, "erasure-request")

    async with vault.database.acquire() as connection:
        with pytest.raises(asyncpg.IntegrityConstraintViolationError):
            await connection.execute(
                "update citizen set destroyed_at = null, lookup = $1, master_key_id = $2, wrapped_key = $3, sealed_cpr = $4",
                before["lookup"],
                before["master_key_id"],
                before["wrapped_key"],
                before["sealed_cpr"],
            )


async def test_destroying_and_resolving_at_once_never_leaves_half_a_citizen(vault: Vault) -> None:
    async def destroy_whoever_it_is() -> None:
        for (citizen_id,) in await vault.rows("select citizen_id from citizen where destroyed_at is null"):
            await vault.ops.destroy(citizen_id, "test")

    for round_ in range(30):
        hour = round_ * 1.0
        vault.clock.turn(timedelta(minutes=50))
        await asyncio.gather(
            resolve(vault, hour), resolve(vault, hour + 0.5), destroy_whoever_it_is(), resolve(vault, hour + 0.7)
        )

    (counts,) = await vault.rows("select count(*) as living from citizen where destroyed_at is null")
    assert counts["living"] <= 1
    assert len(await vault.rows("select from citizen where destroyed_at is not null")) > 5


async def test_a_key_in_memory_is_forgotten_when_its_citizen_is_found_destroyed(vault: Vault) -> None:
    known = await vault.known(1)
    await vault.notifier.keys([known.citizen_id])
    await vault.ops.destroy(known.citizen_id, "erasure-request")
    await vault.notifier.cards([known.citizen_id])

    assert await vault.notifier.keys([known.citizen_id]) == [Destroyed()]
