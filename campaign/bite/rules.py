"""The quick form of bite: a rule of docs/rules.md is broken in a copy of the tree, and what defends it has to notice.

It needs no server. Which tests defend a rule is read off their markers, `@pytest.mark.rule("N5")`. A breach is found when one of
them fails; that they could not be run proves nothing.
"""

import ast
import re
import subprocess
import sys
import time
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Final

from campaign.bite.breaches import Breach
from campaign.bite.found import Found
from campaign.bite.tree import copy_tree, plant

WITHOUT_SERVERS: Final = ("tests/unit", "tests/contracts")
LONGEST_RUN_SECONDS: Final = 240
CONTROL: Final = "control: no rule broken, all that defends them"
_FAILED: Final = re.compile(r"^FAILED (\S+?)(?:\[.*)?(?: - .*)?$", re.MULTILINE)
_SOME_FAILED: Final = 1


def defenders(root: Path, *folders: str) -> Mapping[str, set[Path]]:
    """The files in which each rule is defended, by the rule's id; raises ValueError for a marker that is not written out."""
    found: dict[str, set[Path]] = {}
    for folder in folders:
        for path in sorted((root / folder).rglob("*.py")):
            for rule in _cited(ast.parse(path.read_text(encoding="utf-8"))):
                found.setdefault(rule, set()).add(path.relative_to(root))
    return found


def _cited(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(attr="rule", value=ast.Attribute(attr="mark")), args=given):
                for one in given:
                    if not (isinstance(one, ast.Constant) and isinstance(one.value, str)):
                        raise ValueError(f"line {node.lineno}: a marker names its rules as literals")
                    yield one.value


def try_breach(breach: Breach, home: Path) -> Found:
    """What defends its rule says about a breach."""
    home.mkdir(parents=True)
    copy_tree(home, with_tests=True)
    plant(breach.patch, home)
    return _try(f"{breach.rule} {breach.name}", {breach.rule}, home, is_control=False)


def try_control(rules: Collection[str], home: Path) -> Found:
    """What defends these rules says where none is broken."""
    home.mkdir(parents=True)
    copy_tree(home, with_tests=True)
    return _try(CONTROL, rules, home, is_control=True)


def _try(name: str, rules: Collection[str], home: Path, *, is_control: bool) -> Found:
    by_rule = defenders(home, *WITHOUT_SERVERS)
    files = sorted({str(path) for rule in rules for path in by_rule.get(rule, ())})
    asked = [part for rule in sorted(rules) for part in ("--rule", rule)]
    command = [sys.executable, "-m", "pytest", "-q", "--maxfail=3", "-p", "no:cacheprovider", *asked, *files]
    began = time.monotonic()
    try:
        done = subprocess.run(
            command, cwd=home, capture_output=True, text=True, timeout=LONGEST_RUN_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return Found(name=name, seconds=time.monotonic() - began, failure=f"not done within {LONGEST_RUN_SECONDS} s")
    (home / "output.txt").write_text(done.stdout + done.stderr)
    return judge(name, done.returncode, done.stdout, time.monotonic() - began, is_control=is_control)


def judge(name: str, code: int, output: str, seconds: float, *, is_control: bool) -> Found:
    """What a run of pytest came to, by its exit code and what it printed."""
    if code not in {0, _SOME_FAILED}:
        return Found(
            name=name, seconds=seconds, is_control=is_control, failure=f"pytest could not run them: exit code {code}"
        )
    tests = list(dict.fromkeys(_FAILED.findall(output))) if code else []
    if code and not tests:
        return Found(name=name, seconds=seconds, is_control=is_control, failure="pytest does not say which test failed")
    by, _, what = tests[0].rpartition("::") if tests else ("", "", "")
    return Found(name=name, seconds=seconds, is_control=is_control, by=by, what=what, number=len(tests))
