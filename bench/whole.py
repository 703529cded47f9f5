"""The whole path, from a notification on its topic to a letter at the gateway: how much of it, how fast, and who takes the CPU.

The house runs as everywhere, on servers of this machine. For what is ours alone, the notifier is `bench.instant`: no letter is
set and no call leaves it. What is to be worked lies on the topic before the clock starts: intake is frozen meanwhile.
"""

import asyncio
import json
import shutil
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median, quantiles
from uuid import UUID

import asyncpg
import psutil
from aiokafka import AIOKafkaProducer

from bench import hops
from contracts.topics import NEMREFUSION_NOTIFICATION
from simulators.nemrefusion.sent import Sent
from simulators.nemrefusion.traffic import Mix, generate
from stack import Stack
from stack.house import House
from stack.members import SERVICES
from stack.processes import Process

_WARM = 2_000
_MIX = Mix(bad=0, duplicates=0, odd=0, conflicts=0, second_employers=0)
_NO_LIMIT = "1000000000"  # the guard is not what is measured
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
_LATENCY_SECONDS = 40


@dataclass(frozen=True, kw_only=True, slots=True)
class Whole:
    """One run: `cpu` seconds by who took them, `memo` those of the notifier that building messages took."""

    count: int
    seconds: float
    cpu: Mapping[str, float]
    memo: float

    @property
    def ours(self) -> float:
        """CPU seconds per 1 000 of the four services, without building messages."""
        return (sum(self.cpu[name] for name in SERVICES) - self.memo) / self.count * 1000


