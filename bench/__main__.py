"""`python -m bench [stage|bad|full|letters|tasks|memory|render|whole|uploads] [--count N] [--pairs N] [--minutes N]
[--seconds N]`: measure, print tables."""

import argparse
import asyncio
import os
import platform
import secrets
from dataclasses import replace

from bench import alone, memory, pairs, render, traffic, uploads, whole
from bench.pairs import Side
from stack import Stack

_NOTIFICATIONS = 20_000
_LETTERS = 3_000
_RENDERED = 200
_WHOLE = 100_000


def main() -> None:
    """Read the arguments, bring up servers of the bench's own, measure, take them down."""
    parser = argparse.ArgumentParser(prog="python -m bench")
    parser.add_argument(
        "what",
        nargs="?",
        choices=("stage", "bad", "full", "letters", "tasks", "memory", "render", "whole", "uploads", "all"),
        default="all",
    )
    defaults = f"notifications ({_NOTIFICATIONS}), letters ({_LETTERS}) or letters set ({_RENDERED}) a run"
    parser.add_argument("--count", type=int, help=defaults)
    parser.add_argument("--pairs", type=int, default=7, help="counted pairs")
    parser.add_argument("--minutes", type=float, default=10.0, help="length of the memory run")
    parser.add_argument("--seconds", type=float, default=40.0, help="length of each steady rate of the whole path")
    asked = parser.parse_args()
    print(f"machine: {os.cpu_count()} cores, {platform.machine()}, load before {os.getloadavg()[0]:.2f}", flush=True)
    if asked.what not in ("tasks", "memory", "render", "whole", "uploads"):
        _pairs(asked.what, asked.count, asked.pairs)
    if asked.what in ("tasks", "all"):
        alone.measure(asked.count or _NOTIFICATIONS, asked.pairs)
    if asked.what in ("memory", "all"):
        memory.measure(asked.minutes)
    if asked.what in ("render", "all"):
        render.measure(asked.count or _RENDERED, asked.pairs)
    if asked.what in ("whole", "all"):
        whole.measure(asked.count or _WHOLE, asked.seconds)
    if asked.what in ("uploads", "all"):
        uploads.measure(asked.pairs)


def _pairs(what: str, count: int | None, wanted: int) -> None:
    with traffic.servers() as stack:
        if what != "letters":
            _stages(stack, what, count or _NOTIFICATIONS, wanted)
        if what in ("letters", "all"):
            _letters(stack, count or _LETTERS, wanted)


def _stages(stack: Stack, what: str, count: int, wanted: int) -> None:
    stack.create_topics()
    empty = traffic.empty_database(stack, "intake")
    clean = traffic.clean_topic(stack, count)
    stage = Side(name="stage", worker="stage", topic=clean, template=empty)
    if what in ("stage", "all"):
        print("the intake stage beside the bare loop", flush=True)
        _compare(stack, stage, Side(name="bare", worker="bare", topic=clean, template=empty), count, wanted)
    if what in ("bad", "all"):
        print("one notification in ten bad, beside clean ones", flush=True)
        bad = f"bench.bad.{secrets.token_hex(4)}"
        traffic.preload(stack, bad, count, seed=7, bad=0.1)
        _compare(stack, Side(name="bad", worker="stage", topic=bad, template=empty), stage, count, wanted)
    if what in ("full", "all"):
        print("a million absences in the tables, beside empty ones", flush=True)
        # Just after a checkpoint the first touch of each page is logged whole: three times as many notifications, so that
        # it is not all that is measured.
        long = f"bench.long.{secrets.token_hex(4)}"
        traffic.preload(stack, long, 3 * count, seed=8)
        stage = replace(stage, topic=long)
        full = stack.create_database("intake", suffix="_full", template=empty)
        asyncio.run(traffic.fill(full.owner_dsn, absences=1_000_000))
        _compare(stack, replace(stage, name="full", template=full.name), stage, 3 * count, wanted)


def _letters(stack: Stack, count: int, wanted: int) -> None:
    empty = traffic.empty_database(stack, "notifier")
    for name, what in (("letters", "letters sent"), ("statuses", "statuses taken")):
        print(f"{what} in groups, beside one by one", flush=True)
        together, alone = (
            Side(name=side, worker=worker, topic="", template=empty, service="notifier")
            for side, worker in (("groups", name), ("alone", f"{name}-alone"))
        )
        _compare(stack, together, alone, count, wanted)


def _compare(stack: Stack, first: Side, second: Side, count: int, wanted: int) -> None:
    print(pairs.table(first, second, pairs.measure(stack, first, second, count, wanted)), flush=True)


if __name__ == "__main__":
    main()
