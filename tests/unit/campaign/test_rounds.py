"""A round plays everything until all of it struck, and the next one begins."""

import time
from functools import partial
from random import Random
from threading import Event, Thread

from campaign.rounds import Play, Rounds


class Stage:
    """Plays that are written down; each strikes at the try that `strikes_at` names, and always after."""

    def __init__(self, last: int, **strikes_at: int) -> None:
        self.stopping = Event()
        self.played: list[str] = []
        self._last = last
        self._strikes_at = strikes_at

    @property
    def plays(self) -> dict[str, Play]:
        return {name: partial(self._play, name) for name in self._strikes_at}

    def _play(self, name: str) -> bool:
        self.played.append(name)
        if len(self.played) == self._last:
            self.stopping.set()
        return self.played.count(name) >= self._strikes_at[name]

    def rounds(self, *first: str) -> Rounds:
        return Rounds(self.plays, stopping=self.stopping, pause=0, dice=Random(1), first=first or None)


def test_each_is_played_once_a_round_in_an_order_that_follows_from_the_dice() -> None:
    stage, again = (Stage(12, a=1, b=1, c=1, d=1) for _ in range(2))
    rounds = stage.rounds()
    rounds.run()
    again.rounds().run()
    assert [set(stage.played[at : at + 4]) for at in (0, 4, 8)] == [set("abcd")] * 3
    assert stage.played == again.played
    assert rounds.is_through.is_set()
    assert rounds.missed == []


def test_what_did_not_strike_comes_again_in_the_same_round() -> None:
    stage = Stage(5, a=1, b=3, c=1)
    rounds = stage.rounds()
    rounds.run()
    assert stage.played.count("b") == 3
    assert rounds.is_through.is_set()


def test_what_never_struck_is_told_and_nobody_is_through() -> None:
    stage = Stage(9, a=1, never=99)
    rounds = stage.rounds()
    rounds.run()
    assert rounds.missed == ["never"]
    assert not rounds.is_through.is_set()


def test_the_first_round_may_be_of_a_few() -> None:
    stage = Stage(4, a=1, b=1, c=1)
    rounds = stage.rounds("b")
    rounds.run()
    assert stage.played[0] == "b"
    assert set(stage.played[1:]) == set("abc")
    assert rounds.missed == []


def test_one_round_may_be_all() -> None:
    played: list[str] = []
    stopping = Event()

    def play() -> bool:
        played.append("it")
        return True

    rounds = Rounds({"it": play}, stopping=stopping, pause=0.001, dice=Random(1), goes_on=False)
    thread = Thread(target=rounds.run)
    thread.start()
    assert rounds.is_through.wait(5)
    time.sleep(0.05)
    stopping.set()
    thread.join(5)
    assert played == ["it"]
