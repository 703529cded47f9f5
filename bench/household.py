"""The house as the whole path is measured in it: what it was sent, whether all of that is done, and who took the CPU.

Everybody is as everywhere, on servers of this machine; with `instant` the notifier is `bench.instant`: no letter is set and no
call leaves it. Asking whether all is done costs the databases next to nothing: it reads ends of indexes.
"""

import asyncio
import json
import shutil
import sys
import tempfile
import time
import urllib.request
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self
from uuid import UUID

import asyncpg
import psutil
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

from bench import notes
from contracts.topics import ABSENCE, LETTER, LETTER_REQUEST, NEMREFUSION_NOTIFICATION, Topic
from simulators.nemrefusion.sent import Sent
from simulators.nemrefusion.traffic import Mix, generate
from stack import Stack
from stack.house import House
from stack.members import LETTER_PATH
from stack.processes import Process

if TYPE_CHECKING:
    Connection = asyncpg.Connection[asyncpg.Record]
else:
    Connection = asyncpg.Connection

RENDERING: Final = "rendering"
"""The notifier's children, which set letters."""
_PATH: Final = (
    ("intake", NEMREFUSION_NOTIFICATION),
    ("tasks", ABSENCE),
    ("notifier", LETTER_REQUEST),
    ("tasks", LETTER),
)
"""Who reads what, in the order in which a notification comes by."""
_MIX: Final = Mix(bad=0, duplicates=0, odd=0, conflicts=0, second_employers=0)
_DIRECT: Final = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True, kw_only=True, slots=True)
class Household:
    """A house that runs, and connections to all it is asked by."""

    house: House
    pids: Mapping[str, int]
    noted: Path
    connections: Mapping[str, Connection]
    consumer: Any
    producer: Any

    @classmethod
    @asynccontextmanager
    async def open(cls, *, instant: bool) -> AsyncIterator[Self]:
        """Bring one up on fresh servers, and take everything down afterwards."""
        async with AsyncExitStack() as undo:
            run_dir = _run_dir(undo)
            stack = Stack.start(run_dir)
            undo.callback(stack.stop)
            # Who is frozen while its work is laid out must not be taken for dead; nobody is exempt, so each letter is a message.
            house = House(
                stack,
                services=LETTER_PATH,
                session_timeout_ms=600_000,
                environment={"post_gateway": {"EXEMPT_SHARE": "0"}},
            )
            undo.callback(house.stop, 40)
            house.start()
            noted = run_dir / "handed-in"
            notifier = _instant_notifier(house, noted, undo) if instant else house.process("notifier")
            connections = {service: await _connection(house, service, undo) for service in LETTER_PATH}
            bootstrap = stack.kafka_bootstrap
            consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap)
            producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", linger_ms=0, compression_type="lz4")
            for client in (consumer, producer):
                undo.push_async_callback(client.stop)
                await client.start()
            yield cls(
                house=house,
                pids={**{name: house.process(name).pid for name in house.names}, "notifier": notifier.pid},
                noted=noted,
                connections=connections,
                consumer=consumer,
                producer=producer,
            )

    @property
    def kafka_bootstrap(self) -> str:
        return self.house.stack.kafka_bootstrap

    async def send(self, count: int, *, seed: int) -> None:
        """So many notifications, as fast as they go."""
        await asyncio.gather(*[await self._send(one) for one in _traffic(count, seed)])

    async def lay_out(self, count: int, *, seed: int) -> None:
        """So many notifications, of which none is worked before the last is there."""
        intake = self.house.process("intake")
        intake.pause()
        try:
            await self.send(count, seed=seed)
        finally:
            intake.resume()

    async def send_paced(self, rate: int, seconds: float, *, seed: int) -> dict[UUID, float]:
        """`rate` notifications a second; when each was sent (epoch seconds), by its absence's reference."""
        began = time.monotonic()
        times: dict[UUID, float] = {}
        sent = []
        for nth, one in enumerate(_traffic(round(rate * seconds), seed)):
            pause = began + nth / rate - time.monotonic()
            if pause > 0:
                await asyncio.sleep(pause)
            if one.absence_reference is not None:
                times.setdefault(one.absence_reference, time.time())
            sent.append(await self._send(one))
        await asyncio.gather(*sent)
        return times

    async def _send(self, one: Sent) -> "asyncio.Future[Any]":
        sent: asyncio.Future[Any] = await self.producer.send(
            NEMREFUSION_NOTIFICATION.name, key=one.key, value=one.value
        )
        return sent

    async def until_done(self) -> None:
        """Until each has settled what it reads and told what follows, and no letter is on its way."""
        while not await self._is_done():
            await asyncio.sleep(0.25)

    async def _is_done(self) -> bool:
        """In the order of the path: who is found idle gets nothing more from those before."""
        for reader, topic in _PATH:
            if await self._settled(reader, topic) < await self._end(topic) or await self._has_more_to_do(reader):
                return False
        return True

    async def _settled(self, reader: str, topic: Topic) -> int:
        return int(await self.connections[reader].fetchval(_SETTLED, topic.name, topic.partitions))

    async def _end(self, topic: Topic) -> int:
        ends = await self.consumer.end_offsets([TopicPartition(topic.name, nth) for nth in range(topic.partitions)])
        return sum(ends.values())

    async def _has_more_to_do(self, service: str) -> bool:
        asked = _LETTERS_OR_OUTBOX if service == "notifier" else _OUTBOX
        return bool(await self.connections[service].fetchval(asked))

    def cpu(self) -> dict[str, float]:
        """CPU seconds so far of each service, simulator and server, and of rendering."""
        used = {}
        for name, pid in self.pids.items():
            process = psutil.Process(pid)
            used[name] = _own(process)
            if name == "notifier":
                used[RENDERING] = sum(map(_own, process.children(recursive=True)))
        for server in self.house.stack.servers:
            assert isinstance(server, Process), "servers in containers cannot be measured from here"
            process = psutil.Process(server.pid)
            used[server.name] = _with_ended_children(process) + sum(map(_own, process.children(recursive=True)))
        return used

    def memo_seconds(self) -> float:
        """CPU seconds so far that building MeMo messages took, where the gateway is instant."""
        return notes.memo_seconds(notes.read(self.noted))

    async def handed_in(self) -> dict[UUID, float]:
        """When each absence's letter was handed in first (epoch seconds), by the absence's reference."""
        noted = notes.read(self.noted)
        at = notes.handed_in(noted) if noted else self._in_ledger()
        letters = await self.connections["notifier"].fetch("select gateway_id, absence_id from letter")
        absences = await self.connections["intake"].fetch("select absence_id, absence_reference from absence")
        references = {row["absence_id"]: row["absence_reference"] for row in absences}
        found = ((references[row["absence_id"]], UUID(row["gateway_id"])) for row in letters)
        return {reference: at[message] for reference, message in found if message in at}

    def _in_ledger(self) -> dict[UUID, float]:
        with _DIRECT.open(f"{self.house.http_url('post_gateway')}/_sim/ledger", timeout=120) as answer:
            attempts: Iterable[dict[str, str]] = json.load(answer)["attempts"]
        instants = ((UUID(one["message_uuid"]), datetime.fromisoformat(one["at"]).timestamp()) for one in attempts)
        return dict(sorted(instants, key=lambda one: -one[1]))


