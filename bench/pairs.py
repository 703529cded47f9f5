"""Two ways of working the same, in alternating pairs on the same servers: A B, B A, A B …"""

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import median

from bench.child import Measured, Task
from stack import Stack


@dataclass(frozen=True, kw_only=True, slots=True)
class Side:
    """One of the two: `worker` is what `bench.worker` runs, on this topic, on a copy of this database of `service`."""

    name: str
    worker: str
    topic: str
    template: str
    service: str = "intake"


@dataclass(frozen=True, kw_only=True, slots=True)
class Pair:
    """One run of each side, one after the other."""

    first: Measured
    second: Measured
    load: float

    @property
    def ratio(self) -> float:
        """Messages a second of the first, as a share of the second's."""
        return self.first.rate / self.second.rate


def measure(stack: Stack, first: Side, second: Side, count: int, pairs: int) -> list[Pair]:
    """Measure `pairs` pairs after one that is not counted."""
    measured = []
    for nth in range(pairs + 1):
        order = (first, second) if nth % 2 else (second, first)
        result = {side.name: run(stack, side, count) for side in order}
        pair = Pair(first=result[first.name], second=result[second.name], load=os.getloadavg()[0])
        label = f"pair {nth}" if nth else "warm-up"
        print(
            f"  {label:8} {first.name} {pair.first.rate:7.0f}/s   {second.name} {pair.second.rate:7.0f}/s"
            f"   ratio {pair.ratio:.2f}   load {pair.load:.1f}",
            flush=True,
        )
        if nth:
            measured.append(pair)
    return measured


def table(first: Side, second: Side, pairs: Sequence[Pair]) -> str:
    """Medians, and the spread of the ratio."""
    ratios = sorted(pair.ratio for pair in pairs)
    rows = [
        ("messages a second", median(p.first.rate for p in pairs), median(p.second.rate for p in pairs), "{:.0f}"),
        (
            "own CPU seconds per 1 000",
            median(p.first.cpu / p.first.records * 1000 for p in pairs),
            median(p.second.cpu / p.second.records * 1000 for p in pairs),
            "{:.3f}",
        ),
        ("peak memory, MiB", median(p.first.peak for p in pairs), median(p.second.peak for p in pairs), "{:.0f}"),
    ]
    lines = [f"  {'medians':28}{first.name:>12}{second.name:>12}"]
    lines += [f"  {name:28}{form.format(a):>12}{form.format(b):>12}" for name, a, b, form in rows]
    lines.append(f"  ratio: median {median(ratios):.2f}, from {ratios[0]:.2f} to {ratios[-1]:.2f}, {len(ratios)} pairs")
    return "\n".join(lines)


def run(stack: Stack, side: Side, count: int) -> Measured:
    """One run of a side, on a copy of its database."""
    database = stack.create_database(side.service, suffix=f"_{secrets.token_hex(4)}", template=side.template)
    task = Task(
        bootstrap=stack.kafka_bootstrap,
        dsn=database.runtime_dsn,
        topic=side.topic,
        group=f"bench.{secrets.token_hex(6)}",
        count=count,
    )
    # making the copy and dropping the one before leave work to the server: it is done now, and not on either side's time
    stack.checkpoint()
    try:
        child = subprocess.run(
            (sys.executable, "-m", "bench.worker", side.worker),
            input=json.dumps(asdict(task)),
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
    finally:
        stack.drop_database(database.name)
    if child.returncode:
        raise RuntimeError(f"{side.name} failed:\n{child.stderr[-2000:]}\n{child.stdout[-2000:]}")
    return Measured(**json.loads(child.stdout.strip().splitlines()[-1]))
