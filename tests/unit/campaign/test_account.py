"""A campaign is clean only if all that was wished for came about, and its account says how often each fault was played."""

import ast
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from campaign import faults
from campaign.account import lines
from campaign.campaign import Account, Campaign
from campaign.plan import Extent
from campaign.points import services
from campaign.storm import Wish
from stack.paths import ROOT

WISH = Wish(
    seed=7,
    notifications=20,
    submissions=4,
    kills=2,
    rebalances=3,
    rate=10,
    submission_rate=1,
    minutes=1,
    extents=dict.fromkeys(services(ROOT), Extent(kills=0, stops=0, deaths=0)),
    world_pause=1,
    gateway_pause=1,
    rebalance_pause=1,
    longest_outage=5,
    is_whole=True,
)
ALL = dict.fromkeys(faults.FAULTS, 4)


@pytest.fixture
def campaign(tmp_path: Path) -> Iterator[Campaign]:
    made = Campaign(WISH, tmp_path)
    yield made
    made.journal.close()


def note(campaign: Campaign, **number: int) -> None:
    for what, times in number.items():
        for _ in range(times):
            campaign.journal.note(what, "somebody")


def test_what_was_wished_for_and_came_about_leaves_nothing_to_say(campaign: Campaign) -> None:
    note(campaign, kill=2, rebalance=3)
    assert campaign._failures({"ok": 20, "answered": 4}, {}, ALL) == []


def test_too_few_of_anything_is_told(campaign: Campaign) -> None:
    note(campaign, kill=1, rebalance=2)
    assert campaign._failures({"ok": 19, "answered": 3}, {}, ALL) == [
        "only 19 of 20 notifications were sent",
        "only 3 of 4 submissions were answered",
        "only 1 of 2 kills",
        "only 2 of 3 rebalances",
    ]


def test_a_planned_fault_that_was_never_played_is_told_and_one_that_nobody_plays_is_not(campaign: Campaign) -> None:
    note(campaign, kill=2, rebalance=3)
    found = campaign._failures({"ok": 20, "answered": 4}, {"the world": ["link cut"]}, {**ALL, "F053": 0, "F054": 0})
    assert found == ["the world never met link cut", "F053 was never played: records taken, the reply lost"]
    campaign.wish = replace(WISH, is_whole=False)
    assert campaign._failures({"ok": 20, "answered": 4}, {}, {**ALL, "F171": 0}) == []


def test_a_process_that_ended_by_itself_spoils_it(campaign: Campaign) -> None:
    note(campaign, kill=2, rebalance=3)
    campaign.journal.note("died unasked", "intake")
    [failure] = campaign._failures({"ok": 20, "answered": 4}, {}, ALL)
    assert failure.startswith("1 processes ended by a fault of ours")


def test_the_account_tells_each_number_that_was_played_and_each_that_was_not(campaign: Campaign) -> None:
    account = Account(
        wish=WISH,
        journal=campaign.journal,
        sent={"ok": 20},
        asked={"send 200": 4},
        watched=3,
        verdicts=[],
        struck={"raise": 5},
        never_struck={},
        points={"intake": 4},
        played={**ALL, "F073": 17, "F054": 0},
        most_members=8,
    )
    told = list(lines(account))
    [played] = [line for line in told if line.startswith("faults")]
    assert "F073 17" in played.split(", ")
    assert "F054" not in played
    assert "not met   F054 (the leader moves)" in told
    assert told[-1] == "clean: nothing lost, nothing doubled"


def test_no_entry_of_the_journal_says_when_it_happened_in_words_of_its_own() -> None:
    """`seconds` is the journal's: since it was begun."""
    for path in sorted((ROOT / "campaign").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "note":
                assert "seconds" not in {word.arg for word in node.keywords}, f"{path.name}:{node.lineno}"
