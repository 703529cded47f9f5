"""A numbered fault is told as played only by what shows it, and what is planned can be shown."""

from collections import Counter

import pytest

from campaign import faults, rebalances, world
from campaign.faults import FAULTS, Fault, planned
from campaign.gateway import MODES, met, mode_names
from campaign.points import declared
from campaign.wires import Exchange
from stack.paths import ROOT

RANGES = ((17, 30), (50, 55), (70, 73), (90, 104), (110, 115), (130, 134), (170, 173))
ELSEWHERE = {f"F{number:03}" for number in (22, 25, 30, 52, 54, *range(93, 105), *range(112, 116))}


def test_every_number_that_a_campaign_is_asked_for_is_there_or_says_why_not() -> None:
    asked = {f"F{number:03}" for first, last in RANGES for number in range(first, last + 1)}
    assert FAULTS.keys() == asked
    assert asked - set(planned(is_whole=True)) == ELSEWHERE


def test_what_is_planned_passes_points_that_the_code_declares() -> None:
    named = {point for number in planned(is_whole=True) for point in FAULTS[number].points}
    assert named <= declared(ROOT), "other names?"


@pytest.mark.parametrize("number", FAULTS)
def test_what_shows_a_fault_is_written_by_somebody(number: str) -> None:
    told = "\n".join((ROOT / "campaign" / f"{name}.py").read_text() for name in ("world", "rebalances", "scanner"))
    modes = {mode for wishes in MODES for mode in mode_names(wishes)}
    for entry in FAULTS[number].entries:
        assert f'"{entry}"' in told or entry == faults.ON_PAPER
    assert modes.issuperset(FAULTS[number].modes)


def test_links_call_what_they_broke_by_the_names_that_are_counted() -> None:
    kinds = {exchange.value for exchange in Exchange}
    assert {name.removesuffix(" lost").rpartition(" ")[0] for name in world.LOSSES} == kinds
    assert rebalances.CROWD == 8


def test_a_fault_is_counted_by_its_points_its_entries_and_its_modes() -> None:
    entries = Counter({"broken": 3, met("slow"): 2, "other": 9})
    fault = Fault(what="", points=("a.b",), entries=("broken",), modes=("slow",))
    visits = ["a.b:kill", "a.b:raise", "a.bc:kill"]
    assert fault.times(visits, lambda *what: sum(entries[one] for one in what)) == 7


def test_the_short_form_plans_only_what_is_quick() -> None:
    quick = set(planned(is_whole=False))
    assert quick < set(planned(is_whole=True))
    assert {"F053", "F055", "F073", "F170"} <= quick
