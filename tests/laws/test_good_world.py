"""On good evidence every law holds; on none, none does."""

from collections.abc import Callable

import pytest

from laws.evidence import Evidence
from laws.judging import CHECKERS, examined
from tests.laws import post
from tests.laws.world import World, good_world, whole_world


@pytest.mark.parametrize("world", [good_world, whole_world, *post.WAYS])
def test_every_law_holds_where_nothing_is_wrong(world: Callable[[], World]) -> None:
    verdicts = examined(world().evidence())
    assert [verdict.offences for verdict in verdicts] == [{}] * len(CHECKERS)


@pytest.mark.parametrize("nth", range(len(CHECKERS)))
def test_a_checker_that_sees_nothing_says_so_and_fails(nth: int) -> None:
    nothing = Evidence(log={}, rows={}, gateway={"attempts": [], "letters": [], "status_messages": []}, sent=[])
    verdict = CHECKERS[nth](nothing)
    assert not verdict.holds
    assert "there was nothing to judge" in verdict.offences


def test_a_verdict_tells_rule_number_and_first_offenders() -> None:
    world = good_world()
    del world.rows["intake"]["inbox_record"][1]
    lines = [line for verdict in examined(world.evidence()) for line in verdict.lines() if "without a fate" in line]
    assert lines == ["        a notification without a fate: 1, e.g. nemrefusion.notification.v1:0:1"]
