"""How a service process starts, tells how it is, drains and ends."""

import asyncio
import json
import os
import re
import secrets
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from deploy.kafka import TopicToMake
from plumbing.postgres import migrations
from plumbing.service import main
from stack import DatabaseAddresses, Process, Stack
from stack.paths import ROOT
from stack.ports import free_port
from stack.waiting import run_in_thread
from tests.plumbing.helpers import committed, produce, read_log, until
from tests.plumbing.tiny.__main__ import MIGRATIONS, NAME, Settings, fail, serve
from tests.support.databases import Databases
from tests.support.fixtures import TopicFactory

SECRET = "hunter2-hunter2"


class Tiny:
    """A running service and its probes."""

    def __init__(self, process: Process, environment: Mapping[str, str]) -> None:
        self.process = process
        self._url = f"http://127.0.0.1:{environment['OPS_PORT']}"

    def get(self, path: str) -> tuple[int, str]:
        """Status and body; 0 while nobody answers."""
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(f"{self._url}{path}", timeout=3) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read().decode()
        except OSError:
            return 0, ""

    async def is_ready(self) -> bool:
        return (await asyncio.to_thread(self.get, "/readyz"))[0] == 200

    async def wait_ready(self) -> None:
        await until(self.is_ready, 25)

    async def exit_code(self, seconds: float = 15) -> int | None:
        await until(lambda: not self.process.is_alive, seconds)
        return self.process.exit_code

    def log(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.process.log_path.read_text().splitlines()]


Here = Callable[..., tuple[int, str, str]]
Start = Callable[..., AbstractContextManager[Tiny]]


@pytest.fixture(scope="module")
def tiny_database(databases: Databases) -> Iterator[DatabaseAddresses]:
    addresses = databases.empty("plain")
    run_in_thread(lambda: migrations.upgrade(MIGRATIONS, addresses.owner_dsn, role=addresses.role))
    yield addresses
    databases.drop([addresses])


@pytest.fixture
def environment(tiny_database: DatabaseAddresses, kafka: str, topics: TopicFactory) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "DATABASE_URL": tiny_database.runtime_dsn,
        "KAFKA_BOOTSTRAP_SERVERS": kafka,
        "KAFKA_SESSION_TIMEOUT_MS": "2000",
        "OPS_PORT": str(free_port()),
        "TOPIC_IN": topics("in"),
        "TOPIC_OUT": topics("out"),
        "SECRET": SECRET,
        "DRAIN_SECONDS": "5",
        "LOG_LEVEL": "INFO",
    }


@pytest.fixture
def start(environment: dict[str, str], tmp_path: Path) -> Start:
    @contextmanager
    def run(**changes: str) -> Iterator[Tiny]:
        told = {**environment, **changes}
        argv = (sys.executable, "-m", "tests.plumbing.tiny", "serve")
        process = Process("tiny", argv, env=told, log_path=tmp_path / "tiny.log").start()
        try:
            yield Tiny(process, told)
        finally:
            process.kill()

    return run


