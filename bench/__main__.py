"""`python -m bench [stage|memory] [--count N] [--pairs N] [--minutes N]`: measure and print the table."""

import argparse
import os
import platform
import secrets
import shutil
import tempfile
from pathlib import Path

from bench import memory, pairs, traffic
from plumbing.postgres import migrations
from stack import Stack


def main() -> None:
    """Read the arguments, bring up servers of the bench's own, measure, take them down."""
    parser = argparse.ArgumentParser(prog="python -m bench")
    parser.add_argument("what", nargs="?", choices=("stage", "memory", "all"), default="all")
    parser.add_argument("--count", type=int, default=20_000, help="notifications a run")
    parser.add_argument("--pairs", type=int, default=7, help="counted pairs")
    parser.add_argument("--minutes", type=float, default=10.0, help="length of the memory run")
    asked = parser.parse_args()
    print(f"machine: {os.cpu_count()} cores, {platform.machine()}, load before {os.getloadavg()[0]:.2f}", flush=True)
    if asked.what in ("stage", "all"):
        _stage(asked.count, asked.pairs)
    if asked.what in ("memory", "all"):
        memory.measure(asked.minutes)


def _stage(count: int, wanted: int) -> None:
    run_dir = Path(tempfile.mkdtemp(prefix="mit-sygefravaer-bench-"))
    run_dir.chmod(0o711)
    stack = Stack.start(run_dir)
    try:
        stack.create_topics()
        template = stack.create_database("intake", suffix="_bench")
        migrations.upgrade("services.intake.migrations", template.owner_dsn, role=template.role)
        topic = f"bench.notification.{secrets.token_hex(4)}"
        size = traffic.preload(stack, topic, count, seed=7)
        print(f"intake stage beside the bare loop: {count} notifications of {size / count:.0f} bytes a run", flush=True)
        print(pairs.table(pairs.measure(stack, topic, count, wanted)), flush=True)
    finally:
        stack.stop()
        shutil.rmtree(run_dir, ignore_errors=True)


if __name__ == "__main__":
    main()
