"""The worker: claims jobs of one queue, does them side by side, writes their results in groups where their leases still hold.

Invariants: a claim is committed before its work begins, and only what can begin at once is claimed; the lease is longer than
the work's own deadline, and counts from when it was asked for, so a worker that lives has written or given up before anybody
else may begin, however late it heard that the claim is its own; a result, whatever it changes, is written in one transaction
with the job's end, under its token; results that are written together do not depend on each other: a lost lease drops its own,
and a group that cannot be written is written one by one; what goes wrong is tried again by the policy, what has been tried too
often is parked, in the database and in the metrics, never dropped. Nothing here knows what the work is.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, assert_never

import structlog
from prometheus_client import Counter, Gauge, Histogram

from plumbing.faults import FaultInjected, faultpoint
from plumbing.jobs import store
from plumbing.jobs.policy import Policy
from plumbing.jobs.store import Claim, LeaseLost
from plumbing.jobs.verdicts import Again, Done, Joint, Parked, Verdict, Write
from plumbing.postgres import Connection, Database, is_transient
from plumbing.together import Together

log = structlog.get_logger(__name__)

WAITING: Final = Gauge("mitsyg_jobs_waiting", "Jobs that are not done.", ("queue",))
OLDEST: Final = Gauge("mitsyg_jobs_oldest_seconds", "Age of the oldest job that is not done.", ("queue",))
PARKED: Final = Gauge("mitsyg_jobs_parked", "Jobs that nobody tries any more.", ("queue",))
RUNNING: Final = Gauge("mitsyg_jobs_running", "Jobs in work in this process.", ("queue",))
ENDED: Final = Counter("mitsyg_jobs_ended", "Attempts, by how they ended.", ("queue", "outcome"))
SECONDS: Final = Histogram("mitsyg_jobs_seconds", "Time an attempt took.", ("queue",))

Work = Callable[[Claim], Awaitable[Verdict]]
GiveUp = Callable[[Claim], Write]

EXHAUSTED: Final = "attempts-exhausted"
LATE: Final = "claimed-too-late"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Ended:
    """An attempt that ended, and what is to be written of it, in this order. `is_abandoned`: nobody said what it did."""

    claim: Claim
    verdict: Verdict
    writes: tuple[Write, ...]
    is_abandoned: bool = False


class Worker:
    """Runs until stopped; `wake()` after a commit spares the wait for the next poll.

    `give_up` makes what is written when a job is parked because it was tried too often; `after_write` is called after each
    committed result, e.g. to wake the outbox relay. Up to `settle_together` results that come within `settle_seconds` of the last
    transaction are one; with 1 each is one of its own, at once.
    """

    def __init__(
        self,
        database: Database,
        queue: str,
        work: Work,
        *,
        policy: Policy,
        concurrency: int = 16,
        deadline: float = 15.0,
        margin: float = 10.0,
        poll: float = 0.5,
        settle_together: int = 64,
        settle_seconds: float = 0.02,
        give_up: GiveUp | None = None,
        after_write: Callable[[], None] | None = None,
    ) -> None:
        self._database = database
        self._queue = queue
        self._work = work
        self._policy = policy
        self._concurrency = concurrency
        self._deadline = deadline
        self._lease = deadline + margin
        self._poll = poll
        self._settled = Together(self._settle, apart=settle_seconds, most=settle_together)
        self._give_up = give_up
        self._after_write = after_write
        self._wake = asyncio.Event()
        self._stopping = False
        self._running: set[asyncio.Task[None]] = set()
        # Looked up once: a label costs more than the counting.
        RUNNING.labels(queue).set_function(lambda: len(self._running))
        self._seconds = SECONDS.labels(queue)
        self._ended_as = {outcome: ENDED.labels(queue, outcome.__name__.lower()) for outcome in (Done, Again, Parked)}

    def wake(self) -> None:
        """There may be something to do."""
        self._wake.set()

    def stop(self) -> None:
        """Claim nothing more; `run` returns when what is in work has ended."""
        self._stopping = True
        self._wake.set()

    async def run(self) -> None:
        """Work until stopped; whatever fails is tried again."""
        try:
            while not self._stopping:
                self._wake.clear()
                try:
                    found_all = await self._begin()
                except Exception as error:
                    if not (is_transient(error) or isinstance(error, FaultInjected)):
                        raise
                    log.warning("jobs cannot be claimed now", queue=self._queue, error=type(error).__name__)
                    found_all = True
                if found_all and not self._stopping:
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(self._wake.wait(), self._poll)
            # Each has its own deadline; what is cut off before it keeps its lease, and is tried again when that ends.
            if self._running:
                await asyncio.wait(self._running)
        finally:
            for task in self._running:
                task.cancel()
            await asyncio.gather(*self._running, return_exceptions=True)

    async def watch(self, every: float = 2.0) -> None:
        """Keep the queue's gauges until cancelled."""
        await watch(self._database, self._queue, every)

    async def _begin(self) -> bool:
        """Claim what can begin at once and begin it; tells whether waiting is all there is left to do."""
        free = self._concurrency - len(self._running)
        # Not one claim per finished job: a quarter of the places, or all while nothing runs.
        if free < max(1, self._concurrency // 4):
            return True
        async with self._database.acquire() as connection:
            ends_at = time.monotonic() + self._lease
            claims = await store.claim(connection, self._queue, limit=free, lease_seconds=self._lease)
        for claim in claims:
            task = asyncio.create_task(self._attend(claim, ends_at))
            self._running.add(task)
            task.add_done_callback(self._ended)
        return len(claims) < free

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._running.discard(task)
        self._wake.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a job ended by a fault of ours", queue=self._queue, exc_info=error)

    async def _attend(self, claim: Claim, ends_at: float) -> None:
        """One attempt, over when the lease is. A result that cannot be written is left to that: its outcome may be unknown."""
        with self._seconds.time():
            try:
                faultpoint("jobs.after_claim")
                ended = await self._attempt(claim, ends_at)
                faultpoint("jobs.before_result")
                await self._settled(ended)
                faultpoint("jobs.after_result")
                if self._after_write is not None:
                    self._after_write()
            except LeaseLost:
                ENDED.labels(self._queue, "lease-lost").inc()
                log.warning("a lease was lost; nothing is written", queue=self._queue, job=str(claim.job_id))
                return
            except Exception as error:
                if not (is_transient(error) or isinstance(error, FaultInjected)):
                    raise
                ENDED.labels(self._queue, "not-written").inc()
                log.warning("a result could not be written", queue=self._queue, error=type(error).__name__)
                return
        if isinstance(ended.verdict, Parked):
            log.error("a job is parked", queue=self._queue, job=str(claim.job_id), reason=ended.verdict.reason)
        self._ended_as[type(ended.verdict)].inc()

    async def _attempt(self, claim: Claim, ends_at: float) -> _Ended:
        if claim.attempt > self._policy.attempts:
            return self._given_up(claim, EXHAUSTED, is_abandoned=claim.was_abandoned)
        if (left := ends_at - time.monotonic()) <= 0:
            return _Ended(claim=claim, verdict=Again(reason=LATE), writes=(), is_abandoned=claim.was_abandoned)
        is_abandoned = False
        try:
            async with asyncio.timeout(min(self._deadline, left)):
                verdict = await self._work(claim)
        except LeaseLost:
            raise
        except Exception as error:  # whatever it is, the job stays and is tried again, a bounded number of times
            if not (is_transient(error) or isinstance(error, FaultInjected)):
                log.error("an attempt failed by a fault of ours", queue=self._queue, exc_info=error)
            verdict, is_abandoned = Again(reason=type(error).__name__), True
        if isinstance(verdict, Again) and claim.attempt >= self._policy.attempts:
            return self._given_up(claim, verdict.reason, verdict.write, is_abandoned=is_abandoned)
        return _Ended(claim=claim, verdict=verdict, writes=_those(verdict.write), is_abandoned=is_abandoned)

    def _given_up(self, claim: Claim, reason: str, first: Write | None = None, *, is_abandoned: bool) -> _Ended:
        last = self._give_up(claim) if self._give_up is not None else None
        return _Ended(claim=claim, verdict=Parked(reason=reason), writes=_those(first, last), is_abandoned=is_abandoned)

    async def _settle(self, group: Sequence[_Ended]) -> list[LeaseLost | None]:
        """First the jobs, under their tokens, then what their results change: a lost lease writes nothing."""
        claims = [one.claim for one in group]
        all_done = all(isinstance(one.verdict, Done) for one in group)
        async with self._database.transaction() as connection:
            held = await (store.finish_held if all_done else store.hold)(connection, claims)
            if held:
                ours = sorted((one for one in group if one.claim in held), key=lambda one: one.claim.seq)
                if not all_done:
                    await self._end(connection, ours)
                await _write(connection, [write for one in ours for write in one.writes])
                faultpoint("jobs.before_result_commit")
        return [None if one.claim in held else LeaseLost() for one in group]

    async def _end(self, connection: Connection, group: Sequence[_Ended]) -> None:
        done: list[Claim] = []
        again: list[tuple[Claim, str, bool, float]] = []
        parked: list[tuple[Claim, str, bool]] = []
        for one in group:
            match one.verdict:
                case Done():
                    done.append(one.claim)
                case Again(reason=reason, after=after):
                    pause = max(self._policy.pause(one.claim.attempt), after or 0.0)
                    again.append((one.claim, reason, one.is_abandoned, pause))
                case Parked(reason=reason):
                    parked.append((one.claim, reason, one.is_abandoned))
                case _:
                    assert_never(one.verdict)
        if done:
            await store.finish(connection, done)
        if again:
            await store.put_back(connection, *zip(*again, strict=True))
        if parked:
            await store.park(connection, *zip(*parked, strict=True))


async def watch(database: Database, queue: str, every: float = 2.0) -> None:
    """Keep a queue's gauges until cancelled, whether anybody works it or not; while the database is away they keep their last
    value."""
    while True:
        with contextlib.suppress(Exception):
            async with database.acquire() as connection:
                depth = await store.depth(connection, queue)
            WAITING.labels(queue).set(depth.waiting)
            OLDEST.labels(queue).set(depth.oldest_seconds)
            PARKED.labels(queue).set(depth.parked)
        await asyncio.sleep(every)


def _those(*writes: Write | None) -> tuple[Write, ...]:
    return tuple(write for write in writes if write is not None)


async def _write(connection: Connection, writes: Sequence[Write]) -> None:
    """Each in its turn, those that can be done together in the turn of the first."""
    joint: dict[Any, list[Any]] = {}
    for write in writes:
        if isinstance(write, Joint):
            joint.setdefault(write.write_all, []).append(write.item)
    for write in writes:
        if not isinstance(write, Joint):
            await write(connection)
        elif items := joint.pop(write.write_all, None):
            await write.write_all(connection, items)
