"""The gateway misbehaves, in every way its simulator knows of ours, and is killed now and then.

What it did, not what it was told to do, is written down: the simulator counts how often each switch was met.
"""

import json
import urllib.request
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from random import Random
from threading import Event
from typing import Any, Final

from campaign.journal import Journal
from campaign.rounds import Play
from stack.house import House

Wishes = tuple[Mapping[str, object], ...]
"""Switches that are turned together: one at most for each of the simulator's boards."""

# A status that comes at once would spare the repeated call, which is what these are about.
_STATUS_COMES_LATER = {"mode": "late_status", "seconds": 6.0}

MODES: Final[tuple[Wishes, ...]] = (
    ({"mode": "slow", "seconds": 3.0, "share": 0.5},),
    ({"mode": "error500"},),
    ({"mode": "error503", "share": 0.7},),
    ({"mode": "error429", "share": 0.7},),
    ({"mode": "refuse", "share": 0.3},),
    ({"mode": "down"},),
    ({"mode": "accept_then_500"}, _STATUS_COMES_LATER),
    ({"mode": "accept_then_hang", "seconds": 4.0, "share": 0.5}, _STATUS_COMES_LATER),
    ({"mode": "accept_then_drop"}, _STATUS_COMES_LATER),
    ({"mode": "accept_then_html"}, _STATUS_COMES_LATER),
    ({"mode": "status_twice"},),
    ({"mode": "received_first"},),
    ({"mode": "fail_status", "share": 0.3},),
    ({"mode": "contradict_status", "share": 0.3},),
    ({"mode": "odd_status", "share": 0.1},),
    ({"mode": "no_status", "share": 0.1},),
    ({"mode": "accept_then_500", "share": 0.3}, {"mode": "status_twice"}),
    ({"mode": "fail_then_delivered", "seconds": 3.0, "share": 0.3},),
    ({"mode": "unmatched_status", "share": 0.3},),
    ({"mode": "returned", "share": 0.3},),
    ({"mode": "print_refuses", "share": 0.3},),
    ({"mode": "exempt_between", "share": 0.3},),
    ({"mode": "odd_code", "share": 0.1},),
    ({"mode": "received_forever", "seconds": 3.0, "share": 0.1},),
    ({"mode": "lookup_slow", "seconds": 3.0, "share": 0.5},),
    ({"mode": "lookup_error500"},),
    ({"mode": "lookup_error503", "share": 0.7},),
    ({"mode": "lookup_error429", "share": 0.7},),
    ({"mode": "lookup_html", "share": 0.7},),
    ({"mode": "lookup_down"},),
)
"""Every way that is played, those too that the simulator or the notifier has yet to learn."""

OF_THE_SIMULATOR: Final = frozenset({"fail_then_delivered", "unmatched_status", "odd_code", "received_forever"})
"""What the simulator has yet to learn."""
OF_THE_NOTIFIER: Final = frozenset(
    {
        "returned",
        "print_refuses",
        "exempt_between",
        "lookup_slow",
        "lookup_error500",
        "lookup_error503",
        "lookup_error429",
        "lookup_html",
        "lookup_down",
    }
)
"""What nobody meets before the notifier looks people up, and sends paper to those who are exempt."""
AWAITED: Final = OF_THE_SIMULATOR | OF_THE_NOTIFIER
"""What is not played yet. A test says when one of both has to be emptied; then it is played."""

KILLED: Final = "gateway killed"
_LONGEST_SECONDS = 14.0
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def mode_names(wishes: Wishes) -> list[str]:
    return [str(wish["mode"]) for wish in wishes]


def played(known: Collection[str]) -> list[Wishes]:
    """The ways that a simulator with these modes can be told to take."""
    return [
        wishes
        for wishes in MODES
        if not AWAITED.intersection(mode_names(wishes)) and set(mode_names(wishes)).issubset(known)
    ]


def met(mode: str) -> str:
    """What the journal calls it when somebody met the gateway in that mode."""
    return f"gateway {mode}"


class Gateway:
    """Its plays; each lasts some seconds and ends with a gateway that behaves well."""

    def __init__(self, house: House, *, journal: Journal, stopping: Event, dice: Random) -> None:
        self._house = house
        self._journal = journal
        self._stopping = stopping
        self._dice = dice

    def plays(self) -> Mapping[str, Play]:
        known = self._told()["modes"]
        return {
            KILLED: self._kill,
            **{f"gateway: {' + '.join(mode_names(one))}": partial(self._misbehave, one) for one in played(known)},
        }

    def heal(self) -> None:
        turn_gateway(self._house, ({"mode": "normal"},))

    def _kill(self) -> bool:
        process = self._house.process("post_gateway")
        process.kill()
        self._journal.note(KILLED, "gateway")
        self._stopping.wait(self._dice.uniform(1.0, 3.5))
        process.start()
        self._house.wait_ready(["post_gateway"])
        return True

    def _misbehave(self, wishes: Wishes) -> bool:
        self._journal.note("gateway turned", "gateway", modes=" + ".join(mode_names(wishes)))
        turn_gateway(self._house, wishes)
        self._stopping.wait(self._dice.uniform(4.0, _LONGEST_SECONDS))
        used = times_used(wishes, self._told())
        self.heal()
        for mode, times in used.items():
            if times:
                self._journal.note(met(mode), "gateway", times=times)
        return all(used.values())

    def _told(self) -> Mapping[str, Any]:
        with _DIRECT.open(f"{self._house.http_url('post_gateway')}/_sim/switches", timeout=30) as answer:
            told: Mapping[str, Any] = json.load(answer)
            return told


def times_used(wishes: Wishes, told: Mapping[str, Any]) -> dict[str, int]:
    """How often each switch was met, by what the simulator tells of its boards."""
    boards = [board for board in told.values() if isinstance(board, dict) and "used" in board]
    return {mode: sum(int(board["used"]) for board in boards if board["mode"] == mode) for mode in mode_names(wishes)}


def turn_gateway(house: House, wishes: Sequence[Mapping[str, object]]) -> None:
    """How the gateway behaves from now on: one switch for its answers, one for its statuses."""
    for wish in wishes:
        post(f"{house.http_url('post_gateway')}/_sim/switches", wish)


def post(url: str, body: Mapping[str, object]) -> None:
    """Tells a simulator something."""
    headers = {"content-type": "application/json"}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers)  # noqa: S310 - loopback
    _DIRECT.open(request, timeout=30).close()
