"""A copy of the tree, with one bug in it."""

import shutil
from pathlib import Path

from campaign.bite.bugs import Patch
from stack.paths import ROOT

_CODE = ("campaign", "contracts", "deploy", "laws", "plumbing", "services", "simulators", "stack")
_TESTS = ("tests", "docs")
_FILES_OF_TESTS = ("conftest.py", "pyproject.toml")


class CannotPlant(Exception):
    """The text that was to be replaced does not stand where it was, once; the message names file and text."""


def copy_tree(to: Path, *, with_tests: bool = False) -> None:
    """The code as it stands, without history; `with_tests`: and what tries it without servers."""
    for name in (*_CODE, *(_TESTS if with_tests else ())):
        # what Python compiled before comes along, but not what it is writing
        shutil.copytree(ROOT / name, to / name, ignore=shutil.ignore_patterns("*.pyc.*"))
    for name in _FILES_OF_TESTS if with_tests else ():
        shutil.copy(ROOT / name, to / name)


def plant(patch: Patch, root: Path) -> None:
    """Makes the changes; raises CannotPlant."""
    (root / patch.file).write_text(planted(patch, root), encoding="utf-8")


def planted(patch: Patch, root: Path) -> str:
    """The patched file's text; raises CannotPlant."""
    text = (root / patch.file).read_text(encoding="utf-8")
    for old, new in patch.changes.items():
        if text.count(old) != 1:
            raise CannotPlant(f"{patch.file} holds {text.count(old)} times: {old.strip()!r}")
        text = text.replace(old, new)
    return text
