"""Memory of intake and tasks at full load, sampled every second: is it small, and does it stay flat?

The whole house runs; the sender goes as fast as intake's lag stays between bounds, so that intake always has a full
batch waiting and the topic never grows without end.
"""

import asyncio
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from statistics import linear_regression, median
from typing import Any

import psutil
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient

from contracts.topics import NEMREFUSION_NOTIFICATION, consumer_group
from simulators.nemrefusion.traffic import Mix, generate
from stack import Stack
from stack.house import House
from stack.members import LETTER_PATH

WATCHED = ("intake", "tasks")
LIMIT_MIB = 130
_MOST_WAITING = 3_000


def measure(minutes: float) -> None:
    """Run the house at full load for so long and print what the watched services' memory did."""
    with _house() as house:
        print(f"memory at full load, {minutes:g} minutes", flush=True)
        samples = asyncio.run(_load(house, minutes * 60))
    for name in WATCHED:
        points = samples[name]
        settled = points[len(points) // 5 :]  # the first fifth is warming up
        slope = linear_regression([at for at, _ in settled], [mib for _, mib in settled]).slope * 60
        fifths = [points[nth * len(points) // 5 : (nth + 1) * len(points) // 5] for nth in range(5)]
        by_fifths = ", ".join(f"{median(mib for _, mib in fifth):.1f}" for fifth in fifths)
        print(f"  {name:8} medians of the five fifths: {by_fifths} MiB")
        print(
            f"  {name:8} median {median(mib for _, mib in settled):6.1f} MiB, peak {max(mib for _, mib in points):6.1f} MiB,"
            f" slope {slope:+.2f} MiB a minute ({'below' if max(m for _, m in points) < LIMIT_MIB else 'ABOVE'} {LIMIT_MIB} MiB)"
        )
    print(
        f"  {samples['sent'][-1][1]:.0f} notifications went in, {samples['sent'][-1][1] / (minutes * 60):.0f} a second"
    )


@contextmanager
def _house() -> Iterator[House]:
    run_dir = Path(tempfile.mkdtemp(prefix="mit-sygefravaer-bench-"))
    run_dir.chmod(0o711)
    stack = Stack.start(run_dir)
    house = House(stack, services=LETTER_PATH)
    try:
        yield house.start()
    finally:
        house.stop()
        stack.stop()
        shutil.rmtree(run_dir, ignore_errors=True)


async def _load(house: House, seconds: float) -> dict[str, list[tuple[float, float]]]:
    """Memory of each watched service and notifications sent, by seconds since the beginning."""
    samples: dict[str, list[tuple[float, float]]] = {name: [] for name in (*WATCHED, "sent")}
    bootstrap = house.stack.kafka_bootstrap
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap,
        acks="all",
        linger_ms=10,
        compression_type="lz4",
        max_request_size=16 * 1024 * 1024,  # some of the bad ones are too large on purpose
    )
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await producer.start()
    await admin.start()
    as_of = (datetime.now(UTC) - timedelta(days=1)).date()
    traffic = generate(seed=11, count=900_000, as_of=as_of, mix=Mix(bad=0.05, duplicates=0.05, odd=0))
    sent, waiting = 0, 0
    began = next_sample = time.monotonic()
    try:
        while (now := time.monotonic()) - began < seconds:
            if now >= next_sample:
                next_sample += 1
                for name in WATCHED:
                    rss = psutil.Process(house.process(name).pid).memory_info().rss / 2**20
                    samples[name].append((now - began, rss))
                samples["sent"].append((now - began, float(sent)))
            if waiting > _MOST_WAITING:
                await asyncio.sleep(0.2)
                waiting = sent - await _worked(admin)
                continue
            for one in islice(traffic, 100):
                await producer.send(NEMREFUSION_NOTIFICATION.name, key=one.key, value=one.value)
                sent += 1
                waiting += 1
    finally:
        await producer.stop()
        await admin.close()
    return samples


async def _worked(admin: Any) -> int:
    """How many notifications intake has committed."""
    group = consumer_group("intake", NEMREFUSION_NOTIFICATION.name)
    offsets = await admin.list_consumer_group_offsets(group)
    return sum(max(0, one.offset) for one in offsets.values())
