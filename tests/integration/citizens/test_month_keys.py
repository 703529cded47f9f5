"""Month keys: one per caller and month, made when asked for, destroyed 30 days after the month's end."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from contracts.citizens.client import VaultClient, VaultRefused
from contracts.citizens.v1 import Destroyed, MonthKey
from services.citizens.domain.rights import Caller
from tests.integration.citizens.running import TOKENS, Vault

END_OF_LIFE = datetime(2026, 12, 31, tzinfo=UTC)  # November's end and 30 days


async def key_of(vault: Vault, caller: Caller = Caller.INTAKE, month: str = "2026-11") -> MonthKey:
    async with VaultClient(vault.url, TOKENS[caller]) as client:
        answer = await client.month_key("dead-letter", month)
    assert isinstance(answer, MonthKey)
    return answer


async def test_a_months_key_is_made_once_even_if_many_ask_first(vault: Vault) -> None:
    answers = await asyncio.gather(*(key_of(vault) for _ in range(12)))

    assert len({answer.key for answer in answers}) == 1
    assert answers[0].key_id == "dead-letter/intake/2026-11"
    rows = await vault.rows("select action, object_type from audit_entry order by action")
    assert [row["action"] for row in rows] == [
        "month-key.created.dead-letter/intake/2026-11",
        *["month-key.read.dead-letter/intake/2026-11"] * 11,
    ]
    assert {row["object_type"] for row in rows} == {"month-key"}


async def test_callers_and_months_have_keys_of_their_own(vault: Vault) -> None:
    keys = [
        await key_of(vault),
        await key_of(vault, Caller.TASKS),
        await key_of(vault, Caller.NOTIFIER),
        await key_of(vault, month="2026-10"),
    ]
    assert len({key.key for key in keys}) == 4
    assert len({key.key_id for key in keys}) == 4


@pytest.mark.parametrize("month", ["2026-12", "2027-01", "2099-12"])
async def test_a_month_that_has_not_begun_has_no_key(vault: Vault, month: str) -> None:
    with pytest.raises(VaultRefused) as caught:
        await key_of(vault, month=month)
    assert (caught.value.status, caught.value.code) == (422, "implausible-month")


@pytest.mark.parametrize("month", ["2026-09", "2025-12", "2000-01"])
async def test_a_month_that_is_over_never_gets_a_key_again(vault: Vault, month: str) -> None:
    assert await vault.intake.month_key("dead-letter", month) == Destroyed()
    assert await vault.rows("select from month_key") == []


async def test_a_key_lives_until_thirty_days_after_its_month_and_is_then_destroyed(vault: Vault) -> None:
    made = await key_of(vault)
    vault.clock.turn(END_OF_LIFE - vault.clock.now() - timedelta(microseconds=1))
    assert (await vault.parts.sweep()).month_keys == ()
    assert await key_of(vault) == made

    vault.clock.turn(timedelta(microseconds=1))
    assert await vault.intake.month_key("dead-letter", "2026-11") == Destroyed()  # the sweep may be late
    assert (await vault.parts.sweep()).month_keys == ("dead-letter/intake/2026-11",)
    assert (await vault.parts.sweep()).month_keys == ()

    (row,) = await vault.rows("select * from month_key")
    assert row["wrapped_key"] is None
    assert row["destroyed_at"] == END_OF_LIFE
    (told,) = await vault.rows("select * from audit_entry where action = 'month-key.destroyed'")
    assert (told["actor"], told["object_id"]) == ("service:citizens", "dead-letter/intake/2026-11")


async def test_the_running_sweep_destroys_by_itself(vault: Vault) -> None:
    await key_of(vault)
    vault.clock.turn(END_OF_LIFE - vault.clock.now())
    sweeping = asyncio.create_task(vault.parts.sweep.run())
    async with asyncio.timeout(10):
        while (await vault.rows("select destroyed_at from month_key"))[0]["destroyed_at"] is None:
            await asyncio.sleep(0.01)
    sweeping.cancel()
