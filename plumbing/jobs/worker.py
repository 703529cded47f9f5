"""The worker: claims jobs of one queue, does them side by side, writes each result where its lease still holds.

Invariants: a claim is committed before its work begins, and only what can begin at once is claimed; the lease is longer than
the work's own deadline, so a worker that lives has written or given up before anybody else may begin; a result, whatever it
changes, is written in one transaction with the job's end, under its token; what goes wrong is tried again by the policy, what
has been tried too often is parked, in the database and in the metrics, never dropped. Nothing here knows what the work is.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Final, assert_never

import structlog
from prometheus_client import Counter, Gauge, Histogram

from plumbing.faults import FaultInjected, faultpoint
from plumbing.jobs import store
from plumbing.jobs.policy import Policy
from plumbing.jobs.store import Claim, LeaseLost
from plumbing.jobs.verdicts import Again, Done, Parked, Verdict
from plumbing.postgres import Connection, Database, is_transient

log = structlog.get_logger(__name__)

WAITING: Final = Gauge("mitsyg_jobs_waiting", "Jobs that are not done.", ("queue",))
OLDEST: Final = Gauge("mitsyg_jobs_oldest_seconds", "Age of the oldest job that is not done.", ("queue",))
PARKED: Final = Gauge("mitsyg_jobs_parked", "Jobs that nobody tries any more.", ("queue",))
RUNNING: Final = Gauge("mitsyg_jobs_running", "Jobs in work in this process.", ("queue",))
ENDED: Final = Counter("mitsyg_jobs_ended", "Attempts, by how they ended.", ("queue", "outcome"))
SECONDS: Final = Histogram("mitsyg_jobs_seconds", "Time an attempt took.", ("queue",))

Work = Callable[[Claim], Awaitable[Verdict]]
GiveUp = Callable[[Connection, Claim], Awaitable[None]]

EXHAUSTED: Final = "attempts-exhausted"


class Worker:
    """Runs until stopped; `wake()` after a commit spares the wait for the next poll.

    `give_up` writes what follows when a job is parked because it was tried too often; `after_write` is called after each
    committed result, e.g. to wake the outbox relay.
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
        self._give_up = give_up
        self._after_write = after_write
        self._wake = asyncio.Event()
        self._stopping = False
        self._running: set[asyncio.Task[None]] = set()

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
        """Keep the queue's gauges until cancelled; while the database is away they keep their last value."""
        while True:
            with contextlib.suppress(Exception):
                async with self._database.acquire() as connection:
                    depth = await store.depth(connection, self._queue)
                WAITING.labels(self._queue).set(depth.waiting)
                OLDEST.labels(self._queue).set(depth.oldest_seconds)
                PARKED.labels(self._queue).set(depth.parked)
            await asyncio.sleep(every)

    async def _begin(self) -> bool:
        """Claim what can begin at once and begin it; tells whether waiting is all there is left to do."""
        free = self._concurrency - len(self._running)
        # Not one claim per finished job: a quarter of the places, or all while nothing runs.
        if free < max(1, self._concurrency // 4):
            return True
        async with self._database.acquire() as connection:
            claims = await store.claim(connection, self._queue, limit=free, lease_seconds=self._lease)
        for claim in claims:
            task = asyncio.create_task(self._attend(claim), name=f"job {claim.seq}")
            self._running.add(task)
            task.add_done_callback(self._ended)
        RUNNING.labels(self._queue).set(len(self._running))
        return len(claims) < free

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._running.discard(task)
        RUNNING.labels(self._queue).set(len(self._running))
        self._wake.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a job ended by a fault of ours", queue=self._queue, exc_info=error)

    async def _attend(self, claim: Claim) -> None:
        """One attempt. A result that cannot be written is left to the end of the lease: its outcome may be unknown."""
        with SECONDS.labels(self._queue).time():
            try:
                faultpoint("jobs.after_claim")
                verdict = await self._attempt(claim)
                faultpoint("jobs.before_result")
                async with self._database.transaction() as connection:
                    await self._settle(connection, claim, verdict)
                    faultpoint("jobs.before_result_commit")
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
        ENDED.labels(self._queue, type(verdict).__name__.lower()).inc()

    async def _attempt(self, claim: Claim) -> Verdict:
        if claim.attempt > self._policy.attempts:
            return Parked(reason=EXHAUSTED, write=self._giving_up(claim))
        try:
            async with asyncio.timeout(self._deadline):
                verdict = await self._work(claim)
        except LeaseLost:
            raise
        except Exception as error:  # whatever it is, the job stays and is tried again, a bounded number of times
            if not (is_transient(error) or isinstance(error, FaultInjected)):
                log.error("an attempt failed by a fault of ours", queue=self._queue, exc_info=error)
            verdict = Again(reason=type(error).__name__)
        if isinstance(verdict, Again) and claim.attempt >= self._policy.attempts:
            return Parked(reason=verdict.reason, write=self._giving_up(claim, verdict.write))
        return verdict

    async def _settle(self, connection: Connection, claim: Claim, verdict: Verdict) -> None:
        """First the job, under its token, then what the result changes: a lost lease writes nothing."""
        match verdict:
            case Done():
                await store.finish(connection, claim)
            case Again():
                pause = max(self._policy.pause(claim.attempt), verdict.after or 0.0)
                await store.put_back(connection, claim, reason=verdict.reason, pause=pause)
            case Parked():
                await store.park(connection, claim, reason=verdict.reason)
                log.error("a job is parked", queue=self._queue, job=str(claim.job_id), reason=verdict.reason)
            case _:
                assert_never(verdict)
        if verdict.write is not None:
            await verdict.write(connection)

    def _giving_up(
        self, claim: Claim, first: Callable[[Connection], Awaitable[None]] | None = None
    ) -> Callable[[Connection], Awaitable[None]]:
        async def write(connection: Connection) -> None:
            if first is not None:
                await first(connection)
            if self._give_up is not None:
                await self._give_up(connection, claim)

        return write
