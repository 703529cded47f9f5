"""`python -m campaign.bite`: breaks rules one at a time, then plants each bug by itself and runs its raid; prints what found it.

Exit 0 where each was found. The controls, on an unpatched tree, must find nothing: all tests of the rules, and all raids, as many
at once as go together.
"""

import argparse
import contextlib
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from campaign.bite.breaches import BREACHES
from campaign.bite.bugs import BUGS, Bug
from campaign.bite.found import Found
from campaign.bite.raids import CONTROL, controls
from campaign.bite.rules import try_breach, try_control
from campaign.bite.tree import copy_tree, plant, planted
from campaign.say import say
from laws import progress
from stack.paths import ROOT

AT_ONCE = 2
LONGEST_RAID_SECONDS = 420


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m campaign.bite", description=__doc__)
    parser.add_argument("--rules", action="store_true", help="only break rules, which needs no server")
    parser.add_argument("--only", help="bugs and breaches whose name contains this; N5 for those of a rule")
    parser.add_argument("--keep", action="store_true", help="keep the copies and their run directories")
    arguments = parser.parse_args()
    wanted = arguments.only
    breaches = [one for one in BREACHES if not wanted or wanted == one.rule or wanted in one.name]
    bugs = [one for one in BUGS if not arguments.rules and (not wanted or wanted in one.name)]
    for patch in (*(one.patch for one in breaches), *(one.patch for one in bugs)):
        planted(patch, ROOT)  # what no longer fits is told at once, not after minutes
    home = Path(tempfile.mkdtemp(prefix="mit-sygefravaer-bite-"))
    home.chmod(0o711)
    say(f"{len(breaches)} breaches of rules, {len(bugs)} bugs, {AT_ONCE} at a time, in {home}")
    found: list[Found] = []
    if breaches:
        found += _told(
            lambda: try_control({one.rule for one in breaches}, home / "rules-control"),
            *(lambda one=one: try_breach(one, home / _folder(f"{one.rule} {one.name}")) for one in breaches),
        )
    if bugs:
        found += _told(
            *(lambda name=name: _try(name, None, home / _folder(name)) for name in _controls(bugs)),
            *(lambda one=one: _try(one.name, one, home / _folder(one.name)) for one in bugs),
        )
    clean = bool(found) and all(one.is_as_it_should_be for one in found)
    print("everything planted is found, and nothing where nothing is planted" if clean else "NOT ALL AS IT SHOULD BE")
    if clean and not arguments.keep:
        shutil.rmtree(home, ignore_errors=True)
    else:
        say(f"kept: {home}")
    return 0 if clean else 1


def _told(*attempts: Callable[[], Found]) -> Iterator[Found]:
    """Some at a time; each is printed as soon as it and those before it are through."""
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        for future in [pool.submit(one) for one in attempts]:
            print(future.result().line, flush=True)
            yield future.result()


def _folder(name: str) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in name)


def _controls(bugs: Sequence[Bug]) -> list[str]:
    """Those in which the raids of these bugs are."""
    raids = {bug.raid for bug in bugs}
    return [name for name, of in controls().items() if not raids.isdisjoint(of)]


def _try(name: str, bug: Bug | None, home: Path) -> Found:
    """One raid on a copy of its own."""
    tree, run_dir = home / "tree", home / "run"
    tree.mkdir(parents=True)
    copy_tree(tree)
    if bug is not None:
        plant(bug.patch, tree)
    began = time.monotonic()
    command = (sys.executable, "-m", "campaign.bite.raid", bug.raid if bug else name, "--run-dir", str(run_dir))
    # After a time-out its processes die with it, and without an outcome it came to nothing.
    with (home / "output.txt").open("w") as output, contextlib.suppress(subprocess.TimeoutExpired):
        subprocess.run(command, cwd=tree, stdout=output, stderr=output, timeout=LONGEST_RAID_SECONDS, check=False)
    return judge(name, run_dir / "outcome.json", time.monotonic() - began, home)


def judge(name: str, outcome: Path, seconds: float, home: Path) -> Found:
    """What a raid came to. That all took too long may be the machine's fault: of a bug it proves nothing."""
    is_control = name.startswith(CONTROL)
    failure = ""
    broken: list[tuple[str, str]] = []
    if not outcome.exists():
        failure = f"came to nothing, see {home / 'output.txt'}"
    else:
        told = json.loads(outcome.read_text())
        if told["never_struck"]:
            failure = f"never struck: {', '.join(told['never_struck'])}"
        broken = [(law, rule) for law, rule in told["broken"] if is_control or law != progress.LAW]
    law, rule = broken[0] if broken else ("", "")
    return Found(
        name=name, seconds=seconds, is_control=is_control, by=law, what=rule, number=len(broken), failure=failure
    )


if __name__ == "__main__":
    sys.exit(main())
