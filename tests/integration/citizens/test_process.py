"""The vault as a process of its own: it starts, answers, chains its audit trail, drains, and says why it does not start."""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import aiohttp
import asyncpg
import pytest

from contracts.citizens.client import VaultClient, VaultRefused
from contracts.citizens.v1 import KnownCitizen, ResolveAnswer
from plumbing.sealing import new_key
from services.citizens.domain.rights import Caller
from stack import DatabaseAddresses
from tests.integration.citizens.running import TOKENS, cpr, encoded, person
from tests.support.fixtures import DatabaseFactory

ROOT = Path(__file__).parents[3]


def environment(addresses: DatabaseAddresses, **changed: str) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "DATABASE_URL": addresses.runtime_dsn,
        "OPS_PORT": str(free_port()),
        "HTTP_PORT": str(free_port()),
        "SERVICE_TOKENS": ",".join(f"{caller.value}={token}" for caller, token in TOKENS.items()),
        "MASTER_KEYS": encoded(new_key()),
        "HMAC_KEY": encoded(new_key()),
        **changed,
    }


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def command(
    name: str, told: dict[str, str], *arguments: str, typed: str | None = None
) -> "subprocess.CompletedProcess[str]":
    argv = [sys.executable, "-m", "services.citizens", name, *arguments]
    return subprocess.run(
        argv, env=told, cwd=ROOT, input=typed, capture_output=True, text=True, timeout=60, check=False
    )  # our own


@asynccontextmanager
async def running(
    told: dict[str, str], output: int = asyncio.subprocess.DEVNULL
) -> AsyncIterator["asyncio.subprocess.Process"]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.citizens", "serve", env=told, cwd=ROOT, stdout=output, stderr=output
    )
    try:
        await ready(told)
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def ready(told: dict[str, str]) -> None:
    async with aiohttp.ClientSession() as session, asyncio.timeout(30):
        while True:
            try:
                async with session.get(f"http://127.0.0.1:{told['OPS_PORT']}/readyz") as answer:
                    if answer.status == 200:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.05)


async def test_it_answers_chains_its_trail_and_drains(database: DatabaseFactory) -> None:
    addresses = database("citizens")
    told = environment(addresses)
    url = f"http://127.0.0.1:{told['HTTP_PORT']}"
    async with running(told) as process, VaultClient(url, TOKENS[Caller.INTAKE]) as intake:
        (known,) = await intake.resolve([person(1)])
        assert isinstance(known, KnownCitizen)
        month = datetime.now(UTC).strftime("%Y-%m")
        assert (await intake.month_key("dead-letter", month)).state == "known"
        await sealed(addresses, 2)
        process.terminate()
        assert await asyncio.wait_for(process.wait(), 30) == 0

    verified = await asyncio.to_thread(command, "verify-audit", told)
    assert verified.returncode == 0
    assert "2 entries in" in verified.stdout

    connection = await asyncpg.connect(addresses.owner_dsn)
    await connection.execute("update audit_entry set actor = 'nobody'")
    await connection.close()
    verified = await asyncio.to_thread(command, "verify-audit", told)
    assert verified.returncode == 1
    assert verified.stdout.count("entry_changed") == 2


async def sealed(addresses: DatabaseAddresses, entries: int) -> None:
    connection = await asyncpg.connect(addresses.runtime_dsn)
    async with asyncio.timeout(10):
        while await connection.fetchval("select coalesce(sum(cardinality(entry_ids)), 0) from audit_chain") < entries:
            await asyncio.sleep(0.05)
    await connection.close()


async def test_nothing_of_anybody_is_printed_at_the_most_talkative_level(
    database: DatabaseFactory, tmp_path: Path
) -> None:
    told = environment(database("citizens"), LOG_LEVEL="DEBUG")
    url = f"http://127.0.0.1:{told['HTTP_PORT']}"
    printed = tmp_path / "printed"
    with printed.open("wb") as output:
        async with running(told, output.fileno()) as process, VaultClient(url, TOKENS[Caller.INTAKE]) as intake:
            (known,) = await intake.resolve([person(7, name="Kanariefugl")])
            async with aiohttp.ClientSession() as session:
                for path in (f"/{cpr(7)}?q=Kanariefugl", "/v1/resolve?q=Kanariefugl"):
                    async with session.post(url + path, json={"people": [{"cpr": "Kanariefugl"}]}):
                        pass
            process.terminate()
            await process.wait()

    text = printed.read_text()
    assert known.state == "known"
    assert '"event": "answered"' in text
    assert [canary for canary in (cpr(7), "[redacted]", "Kanariefugl", "Prøvegade") if canary in text] == []


async def test_both_kinds_of_keys_are_rotated_by_command_while_the_vault_answers(database: DatabaseFactory) -> None:
    told = environment(database("citizens"))
    async with running(told), VaultClient(f"http://127.0.0.1:{told['HTTP_PORT']}", TOKENS[Caller.INTAKE]) as intake:
        before = await intake.resolve([person(number) for number in range(3)])

    rotating = told | {
        "MASTER_KEYS": f"{encoded(new_key())},{told['MASTER_KEYS']}",
        "HMAC_KEY": f"{encoded(new_key())},{told['HMAC_KEY']}",
    }
    async with running(rotating), VaultClient(f"http://127.0.0.1:{told['HTTP_PORT']}", TOKENS[Caller.INTAKE]) as intake:
        stop = asyncio.Event()
        working = asyncio.create_task(resolving(intake, before, stop))
        wrapped = await asyncio.to_thread(command, "rewrap", rotating)
        moved = await asyncio.to_thread(command, "rekey", rotating)
        swept = await asyncio.to_thread(command, "sweep", rotating)
        stop.set()
        assert await working > 3
    assert (wrapped.returncode, moved.returncode, swept.returncode) == (0, 0, 0)
    assert "3 citizens' and 0 months' keys" in wrapped.stdout
    assert "3 people moved, all are" in moved.stdout
    assert "no longer needed: none" not in wrapped.stdout + moved.stdout
    assert "0 month keys destroyed" in swept.stdout

    after = told | {name: rotating[name].partition(",")[0] for name in ("MASTER_KEYS", "HMAC_KEY")}
    async with running(after), VaultClient(f"http://127.0.0.1:{told['HTTP_PORT']}", TOKENS[Caller.INTAKE]) as intake:
        assert await intake.resolve([person(number) for number in range(3)]) == before