def command(*arguments: str, environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    argv = (sys.executable, "-m", "tests.plumbing.tiny", *arguments)
    return subprocess.run(argv, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Here:
    """The command in this process: exit code, standard output and standard error."""

    def call(*arguments: str, environment: Mapping[str, str]) -> tuple[int, str, str]:
        for name in list(os.environ):
            monkeypatch.delenv(name)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        code = main(NAME, Settings, serve, more={"fail": fail}, arguments=arguments)
        return code, *capsys.readouterr()

    return call


# its life -----------------------------------------------------------------------------------------------------------------


async def test_probes_answer_before_any_dependency_is_there(start: Start) -> None:
    with start(DATABASE_URL=f"postgresql://x:{SECRET}@127.0.0.1:{free_port()}/z") as tiny:
        await until(lambda: tiny.get("/livez")[0] == 200)
        status, body = tiny.get("/readyz")

    assert status == 503
    assert json.loads(body)["started"] is False


async def test_a_service_is_ready_when_it_works_and_no_more_when_it_drains(
    start: Start, environment: dict[str, str], kafka: str
) -> None:
    with start(WORK_SECONDS="2") as tiny:
        await tiny.wait_ready()
        assert tiny.get("/livez")[0] == 200
        await produce(kafka, environment["TOPIC_IN"], b"1")
        await asyncio.sleep(1)
        os.kill(tiny.process.pid, signal.SIGTERM)
        await until(lambda: tiny.get("/readyz")[0] == 503, 2)
        assert json.loads(tiny.get("/readyz")[1])["draining"] is True
        assert tiny.get("/livez")[0] == 200
        assert await tiny.exit_code() == 0

    # the batch in work ended, and what it announced was still relayed
    assert [record.value for record in await read_log(kafka, environment["TOPIC_OUT"])] == [b"1"]
    group = f"tiny.{environment['TOPIC_IN']}"
    assert await committed(kafka, group, environment["TOPIC_IN"]) == 1
    assert all(line["service"] == "tiny" for line in tiny.log())


async def test_work_that_outlasts_the_drain_is_cut_off_and_comes_again(
    start: Start, environment: dict[str, str], kafka: str
) -> None:
    with start(WORK_SECONDS="60", DRAIN_SECONDS="1") as tiny:
        await tiny.wait_ready()
        await produce(kafka, environment["TOPIC_IN"], b"1")
        await asyncio.sleep(1)
        began = time.monotonic()
        os.kill(tiny.process.pid, signal.SIGTERM)
        assert await tiny.exit_code() == 0
        assert time.monotonic() - began < 8
    with start(WORK_SECONDS="0"):
        await until(lambda: log_is(kafka, environment["TOPIC_OUT"], [b"1"]))


async def test_a_killed_service_loses_nothing_and_doubles_nothing(
    start: Start, environment: dict[str, str], kafka: str
) -> None:
    values = [b"%d" % nth for nth in range(50)]
    with start(FAULTPOINTS="bus.before_offset_commit:kill:1") as tiny:
        await tiny.wait_ready()
        await produce(kafka, environment["TOPIC_IN"], *values)
        assert await tiny.exit_code() == -signal.SIGKILL
    with start():
        await until(lambda: log_is(kafka, environment["TOPIC_OUT"], values))


async def test_sigterm_before_the_service_has_begun_ends_it_at_once(start: Start) -> None:
    with start(DATABASE_URL=f"postgresql://x:y@127.0.0.1:{free_port()}/z") as tiny:
        await until(lambda: tiny.get("/livez")[0] == 200)
        os.kill(tiny.process.pid, signal.SIGTERM)
        assert await tiny.exit_code(3) == 0


async def test_sigterm_twice_is_sigterm_once(start: Start) -> None:
    with start() as tiny:
        await tiny.wait_ready()
        os.kill(tiny.process.pid, signal.SIGTERM)
        os.kill(tiny.process.pid, signal.SIGTERM)
        assert await tiny.exit_code() == 0


async def test_a_loop_that_dies_ends_the_process_badly(start: Start) -> None:
    with start(LOOP_DIES_AFTER="2") as tiny:
        assert await tiny.exit_code() == 1

    lines = tiny.log()
    assert {"part": "mortal", "error": "KeyError"}.items() <= next(line for line in lines if "part" in line).items()
    assert "nobody's" not in json.dumps(lines)


@pytest.mark.parametrize("watch", ["_heartbeat", "_watch_lag"])
async def test_a_watch_that_dies_ends_the_process_badly(start: Start, watch: str) -> None:
    """What it tells would stand still, and look well."""
    with start(WATCH_DIES=watch) as tiny:
        assert await tiny.exit_code() == 1

    assert {"part": watch.strip("_").replace("_", " "), "error": "KeyError"}.items() <= next(
        line for line in tiny.log() if "part" in line
    ).items()


async def test_a_service_that_had_to_wait_for_its_topic_tells_its_lag_all_the_same(start: Start, stack: Stack) -> None:
    topic = f"late.{secrets.token_hex(6)}"
    with start(TOPIC_IN=topic) as tiny:
        await until(lambda: tiny.get("/livez")[0] == 200)
        await asyncio.sleep(3)
        await asyncio.to_thread(stack.make_topics, TopicToMake(name=topic, partitions=1))
        await tiny.wait_ready()
        await until(lambda: f'mitsyg_consumer_lag_records{{topic="{topic}"}} 0.0' in tiny.get("/metrics")[1], 5)


async def test_metrics_and_version_are_told(start: Start, environment: dict[str, str], kafka: str) -> None:
    with start(VERSION="1.2.3") as tiny:
        await tiny.wait_ready()
        await produce(kafka, environment["TOPIC_IN"], b"1")
        topic = environment["TOPIC_IN"]
        await until(lambda: f'mitsyg_batch_records_count{{topic="{topic}"}} 1.0' in tiny.get("/metrics")[1])
        # at least this one: a service that was killed in an earlier test may have left some that it had sent already
        await until(
            lambda: bool(re.search(r"^mitsyg_outbox_produced_total [1-9]", tiny.get("/metrics")[1], re.MULTILINE))
        )
        assert json.loads(tiny.get("/version")[1]) == {"service": "tiny", "version": "1.2.3"}


# what it cannot begin without -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"DATABASE_URL": f"postgresql://x:{SECRET}@127.0.0.1:1/z"}, "database"),
        ({"DATABASE_URL": "elsewhere"}, "database"),
        ({"DATABASE_URL": "a wrong password"}, "database"),
        ({"DATABASE_URL": "not migrated"}, "database schema"),
        ({"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"}, "kafka"),
        ({"CLOCK_URL": "http://127.0.0.1:1", "ALLOW_SIMULATED_CLOCK": "true"}, "simulated clock"),
    ],
    ids=["server", "database", "password", "schema", "kafka", "clock"],
)
def test_a_missing_dependency_ends_it_with_69_and_is_named(
    environment: dict[str, str],
    changes: dict[str, str],
    named: str,
    tiny_database: DatabaseAddresses,
    plumbing_tables: DatabaseAddresses,
) -> None:
    database_urls = {
        "elsewhere": tiny_database.runtime_dsn.replace(tiny_database.name, "nowhere"),
        "a wrong password": tiny_database.runtime_dsn.replace("plain:", f"plain:{SECRET}"),
        "not migrated": plumbing_tables.runtime_dsn,
    }
    told = {**environment, **changes, "START_SECONDS": "1"}
    told["DATABASE_URL"] = database_urls.get(told["DATABASE_URL"], told["DATABASE_URL"])
    outcome = command("serve", environment=told)

    assert outcome.returncode == 69, outcome
    assert outcome.stderr.startswith(f"tiny: {named} was not there within 1 s")
    assert SECRET not in outcome.stdout + outcome.stderr


