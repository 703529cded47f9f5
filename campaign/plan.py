"""The plan: which fault strikes which service at which point, in which order. Follows from the seed and nothing else.

A *life* is one start of a service's process, with the faults it is told to meet: any number of raised errors, and at
most one fault that ends or stops it. The first life of each service raises at every point it passes (behind an effect
that is "did it, but said it failed"); then each point is met by a kill and by a stop; between those a process dies
anywhere.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import Random

# Passed only now and then: the first passing is the one to take.
_RARE = frozenset(
    {
        "bus.revoked",
        "citizens.before_destroy_commit",
        "notifier.fallback_planned",
        "objects.after_delete",
        "uploads.after_check",
        "uploads.before_check_commit",
    }
)
# Passed every few seconds, when somebody waited in vain: a later passing may not come within a life.
_SELDOM = frozenset({"intake.before_sweep", "intake.before_sweep_commit"})
_RAISES_BESIDE = 2
_LEAST_DEATHS = 2
# A kill at a point that was stopped there instead, or that nobody passed in time, is none.
_TO_SPARE = 1.05


class Action(StrEnum):
    """What a fault does to its process. `die`: SIGKILL from outside, wherever it is just then."""

    KILL = "kill"
    STOP = "stop"
    RAISE = "raise"
    DIE = "die"


@dataclass(frozen=True, kw_only=True, slots=True)
class Strike:
    """One fault: at the `nth` passing of `point` since the process began."""

    point: str
    action: Action
    nth: int = 1

    @property
    def spelt(self) -> str:
        return f"{self.point}:{self.action}:{self.nth}"

    @property
    def visit(self) -> str:
        """What the process writes down before it does it."""
        return f"{self.point}:{self.action}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Life:
    """One start of a process. `wished` are the faults that have to strike; `raises` strike if their turn comes."""

    wished: tuple[Strike, ...]
    raises: tuple[Strike, ...] = ()

    @property
    def end(self) -> Strike | None:
        """The fault that ends or stops the process."""
        return next((strike for strike in self.wished if strike.action is not Action.RAISE), None)

    @property
    def environment(self) -> dict[str, str]:
        strikes = [strike for strike in (*self.wished, *self.raises) if strike.action is not Action.DIE]
        return {"FAULTPOINTS": ",".join(strike.spelt for strike in strikes)}


@dataclass(frozen=True, kw_only=True, slots=True)
class Extent:
    """How much of everything: kills and stops per service (None: at every point), and deaths anywhere."""

    kills: int | None = None
    stops: int | None = None
    deaths: int = 2


def extents(points: Mapping[str, int], kills: int) -> dict[str, Extent]:
    """Every point of each service by kill and by stop, and deaths anywhere until there are so many kills and some to spare;
    most of them to those who have the fewest points, so that all are through at about the same time."""
    everywhere = sum(points.values())
    deaths = max(_LEAST_DEATHS * len(points), math.ceil(kills * _TO_SPARE) - everywhere)
    weights = {service: everywhere - number for service, number in points.items()}
    return {
        service: Extent(deaths=math.ceil(deaths * weight / max(1, sum(weights.values()))))
        for service, weight in weights.items()
    }


def lives(points: Iterable[str], extent: Extent, dice: Random) -> list[Life]:
    """The lives of one service, in the order in which they are lived."""
    ordered = sorted(points)
    ending = [
        *_some(ordered, Action.KILL, extent.kills, dice),
        *_some(ordered, Action.STOP, extent.stops, dice),
        *(Strike(point="anywhere", action=Action.DIE) for _ in range(extent.deaths)),
    ]
    dice.shuffle(ending)
    first = [
        Life(wished=tuple(_strike(point, Action.RAISE, dice) for point in ordered if point not in _RARE)),
        *(Life(wished=(_strike(point, Action.RAISE, dice),)) for point in ordered if point in _RARE),
    ]
    return first + [Life(wished=(strike,), raises=_beside(strike, ordered, dice)) for strike in ending]


def planned(all_lives: Mapping[str, Sequence[Life]]) -> dict[str, set[str]]:
    """What has to be found in the visits of each service, as `point:action`."""
    return {
        service: {strike.visit for life in told for strike in life.wished if strike.action is not Action.DIE}
        for service, told in all_lives.items()
    }


def _some(points: Sequence[str], action: Action, number: int | None, dice: Random) -> list[Strike]:
    chosen = points if number is None else dice.sample(points, min(number, len(points)))
    return [_strike(point, action, dice) for point in chosen]


def _strike(point: str, action: Action, dice: Random) -> Strike:
    return Strike(point=point, action=action, nth=1 if point in _RARE | _SELDOM else dice.randint(1, 3))


def _beside(strike: Strike, points: Sequence[str], dice: Random) -> tuple[Strike, ...]:
    others = [point for point in points if point != strike.point and point not in _RARE]
    return tuple(_strike(point, Action.RAISE, dice) for point in dice.sample(others, min(_RAISES_BESIDE, len(others))))
