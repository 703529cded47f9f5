"""Everybody outside who does something meanwhile: reporters, citizens who send documents, and who tries to read what is
stored."""

from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from threading import Event

from campaign.citizens import Citizens
from campaign.sender import Reporters
from laws.watching import Watch

THREADS = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class Crowd:
    """They work in threads of their own until it is enough."""

    reporters: Reporters
    citizens: Citizens
    watch: Watch

    def start(self, pool: Executor, enough: Event, is_behind: Callable[[], bool]) -> list["Future[None]"]:
        """One thread each."""
        return [
            pool.submit(self.reporters.run, enough, is_behind),
            pool.submit(self.citizens.run, enough),
            pool.submit(self.watch.run, enough),
        ]
