"""What a supervisor must be able to rely on: each claim is made with real processes."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from stack import NotReady, Process, StackError
from stack.paths import ROOT
from stack.ports import free_port

Start = Callable[..., Process]

_WITH_CHILD = "import subprocess, time; print(subprocess.Popen(['sleep', '60']).pid, flush=True); time.sleep(60)"


@pytest.fixture
def started(tmp_path: Path) -> Iterator[Start]:
    """Starts a piece of Python as a child, and kills it afterwards."""
    children: list[Process] = []

    def start(code: str, **options: object) -> Process:
        process = Process("child", (sys.executable, "-c", code), log_path=tmp_path / f"{len(children)}.log", **options)  # type: ignore[arg-type]
        children.append(process)
        return process.start()

    yield start
    for child in children:
        child.kill()


def test_a_child_that_ends_by_itself_gives_its_exit_code(started: Start) -> None:
    child = started("raise SystemExit(69)")
    assert child.wait_end(10)
    assert child.exit_code == 69


def test_a_child_stops_when_asked(started: Start) -> None:
    child = started("import time; time.sleep(60)")
    assert child.stop() == -signal.SIGTERM


def test_a_child_that_will_not_stop_is_killed(started: Start) -> None:
    child = started("import signal, time; signal.signal(15, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)")
    _wait(lambda: "deaf" in child.log_path.read_text())
    assert child.stop(timeout=0.3) == -signal.SIGKILL


def test_a_killed_child_takes_its_own_children_along(started: Start) -> None:
    child = started(_WITH_CHILD)
    grandchild = _grandchild_of(child)
    child.kill()
    assert child.exit_code == -signal.SIGKILL
    _wait(lambda: not _runs(grandchild))


def test_a_paused_child_is_alive_and_silent_until_it_is_resumed(started: Start) -> None:
    child = started("import time\nwhile True: print('tick', flush=True); time.sleep(0.02)")
    _wait(lambda: child.log_path.stat().st_size > 0)
    child.pause()
    time.sleep(0.1)
    size = child.log_path.stat().st_size
    time.sleep(0.3)
    assert child.log_path.stat().st_size == size
    assert child.is_alive
    child.resume()
    _wait(lambda: child.log_path.stat().st_size > size)


def test_pausing_twice_is_pausing_once(started: Start) -> None:
    child = started("import time; time.sleep(60)")
    child.pause()
    child.pause()
    _wait(lambda: psutil.Process(child.pid).status() == psutil.STATUS_STOPPED)  # a busy machine takes a moment
    child.resume()
    _wait(lambda: psutil.Process(child.pid).status() != psutil.STATUS_STOPPED)


def test_a_paused_child_can_be_stopped(started: Start) -> None:
    child = started("import time; time.sleep(60)")
    child.pause()
    assert child.stop(timeout=5) == -signal.SIGTERM


def test_a_child_can_be_started_again_with_other_variables_for_one_life(started: Start) -> None:
    child = started("import os; print(os.environ.get('FAULTPOINTS', 'none'))", env={"PATH": os.defpath})
    child.wait_end(10)
    child.start({"FAULTPOINTS": "intake.after_commit:kill:1"})
    child.wait_end(10)
    child.start()
    child.wait_end(10)
    assert child.log_path.read_text().split() == ["none", "intake.after_commit:kill:1", "none"]
    assert child.starts == 3


def test_a_running_child_is_not_started_twice(started: Start) -> None:
    with pytest.raises(StackError):
        started("import time; time.sleep(60)").start()


def test_a_child_that_ends_before_it_is_ready_shows_the_end_of_its_log(started: Start) -> None:
    child = started("print('DATABASE_URL is missing'); raise SystemExit(78)")
    with pytest.raises(NotReady, match="DATABASE_URL is missing"):
        child.wait_ready(f"http://127.0.0.1:{free_port()}/readyz", timeout=10)


def test_a_child_that_never_answers_is_not_ready_in_time(started: Start) -> None:
    child = started("import time; time.sleep(60)")
    with pytest.raises(NotReady, match=r"within 0\.3 s"):
        child.wait_ready(f"http://127.0.0.1:{free_port()}/readyz", timeout=0.3)


def test_a_child_is_ready_when_its_address_answers(started: Start, tmp_path: Path) -> None:
    port = free_port()
    (tmp_path / "readyz").touch()
    code = f"import http.server; http.server.test(http.server.SimpleHTTPRequestHandler, port={port}, bind='127.0.0.1')"
    started(code, cwd=tmp_path).wait_ready(f"http://127.0.0.1:{port}/readyz", timeout=10)


def test_a_later_command_finds_the_process_again_and_no_other_with_its_pid(started: Start, tmp_path: Path) -> None:
    child = started("import time; time.sleep(60)")
    again = Process("child", (), log_path=tmp_path / "x").attach(child.pid, child.started_at)
    assert again.is_alive
    other = Process("child", (), log_path=tmp_path / "x").attach(child.pid, child.started_at - 60)
    assert not other.is_alive
    again.stop()
    assert child.wait_end(10)


@pytest.mark.parametrize("paused", [False, True])
def test_nothing_is_left_behind_by_a_supervisor_that_was_killed(tmp_path: Path, paused: bool) -> None:
    supervisor = subprocess.Popen(
        (sys.executable, "-c", _SUPERVISOR, str(tmp_path / "log"), str(paused)),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert supervisor.stdout is not None
    child, grandchild = (int(word) for word in supervisor.stdout.readline().split())
    assert _runs(child)
    assert _runs(grandchild)
    supervisor.kill()
    supervisor.communicate()
    _wait(lambda: not _runs(child))
    # the grandchild, like a back end of PostgreSQL, ends by itself when its parent is gone: if it is not left stopped
    _wait(lambda: not _runs(grandchild))


_SUPERVISOR = """
import sys, time
from pathlib import Path
from stack import Process
ends_with_parent = "import os, time\\nwhile os.getppid() != 1 and os.getppid() == PARENT: time.sleep(0.02)"
code = (
    "import os, subprocess, sys, time\\n"
    f"child = subprocess.Popen([sys.executable, '-c', {ends_with_parent!r}.replace('PARENT', str(os.getpid()))])\\n"
    "print(child.pid, flush=True)\\n"
    "time.sleep(60)"
)
log = Path(sys.argv[1])
process = Process("child", (sys.executable, "-c", code), log_path=log).start()
while not log.exists() or not log.read_text().endswith("\\n"):
    time.sleep(0.02)
if sys.argv[2] == "True":
    process.pause()
print(process.pid, log.read_text().strip(), flush=True)
time.sleep(60)
"""


def _grandchild_of(child: Process) -> int:
    _wait(lambda: child.log_path.exists() and child.log_path.read_text().endswith("\n"))
    return int(child.log_path.read_text())


def _runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _wait(condition: Callable[[], bool], timeout: float = 10) -> None:
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.02)
