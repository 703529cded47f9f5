"""The scanner is broken by one at a time: killed, frozen, told to load its signatures again and again under load.

Whatever comes in while it is away waits for its check, which is how the points of later checks are passed.
"""

import socket
import threading
import time
from collections.abc import Callable
from random import Random
from threading import Event
from typing import Final

from campaign.journal import Journal
from campaign.rounds import Play
from stack import Stack

KILLED: Final = "scanner killed"
FROZEN: Final = "scanner frozen"
RELOADED: Final = "scanner reloaded"
_SECONDS: Final = (3.0, 8.0)
_PUT_OFF_SECONDS: Final = 5.0
_CHECKED_WITHIN_SECONDS: Final = 15.0
_RELOADS: Final = (5, 12)
_POLL_SECONDS: Final = 0.2


class Scanner:
    """Its plays, and `put_off` for whoever needs files that wait for their check."""

    def __init__(self, stack: Stack, *, journal: Journal, stopping: Event, dice: Random) -> None:
        self._stack = stack
        self._journal = journal
        self._stopping = stopping
        self._dice = dice
        self._lock = threading.Lock()

    def plays(self) -> dict[str, Play]:
        return {KILLED: self._kill, FROZEN: self._freeze, RELOADED: self._reload}

    def put_off(self, is_over: Callable[[], bool]) -> None:
        """Away for a while, and back: what came in meanwhile is checked now, or at least until it is told that it is over."""
        self._away(_PUT_OFF_SECONDS)
        until = time.monotonic() + _CHECKED_WITHIN_SECONDS
        while time.monotonic() < until and not is_over():
            time.sleep(_POLL_SECONDS)

    def _kill(self) -> bool:
        self._away(self._dice.uniform(*_SECONDS))
        return True

    def _away(self, seconds: float) -> None:
        with self._lock:
            self._stack.server("clamd").kill()
            self._journal.note(KILLED, "scanner", lasted=seconds)
            self._stopping.wait(seconds)
            self._stack.start_server("clamd")

    def _freeze(self) -> bool:
        with self._lock:
            process = self._stack.server("clamd")
            process.pause()
            seconds = self._dice.uniform(*_SECONDS)
            self._journal.note(FROZEN, "scanner", lasted=seconds)
            self._stopping.wait(seconds)
            process.resume()
        return True

    def _reload(self) -> bool:
        """Files that are being scanned meanwhile are scanned with the signatures from before."""
        addresses = self._stack.addresses
        with self._lock:
            done = 0
            for _ in range(self._dice.randint(*_RELOADS)):
                try:
                    with socket.create_connection((addresses.clamd_host, addresses.clamd_port), timeout=5) as asking:
                        asking.sendall(b"zRELOAD\0")
                        done += asking.recv(64).startswith(b"RELOADING")
                except OSError:
                    continue
                self._stopping.wait(self._dice.uniform(0.2, 1.0))
            self._journal.note(RELOADED, "scanner", times=done)
        return done > 0
