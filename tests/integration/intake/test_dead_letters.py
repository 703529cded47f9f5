"""What people on duty do about intake's dead letters, on real Kafka, PostgreSQL and vault: look, open, replay, twice is once."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from typing_extensions import override

from contracts.citizens.client import VaultClient
from contracts.dead_letter.v1 import DeadLetter
from contracts.dead_letter.v1 import record as dead_letter
from contracts.envelope import BadEnvelope
from contracts.events import BadEvent, Reader, UnknownEventType
from contracts.topics import MIB, NEMREFUSION_NOTIFICATION, consumer_group, dead_letter_topic
from deploy.kafka import TopicToMake
from plumbing.bus import Record, start_producer
from plumbing.dead_letters import Undertaker
from plumbing.dead_letters.desk import Desk, run
from plumbing.dead_letters.ledger import one_at_a_time
from plumbing.dead_letters.opening import Original
from plumbing.dead_letters.replaying import REPLAY_OF
from plumbing.dead_letters.sending import Sender
from plumbing.errors import Unavailable
from plumbing.outbox import Relay
from plumbing.postgres import Database
from services.citizens.domain.rights import Caller
from services.intake.domain import Rules
from services.intake.gateways import Vault
from services.intake.municipalities import is_municipality
from services.intake.store import Store
from services.intake.usecases import TakeIn
from stack import DatabaseAddresses, Stack
from stack.paths import ROOT
from stack.ports import free_port
from tests.integration.citizens import conftest as citizens
from tests.integration.citizens.running import TOKENS, HandClock
from tests.integration.citizens.running import Vault as RunningVault
from tests.plumbing.helpers import bus_settings, producer, read_log
from tests.support import replays
from tests.support.fixtures import DatabaseFactory, TopicFactory
from tests.support.notifications import TEST_CPR, citizen, raw, report

SIGNED = ("--actor", "kbh", "--purpose", "INC-42")
PERSONAL = (TEST_CPR, "Prøveperson", "Prøvevej", "Værkstedet")
PARTITIONS = 2
Headers = Sequence[tuple[str, bytes]]


vault = citizens.vault  # as its own tests have it
_quiet = replays.quiet  # for all tests here


class Broken(Exception):
    """The command dies here."""


@dataclass(kw_only=True)
class House:
    """Intake on a topic of its own, with a vault; its processes take turns when they are told to."""

    kafka: str
    topic: str
    addresses: DatabaseAddresses
    database: Database
    clock: HandClock
    vault_url: str
    desk: Desk
    undertaker: Undertaker
    vault: Vault
    capsys: pytest.CaptureFixture[str]

    async def send(self, value: bytes, *, key: bytes | None = None, partition: int = 1, headers: Headers = ()) -> None:
        async with producer(self.kafka, max_request_size=4 * MIB) as client:
            await client.send_and_wait(self.topic, value, key=key, partition=partition, headers=list(headers))

    async def log(self) -> list[Record]:
        return await read_log(self.kafka, self.topic)

    async def work(self, *, accept_test_cpr: bool) -> None:
        """Intake reads its topic from the beginning (what is settled stays so) and the relay sends what it says."""
        take_in = TakeIn(
            self.database,
            people=self.vault,
            notifications=Store(),
            undertaker=self.undertaker,
            clock=self.clock,
            rules=Rules(accept_test_cpr=accept_test_cpr, is_municipality=is_municipality),
            fingerprint_key=b"f" * 32,
            after_commit=lambda: None,
        )
        await take_in(await self.log())
        relay = Relay(self.database, lambda: start_producer(bus_settings(self.kafka)))
        await self.rows(
            "update outbox set aggregatetype = $1 where aggregatetype not like '%.dlq'", self.topic + ".out"
        )
        relay.stop()
        await relay.run()

    async def bury(self, *bodies: bytes, **how: Any) -> list[UUID]:
        """Send what is refused while no test number is taken; the ids of the dead letters."""
        known = set(await self.ids())
        for body in bodies:
            await self.send(body, **how)
        await self.work(accept_test_cpr=False)
        return [one for one in await self.ids() if one not in known]

    async def ids(self) -> list[UUID]:
        code, out, _ = await self.run("list", "--json")
        assert code == 0
        return [UUID(json.loads(line)["id"]) for line in out.splitlines()]

    async def run(self, *arguments: str, desk: Desk | None = None) -> tuple[int, str, str]:
        """Exit code and what was printed."""
        self.capsys.readouterr()
        code = await run(desk or self.desk, arguments)
        return code, *self.capsys.readouterr()

    async def rows(self, sql: str, *arguments: object) -> list[asyncpg.Record]:
        async with self.database.acquire() as connection:
            return list(await connection.fetch(sql, *arguments))

    async def fates(self) -> list[str]:
        rows = await self.rows('select fate from inbox_record order by partition, "offset"')
        return [row["fate"] for row in rows]

    async def receipts(self) -> list[dict[str, Any]]:
        """In the order in which they were given."""
        told = [json.loads(record.value or b"") for record in await read_log(self.kafka, self.topic + ".out")]
        return [one for one in told if "receipt_id" in one and "outcome" in one]

    async def trail(self) -> list[tuple[str, str, str, str]]:
        rows = await self.rows(
            "select actor, action, object_id, purpose from audit_entry where object_type = 'dead-letter' order by id"
        )
        return [tuple(row) for row in rows]


@pytest.fixture
async def vault_away() -> AsyncIterator[Vault]:
    async with VaultClient(f"http://127.0.0.1:{free_port()}", "x") as client:
        yield Vault(client)


@pytest.fixture
async def house(
    stack: Stack,
    topics: TopicFactory,
    database: DatabaseFactory,
    vault: RunningVault,
    capsys: pytest.CaptureFixture[str],
) -> AsyncIterator[House]:
    topic = topics("notifications", partitions=PARTITIONS, config={"max.message.bytes": str(11 * MIB)})
    group = consumer_group("intake", topic)
    dlq = TopicToMake(name=dead_letter_topic(group), partitions=PARTITIONS, config={"max.message.bytes": str(3 * MIB)})
    stack.make_topics(dlq, TopicToMake(name=topic + ".out", partitions=1, config={}))
    addresses, ours = database("intake"), Vault(vault.intake)
    owner = await asyncpg.connect(addresses.owner_dsn)  # the test changes where messages go
    await owner.execute(f"grant update on outbox to {addresses.role}")
    await owner.close()
    async with AsyncExitStack() as opened:
        mine = await Database.open(addresses.runtime_dsn, application_name="test")
        opened.push_async_callback(mine.close)
        yield House(
            kafka=stack.kafka_bootstrap,
            topic=topic,
            addresses=addresses,
            database=mine,
            clock=vault.clock,
            vault_url=vault.url,
            desk=Desk(
                service="intake",
                bus=bus_settings(stack.kafka_bootstrap),
                database_url=addresses.runtime_dsn,
                migrations="services.intake.migrations",
                topics=[dlq.name],
                decode=Reader(DeadLetter).decode,
                faults=(BadEnvelope, BadEvent, UnknownEventType),
                fetch_key=ours.month_key,
                clock=vault.clock,
            ),
            undertaker=Undertaker(fetch_key=ours.month_key, write=dead_letter, clock=vault.clock, group=group),
            vault=ours,
            capsys=capsys,
        )


def notification(**changes: Any) -> bytes:
    """Refused while test numbers are not taken; good as soon as they are."""
    return raw(report(sent_at="2026-11-01T08:30:00+01:00", first_absence_day="2026-10-20", **changes))


def without_replay_header(record: Record) -> tuple[object, ...]:
    assert record.headers[-1][0] == REPLAY_OF
    return (record.partition, record.key, record.value, record.headers[:-1])


def as_sent(record: Record) -> tuple[object, ...]:
    return (record.partition, record.key, record.value, record.headers)


# looking ---------------------------------------------------------------------------------------------------------------------


async def test_a_list_tells_where_when_and_why_and_nothing_personal(house: House) -> None:
    [first] = await house.bury(notification(), key=b"key of nobody")
    house.clock.turn(timedelta(hours=1))
    [second] = await house.bury(b"{", partition=0)

    code, out, err = await house.run("list")
    lines = out.splitlines()
    assert (code, err) == (0, "")
    assert lines[0].split() == ["2026-11-02T12:00:00Z", str(first), f"{house.topic}:1:0", "test-cpr", "citizen.cpr"]
    assert str(second) in lines[1]
    assert lines[2] == "2 dead letters, 0 of them replayed"
    assert not [one for one in (*PERSONAL, "key of nobody") if one in out]
    _, narrowed, _ = await house.run("list", "--since", "2026-11-02T12:30:00Z", "--json")
    assert [json.loads(line)["id"] for line in narrowed.splitlines()] == [str(second)]
    _, narrowed, _ = await house.run("list", "--at", f"{house.topic}:1", "--field", "citizen.cpr", "--json")
    assert [json.loads(line)["id"] for line in narrowed.splitlines()] == [str(first)]


async def test_showing_a_letter_opens_no_seal(house: House, vault_away: Vault) -> None:
    [one] = await house.bury(notification())
    code, out, _ = await house.run("show", str(one), desk=replace(house.desk, fetch_key=vault_away.month_key))
    assert code == 0
    assert "citizen.cpr" in out
    assert "sealed under dead-letter/intake/2026-11" in out
    assert not [word for word in PERSONAL if word in out]
    assert await house.trail() == []


async def test_a_letter_that_stands_in_the_topic_twice_is_one_and_what_is_none_is_counted(house: House) -> None:
    [one] = await house.bury(notification())
    [dlq] = house.desk.topics
    [letter] = await read_log(house.kafka, dlq)
    async with producer(house.kafka) as client:
        await client.send_and_wait(dlq, letter.value, headers=list(letter.headers), partition=0)
        await client.send_and_wait(dlq, b"rubbish", partition=0)
    code, out, err = await house.run("list", "--json")
    assert code == 0
    assert [json.loads(line)["id"] for line in out.splitlines()] == [str(one)]
    assert err == "1 records of the topic are no dead letters that can be read\n"


@pytest.mark.parametrize("command", ["show", "replay"])
async def test_there_may_be_no_such_letter(house: House, command: str) -> None:
    unknown = "0b9a5f3e-1111-4222-8333-000000000001"
    code, out, err = await house.run(command, *(["--id"] if command == "replay" else []), unknown)
    assert (code, out) == (66, "")
    assert "no such dead letter" in err


# opening ---------------------------------------------------------------------------------------------------------------------


async def test_an_original_is_shown_on_a_terminal_to_somebody_who_is_named(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = notification()
    [one] = await house.bury(body, key=b"\xff", headers=[("x-header", b"a value")])
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    code, out, _ = await house.run("show", str(one), "--original", *SIGNED)
    assert code == 0
    assert body.decode() in out
    assert "x-header: a value" in out
    assert await house.trail() == [("ops:kbh", "dead-letter.opened", str(one), "INC-42")]


async def test_an_original_goes_to_no_file_unless_it_is_forced_to(house: House) -> None:
    [one] = await house.bury(notification())
    code, out, _ = await house.run("show", str(one), "--original", *SIGNED)
    assert (code, out) == (77, "")
    assert await house.trail() == []
    code, out, _ = await house.run("show", str(one), "--original", "--force", *SIGNED)
    assert code == 0
    assert TEST_CPR in out
    assert len(await house.trail()) == 1


async def test_who_cannot_be_audited_is_shown_nothing(house: House) -> None:
    [one] = await house.bury(notification())
    owner = await asyncpg.connect(house.addresses.owner_dsn)
    await owner.execute(f"revoke insert on audit_entry from {house.addresses.role}")
    await owner.close()
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await house.run("show", str(one), "--original", "--force", *SIGNED)
    assert not [word for word in PERSONAL if word in house.capsys.readouterr().out]


async def test_when_the_months_key_is_destroyed_the_original_is_gone_for_good(house: House) -> None:
    [one] = await house.bury(notification())
    house.clock.turn(timedelta(days=90))
    code, out, err = await house.run("show", str(one), "--original", "--force", *SIGNED)
    assert code == 65
    assert "key is destroyed" in err
    code, out, _ = await house.run("replay", "--all", "--send", *SIGNED)
    assert code == 65
    assert "1 dead letters: 1 gone for good" in out
    assert len(await house.log()) == 1
    assert (await house.trail(), await house.rows("select from dead_letter_replay")) == ([], [])


# replaying -------------------------------------------------------------------------------------------------------------------


async def test_a_dry_run_tells_and_changes_nothing(house: House) -> None:
    [one] = await house.bury(notification())
    code, out, _ = await house.run("replay", "--id", str(one))
    assert code == 0
    assert out.splitlines() == [
        f"{one}  {house.topic}:1:0  would be sent to {house.topic}",
        "1 dead letters: 1 would be sent; dry run, nothing was sent: add --send --actor … --purpose …",
    ]
    assert len(await house.log()) == 1
    assert (await house.trail(), await house.rows("select from dead_letter_replay")) == ([], [])


@pytest.mark.parametrize("key", [None, b"", b"\xff\x00key"])
async def test_the_original_comes_again_as_it_was_and_a_second_replay_sends_nothing(
    house: House, key: bytes | None
) -> None:
    [one] = await house.bury(notification(), key=key, headers=[("ce_id", b"1\n"), ("ce_id", b"\xff"), ("", b"")])
    code, out, _ = await house.run("replay", "--reason", "test-cpr", "--send", *SIGNED)
    assert code == 0
    assert out.splitlines()[0].endswith(f"sent, stands at {house.topic}:1:1")
    original, again = await house.log()
    assert without_replay_header(again) == as_sent(original)
    assert again.headers[-1] == (REPLAY_OF, str(one).encode())
    assert await house.trail() == [("ops:kbh", "dead-letter.replayed", str(one), "INC-42")]

    for arguments in (["--all"], ["--all", "--send", *SIGNED]):
        code, out, _ = await house.run("replay", *arguments)
        assert code == 0
        assert "replayed already at " in out
        assert f"by ops:kbh, stands at {house.topic}:1:1" in out
    assert len(await house.log()) == 2
    assert len(await house.trail()) == 1
    assert "replayed" in (await house.run("list"))[1]
    assert "1: sent " in (await house.run("show", str(one)))[1]


async def test_what_is_accepted_when_replayed_has_its_effect_once_even_if_it_is_forced_again(house: House) -> None:
    await house.bury(notification())
    await house.run("replay", "--all", "--send", *SIGNED)
    await house.work(accept_test_cpr=True)
    await house.run("replay", "--all", "--send", "--again", *SIGNED)
    await house.work(accept_test_cpr=True)

    assert await house.fates() == ["rejected", "accepted", "duplicate"]
    _, accepted, repeated = await house.receipts()
    assert accepted["receipt_id"] == repeated["receipt_id"]
    assert len(await house.rows("select from absence")) == 1
    assert [row["nth"] for row in await house.rows("select nth from dead_letter_replay order by nth")] == [1, 2]


async def test_what_is_refused_again_is_answered_again_and_makes_a_dead_letter_of_its_own(house: House) -> None:
    [first] = await house.bury(notification())
    await house.run("replay", "--all", "--send", *SIGNED)
    await house.work(accept_test_cpr=False)

    assert await house.fates() == ["rejected", "rejected"]
    assert len({one["receipt_id"] for one in await house.receipts()}) == 2
    [second] = [one for one in await house.ids() if one != first]
    await house.run("replay", "--all", "--send", *SIGNED)  # the first was replayed already, the second was not
    headers = (await house.log())[-1].headers
    assert headers == ((REPLAY_OF, str(first).encode()), (REPLAY_OF, str(second).encode()))
    assert len(await house.log()) == 3


async def test_an_original_too_large_to_travel_comes_from_the_database(house: House) -> None:
    large = b'{"notification_id": "' + os.urandom(700_000).hex().encode() + b'"}'
    [one] = await house.bury(large)
    assert "kept in the database" in (await house.run("show", str(one)))[1]
    code, _, _ = await house.run("replay", "--all", "--send", *SIGNED)
    assert code == 0
    original, again = await house.log()
    assert without_replay_header(again) == as_sent(original)

    owner = await asyncpg.connect(house.addresses.owner_dsn)
    await owner.execute("delete from dead_letter_original")
    await owner.close()
    code, out, _ = await house.run("replay", "--all", "--again", "--send", *SIGNED)
    assert code == 65
    assert "no longer where it was kept" in out


async def test_what_kafka_does_not_take_holds_up_no_other(house: House) -> None:
    large = b'"' + os.urandom(400_000).hex().encode()  # hex, so that packing does not help it below the new limit
    ids = await house.bury(large, notification())
    await _set_limit(house, 100_000)
    code, out, err = await house.run("replay", "--all", "--send", *SIGNED)
    assert code == 65
    assert "MessageSizeTooLargeError" in err
    assert "1 sent, 1 refused by Kafka" in out
    await _set_limit(house, 11 * MIB)
    code, out, _ = await house.run("replay", "--all", "--send", *SIGNED)
    assert code == 0
    assert "1 sent, 1 replayed already" in out
    assert len(await house.log()) == 4
    assert len(ids) == 2


# breaking off ----------------------------------------------------------------------------------------------------------------


class BreaksBefore(Sender):
    @override
    async def __call__(self, original: Original, *, topic: str, partition: int) -> int:
        raise Broken


class BreaksAfter(Sender):
    @override
    async def __call__(self, original: Original, *, topic: str, partition: int) -> int:
        await super().__call__(original, topic=topic, partition=partition)
        raise Broken


@pytest.mark.parametrize("breaks", [BreaksBefore, BreaksAfter])
async def test_a_run_that_breaks_off_loses_nothing_and_doubles_nothing(
    house: House, breaks: Callable[..., Sender]
) -> None:
    [one] = await house.bury(notification())
    with pytest.raises(Broken):
        await house.run("replay", "--all", "--send", *SIGNED, desk=replace(house.desk, sender=breaks))
    await house.send(notification())  # others go on writing to the topic
    assert "broke off" in (await house.run("show", str(one)))[1]
    await house.run("replay", "--all")  # a dry run between changes nothing
    for _ in range(2):
        code, _, _ = await house.run("replay", "--all", "--send", *SIGNED)
        assert code == 0

    named = [record for record in await house.log() if (REPLAY_OF, str(one).encode()) in record.headers]
    assert len(named) == 1
    [row] = await house.rows("select * from dead_letter_replay")
    assert (row["nth"], row["sent_offset"]) == (1, named[0].offset)
    assert row["sent_at"] is not None


async def test_where_the_topic_no_longer_tells_nothing_is_sent(house: House) -> None:
    [one] = await house.bury(notification())
    with pytest.raises(Broken):
        await house.run("replay", "--all", "--send", *SIGNED, desk=replace(house.desk, sender=BreaksAfter))
    await house.send(notification())
    admin = AIOKafkaAdminClient(bootstrap_servers=house.kafka)
    await admin.start()
    await admin.delete_records({TopicPartition(house.topic, 1): RecordsToDelete(before_offset=2)})
    await admin.close()

    code, _, err = await house.run("replay", "--all", "--send", *SIGNED)
    assert code == 65
    assert "no longer tells whether it was sent" in err
    code, _, _ = await house.run("replay", "--id", str(one), "--again", "--send", *SIGNED)
    assert code == 0
    assert len(await house.log()) == 2


async def test_two_at_once_do_not_replay_the_same(house: House) -> None:
    await house.bury(notification())
    async with one_at_a_time(house.database):
        with pytest.raises(Unavailable, match="another one is at work"):
            await house.run("replay", "--all", "--send", *SIGNED)
    results = await asyncio.gather(
        *(run(house.desk, ["replay", "--all", "--send", *SIGNED]) for _ in range(4)), return_exceptions=True
    )
    assert 0 in results
    assert all(result == 0 or isinstance(result, Unavailable) for result in results)
    assert len(await house.log()) == 2


@pytest.mark.parametrize("missing", ["kafka", "citizens"])
async def test_what_is_away_is_told_and_nothing_is_written_down(house: House, vault_away: Vault, missing: str) -> None:
    await house.bury(notification())
    away = (
        replace(house.desk, bus=bus_settings(f"127.0.0.1:{free_port()}"))
        if missing == "kafka"
        else replace(house.desk, fetch_key=vault_away.month_key)
    )
    with pytest.raises(Unavailable, match=f"{missing} is unavailable"):
        await house.run("replay", "--all", "--send", *SIGNED, desk=away)
    assert (await house.trail(), await house.rows("select from dead_letter_replay")) == ([], [])


# the command as a process ----------------------------------------------------------------------------------------------------


def command(service: str, *arguments: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    argv = (sys.executable, "-m", f"services.{service}", "dead-letters", *arguments)
    return subprocess.run(argv, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


def environment_of(service: str, house: House, addresses: DatabaseAddresses) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "DATABASE_URL": addresses.runtime_dsn,
        "OPS_PORT": "0",
        "KAFKA_BOOTSTRAP_SERVERS": house.kafka,
        "CITIZENS_URL": house.vault_url,
        "CITIZENS_TOKEN": TOKENS[Caller(service)],
        "FINGERPRINT_KEY": "Zm" * 24,
        "GATEWAY_URL": "http://127.0.0.1:1",
        "GATEWAY_DEDUPES": "true",
        "HTTP_PORT": "0",
        "STATUS_PUSH_TOKEN": "t" * 40,
    }


@pytest.mark.parametrize("service", ["intake", "tasks", "notifier"])
async def test_every_service_on_kafka_has_the_command(
    house: House, stack: Stack, database: DatabaseFactory, service: str
) -> None:
    stack.create_topics()
    environment = environment_of(service, house, database(service))
    listed = await asyncio.to_thread(command, service, "list", environment=environment)
    assert (listed.returncode, listed.stderr) == (0, "")
    assert listed.stdout.endswith(" of them replayed\n")
    wrong = await asyncio.to_thread(command, service, "replay", environment=environment)
    assert wrong.returncode == 2
    environment["DATABASE_URL"] = f"postgresql://x:y@127.0.0.1:{free_port()}/z"
    away = await asyncio.to_thread(command, service, "list", environment=environment)
    assert away.returncode == 69


async def buried_on_the_topic_of_notifications(house: House, *bodies: bytes) -> list[str]:
    """Refused by intake, each as if it stood in partition 3; the ids of the dead letters."""
    topic = NEMREFUSION_NOTIFICATION.name
    await on_the_topic_of_notifications(house, accept_test_cpr=False)(
        [
            Record(topic=topic, partition=3, offset=nth, key=None, value=body, headers=(), timestamp_ms=0)
            for nth, body in enumerate(bodies)
        ]
    )
    rows = await house.rows("select id from outbox where aggregatetype like '%.dlq' order by seq")
    relay = Relay(house.database, lambda: start_producer(bus_settings(house.kafka)))
    relay.stop()
    await relay.run()
    return [str(row["id"]) for row in rows]


def on_the_topic_of_notifications(house: House, *, accept_test_cpr: bool) -> TakeIn:
    """Intake as it reads its own topic."""
    group = consumer_group("intake", NEMREFUSION_NOTIFICATION.name)
    return TakeIn(
        house.database,
        people=house.vault,
        notifications=Store(),
        undertaker=Undertaker(fetch_key=house.vault.month_key, write=dead_letter, clock=house.clock, group=group),
        clock=house.clock,
        rules=Rules(accept_test_cpr=accept_test_cpr, is_municipality=is_municipality),
        fingerprint_key=b"f" * 32,
        after_commit=lambda: None,
    )


async def sent_again(house: House, dead_letter_id: str) -> list[Record]:
    """Where a dead letter's original stands in the topic of notifications once more."""
    log = await read_log(house.kafka, NEMREFUSION_NOTIFICATION.name)
    return [record for record in log if (REPLAY_OF, dead_letter_id.encode()) in record.headers]


