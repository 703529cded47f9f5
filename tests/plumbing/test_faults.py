"""Fault points do nothing unless they are told to, and then exactly what they were told, at the passing they were told."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from plumbing import faults
from stack.paths import ROOT

PROGRAM = """
from plumbing.faults import FaultInjected, faultpoint
for nth in range(1, 5):
    try:
        faultpoint("here.one")
        faultpoint("here.two")
    except FaultInjected as fault:
        print(nth, "raised", fault, flush=True)
print("end", flush=True)
"""


def run(plan: str, visits: Path | None = None) -> subprocess.CompletedProcess[str]:
    told = {"FAULTPOINTS": plan, **({"FAULTPOINT_VISITS": str(visits)} if visits else {})}
    argv = (sys.executable, "-c", PROGRAM)
    return subprocess.run(argv, env=told, cwd=ROOT, capture_output=True, text=True, timeout=20, check=False)


def test_without_a_plan_nothing_happens(tmp_path: Path) -> None:
    outcome = run("", tmp_path / "visits")

    assert (outcome.returncode, outcome.stdout) == (0, "end\n")
    assert not (tmp_path / "visits").exists()


def test_a_fault_happens_at_its_passing_and_no_other() -> None:
    assert run("here.one:raise:2,here.two:raise:3").stdout.splitlines() == [
        "2 raised here.one",
        "4 raised here.two",
        "end",
    ]


def test_one_point_may_break_several_times() -> None:
    assert run("here.one:raise:1,here.one:raise:3").stdout.splitlines() == [
        "1 raised here.one",
        "3 raised here.one",
        "end",
    ]


def test_kill_is_sigkill_and_is_noted_before_it_happens(tmp_path: Path) -> None:
    outcome = run("here.one:kill:2,here.two:raise:1", tmp_path / "visits")

    assert outcome.returncode == -signal.SIGKILL
    assert outcome.stdout == "1 raised here.two\n"
    assert (tmp_path / "visits").read_text() == "here.two:raise\nhere.one:kill\n"


def test_stop_waits_for_whoever_resumes_it() -> None:
    told = {"FAULTPOINTS": "here.one:stop:1"}
    process = subprocess.Popen((sys.executable, "-c", PROGRAM), env=told, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        _, status = os.waitpid(process.pid, os.WUNTRACED)
        assert os.WIFSTOPPED(status)
        process.send_signal(signal.SIGCONT)
        said, _ = process.communicate(timeout=10)
    finally:
        process.kill()

    assert said == "end\n"


def test_delay_blocks_for_seconds() -> None:
    began = time.monotonic()
    assert run("here.one:delay:1").stdout == "end\n"
    assert time.monotonic() - began > 3


@pytest.mark.parametrize("plan", ["here", "here:raise", "here:burn:1", "here:raise:first", "here:raise:1:2"])
def test_a_plan_that_cannot_be_read_is_refused(plan: str) -> None:
    with pytest.raises(ValueError, match="FAULTPOINTS"):
        faults._parse(plan)
