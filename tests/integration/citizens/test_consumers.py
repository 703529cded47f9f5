"""What each consumer does when the vault is down, slow, or answers `destroyed`: the table of services/citizens/README.md.

The consumers are processes on a real broker and real databases, seen from outside: by what they answer on their topics.
"""

import asyncio
import json
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from aiokafka import AIOKafkaProducer

from contracts.citizens.client import VaultClient, VaultUnavailable
from contracts.topics import ABSENCE, LETTER, NEMREFUSION_NOTIFICATION, NEMREFUSION_RECEIPT
from laws.reading import kafka as reading
from stack import Stack
from stack.house import House
from stack.members import LETTER_PATH
from tests.support.fixtures import new_run_dir
from tests.support.notifications import citizen, raw, report

pytestmark = [pytest.mark.timeout(240), pytest.mark.long]

QUIET_SECONDS = 3.0
"""So long nothing may be told while the vault is away."""


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with new_run_dir() as run_dir:
        stack = Stack.start(run_dir)
        house = House(
            stack,
            services=LETTER_PATH,
            session_timeout_ms=2_000,
            environment={"notifier": {"RETRY_FIRST_SECONDS": "0.2"}},
        ).start()
        yield house
        house.stop()
        stack.stop()


class Outside:
    """Sends to topics and reads them from their beginning."""

    def __init__(self, bootstrap: str, producer: AIOKafkaProducer) -> None:
        self._bootstrap = bootstrap
        self._producer = producer

    async def send(self, topic: str, value: bytes) -> None:
        await self._producer.send_and_wait(topic, value)

    async def report(self, **changes: Any) -> dict[str, Any]:
        now = datetime.now(UTC)
        body = report(
            **{
                "sent_at": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
                "first_absence_day": (now - timedelta(days=6)).date().isoformat(),
                "citizen": citizen(f"61{uuid4().int % 12 + 1:02d}90{uuid4().int % 10_000:04d}"),
                **changes,
            }
        )
        await self.send(NEMREFUSION_NOTIFICATION.name, raw(body))
        return body

    async def read(self, topic: str) -> list[dict[str, Any]]:
        log = await reading.read_log(self._bootstrap)
        return [json.loads(record.value) for record in log.get(topic, ()) if record.value and record.value[:1] == b"{"]

    async def until(self, topic: str, is_it: Callable[[dict[str, Any]], bool], seconds: float = 60) -> dict[str, Any]:
        async with asyncio.timeout(seconds):
            while True:
                for one in await self.read(topic):
                    if is_it(one):
                        return one
                await asyncio.sleep(0.2)

    async def receipt(self, body: dict[str, Any]) -> dict[str, Any]:
        return await self.until(NEMREFUSION_RECEIPT.name, lambda one: one["notification_id"] == body["notification_id"])

    async def nothing_about(self, topic: str, text: str) -> None:
        """Nothing is told within a while that holds this."""
        await asyncio.sleep(QUIET_SECONDS)
        assert not [one for one in await self.read(topic) if text in json.dumps(one)]


@pytest.fixture
async def outside(house: House) -> AsyncIterator[Outside]:
    producer = AIOKafkaProducer(bootstrap_servers=house.stack.kafka_bootstrap)
    await producer.start()
    yield Outside(house.stack.kafka_bootstrap, producer)
    await producer.stop()


@asynccontextmanager
async def vault_down(house: House) -> AsyncIterator[None]:
    house.process("citizens").kill()
    try:
        yield
    finally:
        house.process("citizens").start()
        await asyncio.to_thread(house.wait_ready, ["citizens"])


@asynccontextmanager
async def vault_slow(house: House) -> AsyncIterator[None]:
    """It takes connections and answers none: callers give up by their own time-outs."""
    house.process("citizens").pause()
    try:
        yield
    finally:
        house.process("citizens").resume()


AWAY = pytest.mark.parametrize("away", [vault_down, vault_slow], ids=["down", "slow"])
Away = Callable[[House], Any]


