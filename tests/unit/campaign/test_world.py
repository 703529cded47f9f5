"""The world says that something struck only when it did, and nothing lasts longer than it may."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from threading import Event
from typing import Any, cast

import pytest

from campaign import world
from campaign.journal import Journal
from campaign.link import Links
from campaign.scanner import Scanner
from campaign.wires import Exchange
from campaign.world import LENGTHS, LOSSES, World
from stack import Stack
from stack.house import House


@dataclass(kw_only=True)
class AnyLink:
    """A link over which `passing` kinds of exchange pass, so many times each, and `connected` connections are open."""

    journal: Journal
    passing: dict[str, int] = field(default_factory=dict)
    connected: int = 0
    verbs: list[str] = field(default_factory=list)

    def lose_answer(self, exchange: Exchange) -> None:
        self._lose(f"{exchange} answer lost")

    def lose_request(self, exchange: Exchange) -> None:
        self._lose(f"{exchange} request lost")

    def _lose(self, what: str) -> None:
        self.verbs.append(what)
        if self.passing.get(what, 0):
            self.passing[what] -= 1
            self.journal.note(what, "link")

    def tear(self, after: int) -> int:
        self.verbs.append("tear")
        assert 0 <= after <= 200
        for _ in range(self.connected):
            self.journal.note("answer torn", "link")
        return self.connected

    def cut(self) -> int:
        self.verbs.append("cut")
        return self.connected

    def stall(self) -> None:
        self.verbs.append("stall")

    def refuse(self) -> None:
        self.verbs.append("refuse")

    def heal(self) -> None:
        self.verbs.append("heal")


@dataclass(kw_only=True)
class AnyLinks:
    kafka: AnyLink
    postgres: AnyLink

    def heal(self) -> None:
        self.kafka.heal()
        self.postgres.heal()


Make = Callable[..., tuple[World, AnyLinks]]


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Make]:
    journal = Journal(tmp_path / "history.jsonl")
    monkeypatch.setattr(world, "_LONGEST_LOSS_SECONDS", 0.05)
    monkeypatch.setattr(world, "_TORN_WITHIN_SECONDS", 0.05)
    monkeypatch.setattr(world, "_USUAL_SECONDS", (0.01, 0.02))

    def build(*, longest: float = 5, **kafka_and_postgres: Any) -> tuple[World, AnyLinks]:
        links = AnyLinks(
            kafka=AnyLink(journal=journal, **kafka_and_postgres),
            postgres=AnyLink(journal=journal, **kafka_and_postgres),
        )
        return (
            World(
                cast("Stack", None),
                cast("Links", links),
                journal=journal,
                stopping=Event(),
                house=cast("House", None),
                scanner=Scanner(cast("Stack", None), journal=journal, stopping=Event(), dice=Random(3)),
                longest=longest,
                dice=Random(3),
            ),
            links,
        )

    yield build
    journal.close()


@pytest.mark.parametrize("what", LOSSES)
def test_a_loss_struck_when_something_was_lost_and_is_taken_back_when_nothing_is(make: Make, what: str) -> None:
    quiet, links = make()
    assert not quiet.plays()[what]()
    assert [*links.kafka.verbs, *links.postgres.verbs].count(what) == 1
    assert links.kafka.verbs[-1] == links.postgres.verbs[-1] == "heal"
    busy, links = make(passing={what: 2})
    assert busy.plays()[what]()
    assert [*links.kafka.verbs, *links.postgres.verbs].count(what) == 3  # the third finds nothing left


@pytest.mark.parametrize("what", ["link cut", "answers torn", "link refused"])
def test_a_link_that_nobody_uses_breaks_for_nobody(make: Make, what: str) -> None:
    unused, links = make()
    assert not unused.plays()[what]()
    assert links.kafka.verbs[-1] == links.postgres.verbs[-1] == "heal"
    used, _ = make(connected=2)
    assert used.plays()[what]()


def test_a_stall_strikes_and_ends(make: Make) -> None:
    stalled, links = make()
    assert stalled.plays()["link stalled"]()
    assert sorted([links.kafka.verbs, links.postgres.verbs]) == [["heal"], ["stall", "heal"]]


@pytest.mark.parametrize(("longest", "wanted"), [(5, [5]), (30, [5, 30]), (120, [5, 30, 120])])
def test_each_length_that_is_wanted_is_dealt_once_and_none_beyond_the_longest(
    make: Make, longest: float, wanted: list[float]
) -> None:
    made, _ = make(longest=longest)
    dealt = [made._seconds("broker killed") for _ in range(5)]
    assert sorted(dealt[: len(wanted)]) == wanted
    assert all(seconds < 1 for seconds in dealt[len(wanted) :])
    assert set(LENGTHS) < set(made.plays())