def measure(count: int) -> None:
    """Everything of the whole path, printed: throughput, latencies beside three bare hops, the rate with nothing made instant."""
    with _house(instant=True) as (house, memo_file):
        whole = _throughput(house, count, seed=1)
        print(f"{count} notifications, rendering and gateway instant: {whole.count / whole.seconds:.0f}/s", flush=True)
        for rate in (50, 500):
            _latency(house, rate, seed=10 + rate, ledger=False)
    memo = float(memo_file.read_text()) * count / _in_all[house]  # of this one house, all alike
    _table(Whole(count=count, seconds=whole.seconds, cpu=whole.cpu, memo=memo))
    with _house(instant=False) as (house, _):
        _latency(house, 50, seed=3, ledger=True)
        real = _throughput(house, count // 20, seed=2)
        print(f"{real.count} notifications, letters set and handed in: {real.count / real.seconds:.0f}/s", flush=True)
        _table(real)


def _table(whole: Whole) -> None:
    for name, seconds in sorted(whole.cpu.items(), key=lambda one: -one[1]):
        print(f"  {name:24} {seconds / whole.count * 1000:7.3f} CPU s per 1 000")
    print(f"  {'of it building MeMo':24} {whole.memo / whole.count * 1000:7.3f}")
    print(f"  {'the four, without MeMo':24} {whole.ours:7.3f}", flush=True)


@contextmanager
def _house(*, instant: bool) -> Iterator[tuple[House, Path]]:
    run_dir = Path(tempfile.mkdtemp(prefix="mit-sygefravaer-bench-"))
    run_dir.chmod(0o711)
    memo_file = run_dir / "memo-seconds"
    stack = Stack.start(run_dir)
    guard = {f"GUARD_{name}": _NO_LIMIT for name in ("PER_HOUR", "PER_DAY", "COUNTRY_PER_HOUR", "COUNTRY_PER_DAY")}
    house = House(
        stack, session_timeout_ms=600_000, environment={"notifier": guard, "post_gateway": {"EXEMPT_SHARE": "0"}}
    )
    notifier: Process | None = None
    try:
        house.start()
        if instant:
            house.process("notifier").stop(timeout=40)
            notifier = Process(
                "notifier-instant",
                (sys.executable, "-m", "bench.instant", "serve"),
                env={**house.service_env("notifier"), "INSTANT_MEMO": str(memo_file)},
                log_path=house.log_path("notifier"),
            ).start()
            notifier.wait_ready(f"{house.ops_url('notifier')}/readyz", 60)
        _pids[house] = {name: house.process(name).pid for name in house.names if name != "notifier"}
        _pids[house]["notifier"] = (notifier or house.process("notifier")).pid
        asyncio.run(_send(house, _WARM, seed=99))
        _until_done(house, _sent(house, _WARM))
        yield house, memo_file
    finally:
        if notifier is not None:
            notifier.stop(timeout=40)
        house.stop(timeout=40)
        stack.stop()
        shutil.rmtree(run_dir / "data", ignore_errors=True)


_pids: dict[House, dict[str, int]] = {}
_in_all: dict[House, int] = {}


def _sent(house: House, more: int) -> int:
    """How many notifications the house was sent, with these."""
    _in_all[house] = _in_all.get(house, 0) + more
    return _in_all[house]


def _throughput(house: House, count: int, *, seed: int) -> Whole:
    house.process("intake").pause()
    try:
        asyncio.run(_send(house, count, seed=seed))
        began, used = time.monotonic(), _cpu(house)
    finally:
        house.process("intake").resume()
    _until_done(house, _sent(house, count))
    seconds, after = time.monotonic() - began, _cpu(house)
    return Whole(count=count, seconds=seconds, cpu={name: after[name] - used[name] for name in used}, memo=0.0)


def _cpu(house: House) -> dict[str, float]:
    """CPU seconds so far, by service and server; the notifier's children, which set letters, apart."""
    used = {}
    for name, pid in _pids[house].items():
        process = psutil.Process(pid)
        used[name] = _times(process, of_children=False)
        if name == "notifier":
            used["rendering"] = sum(_times(child, of_children=True) for child in process.children(recursive=True))
    for server in house.stack.servers:
        assert isinstance(server, Process), "servers in containers cannot be measured from here"
        process = psutil.Process(server.pid)
        living = sum(_times(child, of_children=False) for child in process.children(recursive=True))
        used[server.name] = _times(process, of_children=True) + living
    return used


def _times(process: psutil.Process, *, of_children: bool) -> float:
    times = process.cpu_times()
    own = float(times.user + times.system)
    return own + float(times.children_user + times.children_system) if of_children else own


def _until_done(house: House, notifications: int) -> None:
    """Until so many notifications are settled, each service knows what the one before told, every letter is out and tasks knows
    of it."""
    while not _is_done(house, notifications):
        time.sleep(0.5)


def _is_done(house: House, notifications: int) -> bool:
    def ask(service: str, sql: str) -> int:
        return _ask(house, service, f"select count(*) from {sql}")  # noqa: S608 - our own, below

    return (
        ask("intake", "inbox_record") >= notifications
        and ask("intake", "outbox") == 0
        and ask("tasks", "absence") == ask("intake", "absence")
        and ask("tasks", "outbox") == 0
        and ask("notifier", "letter") == ask("tasks", "letter")
        and ask("notifier", "letter where state <> 'dispatched'") == 0
        and ask("notifier", "outbox") == 0
        and ask("tasks", "letter where state = 'requested'") == 0
    )


def _ask(house: House, service: str, sql: str) -> int:
    async def ask() -> int:
        base = house.stack.postgres_admin_dsn.rpartition("/")[0]
        connection = await asyncpg.connect(f"{base}/{house.stack.database(service).name}")
        try:
            return int(await connection.fetchval(sql))
        finally:
            await connection.close()

    return asyncio.run(ask())


def _traffic(count: int, seed: int) -> Iterator[Sent]:
    yesterday = (datetime.now(UTC) - timedelta(days=1)).date()
    return generate(seed=seed, count=count, as_of=yesterday, mix=_MIX)


def _producer(house: House) -> AIOKafkaProducer:
    return AIOKafkaProducer(
        bootstrap_servers=house.stack.kafka_bootstrap, acks="all", linger_ms=0, compression_type="lz4"
    )


async def _send(house: House, count: int, *, seed: int) -> None:
    producer = _producer(house)
    await producer.start()
    try:
        sent = [
            await producer.send(NEMREFUSION_NOTIFICATION.name, key=one.key, value=one.value)
            for one in _traffic(count, seed)
        ]
        await asyncio.gather(*sent)
    finally:
        await producer.stop()


async def _send_paced(house: House, rate: int, seconds: float, *, seed: int) -> dict[UUID, float]:
    """When each notification was sent, by the absence's reference."""
    producer = _producer(house)
    await producer.start()
    times: dict[UUID, float] = {}
    began = time.monotonic()
    try:
        for nth, one in enumerate(_traffic(round(rate * seconds), seed)):
            pause = began + nth / rate - time.monotonic()
            if pause > 0:
                await asyncio.sleep(pause)
            assert one.absence_reference is not None
            times[one.absence_reference] = time.time()
            await producer.send(NEMREFUSION_NOTIFICATION.name, key=one.key, value=one.value)
    finally:
        await producer.stop()
    return times


def _latency(house: House, rate: int, *, seed: int, ledger: bool) -> None:
    """From a notification's sending to its letter's at that rate, beside three bare hops at the same rate just before."""
    bare = asyncio.run(hops.latencies(house.stack.kafka_bootstrap, rate=rate, seconds=_LATENCY_SECONDS / 2))
    sent = asyncio.run(_send_paced(house, rate, _LATENCY_SECONDS, seed=seed))
    _until_done(house, _sent(house, len(sent)))
    ends = _at_gateway(house) if ledger else asyncio.run(_fixed_at(house))
    ids = asyncio.run(_absence_ids(house))
    found = [ends[ids[reference]] - at for reference, at in sent.items() if ids[reference] in ends]
    what = "letters set and handed in" if ledger else "instant"
    print(f"latency at {rate}/s, {what}: {_spread(found)}; three bare hops: {_spread(bare)}")
    print(f"  ratio of the medians {median(found) / median(bare):.1f}", flush=True)


def _spread(seconds: Sequence[float]) -> str:
    parts = quantiles(seconds, n=100)
    return f"p50 {median(seconds) * 1000:.0f} ms, p99 {parts[98] * 1000:.0f} ms"


async def _absence_ids(house: House) -> dict[UUID, UUID]:
    rows = await _rows(house, "intake", "select absence_reference, absence_id from absence")
    return {row[0]: row[1] for row in rows}


async def _fixed_at(house: House) -> dict[UUID, float]:
    """When each letter's bytes were fixed, which is when it is handed over where that takes no time."""
    sql = "select absence_id, prepared_at from letter join letter_request using (letter_id, version)"
    return {row[0]: row[1].timestamp() for row in await _rows(house, "notifier", sql)}


def _at_gateway(house: House) -> dict[UUID, float]:
    with _DIRECT.open(f"{house.http_url('post_gateway')}/_sim/ledger", timeout=120) as answer:
        attempts = json.load(answer)["attempts"]
    return {UUID(one["case_id"]): datetime.fromisoformat(one["at"]).timestamp() for one in attempts}


async def _rows(house: House, service: str, sql: str) -> list[asyncpg.Record]:
    base = house.stack.postgres_admin_dsn.rpartition("/")[0]
    connection = await asyncpg.connect(f"{base}/{house.stack.database(service).name}")
    try:
        return list(await connection.fetch(sql))
    finally:
        await connection.close()
