"""The tasks service and the vault, each by itself: the CPU that it takes of its own for 1 000 notifications."""

import asyncio
import shutil
import tempfile
from pathlib import Path
from statistics import median

from bench import pairs, tasks, traffic
from bench.pairs import Side
from plumbing.postgres import migrations
from stack import Stack

_NOTIFICATIONS = "bench.notification"


def measure(count: int, runs: int) -> None:
    """Print medians over so many runs on fresh databases, on the same events."""
    run_dir = Path(tempfile.mkdtemp(prefix="mit-sygefravaer-bench-"))
    run_dir.chmod(0o711)
    stack = Stack.start(run_dir)
    try:
        stack.create_topics()
        traffic.preload(stack, _NOTIFICATIONS, count, seed=7)
        _run(stack, "intake", "stage", count)  # tells the events
        _run(stack, "tasks", "absences", count)  # asks for the letters
        letters = asyncio.run(tasks.dispatch(stack.kafka_bootstrap))
        print(f"{count} absences, {letters} letters; medians of {runs} runs, own CPU seconds per 1 000", flush=True)
        for service, worker in (("tasks", "tasks"), ("citizens", "vault")):
            used = [_run(stack, service, worker, count) for _ in range(runs)]
            print(f"  {service:10}{median(used):7.3f}   from {min(used):.3f} to {max(used):.3f}", flush=True)
    finally:
        stack.stop()
        shutil.rmtree(run_dir, ignore_errors=True)


def _run(stack: Stack, service: str, worker: str, count: int) -> float:
    template = stack.create_database(service, suffix="_bench")
    migrations.upgrade(f"services.{service}.migrations", template.owner_dsn, role=template.role)
    try:
        side = Side(name=worker, worker=worker, topic=_NOTIFICATIONS, template=template.name, service=service)
        return pairs.run(stack, side, count).cpu / count * 1000
    finally:
        stack.drop_database(template.name)
