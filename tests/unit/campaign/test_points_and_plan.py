"""The campaign meets what the code declares: points are read off it, and a plan follows from its seed."""

from pathlib import Path
from random import Random

import pytest

from campaign.plan import Action, Extent, Life, Strike, extents, lives, planned
from campaign.points import BY_COMMAND, declared, passed_by, services
from stack.paths import ROOT

POINTS = ("bus.after_fetch", "bus.revoked", "relay.after_ack", "tasks.somewhere")


def test_every_declared_point_is_passed_by_a_service() -> None:
    passed = {point for service in services(ROOT) for point in passed_by(service, ROOT)}
    assert passed == declared(ROOT) - BY_COMMAND


def test_a_service_passes_the_points_of_the_plumbing_it_uses_and_no_others() -> None:
    assert "stage.before_commit" in passed_by("tasks", ROOT)
    assert "stage.before_commit" not in passed_by("intake", ROOT)
    assert "relay.after_ack" not in passed_by("citizens", ROOT)


def test_a_new_point_is_seen_as_soon_as_it_is_written(tmp_path: Path) -> None:
    service = tmp_path / "services" / "new"
    service.mkdir(parents=True)
    (tmp_path / "plumbing").mkdir()
    (tmp_path / "plumbing" / "part.py").write_text('class Part:\n    def go(self):\n        faultpoint("part.here")\n')
    (service / "app.py").write_text('Part()\nfaultpoint("new.there")\n')
    assert services(tmp_path) == ("new",)
    assert passed_by("new", tmp_path) == declared(tmp_path) == {"part.here", "new.there"}


def test_the_same_seed_gives_the_same_plan() -> None:
    assert lives(POINTS, Extent(), Random(5)) == lives(POINTS, Extent(), Random(5))
    assert lives(POINTS, Extent(), Random(5)) != lives(POINTS, Extent(), Random(6))


def test_a_whole_plan_raises_kills_and_stops_at_every_point() -> None:
    wished = planned({"tasks": lives(POINTS, Extent(), Random(1))})["tasks"]
    assert wished == {f"{point}:{action}" for point in POINTS for action in ("kill", "stop", "raise")}


def test_a_short_plan_still_raises_at_every_point() -> None:
    told = lives(POINTS, Extent(kills=1, stops=0, deaths=0), Random(1))
    wished = planned({"tasks": told})["tasks"]
    assert {f"{point}:raise" for point in POINTS} <= wished
    assert len([strike for life in told for strike in life.wished if strike.action is Action.KILL]) == 1


@pytest.mark.parametrize("kills", [0, 40, 200])
def test_there_are_kills_enough_and_those_with_few_points_die_more_often(kills: int) -> None:
    points = {"citizens": 4, "intake": 15, "notifier": 22}
    found = extents(points, kills)
    deaths = {service: extent.deaths for service, extent in found.items()}
    assert all(extent.kills is None and extent.stops is None for extent in found.values())
    assert sum(points.values()) + sum(deaths.values()) >= kills
    assert deaths["citizens"] >= deaths["intake"] >= deaths["notifier"] > 0
    assert kills < 200 or deaths["citizens"] > deaths["intake"] > deaths["notifier"]


def test_a_life_tells_its_process_what_to_meet() -> None:
    raised = Strike(point="bus.after_fetch", action=Action.RAISE, nth=2)
    life = Life(wished=(Strike(point="relay.after_ack", action=Action.KILL),), raises=(raised,))
    assert life.environment == {"FAULTPOINTS": "relay.after_ack:kill:1,bus.after_fetch:raise:2"}
    assert life.end is not None
    assert life.end.visit == "relay.after_ack:kill"


@pytest.mark.parametrize("action", [Action.RAISE, Action.DIE])
def test_a_process_is_told_nothing_of_what_comes_from_outside(action: Action) -> None:
    life = Life(wished=(Strike(point="anywhere", action=action),))
    assert ("anywhere" in life.environment["FAULTPOINTS"]) == (action is Action.RAISE)


def test_what_is_passed_only_now_and_then_is_met_the_first_time() -> None:
    told = lives(["intake.before_sweep", "relay.after_ack"], Extent(deaths=0), Random(3))
    found = [strike for life in told for strike in (*life.wished, *life.raises)]
    assert {strike.nth for strike in found if strike.point == "intake.before_sweep"} == {1}
