"""Setting letters: a naive compile for each, held against the notifier's renderer, one letter at a time and in batches.

Each way sets the same letters, in turns within each pair, so that a load that others make falls on all of them alike. What is
counted is CPU, the children's included; a start-up is not part of it.
"""

import asyncio
import json
import os
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime, time, timedelta
from statistics import median
from time import process_time
from typing import Any

import psutil

from services.notifier.letters import Municipality, Renderer, Words, municipality, words
from services.notifier.letters.compositor import HERE

BATCH = 200
"""As many as a batch of jobs."""
_NAIVE_MAIN = b'#import "letter.typ": render\n#render(json(bytes(sys.inputs.letter)))\n'
_PLANNED = date(2026, 11, 23)
_TASKS = (
    (50, ("comment_reported_information", "information_form")),
    (20, ("comment_reported_information", "benefit_request", "information_form")),
    (15, ("comment_reported_information",)),
    (10, ("information_form",)),
    (5, ("fast_track_consent",)),
)
"""What letters are about, and how many of a hundred: a guess at a day's post, not a measured one."""

Letter = tuple[Words, date]
Way = Callable[[Sequence[Letter]], Awaitable[list[Any]]]


def measure(count: int, pairs: int) -> None:
    """Set `count` letters each way, `pairs` times after one that is not counted, and print what a CPU second gave."""
    # more threads than one only take turns: the naive compile gets what the renderer's child has
    os.environ["RAYON_NUM_THREADS"] = "1"
    asyncio.run(_measure(count, pairs))


async def _measure(count: int, pairs: int) -> None:
    renderer = Renderer()
    ways: dict[str, Way] = {
        "naive": _naive,
        "one by one": lambda letters: _one_by_one(renderer, letters),
        f"batches of {BATCH}": lambda letters: _in_batches(renderer, letters),
    }
    rates: dict[str, list[float]] = {name: [] for name in ways}
    for nth in range(pairs + 1):
        letters = _post(random.Random(nth), count)
        order = list(ways) if nth % 2 else list(reversed(ways))
        cpu, made = {}, {}
        for name in order:
            before = _cpu()
            made[name] = await ways[name](letters)
            cpu[name] = _cpu() - before
        first = made["naive"]
        if any(pdfs != first for pdfs in made.values()):
            raise RuntimeError("the ways do not give the same letters")
        label = f"pair {nth}" if nth else "warm-up"
        told = "   ".join(f"{name} {1000 * cpu[name] / count:5.2f} ms" for name in ways)
        print(f"  {label:8} {told}   load {os.getloadavg()[0]:.1f}", flush=True)
        for name in ways if nth else ():
            rates[name].append(count / cpu[name])
    await renderer.close()
    print(_table(rates), flush=True)


async def _naive(letters: Sequence[Letter]) -> list[Any]:
    """The same template and words, as typst's own documentation has it: a compile of its own with the words as its input."""
    return [_compiled(asdict(one), int(datetime.combine(day, time(), UTC).timestamp())) for one, day in letters]


def _compiled(letter: dict[str, Any], timestamp: int) -> bytes:
    import typst

    # looking through the system's fonts would cost half as much again
    compiler = typst.Compiler(root=HERE, font_paths=[HERE / "fonts"], ignore_system_fonts=True)
    pdf = compiler.compile(
        _NAIVE_MAIN,
        sys_inputs={"letter": json.dumps(letter, ensure_ascii=False)},
        pdf_standards=["a-2a", "ua-1"],
        timestamp=timestamp,
    )
    assert isinstance(pdf, bytes)
    return pdf + b"\n"


async def _one_by_one(renderer: Renderer, letters: Sequence[Letter]) -> list[Any]:
    return [await renderer.render(one, day) for one, day in letters]


async def _in_batches(renderer: Renderer, letters: Sequence[Letter]) -> list[Any]:
    batches = [letters[start : start + BATCH] for start in range(0, len(letters), BATCH)]
    return [pdf for batch in batches for pdf in await renderer.render_all(batch)]


def _post(chance: random.Random, count: int) -> list[Letter]:
    """Some municipalities are large and many small."""
    senders = _municipalities()
    sizes = [1 / (3 + rank) for rank in range(len(senders))]
    drawn = zip(
        chance.choices(senders, sizes, k=count),
        chance.choices([kinds for _, kinds in _TASKS], [share for share, _ in _TASKS], k=count),
        strict=True,
    )
    return [
        (_letter(f"Prøve Nummer {nth} Testesen", sender, kinds), _PLANNED) for nth, (sender, kinds) in enumerate(drawn)
    ]


def _letter(name: str, sender: Municipality, kinds: tuple[str, ...]) -> Words:
    return words(
        name=name,
        municipality=sender,
        planned_day=_PLANNED,
        deadline_day=_PLANNED + timedelta(days=8),
        kinds=kinds,
        portal="https://mitsygefravaer.example",
    )


def _municipalities() -> list[Municipality]:
    return [found for code in range(1000) if (found := municipality(f"{code:04}")) is not None]


def _cpu() -> float:
    """CPU seconds of this process and of its children that live."""
    children = [child.cpu_times() for child in psutil.Process().children()]
    return process_time() + sum(one.user + one.system for one in children)


def _table(rates: dict[str, list[float]]) -> str:
    lines = [f"  {'medians':16}{'letters a CPU second':>22}{'times the naive way':>32}"]
    for name, found in rates.items():
        ratios = sorted(one / naive for one, naive in zip(found, rates["naive"], strict=True))
        spread = f"{median(ratios):.2f} (from {ratios[0]:.2f} to {ratios[-1]:.2f})"
        lines.append(f"  {name:16}{median(found):>22.0f}{spread:>32}")
    return "\n".join(lines)
