"""Each way in which the gateway is to misbehave is one that its simulator knows."""

import pytest

from campaign.gateway import MODES, Wishes, mode_names, times_used
from simulators.post_gateway.switches import LOOKUP_MODES, REQUEST_MODES, STATUS_MODES, Switchboard

KNOWN = {**REQUEST_MODES, **STATUS_MODES, **LOOKUP_MODES}
DECLARED = {mode for wishes in MODES for mode in mode_names(wishes)}


def test_whatever_is_declared_is_known_to_the_simulator() -> None:
    assert KNOWN.keys() >= DECLARED


def test_no_two_ways_are_called_the_same() -> None:
    names = [" + ".join(mode_names(wishes)) for wishes in MODES]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("wishes", MODES, ids=lambda wishes: " + ".join(mode_names(wishes)))
def test_all_switches_of_a_way_hold_at_the_same_time(wishes: Wishes) -> None:
    board = Switchboard()
    for wish in wishes:
        board.set(dict(wish))
    for turned in (board.request, board.status, board.lookup):
        turned.used = 7
    assert times_used(wishes, {**board.told(), "modes": {}}) == dict.fromkeys(mode_names(wishes), 7)
