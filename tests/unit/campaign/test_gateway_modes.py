"""Each way in which the gateway is to misbehave is one that its simulator knows, and nothing stays awaited that is there."""

import ast
from collections.abc import Iterator

import pytest

from campaign.gateway import AWAITED, MODES, OF_THE_NOTIFIER, OF_THE_SIMULATOR, Wishes, mode_names, played, times_used
from simulators.post_gateway.switches import LOOKUP_MODES, REQUEST_MODES, STATUS_MODES, Switchboard
from stack.paths import ROOT

KNOWN = {**REQUEST_MODES, **STATUS_MODES, **LOOKUP_MODES}
DECLARED = {mode for wishes in MODES for mode in mode_names(wishes)}


def test_whatever_is_declared_is_known_to_the_simulator_or_awaited() -> None:
    assert DECLARED - KNOWN.keys() <= AWAITED, "the simulator has no such mode: another name?"


def test_what_the_simulator_has_learnt_is_awaited_no_more() -> None:
    learnt = OF_THE_SIMULATOR & KNOWN.keys()
    assert not learnt, f"take these out of campaign.gateway.OF_THE_SIMULATOR, and they are played: {sorted(learnt)}"


def test_look_ups_and_paper_are_awaited_as_long_as_the_notifier_looks_nobody_up() -> None:
    looks_up = any(_calls("is_registered"))
    assert looks_up != bool(OF_THE_NOTIFIER), "empty campaign.gateway.OF_THE_NOTIFIER, and its ways are played"


def _calls(name: str) -> Iterator[bool]:
    for path in (ROOT / "services" / "notifier" / "usecases").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == name:
                yield True


def test_nothing_is_awaited_that_nobody_declares() -> None:
    assert AWAITED <= DECLARED


def test_no_two_ways_are_called_the_same() -> None:
    names = [" + ".join(mode_names(wishes)) for wishes in MODES]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("wishes", played(KNOWN), ids=lambda wishes: " + ".join(mode_names(wishes)))
def test_all_switches_of_a_way_hold_at_the_same_time(wishes: Wishes) -> None:
    board = Switchboard()
    for wish in wishes:
        board.set(dict(wish))
    for turned in (board.request, board.status, board.lookup):
        turned.used = 7
    assert times_used(wishes, {**board.told(), "modes": {}}) == dict.fromkeys(mode_names(wishes), 7)


def test_what_is_awaited_or_unknown_is_not_played() -> None:
    names = {mode for wishes in played(KNOWN) for mode in mode_names(wishes)}
    assert names == DECLARED - AWAITED
    assert played(["slow", "fail_then_delivered"]) == [MODES[0]]
