"""Rebalances, all the time: second instances of each service join and leave, with batches in work, frozen, or in a crowd.

What is counted is what Kafka's coordinator wrote down (`groups.py`), whoever caused it: a second instance that takes over
from a zombie makes partitions move too. The client library knows groups only that hand over everything at each rebalance.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from random import Random
from threading import Event

import asyncpg
from aiokafka.errors import KafkaError

from campaign.groups import Groups
from campaign.journal import Journal
from campaign.provoke import database_of, hold_lock
from campaign.rounds import Play
from laws import names
from stack import Stack
from stack.errors import StackError
from stack.house import House

CROWD = 8
FROZEN_SECONDS = 15.0
_READY_SECONDS = 40.0
_CROWD_SECONDS = 90.0
_STAY_SECONDS = (1.0, 5.0)
_HELD_SECONDS = (5.0, 9.0)
_POLL_SECONDS = 1.0


class Rebalances:
    """`look` may be called from several threads, also when everything is over."""

    def __init__(
        self, stack: Stack, house: House, *, journal: Journal, stopping: Event, session_seconds: float, dice: Random
    ) -> None:
        self._stack = stack
        self._house = house
        self._journal = journal
        self._stopping = stopping
        self._session_seconds = session_seconds
        self._dice = dice
        self._groups = Groups(bootstrap=stack.kafka_bootstrap)
        self._told: set[tuple[str, int]] = set()
        self._looking = threading.Lock()

    def plays(self, *, has_crowd: bool) -> Mapping[str, Play]:
        """Of each group one that joins and leaves, and one that does so while a batch is held up; somebody frozen; a crowd."""
        readers = sorted({service for _, service in names.CONSUMERS})
        found: dict[str, Play] = {}
        for service in readers:
            found[f"a second {service}"] = partial(self._join, service)
            found[f"a second {service} while a batch is held up"] = partial(self._join_mid_batch, service)
        found["frozen"] = self._freeze
        if has_crowd:
            found["crowd"] = self._crowd
        return found

    @property
    def most_members(self) -> int:
        """Of any group at any time."""
        return max(self._groups.largest.values(), default=0)

    def look(self) -> bool:
        """Count anew what Kafka wrote down: whether it could be asked."""
        with self._looking:
            try:
                asyncio.run(self._groups.look())
            except (KafkaError, OSError, TimeoutError, LookupError):
                return False
            for one in self._groups.rebalances:
                if (one.group, one.number) not in self._told:
                    self._told.add((one.group, one.number))
                    self._journal.note("rebalance", one.group, generation=one.number, members=len(one.members))
            return True

    # the plays ----------------------------------------------------------------------------------------------------------------

    def _join(self, service: str) -> bool:
        with self._moves(service) as has_moved, self._replica(service) as replica:
            self._wait_ready(replica)
            self._stopping.wait(self._dice.uniform(*_STAY_SECONDS))
        return has_moved()

    def _join_mid_batch(self, service: str) -> bool:
        """The lock lets go within the time for which a member may keep its partitions."""
        waited = 0.0
        with self._moves(service) as has_moved, self._replica(service) as replica:
            try:
                waited = hold_lock(database_of(self._stack, service), self._dice.uniform(*_HELD_SECONDS))
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                self._journal.note("no lock", service, error=type(error).__name__)  # it is being broken just now
            self._wait_ready(replica)
        if waited > self._session_seconds:
            self._journal.note("batch held up", service, waited=waited)
        return has_moved() and waited > 0

    def _freeze(self) -> bool:
        """The event loop of a member stands still for longer than its session: it is put out, and comes back."""
        service = self._dice.choice(sorted({service for _, service in names.CONSUMERS}))
        with self._moves(service) as has_moved, self._replica(service) as replica:
            if not self._wait_ready(replica):
                return False
            process = self._house.process(replica)
            process.pause()
            self._stopping.wait(FROZEN_SECONDS)
            process.resume()
            self._stopping.wait(_STAY_SECONDS[1])
        self._journal.note("frozen", replica, lasted=FROZEN_SECONDS)
        return has_moved()

    def _crowd(self) -> bool:
        """Eight members for six partitions, and back to one."""
        service = self._dice.choice(sorted({service for _, service in names.CONSUMERS}))
        groups = [names.group(service, topic) for topic, reader in names.CONSUMERS if reader == service]
        replicas: list[str] = []
        try:
            for _ in range(CROWD - 1):
                replicas.append(self._add(service))
                self._stopping.wait(_POLL_SECONDS)
            until = time.monotonic() + _CROWD_SECONDS
            while not (is_crowd := self._has_crowd(groups)) and time.monotonic() < until:
                if self._stopping.wait(_POLL_SECONDS):
                    break
        finally:
            for replica in replicas:
                self._remove(replica)
        if is_crowd:
            self._journal.note("crowd", service, members=CROWD)
        return is_crowd

    def _has_crowd(self, groups: list[str]) -> bool:
        self.look()
        return any(self._groups.largest.get(group, 0) >= CROWD for group in groups)

    # their parts --------------------------------------------------------------------------------------------------------------

    @contextmanager
    def _moves(self, service: str) -> Iterator[Callable[[], bool]]:
        """Tells, once it is over, whether partitions of the service moved meanwhile."""
        groups = {names.group(service, topic) for topic, reader in names.CONSUMERS if reader == service}

        def number() -> int:
            self.look()
            return sum(one.group in groups for one in self._groups.rebalances)

        before = number()
        yield lambda: number() > before

    @contextmanager
    def _replica(self, service: str) -> Iterator[str]:
        replica = self._add(service)
        try:
            yield replica
        finally:
            self._remove(replica)

    def _add(self, service: str) -> str:
        replica = self._house.add_replica(service)
        self._journal.note("replica", replica)
        return replica

    def _remove(self, replica: str) -> None:
        code = self._house.process(replica).exit_code
        if code is not None:
            self._journal.note("died unasked", replica, code=code)
        self._house.remove_replica(replica)
        self._journal.note("drained", replica)

    def _wait_ready(self, replica: str) -> bool:
        """Whether it came to be ready while the world breaks around it; if it ended, that is told when it is removed."""
        try:
            self._house.wait_ready([replica], timeout=_READY_SECONDS)
        except StackError:
            return False
        return True
