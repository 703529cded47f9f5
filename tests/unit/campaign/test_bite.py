"""Each bug can still be planted in the tree as it stands, and a patch that no longer fits is refused."""

import ast
import shutil
from pathlib import Path

import pytest

from campaign.bite.bugs import BUGS, Bug, Patch
from campaign.bite.raids import RAIDS, everything
from campaign.bite.tree import CannotPlant, plant
from campaign.points import passed_by
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
