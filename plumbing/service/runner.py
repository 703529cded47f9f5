"""The life of a service process.

Invariants: probes answer from the first moment; *live* means that the event loop turns and no batch is stuck, and asks
nothing of any dependency (a restart mends no database); *ready* means that database, schema and partitions are there
and that the service is not draining. SIGTERM drains: not ready, fetching ends, the batch in work ends or is handed
back, jobs and HTTP end, the outbox is relayed once more, connections close, exit 0. A loop that ends by a fault of
ours ends the process, one that only watches too: a crash is seen, a service that looks well with a dead loop is not.
"""

import asyncio
import contextlib
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable, Sequence
from typing import Any, TypeVar

import structlog
import uvicorn
from aiokafka.errors import KafkaError
from asyncpg import PostgresError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from plumbing.bus import Subscription
from plumbing.errors import Unavailable
from plumbing.outbox import Relay
from plumbing.outbox import store as outbox_store
from plumbing.postgres import Database, is_missing, is_transient, schema
from plumbing.service import http, memory
from plumbing.service.settings import ServiceSettings
from plumbing.telemetry import metrics

log = structlog.get_logger(__name__)
T = TypeVar("T")


class DependencyMissing(Exception):
    """What the service cannot begin without was not there before the start deadline."""


class _Ending(Exception):
    """SIGTERM came while the service was still waiting for what it begins with."""


