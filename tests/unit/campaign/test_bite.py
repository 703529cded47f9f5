"""Each bug can still be planted in the tree as it stands, and a patch that no longer fits is refused."""

import ast
import json
import shutil
from pathlib import Path

import pytest

from campaign.bite.__main__ import CONTROL, judge
from campaign.bite.bugs import BUGS, Bug, Patch
from campaign.bite.raids import RAIDS, everything
from campaign.bite.tree import CannotPlant, plant
from campaign.points import passed_by
from laws import letters, progress
from stack.paths import ROOT


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_a_bug_can_be_planted_and_leaves_code_that_can_be_read(bug: Bug, tmp_path: Path) -> None:
    target = tmp_path / bug.patch.file
    target.parent.mkdir(parents=True)
    shutil.copy(ROOT / bug.patch.file, target)
    plant(bug.patch, tmp_path)
    planted = target.read_text()
    ast.parse(planted)
    assert planted != (ROOT / bug.patch.file).read_text()


@pytest.mark.parametrize("text", ["not there", "twice"])
def test_a_patch_that_does_not_fit_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "file.py").write_text("twice\ntwice\n")
    with pytest.raises(CannotPlant, match="holds"):
        plant(Patch(file="file.py", changes={text: "bug"}), tmp_path)


def test_every_bug_has_its_raid_and_every_raid_its_bug() -> None:
    assert {bug.raid for bug in BUGS} == RAIDS.keys()


def test_a_raid_strikes_only_where_its_service_passes() -> None:
    for service, told in everything().lives.items():
        assert {strike.point for life in told for strike in life.wished} <= passed_by(service, ROOT)


def outcome(folder: Path, *broken: str, never_struck: tuple[str, ...] = ()) -> Path:
    path = folder / "outcome.json"
    path.write_text(json.dumps({"broken": [[law, "a rule"] for law in broken], "never_struck": never_struck}))
    return path


def test_a_bug_is_found_by_a_broken_law_and_the_control_by_none(tmp_path: Path) -> None:
    assert judge("a bug", outcome(tmp_path, letters.LAW), 1, tmp_path).is_as_it_should_be
    assert not judge(CONTROL, outcome(tmp_path, letters.LAW), 1, tmp_path).is_as_it_should_be
    assert not judge("a bug", outcome(tmp_path), 1, tmp_path).is_as_it_should_be
    assert judge(CONTROL, outcome(tmp_path), 1, tmp_path).is_as_it_should_be


def test_a_slow_machine_finds_no_bug_and_spoils_the_control(tmp_path: Path) -> None:
    assert not judge("a bug", outcome(tmp_path, progress.LAW), 1, tmp_path).is_as_it_should_be
    assert not judge(CONTROL, outcome(tmp_path, progress.LAW), 1, tmp_path).is_as_it_should_be


def test_a_raid_that_came_to_nothing_or_never_struck_proves_nothing(tmp_path: Path) -> None:
    assert not judge("a bug", tmp_path / "none.json", 1, tmp_path).is_as_it_should_be
    missed = outcome(tmp_path, letters.LAW, never_struck=("tasks bus.revoked:kill",))
    assert not judge("a bug", missed, 1, tmp_path).is_as_it_should_be