async def resolving(intake: VaultClient, expected: list[ResolveAnswer], stop: asyncio.Event) -> int:
    rounds = 0
    while not stop.is_set():
        assert await intake.resolve([person(number) for number in range(3)]) == expected
        rounds += 1
        await asyncio.sleep(0.02)
    return rounds


async def test_a_token_is_changed_without_a_moment_in_which_its_caller_is_refused(database: DatabaseFactory) -> None:
    told = environment(database("citizens"))
    url, old, new = f"http://127.0.0.1:{told['HTTP_PORT']}", TOKENS[Caller.INTAKE], f"intake-{'n' * 40}"
    async with running(told | {"SERVICE_TOKENS": f"{told['SERVICE_TOKENS']},intake={new}"}):
        for token in (old, new):
            async with VaultClient(url, token) as intake:
                assert (await intake.resolve([person(1)]))[0].state == "known"
    async with running(told | {"SERVICE_TOKENS": told["SERVICE_TOKENS"].replace(old, new)}):
        async with VaultClient(url, new) as intake:
            assert (await intake.resolve([person(1)]))[0].state == "known"
        async with VaultClient(url, old) as intake:
            with pytest.raises(VaultRefused, match="401"):
                await intake.resolve([person(1)])


async def test_who_saw_somebodys_data_is_told_by_id_or_number_and_no_number_is_printed(
    database: DatabaseFactory,
) -> None:
    told = environment(database("citizens"))
    url = f"http://127.0.0.1:{told['HTTP_PORT']}"
    async with running(told), VaultClient(url, TOKENS[Caller.INTAKE]) as intake:
        (known,) = await intake.resolve([person(1)])
        assert isinstance(known, KnownCitizen)
        async with VaultClient(url, TOKENS[Caller.NOTIFIER]) as notifier:
            await notifier.cards([known.citizen_id])

    by = ("--actor", "kbh")
    by_id = await asyncio.to_thread(command, "seen-by", told, str(known.citizen_id), *by)
    spelt = f"{cpr(1)[:6]}-{cpr(1)[6:]}\n"
    by_number = await asyncio.to_thread(command, "seen-by", told, "-", *by, typed=spelt)
    nobody = await asyncio.to_thread(command, "seen-by", told, str(UUID(int=1)), *by)
    unknown = await asyncio.to_thread(command, "seen-by", told, "-", *by, typed=f"{cpr(2)}\n")
    nameless = await asyncio.to_thread(command, "seen-by", told, str(known.citizen_id))
    numbered = await asyncio.to_thread(command, "seen-by", told, str(known.citizen_id), "--actor", cpr(1))

    lines = [line.split("\t")[1:5] for line in by_id.stdout.splitlines()]
    assert lines == [
        ["actor", "action", "disclosed", "purpose"],
        ["service:intake", "citizen.created", "key", "receive-notification"],
        ["service:notifier", "card.read", "card", "address-letter"],
        ["ops:kbh", "trail.read", "nothing", "tell-who-saw"],
    ]
    assert by_number.stdout.splitlines()[:4] == by_id.stdout.splitlines()
    assert (nobody.returncode, len(nobody.stdout.splitlines())) == (0, 2)  # the header, and this reading
    assert (unknown.returncode, unknown.stdout) == (1, "")
    assert [(one.returncode, one.stdout) for one in (nameless, numbered)] == [(2, "")] * 2  # who reads it is on record
    printed = "".join(one.stdout + one.stderr for one in (by_id, by_number, nobody, unknown, nameless, numbered))
    assert not [number for number in (cpr(1), f"{cpr(1)[:6]}-{cpr(1)[6:]}") if number in printed]
    assert "Navn" not in printed


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("MASTER_KEYS", "", "no key is given"),
        ("MASTER_KEYS", "c2hvcnQ=", "not 32 bytes"),
        ("MASTER_KEYS", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "not random"),
        ("HMAC_KEY", "hemmelig!", "not base64"),
        ("SERVICE_TOKENS", "intake=kort", "shorter than 32"),
        ("SERVICE_TOKENS", "nemrefusion=" + "t" * 40, "no known caller"),
        ("SERVICE_TOKENS", f"intake={'t' * 40},tasks={'t' * 40}", "share a token"),
    ],
)
async def test_a_setting_that_cannot_be_used_stops_the_start_without_being_shown(
    database: DatabaseFactory, name: str, value: str, told: str
) -> None:
    refused = await asyncio.to_thread(command, "serve", environment(database("citizens"), **{name: value}))

    assert refused.returncode == 78
    assert name in refused.stderr
    assert told in refused.stderr
    assert not value or value not in refused.stderr + refused.stdout
