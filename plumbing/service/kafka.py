"""The Kafka side of a service, put together once: its broker, its subscriptions, its relay and the audit's sealer."""

import os
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Final

from faststream import FastStream

from plumbing.audit import Sealer
from plumbing.bus import BusSettings, Record, Subscription, make_broker, start_producer, start_whole
from plumbing.clock import Clock, SimulatedClock, SystemClock
from plumbing.inbox import Fate
from plumbing.outbox import Relay
from plumbing.postgres import Database
from plumbing.service.runner import Runner
from plumbing.service.settings import KafkaSettings, ServiceSettings
from plumbing.telemetry import metrics

APART_SECONDS: Final = 0.03
"""Batches and rounds of the relay begin so far apart at the least: a batch of one costs as much as one of thirty. What comes one
by one is gathered where it comes into the house, longer; from there on it travels in groups, and to gather them again at every
step would only add up (decision 55)."""


class KafkaSide:
    """Made before the work that is subscribed, because that work wakes the relay."""

    def __init__(
        self,
        runner: Runner,
        settings: KafkaSettings,
        name: str,
        database: Database,
        *,
        relay_apart: float = APART_SECONDS,
    ) -> None:
        self._bus: BusSettings = settings.bus(client_id=f"{name}-{socket.gethostname()}-{os.getpid()}")
        self._broker = make_broker(self._bus, graceful_seconds=settings.drain_seconds)
        self._subscriptions: list[Subscription] = []
        self._runner = runner
        self.relay = Relay(database, lambda: start_producer(self._bus), apart=relay_apart)
        runner.relay(self.relay, database)
        sealer = Sealer(database)
        runner.loop("audit sealer", sealer.run)
        runner.loop("audit gauges", sealer.watch)
        app = FastStream(self._broker, logger=None)
        runner.consumers(lambda: start_whole(app), app.stop, self._subscriptions)

    def subscribe(
        self,
        topic: str,
        group: str,
        work: Callable[[Sequence[Record]], Awaitable[None]],
        *,
        reasons: Iterable[str] = (),
        apart: float = APART_SECONDS,
    ) -> None:
        """Hand batches of `topic`, begun `apart` seconds from each other at the least, to `work`, which refuses records for these
        `reasons` if it counts them by reason."""
        metrics.begin_at_zero(topic, Fate, reasons)
        self._subscriptions.append(
            Subscription(self._broker, topic=topic, group=group, work=work, settings=self._bus, apart=apart)
        )


async def make_clock(runner: Runner, settings: ServiceSettings, name: str) -> Clock:
    """Real time, or the simulated clock where the settings name and allow one."""
    if settings.clock_url is None:
        return SystemClock()
    clock = SimulatedClock(settings.clock_url, name)
    await runner.wait_for("simulated clock", clock.first)
    runner.loop("simulated clock", clock.run)
    return clock
