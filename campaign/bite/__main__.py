"""`python -m campaign.bite`: plants each bug by itself, runs its raid, prints what found it; exit 0 where each was found.

The control, all raids at once on the unpatched tree, must leave every law whole.
"""

import argparse
import contextlib
import json
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from campaign.bite.bugs import BUGS, Bug
from campaign.bite.tree import copy_tree, plant
from campaign.say import say
from laws import progress

AT_ONCE = 2
LONGEST_RAID_SECONDS = 420
CONTROL = "control: nothing planted, all raids"


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """What a raid came to: the first law that was broken and its rule, how many rules in all, or why it came to nothing."""

    name: str
    seconds: float
    law: str = ""
    rule: str = ""
    rules: int = 0
    failure: str = ""

    @property
    def is_as_it_should_be(self) -> bool:
        return not self.failure and bool(self.rules) == (self.name != CONTROL)

    @property
    def line(self) -> str:
        said = self.failure or (f"{self.law}: {self.rule}" if self.rules else "every law holds")
        more = f" (and {self.rules - 1} rules more)" if self.rules > 1 else ""
        mark = "ok    " if self.is_as_it_should_be else "FAILED"
        return f"{mark} {self.name:<52} {self.seconds:4.0f} s  {said}{more}"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m campaign.bite", description=__doc__)
    parser.add_argument("--only", help="bugs whose name contains this")
    parser.add_argument("--keep", action="store_true", help="keep the copies and their run directories")
    arguments = parser.parse_args()
    bugs = [bug for bug in BUGS if not arguments.only or arguments.only in bug.name]
    home = Path(tempfile.mkdtemp(prefix="mit-sygefravaer-bite-"))
    home.chmod(0o711)
    say(f"{len(bugs)} bugs, {AT_ONCE} at a time, in {home}")
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        running = [
            pool.submit(_try, None, home / "control"),
            *(pool.submit(_try, bug, home / _folder(bug)) for bug in bugs),
        ]
        found = []
        for future in running:
            found.append(future.result())
            print(found[-1].line, flush=True)
    clean = all(one.is_as_it_should_be for one in found)
    print("every planted bug is found, and nothing where nothing is planted" if clean else "NOT ALL AS IT SHOULD BE")
    if clean and not arguments.keep:
        shutil.rmtree(home, ignore_errors=True)
    else:
        say(f"kept: {home}")
    return 0 if clean else 1


def _folder(bug: Bug) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in bug.name)


def _try(bug: Bug | None, home: Path) -> Found:
    """One raid on a copy of its own."""
    name = bug.name if bug is not None else CONTROL
    tree, run_dir = home / "tree", home / "run"
    tree.mkdir(parents=True)
    copy_tree(tree)
    if bug is not None:
        plant(bug.patch, tree)
    began = time.monotonic()
    command = (sys.executable, "-m", "campaign.bite.raid", bug.raid if bug else "everything", "--run-dir", str(run_dir))
    # After a time-out its processes die with it, and without an outcome it came to nothing.
    with (home / "output.txt").open("w") as output, contextlib.suppress(subprocess.TimeoutExpired):
        subprocess.run(command, cwd=tree, stdout=output, stderr=output, timeout=LONGEST_RAID_SECONDS, check=False)
    return judge(name, run_dir / "outcome.json", time.monotonic() - began, home)


def judge(name: str, outcome: Path, seconds: float, home: Path) -> Found:
    """What a raid came to. That all took too long may be the machine's fault: of a bug it proves nothing."""
    if not outcome.exists():
        return Found(name=name, seconds=seconds, failure=f"came to nothing, see {home / 'output.txt'}")
    told = json.loads(outcome.read_text())
    if told["never_struck"]:
        return Found(name=name, seconds=seconds, failure=f"never struck: {', '.join(told['never_struck'])}")
    broken = [(law, rule) for law, rule in told["broken"] if name == CONTROL or law != progress.LAW]
    law, rule = broken[0] if broken else ("", "")
    return Found(name=name, seconds=seconds, law=law, rule=rule, rules=len(broken))


if __name__ == "__main__":
    sys.exit(main())
