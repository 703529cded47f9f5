"""`docker compose` as somebody uses it: built and started from nothing, notifications through to letters, mailboxes to look at,
and nothing left behind. Its ports are those of the file, so it needs a machine on which nobody else uses them."""

import asyncio
import json
import re
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from contracts.topics import NEMREFUSION_NOTIFICATION
from simulators.nemrefusion.ledger import Ledger
from simulators.nemrefusion.mix import Mix
from simulators.nemrefusion.sending import Sender, kafka_producer
from simulators.nemrefusion.traffic import generate
from stack.members import SERVICES
from stack.paths import ROOT
from stack.secrets_file import Secrets

pytestmark = [pytest.mark.docker, pytest.mark.timeout(1800)]

GATEWAY: Final = "http://127.0.0.1:8091"
KAFKA: Final = "127.0.0.1:9092"
COUNT: Final = 60
LETTERS: Final = 30
"""At least so many of that many reports make one."""


class Compose:
    """The compose file, under a name of its own and with secrets of its own."""

    def __init__(self, secrets: Path) -> None:
        Secrets.load_or_make(secrets)
        self._command = ("docker", "compose", "--project-name", "mit-sygefravaer-test", "--env-file", str(secrets))

    def __call__(self, *words: str) -> str:
        """What it printed; fails with what it complained of."""
        outcome = subprocess.run((*self._command, *words), cwd=ROOT, capture_output=True, text=True, check=False)
        assert outcome.returncode == 0, f"docker compose {' '.join(words)}: {outcome.stderr[-4000:]}"
        return outcome.stdout


@pytest.fixture(scope="module")
def compose(tmp_path_factory: pytest.TempPathFactory) -> Compose:
    return Compose(tmp_path_factory.mktemp("compose") / ".env")


@pytest.fixture(scope="module")
def running(compose: Compose) -> Iterator[Compose]:
    compose("build")
    try:
        compose("up", "--detach", "--wait")
        yield compose
    finally:
        compose("down", "--volumes", "--remove-orphans")
    assert compose("ps", "--all", "--quiet") == ""


@pytest.fixture(scope="module")
def summary(running: Compose, tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Any]:
    """What the gateway counts once the letters of a few notifications are out."""
    asyncio.run(send(tmp_path_factory.mktemp("reporters") / "sent.jsonl"))
    deadline = time.monotonic() + 300
    while True:
        told: Mapping[str, Any] = json.loads(page("/_sim/summary"))
        if told["letters_total"] >= LETTERS and not told["status_messages_waiting"]:
            return told
        assert time.monotonic() < deadline, f"{told}\n{running('logs', '--tail', '30', 'notifier', 'post_gateway')}"
        time.sleep(1)


async def send(ledger: Path) -> None:
    """Reports of absence without faults."""
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    records = list(generate(seed=5, count=COUNT, as_of=yesterday, mix=Mix(bad=0, duplicates=0, odd=0)))
    with Ledger(ledger) as book:
        topic = NEMREFUSION_NOTIFICATION.name
        async with Sender(kafka_producer(KAFKA), topic=topic, ledger=book, rate=100.0) as sender:
            assert (await sender.send_all(records)).ok == COUNT


def page(path: str) -> bytes:
    """A page of the gateway's; fails unless it is there."""
    with urllib.request.urlopen(GATEWAY + path, timeout=20) as answer:
        read: bytes = answer.read()
        return read


def test_the_file_is_one_that_compose_understands(compose: Compose) -> None:
    assert compose("config", "--quiet") == ""


def test_notifications_become_letters_by_digital_post_and_on_paper(summary: Mapping[str, Any]) -> None:
    ledger = json.loads(page("/_sim/ledger"))

    assert {letter["channel"] for letter in ledger["letters"]} == {"Digital Post", "Fysisk Post"}
    assert summary["delivered_twice"] == []


@pytest.mark.usefixtures("summary")
def test_a_letter_can_be_read_in_its_mailbox() -> None:
    newest = re.search(r'href="(/_sim/letters/\d+)"', page("/_sim/mailboxes").decode())
    assert newest is not None
    assert f"{newest[1]}/pages/1.png" in page(newest[1]).decode()
    assert page(f"{newest[1]}/pages/1.png").startswith(b"\x89PNG")


@pytest.mark.usefixtures("summary")
def test_nobody_died_or_was_started_again_meanwhile(running: Compose) -> None:
    told = [json.loads(line) for line in running("ps", "--all", "--format", "json").splitlines()]

    ended = {one["Service"]: (one["State"], one["ExitCode"]) for one in told if one["State"] != "running"}
    assert ended == dict.fromkeys(("topics", "buckets", *(f"{service}-migrate" for service in SERVICES)), ("exited", 0))
