"""A stack of its own whose servers are killed, paused, found again by a later command, and ended without a trace."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import psutil
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from deploy.kafka import TopicToMake
from stack import ALL_SERVERS, Process, Stack
from stack.kafka_admin import is_broker_ready
from stack.paths import ROOT
from stack.postgres_admin import is_server_ready
from tests.support.fixtures import new_run_dir


@pytest.fixture(scope="module")
def own_stack() -> Iterator[Stack]:
    with pytest.MonkeyPatch.context() as patch, new_run_dir() as run_dir:
        patch.setenv("STACK", "native")
        stack = Stack.start(run_dir, servers=ALL_SERVERS)
        yield stack
        stack.stop()


async def test_what_a_broker_acknowledged_is_there_after_it_was_killed(own_stack: Stack) -> None:
    own_stack.make_topics(TopicToMake(name="killed", partitions=1))
    async with AIOKafkaProducer(bootstrap_servers=own_stack.kafka_bootstrap, acks="all") as producer:
        await producer.send_and_wait("killed", b"acknowledged")
    own_stack.server("kafka").kill()
    assert not is_broker_ready(own_stack.kafka_bootstrap)
    own_stack.start_server("kafka")
    consumer = AIOKafkaConsumer("killed", bootstrap_servers=own_stack.kafka_bootstrap, auto_offset_reset="earliest")
    async with consumer:
        assert (await consumer.getone()).value == b"acknowledged"


async def test_what_a_database_committed_is_there_after_it_was_killed(own_stack: Stack) -> None:
    addresses = own_stack.create_database("killed")
    before = await asyncpg.connect(addresses.owner_dsn)
    await before.execute("create table letter (id int); insert into letter values (1)")
    own_stack.server("postgres").kill()
    assert not is_server_ready(own_stack.postgres_admin_dsn)
    own_stack.start_server("postgres")
    after = await asyncpg.connect(addresses.owner_dsn)
    assert await after.fetchval("select count(*) from letter") == 1
    await after.close()
    before.terminate()


def test_a_paused_database_answers_nobody_until_it_is_resumed(own_stack: Stack) -> None:
    postgres = own_stack.server("postgres")
    assert isinstance(postgres, Process)
    postgres.pause()
    states = {member.status() for member in psutil.Process(postgres.pid).children(recursive=True)}
    assert states <= {
        psutil.STATUS_STOPPED,
        psutil.STATUS_ZOMBIE,
    }  # one may just have ended, and its parent is stopped too
    assert not is_server_ready(own_stack.postgres_admin_dsn)
    postgres.resume()
    own_stack.wait_ready()


async def test_what_a_failed_statement_held_is_not_in_the_databases_log(own_stack: Stack) -> None:
    connection = await asyncpg.connect(own_stack.create_database("canary").owner_dsn)
    await connection.execute("create table letter (id text primary key)")
    await connection.execute("insert into letter values ($1)", "canary")
    for failing in ("insert into letter values ($1)", "select $1::text::uuid", "select $1::text::canary"):
        with pytest.raises(asyncpg.PostgresError):
            await connection.execute(failing, "canary")
    await connection.close()
    assert "canary" not in own_stack.server("postgres").log_path.read_text().replace("mitsyg_canary", "")


def test_servers_do_not_run_as_root(own_stack: Stack) -> None:
    for server in own_stack.servers:
        assert isinstance(server, Process)
        assert psutil.Process(server.pid).uids().effective != 0


def test_its_addresses_are_for_their_owner_alone(own_stack: Stack) -> None:
    assert (own_stack.run_dir / "stack.json").stat().st_mode & 0o777 == 0o600


def test_the_declared_topics_are_made_once(own_stack: Stack) -> None:
    own_stack.create_topics()
    own_stack.create_topics()


def test_a_later_command_finds_it_and_prints_no_password(own_stack: Stack) -> None:
    told = _command(own_stack.run_dir, "env")
    assert f"export KAFKA_BOOTSTRAP_SERVERS={own_stack.kafka_bootstrap}" in told
    password = own_stack.postgres_admin_dsn.split(":")[2].split("@")[0]
    told += _command(own_stack.run_dir, "status")
    assert password not in told
    assert own_stack.addresses.s3_secret_key not in told


@pytest.mark.timeout(240)
def test_up_leaves_it_running_and_down_leaves_nothing() -> None:
    with new_run_dir() as run_dir:
        _command(run_dir, "up", "--servers-only", "--documents")
        stack = Stack.attach(run_dir)
        assert stack is not None
        again = Stack.start(run_dir)
        assert again.kafka_bootstrap == stack.kafka_bootstrap
        again.stop()
        assert all(server.is_alive for server in stack.servers)
        _command(run_dir, "down")
        assert {server.name for server in stack.servers} == set(ALL_SERVERS)
        assert not any(server.is_alive for server in stack.servers)
        assert sorted(path.name for path in run_dir.iterdir()) == ["logs"]


def _command(run_dir: Path, *words: str) -> str:
    outcome = subprocess.run(
        (sys.executable, "-m", "stack", "--run-dir", str(run_dir), *words),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert outcome.returncode == 0, outcome.stderr
    return outcome.stdout