async def is_alive(house: House, name: str) -> bool:
    def ask() -> bool:
        with urllib.request.urlopen(f"{house.ops_url(name)}/livez", timeout=5) as answer:
            return bool(answer.status == 200)

    return await asyncio.to_thread(ask)


async def destroy(house: House, citizen_id: str) -> None:
    async with VaultClient(house.http_url("citizens"), house.secrets["CITIZENS_TOKEN_OPS"]) as ops:
        await ops.destroy(UUID(citizen_id), "erasure-request")


@AWAY
async def test_intake_settles_nothing_until_the_vault_answers(house: House, outside: Outside, away: Away) -> None:
    async with away(house):
        body = await outside.report()
        await outside.nothing_about(NEMREFUSION_RECEIPT.name, body["notification_id"])
        assert await is_alive(house, "intake")
    assert (await outside.receipt(body))["outcome"] == "accepted"


async def test_intake_refuses_what_was_sent_before_its_citizen_was_destroyed(house: House, outside: Outside) -> None:
    first = await outside.report()
    event = await outside.until(ABSENCE.name, lambda one: one.get("notification_id") == first["notification_id"])
    await destroy(house, event["citizen_id"])
    late = await outside.report(citizen=first["citizen"], sent_at=first["sent_at"])
    receipt = await outside.receipt(late)
    assert [(why["field"], why["code"]) for why in receipt["reasons"]] == [("sent_at", "too-late")]


@AWAY
async def test_tasks_buries_nothing_until_it_has_the_months_key(house: House, outside: Outside, away: Away) -> None:
    house.restart("tasks")  # without the month's key in memory
    dead_letters = f"mitsyg.tasks.{ABSENCE.name}.dlq"
    before = len(await outside.read(dead_letters))
    async with away(house):
        await outside.send(ABSENCE.name, b"no event")
        await asyncio.sleep(QUIET_SECONDS)
        assert len(await outside.read(dead_letters)) == before
        assert await is_alive(house, "tasks")
    async with asyncio.timeout(60):
        while len(await outside.read(dead_letters)) == before:
            await asyncio.sleep(0.2)


@asynccontextmanager
async def letter_waiting(house: House, outside: Outside) -> AsyncIterator[dict[str, Any]]:
    """A letter is asked for and the notifier has not begun with it; it goes on behind the block."""
    house.process("notifier").pause()
    try:
        body = await outside.report()
        await outside.receipt(body)
        event = await outside.until(ABSENCE.name, lambda one: one.get("notification_id") == body["notification_id"])
        yield event
    finally:
        house.process("notifier").resume()


def about(event: dict[str, Any]) -> Callable[[dict[str, Any]], bool]:
    return lambda one: one.get("absence_id") == event["absence_id"] or one.get("citizen_id") == event["citizen_id"]


@AWAY
async def test_the_notifier_sends_no_letter_until_it_knows_whom_to(house: House, outside: Outside, away: Away) -> None:
    async with letter_waiting(house, outside) as event:
        await asyncio.sleep(1)
        waiting = away(house)
        await waiting.__aenter__()
    try:
        await outside.nothing_about(LETTER.name, event["absence_id"])
        assert await is_alive(house, "notifier")
    finally:
        await waiting.__aexit__(None, None, None)
    letter = await outside.until(LETTER.name, about(event), 90)
    assert "reason" not in letter


async def test_the_notifier_tells_that_a_letter_to_a_destroyed_citizen_failed(house: House, outside: Outside) -> None:
    async with letter_waiting(house, outside) as event:
        await destroy(house, event["citizen_id"])
    letter = await outside.until(LETTER.name, about(event))
    assert letter["reason"] == "citizen.destroyed"


@AWAY
async def test_whoever_orders_an_erasure_is_told_that_it_is_not_done(house: House, away: Away) -> None:
    async with (
        away(house),
        VaultClient(house.http_url("citizens"), house.secrets["CITIZENS_TOKEN_OPS"], timeout=1) as ops,
    ):
        with pytest.raises(VaultUnavailable):
            await ops.destroy(uuid4(), "test")
