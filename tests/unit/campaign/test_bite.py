"""Each bug and each breach can still be planted in the tree as it stands, and a patch that no longer fits is refused."""

import ast
import json
import shutil
from pathlib import Path

import pytest

from campaign.bite import rules
from campaign.bite.__main__ import judge
from campaign.bite.breaches import BREACHES, Breach
from campaign.bite.bugs import BUGS, Bug, Patch
from campaign.bite.raids import CONTROL, RAIDS, controls, raid_of
from campaign.bite.tree import CannotPlant, plant
from campaign.points import passed_by
from laws import letters, progress
from stack.paths import ROOT

PLANTED: list[Bug | Breach] = [*BUGS, *BREACHES]


@pytest.mark.parametrize("patch", [one.patch for one in PLANTED], ids=[one.name for one in PLANTED])
def test_what_is_planted_fits_and_leaves_code_that_can_be_read(patch: Patch, tmp_path: Path) -> None:
    target = tmp_path / patch.file
    target.parent.mkdir(parents=True)
    shutil.copy(ROOT / patch.file, target)
    plant(patch, tmp_path)
    planted = target.read_text()
    ast.parse(planted)
    assert planted != (ROOT / patch.file).read_text()


def test_no_two_that_are_planted_have_one_name() -> None:
    names = [one.name for one in PLANTED]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("text", ["not there", "twice"])
def test_a_patch_that_does_not_fit_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "file.py").write_text("twice\ntwice\n")
    with pytest.raises(CannotPlant, match="holds"):
        plant(Patch(file="file.py", changes={text: "bug"}), tmp_path)


def test_every_bug_has_its_raid_and_every_raid_its_bug() -> None:
    assert {bug.raid for bug in BUGS} == RAIDS.keys()


def test_a_raid_strikes_only_where_its_service_passes() -> None:
    for raid in RAIDS.values():
        for service, told in raid.lives.items():
            assert {strike.point for life in told for strike in life.wished} <= passed_by(service, ROOT)


def test_every_raid_is_in_one_control_in_which_the_gateway_behaves_as_it_does_there() -> None:
    found = [name for names in controls().values() for name in names]
    assert sorted(found) == sorted(RAIDS)
    for control, names in controls().items():
        whole = raid_of(control)
        for name in names:
            raid = RAIDS[name]
            assert whole.gateway == raid.gateway or not raid.gateway
            assert whole.gateway_dedupes == raid.gateway_dedupes or not raid.gateway
            assert whole.surfaced_after == raid.surfaced_after or not raid.gateway
            assert set(raid.lives) <= set(whole.lives)


def test_raids_with_a_gateway_that_behaves_otherwise_do_not_go_together() -> None:
    forgetful = "the gateway forgets, accepts and says 500"
    assert not RAIDS["the gateway accepts and says 500"].goes_with(RAIDS[forgetful])
    assert not raid_of(forgetful).gateway_dedupes
    assert raid_of("odd headers") == RAIDS["odd headers"]


def outcome(folder: Path, *broken: str, never_struck: tuple[str, ...] = ()) -> Path:
    path = folder / "outcome.json"
    path.write_text(json.dumps({"broken": [[law, "a rule"] for law in broken], "never_struck": never_struck}))
    return path


def test_a_bug_is_found_by_a_broken_law_and_the_control_by_none(tmp_path: Path) -> None:
    assert judge("a bug", outcome(tmp_path, letters.LAW), 1, tmp_path).is_as_it_should_be
    assert not judge(f"{CONTROL}, all", outcome(tmp_path, letters.LAW), 1, tmp_path).is_as_it_should_be
    assert not judge("a bug", outcome(tmp_path), 1, tmp_path).is_as_it_should_be
    assert judge(f"{CONTROL}, all", outcome(tmp_path), 1, tmp_path).is_as_it_should_be


def test_a_slow_machine_finds_no_bug_and_spoils_the_control(tmp_path: Path) -> None:
    assert not judge("a bug", outcome(tmp_path, progress.LAW), 1, tmp_path).is_as_it_should_be
    assert not judge(f"{CONTROL}, all", outcome(tmp_path, progress.LAW), 1, tmp_path).is_as_it_should_be


def test_a_raid_that_came_to_nothing_or_never_struck_proves_nothing(tmp_path: Path) -> None:
    assert not judge("a bug", tmp_path / "none.json", 1, tmp_path).is_as_it_should_be
    missed = outcome(tmp_path, letters.LAW, never_struck=("tasks bus.revoked:kill",))
    assert not judge("a bug", missed, 1, tmp_path).is_as_it_should_be


# breaches of rules -----------------------------------------------------------------------------------------------------------

PRINTED = """
=========================== short test summary info ============================
FAILED tests/unit/intake/test_domain.py::test_a_day_ends[2026 - one] - AssertionError: assert 'late' == ...
FAILED tests/unit/intake/test_domain.py::test_a_day_ends[two] - AssertionError
FAILED tests/unit/intake/test_domain.py::test_another - ValueError: no
"""


def test_a_breach_is_found_by_a_test_that_fails_and_the_control_by_none() -> None:
    found = rules.judge("a breach", 1, PRINTED, 1, is_control=False)
    assert found.is_as_it_should_be
    assert (found.by, found.what, found.number) == ("tests/unit/intake/test_domain.py", "test_a_day_ends", 2)
    assert not rules.judge("a breach", 0, "9 passed", 1, is_control=False).is_as_it_should_be
    assert not rules.judge("control", 1, PRINTED, 1, is_control=True).is_as_it_should_be
    assert rules.judge("control", 0, "9 passed", 1, is_control=True).is_as_it_should_be


@pytest.mark.parametrize("code", [2, 3, 4, 5])
def test_tests_that_could_not_be_run_prove_nothing(code: int) -> None:
    for is_control in (True, False):
        assert not rules.judge("a breach", code, PRINTED, 1, is_control=is_control).is_as_it_should_be