def _run_dir(undo: AsyncExitStack) -> Path:
    run_dir = Path(tempfile.mkdtemp(prefix="mit-sygefravaer-bench-"))
    run_dir.chmod(0o711)
    undo.callback(shutil.rmtree, run_dir, ignore_errors=True)
    return run_dir


def _instant_notifier(house: House, noted: Path, undo: AsyncExitStack) -> Process:
    house.process("notifier").stop(timeout=40)
    notifier = Process(
        "notifier-instant",
        (sys.executable, "-m", "bench.instant", "serve"),
        env={**house.service_env("notifier"), "INSTANT_NOTES": str(noted)},
        log_path=house.log_path("notifier"),
    )
    undo.callback(notifier.stop, timeout=40)
    notifier.start().wait_ready(f"{house.ops_url('notifier')}/readyz", 60)
    return notifier


async def _connection(house: House, service: str, undo: AsyncExitStack) -> Connection:
    base = house.stack.postgres_admin_dsn.rpartition("/")[0]
    # by indexes, as is asked again and again whether all is done: what was deleted and not yet cleared away is read otherwise
    connection = await asyncpg.connect(
        f"{base}/{house.stack.database(service).name}", server_settings={"enable_seqscan": "off"}
    )
    undo.push_async_callback(connection.close)
    return connection


def _traffic(count: int, seed: int) -> Iterable[Sent]:
    yesterday = (datetime.now(UTC) - timedelta(days=1)).date()
    return generate(seed=seed, count=count, as_of=yesterday, mix=_MIX)


def _own(process: psutil.Process) -> float:
    """None of a process that ended a moment ago: its parent has it."""
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system)


def _with_ended_children(process: psutil.Process) -> float:
    times = process.cpu_times()
    return _own(process) + float(times.children_user + times.children_system)


_SETTLED = """
select coalesce(sum((select max("offset") + 1 from inbox_record where topic = $1 and partition = nth)), 0)
from generate_series(0, $2::integer - 1) as nth
"""
_OUTBOX = "select exists (select from outbox)"
_LETTERS_OR_OUTBOX = """
select exists (select from outbox)
    or exists (select from letter where state not in ('dispatched', 'returned', 'failed'))
"""
