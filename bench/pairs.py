"""The intake stage beside the bare loop, in alternating pairs on the same servers: A B, B A, A B …"""

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
class Pair:
    """One run of each side, one after the other."""

    stage: Measured
    bare: Measured
    load: float

    @property
    def ratio(self) -> float:
        """Messages a second of the stage, as a share of the bare loop's."""
        return self.stage.rate / self.bare.rate


def measure(stack: Stack, topic: str, count: int, pairs: int, *, vault: tuple[str, str] | None = None) -> list[Pair]:
    """Measure `pairs` pairs after one that is not counted."""
    measured = []
    for nth in range(pairs + 1):
        order = ("stage", "bare") if nth % 2 else ("bare", "stage")
        result = {side: _run(stack, side, topic, count, vault) for side in order}
        pair = Pair(stage=result["stage"], bare=result["bare"], load=os.getloadavg()[0])
        label = f"pair {nth}" if nth else "warm-up"
        print(
            f"  {label:8} stage {pair.stage.rate:7.0f}/s   bare {pair.bare.rate:7.0f}/s   ratio {pair.ratio:.2f}"
            f"   load {pair.load:.1f}",
            flush=True,
        )
        if nth:
            measured.append(pair)
    return measured


def table(pairs: Sequence[Pair]) -> str:
    """Medians, and the spread of the ratio."""
    ratios = sorted(pair.ratio for pair in pairs)
    rows = [
        ("messages a second", median(p.stage.rate for p in pairs), median(p.bare.rate for p in pairs), "{:.0f}"),
        (
            "own CPU seconds per 1 000",
            median(p.stage.cpu / p.stage.records * 1000 for p in pairs),
            median(p.bare.cpu / p.bare.records * 1000 for p in pairs),
            "{:.3f}",
        ),
        ("peak memory, MiB", median(p.stage.peak for p in pairs), median(p.bare.peak for p in pairs), "{:.0f}"),
    ]
    lines = [f"  {'medians':28}{'stage':>10}{'bare':>10}"]
    lines += [f"  {name:28}{form.format(a):>10}{form.format(b):>10}" for name, a, b, form in rows]
    lines.append(f"  ratio: median {median(ratios):.2f}, from {ratios[0]:.2f} to {ratios[-1]:.2f}, {len(ratios)} pairs")
    return "\n".join(lines)


def _run(stack: Stack, side: str, topic: str, count: int, vault: tuple[str, str] | None) -> Measured:
    database = stack.create_database("intake", suffix=f"_{secrets.token_hex(4)}", template="mitsyg_intake_bench")
    task = Task(
        bootstrap=stack.kafka_bootstrap,
        dsn=database.runtime_dsn,
        topic=topic,
        group=f"bench.{secrets.token_hex(6)}",
        count=count,
        citizens_url=vault[0] if vault else None,
        citizens_token=vault[1] if vault else None,
    )
    try:
        child = subprocess.run(
            (sys.executable, "-m", "bench.worker", side),
            input=json.dumps(asdict(task)),
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
    finally:
        stack.drop_database(database.name)
    if child.returncode:
        raise RuntimeError(f"{side} failed:\n{child.stderr[-2000:]}\n{child.stdout[-2000:]}")
    return Measured(**json.loads(child.stdout.strip().splitlines()[-1]))