# configuration ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"OPS_PORT": SECRET}, "OPS_PORT: "),
        ({"OPS_PORT": "70000"}, "OPS_PORT: "),
        ({"LOG_LEVEL": SECRET}, "LOG_LEVEL: "),
        ({"TOPIC_IN": None}, "TOPIC_IN: Field required"),
        ({"DATABASE_URL": ""}, "DATABASE_URL: "),
        ({"SECRET": ""}, "SECRET: "),
        ({"NUMBERS": SECRET}, '"numbers"'),
        ({"KAFKA_SESSION_TIMEOUT_MS": "10"}, "KAFKA_SESSION_TIMEOUT_MS: "),
        (
            {"CLOCK_URL": "http://127.0.0.1:1"},
            "settings: Value error, CLOCK_URL is set, but ALLOW_SIMULATED_CLOCK is not",
        ),
        ({"SECRET_FILE": "/nowhere"}, "SECRET_FILE: cannot be read"),
        ({"SECRET_FILE": sys.executable}, "SECRET_FILE: is not a text"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_bad_configuration_ends_it_with_78_and_names_the_setting_and_not_its_value(
    environment: dict[str, str], changes: dict[str, str | None], line: str, here: Here
) -> None:
    told = {name: value for name, value in {**environment, **changes}.items() if value is not None}
    code, _, said = here("serve", environment=told)

    assert code == 78
    assert said.startswith("tiny: bad configuration\n")
    assert line in said
    assert SECRET not in said


def test_a_setting_may_come_from_a_file(environment: dict[str, str], tmp_path: Path, here: Here) -> None:
    file = tmp_path / "topic"
    file.write_text("from.a.file\n")
    told = {name: value for name, value in environment.items() if name != "TOPIC_IN"}
    _, shown, _ = here("config", environment={**told, "TOPIC_IN_FILE": str(file)})

    assert json.loads(shown)["TOPIC_IN"] == "from.a.file"


def test_the_configuration_is_shown_without_secrets(environment: dict[str, str], here: Here) -> None:
    code, said, _ = here("config", environment=environment)

    assert code == 0
    shown = json.loads(said)
    assert (shown["SECRET"], shown["DATABASE_URL"], shown["DRAIN_SECONDS"]) == ("***", "***", 5.0)


@pytest.mark.parametrize("arguments", [(), ("sreve",), ("--help",)])
def test_wrong_usage_ends_with_2_and_says_how_it_goes(arguments: tuple[str, ...], here: Here) -> None:
    code, _, said = here(*arguments, environment={})

    assert code == 2
    assert said == "usage: python -m services.tiny serve|migrate|config|fail\n"


def test_a_command_that_crashes_ends_with_1_and_quotes_nothing(environment: dict[str, str]) -> None:
    outcome = command("fail", environment=environment)

    assert outcome.returncode == 1
    assert "KeyError" in outcome.stdout
    assert "a word" not in outcome.stdout + outcome.stderr


def test_a_command_whose_dependency_is_away_ends_with_69(environment: dict[str, str]) -> None:
    outcome = command("fail", "a word of the content", environment=environment)

    assert outcome.returncode == 69
    assert "a word" not in outcome.stdout + outcome.stderr


@pytest.mark.parametrize(
    ("changes", "code", "said"),
    [
        ({}, 78, "DATABASE_OWNER_URL: Field required"),
        ({"DATABASE_OWNER_URL": f"postgresql://x:{SECRET}@127.0.0.1:1/z"}, 69, "database is not there"),
        (
            {"DATABASE_OWNER_URL": f"postgresql://x:{SECRET}@127.0.0.1:1/z", "DATABASE_URL": "postgresql://h/d"},
            78,
            "role",
        ),
    ],
    ids=["no owner", "no server", "no role"],
)
def test_migrating_tells_what_is_missing(
    environment: dict[str, str], changes: dict[str, str], code: int, said: str
) -> None:
    told = {**environment, **changes}
    argv = (sys.executable, "-m", "services.intake", "migrate")
    outcome = subprocess.run(argv, env=told, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)

    assert outcome.returncode == code, outcome
    assert said in outcome.stderr
    assert SECRET not in outcome.stdout + outcome.stderr


def test_a_database_is_migrated_with_addresses_from_files(databases: Databases, tmp_path: Path) -> None:
    addresses = databases.empty("intake")
    (tmp_path / "owner").write_text(addresses.owner_dsn)
    (tmp_path / "role").write_text(f"{addresses.runtime_dsn}\n")
    told = {
        "PATH": os.environ["PATH"],
        "DATABASE_OWNER_URL_FILE": str(tmp_path / "owner"),
        "DATABASE_URL_FILE": str(tmp_path / "role"),
    }
    argv = (sys.executable, "-m", "services.intake", "migrate")
    outcome = subprocess.run(argv, env=told, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    databases.drop([addresses])

    assert (outcome.returncode, outcome.stdout) == (0, "intake: database is at the newest version\n"), outcome


async def log_is(kafka: str, topic: str, wanted: list[bytes]) -> bool:
    return [record.value for record in await read_log(kafka, topic)] == wanted
