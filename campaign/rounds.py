"""Something breaks, is healed, and after a pause the next thing breaks: round after round, until told to stop.

Each round plays everything once, in an order that is drawn. What did not strike (nobody came by while the gateway refused, no
commit was under way) comes again at the end of its round, so that a round is over only when all of it struck.
"""

from collections.abc import Callable, Collection, Mapping
from random import Random
from threading import Event

Play = Callable[[], bool]
"""Breaks something, heals it, and says whether it struck."""


class Rounds:
    """`first`: of what the first round is made, everything unless said otherwise. `is_through` is set at its end. `goes_on`:
    another round follows, and another; else that was all."""

    def __init__(
        self,
        plays: Mapping[str, Play],
        *,
        stopping: Event,
        pause: float,
        dice: Random,
        first: Collection[str] | None = None,
        goes_on: bool = True,
    ) -> None:
        self._plays = plays
        self._stopping = stopping
        self._pause = pause
        self._dice = dice
        self._left = self._shuffled(plays if first is None else first)
        self._missed = set(self._left)
        self._goes_on = goes_on
        self.is_through = Event()

    @property
    def missed(self) -> list[str]:
        """What is left of the first round."""
        return sorted(self._missed)

    def run(self) -> None:
        while not self._stopping.wait(self._dice.uniform(0.5, 1.5) * self._pause):
            if self.is_through.is_set() and not self._goes_on:
                continue
            name = self._left.pop(0)
            if self._plays[name]():
                self._missed.discard(name)
            else:
                self._left.append(name)
            if not self._left:
                self._left = self._shuffled(self._plays)
            if not self._missed:
                self.is_through.set()

    def _shuffled(self, names: Collection[str]) -> list[str]:
        ordered = list(names)
        self._dice.shuffle(ordered)
        return ordered
