"""The whole path, from a notification on its topic to a letter at the gateway: how much of it, how fast, and who takes the CPU.

For what is ours alone, rendering and gateway are instant. Rates are taken of work that lay on the topic before the clock started,
beside the bare loop just after (`bench.bare`): a notification goes through four stages, and four such loops one after the other
are what it would cost if each only read, wrote and told. Latencies are taken at a steady rate, beside three bare hops over the
same broker at the same rate just before.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median, quantiles
from typing import Final

from bench import hops, pairs, traffic
from bench.child import Measured
from bench.household import Household
from bench.pairs import Side
from stack.members import LETTER_PATH

_WARM: Final = 2_000
_REAL_SHARE: Final = 20
"""So many times fewer where letters are set: that takes five times what all else takes."""
_RATES: Final = (50, 500)
_STAGES: Final = 4
"""Intake, tasks, the notifier, and tasks again, when the letter is on its way."""
_BARE: Final = 20_000
_BARE_RUNS: Final = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Whole:
    """One run: CPU seconds by who took them; `memo`: those of the notifier that building messages took, if that is known."""

    count: int
    seconds: float
    cpu: Mapping[str, float]
    memo: float = 0.0

    @property
    def rate(self) -> float:
        """Notifications a second."""
        return self.count / self.seconds

    @property
    def ours(self) -> float:
        """CPU seconds per 1 000 of the four services, without building messages."""
        return self.per_thousand(sum(self.cpu[name] for name in LETTER_PATH) - self.memo)

    def per_thousand(self, seconds: float) -> float:
        return seconds / self.count * 1000


def measure(count: int, seconds: float) -> None:
    """Print rates, CPU and latencies: first with rendering and gateway instant, then as it is. `seconds`: of each steady rate."""
    whole = asyncio.run(_instant(count, seconds))
    print(beside(whole, _bare()), flush=True)
    asyncio.run(_as_it_is(count // _REAL_SHARE, seconds))


async def _instant(count: int, seconds: float) -> Whole:
    async with Household.open(instant=True) as house:
        await _warm(house)
        whole = await _throughput(house, count, seed=1)
        print(f"{count} notifications, rendering and gateway instant: {whole.rate:.0f}/s\n{table(whole)}", flush=True)
        for rate in _RATES:
            print(await _latencies(house, rate, seconds, seed=10 + rate), flush=True)
    return whole


async def _as_it_is(count: int, seconds: float) -> None:
    async with Household.open(instant=False) as house:
        await _warm(house)
        print(await _latencies(house, _RATES[0], seconds, seed=3), "with rendering and gateway", flush=True)
        real = await _throughput(house, count, seed=2)
        print(f"{count} notifications, letters set and handed in: {real.rate:.0f}/s\n{table(real)}", flush=True)


def _bare() -> list[Measured]:
    """The bare loop, on servers of its own."""
    with traffic.servers() as stack:
        stack.create_topics()
        empty = traffic.empty_database(stack, "intake")
        side = Side(name="bare", worker="bare", topic=traffic.clean_topic(stack, _BARE), template=empty)
        return [pairs.run(stack, side, _BARE) for _ in range(_BARE_RUNS + 1)][1:]


async def _warm(house: Household) -> None:
    await house.send(_WARM, seed=99)
    await house.until_done()


async def _throughput(house: Household, count: int, *, seed: int) -> Whole:
    memo = house.memo_seconds()
    await house.lay_out(count, seed=seed)
    began, cpu = time.monotonic(), house.cpu()
    await house.until_done()
    seconds, after = time.monotonic() - began, house.cpu()
    used = {name: after[name] - cpu[name] for name in cpu}
    return Whole(count=count, seconds=seconds, cpu=used, memo=house.memo_seconds() - memo)


async def _latencies(house: Household, rate: int, seconds: float, *, seed: int) -> str:
    bare = await hops.latencies(house.kafka_bootstrap, rate=rate, seconds=seconds / 2)
    sent = await house.send_paced(rate, seconds, seed=seed)
    await house.until_done()
    ends = await house.handed_in()
    found = [ends[reference] - at for reference, at in sent.items() if reference in ends]
    return (
        f"at {rate}/s, from notification to letter: {spread(found)}; three bare hops: {spread(bare)};"
        f" ratio of the medians {median(found) / median(bare):.1f}"
    )


def table(whole: Whole) -> str:
    """Who took the CPU, the greediest first."""
    rows = [(name, whole.per_thousand(cpu)) for name, cpu in sorted(whole.cpu.items(), key=lambda one: -one[1])]
    if whole.memo:
        rows.append(("of the notifier: MeMo", whole.per_thousand(whole.memo)))
    rows.append(("the four without MeMo" if whole.memo else "the four", whole.ours))
    return "\n".join(f"  {name:24} {seconds:7.3f} CPU s per 1 000" for name, seconds in rows)


def beside(whole: Whole, bare: Sequence[Measured]) -> str:
    """What share of four bare loops' rate the whole path reaches, and how many times their CPU it takes; each by the median."""
    rate = median(one.rate for one in bare) / _STAGES
    own = median(one.cpu / one.records for one in bare) * 1000 * _STAGES
    return (
        f"four bare loops one after the other, medians of {len(bare)} runs: {rate:.0f}/s, {own:.3f} CPU s per 1 000 of their own;"
        f" the whole path: {whole.rate / rate:.2f} of the rate, the four services {whole.ours / own:.1f} times the CPU"
    )


def spread(seconds: Sequence[float]) -> str:
    """Median and 99th percentile, in milliseconds."""
    return f"p50 {median(seconds) * 1000:.0f} ms, p99 {quantiles(seconds, n=100)[98] * 1000:.0f} ms"