class Runner:
    """Holds the parts of one service process; `run()` returns after a clean drain and raises when the process must end badly."""

    def __init__(self, name: str, settings: ServiceSettings, *, stuck_seconds: float = 240.0) -> None:
        self._name = name
        self._settings = settings
        self._stuck_seconds = stuck_seconds
        self._ready_checks: list[tuple[str, Callable[[], Awaitable[bool]]]] = []
        self._subscriptions: Sequence[Subscription] = ()
        self._relays: list[Relay] = []
        self._loops: list[tuple[str, Callable[[], Coroutine[Any, Any, None]], Callable[[], None] | None]] = []
        self._apps: list[tuple[ASGIApp, str, int]] = []
        self._closers: list[Callable[[], Awaitable[None]]] = []
        self._consumers: tuple[Callable[[], Awaitable[None]], Callable[[], Awaitable[None]]] | None = None
        self._draining = asyncio.Event()
        self._started = False
        self._servers: list[uvicorn.Server] = []
        self._watches: set[asyncio.Task[None]] = set()
        self._beat = time.monotonic()
        metrics.BUILD.labels(name, settings.version).set(1)

    @property
    def draining(self) -> asyncio.Event:
        """Set when the process is to end, for commands that do not `run`."""
        return self._draining

    # what a service is made of, told by its app.py ---------------------------------------------------------------------------

    def consumers(
        self,
        start: Callable[[], Awaitable[None]],
        stop: Callable[[], Awaitable[None]],
        subscriptions: Sequence[Subscription],
    ) -> None:
        """The Kafka side: how to start and stop it, and what it reads."""
        self._consumers = (start, stop)
        self._subscriptions = subscriptions

    def relay(self, relay: Relay, database: Database) -> None:
        """An outbox relay; ends last of all loops, so that what draining work announced is still produced."""
        self._relays.append(relay)
        self.loop("outbox gauges", lambda: _outbox_gauges(database))

    def loop(
        self, name: str, run: Callable[[], Coroutine[Any, Any, None]], stop: Callable[[], None] | None = None
    ) -> None:
        """A loop for the life of the process: asked to `stop` when draining, cancelled if it has no way to be asked."""
        self._loops.append((name, run, stop))

    def serve(self, app: ASGIApp, host: str, port: int) -> None:
        """An HTTP face besides the probes."""
        self._apps.append((app, host, port))

    def ready_when(self, name: str, check: Callable[[], Awaitable[bool]]) -> None:
        """A condition of being ready; raising counts as no."""
        self._ready_checks.append((name, check))

    def close(self, closer: Callable[[], Awaitable[None]]) -> None:
        """Called at the very end, in reverse order."""
        self._closers.append(closer)

    async def wait_for(self, what: str, attempt: Callable[[], Awaitable[T]]) -> T:
        """Repeat `attempt` until it does not raise something transient; raises DependencyMissing after the start deadline."""
        deadline = time.monotonic() + self._settings.start_seconds
        while True:
            try:
                return await self._unless_ending(attempt(), max(1.0, deadline - time.monotonic()))
            except Exception as error:
                if not (is_transient(error) or isinstance(error, KafkaError)):
                    raise
                reason = str(error) if isinstance(error, Unavailable) else type(error).__name__
                if time.monotonic() > deadline:
                    seconds = self._settings.start_seconds
                    raise DependencyMissing(f"{what} was not there within {seconds:g} s ({reason})") from None
                log.warning("waiting at the start", dependency=what, reason=reason)
            await self._unless_ending(asyncio.sleep(0.5), 1)

    async def _unless_ending(self, work: Awaitable[T], seconds: float) -> T:
        """The result of `work`; raises TimeoutError when it takes longer and _Ending as soon as the service is to end."""
        working = asyncio.ensure_future(work)
        ending = asyncio.create_task(self._draining.wait())
        try:
            await asyncio.wait({working, ending}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            if working.done():
                return working.result()
            raise _Ending if ending.done() else TimeoutError
        finally:
            ending.cancel()
            if not working.done():
                working.cancel()
                await asyncio.wait({working}, timeout=5)

    async def database(self, dsn: str, package: str, *, max_size: int = 8) -> Database:
        """Open the service's database and wait until its schema is the one this code was written for."""

        async def open_database() -> Database:
            try:
                return await Database.open(dsn, application_name=self._name, max_size=max_size)
            except PostgresError as error:
                if is_missing(error):
                    raise Unavailable("database", type(error).__name__) from None
                raise

        database = await self.wait_for("database", open_database)
        self.close(database.close)

        async def at_head() -> None:
            if not await schema.is_at_head(package, database):
                raise Unavailable("database", "it is to be migrated first")

        await self.wait_for("database schema", at_head)

        async def answers() -> bool:
            await database.ping()
            return True

        self.ready_when("database", answers)
        return database

    # its life ----------------------------------------------------------------------------------------------------------------

    @contextlib.asynccontextmanager
    async def probes(self) -> AsyncIterator[None]:
        """Probes and signals around everything, the start included."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._draining.set)
        server = http.make_server(self._ops_app(), self._settings.ops_host, self._settings.ops_port)
        serving = asyncio.create_task(server.serve())
        for name, watch in (
            ("heartbeat", self._heartbeat()),
            ("watch lag", self._watch_lag()),
            ("tidy", memory.tidy()),
        ):
            self._watches.add(asyncio.create_task(watch, name=name))
        try:
            yield
        except _Ending:
            log.info("service ends before it began")
        finally:
            for closer in reversed(self._closers):
                await _bounded(closer(), 12)
            for task in self._watches:
                task.cancel()
            server.should_exit = True
            await asyncio.wait({serving}, timeout=5)

    async def run(self) -> None:
        """Everything was told: begin, live until SIGTERM or a crash, drain."""
        servers = self._servers = [http.make_server(app, host, port) for app, host, port in self._apps]
        tasks = {asyncio.create_task(server.serve(), name=f"http {nth}") for nth, server in enumerate(servers)}
        relays = {asyncio.create_task(relay.run(), name="outbox relay") for relay in self._relays}
        loops = {asyncio.create_task(run(), name=name): stop for name, run, stop in self._loops}
        draining = asyncio.create_task(self._draining.wait(), name="signal")
        crash: BaseException | None = None
        try:
            if self._consumers is not None:
                await self.wait_for("kafka", self._consumers[0])
            memory.settle()
            self._started = True
            log.info("service started")
            ended, _ = await asyncio.wait(
                {draining, *tasks, *relays, *loops, *self._watches}, return_when=asyncio.FIRST_COMPLETED
            )
            crash = _crash(ended - {draining})
        finally:
            log.info("service is draining")
            self._draining.set()
            await self._drain(servers, tasks, relays, loops)
            draining.cancel()
        if crash is not None:
            raise crash

    async def _drain(
        self,
        servers: list[uvicorn.Server],
        tasks: set["asyncio.Task[None]"],
        relays: set["asyncio.Task[None]"],
        loops: dict["asyncio.Task[None]", Callable[[], None] | None],
    ) -> None:
        for subscription in self._subscriptions:
            subscription.stop_waiting()
        if self._consumers is not None:
            await _bounded(self._consumers[1](), self._settings.drain_seconds + 2)
        for server in servers:
            server.should_exit = True
        for task, stop in loops.items():
            stop() if stop is not None else task.cancel()
        await _ended({*tasks, *loops}, self._settings.drain_seconds)
        for relay in self._relays:
            relay.stop()
        await _ended(relays, 5)
        log.info("service ended")

    async def _heartbeat(self) -> None:
        while True:
            self._beat = time.monotonic()
            await asyncio.sleep(1)

    async def _watch_lag(self) -> None:
        while True:
            for subscription in self._subscriptions:
                if (behind := await subscription.lag()) is not None:
                    metrics.CONSUMER_LAG.labels(subscription.topic).set(behind)
                    metrics.CONSUMER_STANDING.labels(subscription.topic).set(subscription.standing_seconds())
                metrics.CONSUMER_BLIND.labels(subscription.topic).set(subscription.blind_seconds())
            await asyncio.sleep(1)

    # probes ------------------------------------------------------------------------------------------------------------------

    def _ops_app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/livez", self._livez),
                Route("/readyz", self._readyz),
                Route("/metrics", http.metrics),
                Route("/version", self._version),
            ]
        )

    async def _livez(self, _request: Request) -> Response:
        stuck = [one.topic for one in self._subscriptions if one.is_stuck(self._stuck_seconds)]
        late = time.monotonic() - self._beat > 30
        return JSONResponse({"stuck": stuck, "event_loop": not late}, 503 if stuck or late else 200)

    async def _readyz(self, _request: Request) -> Response:
        states = {"started": self._started, "draining": self._draining.is_set()}
        checks: dict[str, bool] = {f"assigned {one.topic}": one.is_assigned for one in self._subscriptions}
        for name, check in self._ready_checks:
            try:
                checks[name] = await asyncio.wait_for(check(), 3)
            except Exception:  # noqa: BLE001  # whatever it is, the answer is that it is not ready
                checks[name] = False
        if self._servers:
            checks["http"] = all(server.started for server in self._servers)
        ready = self._started and not self._draining.is_set() and all(checks.values())
        return JSONResponse({**states, **checks}, 200 if ready else 503)

    async def _version(self, _request: Request) -> Response:
        return JSONResponse({"service": self._name, "version": self._settings.version})


def _crash(ended: Iterable["asyncio.Task[Any]"]) -> BaseException | None:
    for task in ended:
        error = None if task.cancelled() else task.exception()
        log.error("a part of the service ended by itself", part=task.get_name(), exc_info=error)
        return error or RuntimeError(f"{task.get_name()} ended by itself")
    return None


async def _ended(tasks: set["asyncio.Task[None]"], seconds: float) -> None:
    if not tasks:
        return
    _, late = await asyncio.wait(tasks, timeout=seconds)
    for task in late:
        log.warning("a part of the service is cut off while draining", part=task.get_name())
        task.cancel()
    if late:
        await asyncio.wait(late, timeout=2)


async def _bounded(work: Awaitable[None], seconds: float) -> None:
    try:
        await asyncio.wait_for(work, seconds)
    except (Exception, asyncio.CancelledError) as error:  # what cannot end well must not keep the rest from it
        if (asked := asyncio.current_task()) is not None and asked.cancelling():
            raise
        log.warning("a part of the service ended badly", exc_info=error)


async def _outbox_gauges(database: Database) -> None:
    while True:
        with contextlib.suppress(Exception):  # the gauges keep their last value while the database is away
            async with database.acquire() as connection:
                waiting, oldest, parked = await outbox_store.depth(connection)
            metrics.OUTBOX_WAITING.set(waiting)
            metrics.OUTBOX_OLDEST.set(oldest)
            metrics.OUTBOX_PARKED.set(parked)
        await asyncio.sleep(2)