async def test_the_process_replays_to_the_topic_of_notifications(house: House, stack: Stack) -> None:
    stack.create_topics()
    body = notification()
    [one] = await buried_on_the_topic_of_notifications(house, body)
    environment = environment_of("intake", house, house.addresses)

    async def ask(*arguments: str) -> str:
        done = await asyncio.to_thread(command, "intake", *arguments, environment=environment)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    # others may have left dead letters here, sealed by vaults that are gone
    listed = [json.loads(line)["id"] for line in (await ask("list", "--json", "--reason", "test-cpr")).splitlines()]
    assert one in listed
    assert "1 would be sent" in await ask("replay", "--id", one)
    assert "1 sent" in await ask("replay", "--id", one, "--send", *SIGNED)
    assert "1 replayed already" in await ask("replay", "--id", one, "--send", *SIGNED)
    assert [(record.partition, record.value) for record in await sent_again(house, one)] == [(3, body)]


async def test_a_process_that_is_killed_half_way_loses_nothing_and_doubles_nothing(house: House, stack: Stack) -> None:
    """Killed between row and sending, then between acknowledgement and row, then let run, twice."""
    stack.create_topics()
    bodies = [notification(citizen=citizen(f"610190000{nth}")) for nth in range(1, 7)]
    ids = await buried_on_the_topic_of_notifications(house, *bodies)
    named = [word for one in ids for word in ("--id", one)]
    environment = environment_of("intake", house, house.addresses)

    async def replay(breaks: str = "") -> subprocess.CompletedProcess[str]:
        told = {**environment, "FAULTPOINTS": breaks}
        return await asyncio.to_thread(command, "intake", "replay", *named, "--send", *SIGNED, environment=told)

    assert (await replay("replay.before_send:kill:3")).returncode == -signal.SIGKILL
    assert [len(await sent_again(house, one)) for one in ids] == [1, 1, 0, 0, 0, 0]
    assert (await replay("replay.after_send:kill:2")).returncode == -signal.SIGKILL
    assert [len(await sent_again(house, one)) for one in ids] == [1, 1, 1, 1, 0, 0]
    done = await replay()
    assert (done.returncode, done.stdout.splitlines()[-1]) == (
        0,
        "6 dead letters: 2 sent, 1 sent by a run that broke off, written down now, 3 replayed already",
    )
    assert (await replay()).stdout.splitlines()[-1] == "6 dead letters: 6 replayed already"

    again = [await sent_again(house, one) for one in ids]
    assert [[record.value for record in records] for records in again] == [[body] for body in bodies]
    rows = await house.rows("select dead_letter_id, nth, sent_offset from dead_letter_replay")
    assert {str(row["dead_letter_id"]): (row["nth"], row["sent_offset"]) for row in rows} == {
        one: (1, record.offset) for one, [record] in zip(ids, again, strict=True)
    }
    take_in = on_the_topic_of_notifications(house, accept_test_cpr=True)
    for _ in range(2):
        await take_in([record for [record] in again])
    assert sorted(await house.fates()) == ["accepted"] * 6 + ["rejected"] * 6
    assert len(await house.rows("select from absence")) == 6


async def _set_limit(house: House, size: int) -> None:
    from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

    admin = AIOKafkaAdminClient(bootstrap_servers=house.kafka)
    await admin.start()
    try:
        resource = ConfigResource(ConfigResourceType.TOPIC, house.topic, configs={"max.message.bytes": str(size)})
        await admin.alter_configs([resource])
    finally:
        await admin.close()
