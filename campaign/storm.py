"""Everything that breaks a site at once, in threads of their own: each service's lives, the world, the gateway, the groups."""

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from random import Random
from threading import Event

from campaign.gateway import Gateway
from campaign.plan import Extent, Life
from campaign.rebalances import Rebalances
from campaign.rounds import Play, Rounds
from campaign.site import SESSION_TIMEOUT_MS, Site
from campaign.world import World


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """What a campaign is to be: see `__main__` for the two usual ones. Pauses and `longest_outage` are seconds; a whole one plays
    every fault that can be played, any other only those that are quick."""

    seed: int
    notifications: int
    submissions: int
    kills: int
    rebalances: int
    rate: float
    submission_rate: float
    minutes: float
    extents: Mapping[str, Extent]
    world_pause: float
    gateway_pause: float
    rebalance_pause: float
    longest_outage: float
    is_whole: bool
    gateway_dedupes: bool = True


QUICK_GATEWAY_PLAYS = 4


class Storm:
    """`is_over` once everything that was wished for has struck; `heal` when all its threads have ended."""

    def __init__(self, site: Site, wish: Wish, plan: Mapping[str, Sequence[Life]], stopping: Event) -> None:
        self._site = site
        self._wish = wish
        self._stopping = stopping
        scanner = site.scanner(stopping)
        self._lanes = [site.lane(service, told, stopping, scanner) for service, told in plan.items()]
        journal = site.journal
        self._world = World(
            site.stack,
            site.links,
            journal=journal,
            stopping=stopping,
            house=site.house,
            scanner=scanner,
            longest=wish.longest_outage,
            dice=Random(f"{wish.seed}:world"),
        )
        self._gateway = Gateway(site.house, journal=journal, stopping=stopping, dice=Random(f"{wish.seed}:gateway"))
        self.rebalances = Rebalances(
            site.stack,
            site.house,
            journal=journal,
            stopping=stopping,
            session_seconds=SESSION_TIMEOUT_MS / 1_000,
            dice=Random(f"{wish.seed}:rebalances"),
        )
        self._rounds = {
            "the world": self._world_round(),
            "the gateway": self._gateway_round(),
            "rebalances": self._rebalance_round(),
        }
        self._runs = [*(lane.run for lane in self._lanes), *(rounds.run for rounds in self._rounds.values())]

    def start(self, pool: Executor) -> list["Future[None]"]:
        """One thread each, until `stopping`."""
        return [pool.submit(run) for run in self._runs]

    @property
    def threads(self) -> int:
        return len(self._runs)

    @property
    def is_over(self) -> bool:
        through = [one.is_through for one in self._lanes] + [one.is_through for one in self._rounds.values()]
        return (
            all(event.is_set() for event in through) and self._site.journal.count("rebalance") >= self._wish.rebalances
        )

    @property
    def missed(self) -> Mapping[str, Sequence[str]]:
        """What never struck, by who was to play it."""
        return {who: rounds.missed for who, rounds in self._rounds.items() if rounds.missed}

    def heal(self) -> None:
        """Whatever else was broken was mended by who broke it."""
        self._world.heal()
        self._gateway.heal()

    def _world_round(self) -> Rounds:
        return self._round(self._world.plays(), "world", self._wish.world_pause)

    def _gateway_round(self) -> Rounds:
        plays = self._gateway.plays()
        if self._wish.is_whole:
            return self._round(plays, "gateway", self._wish.gateway_pause)
        first = Random(f"{self._wish.seed}:gateway plays").sample(sorted(plays), QUICK_GATEWAY_PLAYS)
        return self._round(plays, "gateway", self._wish.gateway_pause, first)

    def _rebalance_round(self) -> Rounds:
        plays = self.rebalances.plays(has_crowd=self._wish.is_whole)
        first = list(plays) if self._wish.is_whole else [name for name in plays if "held up" in name]
        return self._round(plays, "rebalances", self._wish.rebalance_pause, first)

    def _round(self, plays: Mapping[str, Play], who: str, pause: float, first: Sequence[str] | None = None) -> Rounds:
        dice = Random(f"{self._wish.seed}:{who}:rounds")
        return Rounds(plays, stopping=self._stopping, pause=pause, dice=dice, first=first, goes_on=self._wish.is_whole)
