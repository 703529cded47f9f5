"""One child process: started, watched, stopped, killed, paused; always by pid, never by name.

Invariants:
- each child leads a process group and session of its own, and writes to a log file of its own;
- a child dies with its supervisor (the kernel kills it, so not even a killed supervisor leaves one behind), unless it was
  said to outlive it;
- a signal goes only to the process we started: pid and start time are checked together, because pids come round again;
- what was paused runs on when its supervisor dies: a guard waits at a pipe that closes with us (a stopped back end of
  PostgreSQL would otherwise never notice that its postmaster is gone, and stay for ever).
"""

import contextlib
import os
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Self

import psutil

from stack.accounts import Account
from stack.errors import NotReady, StackError
from stack.paths import ROOT

_POLL_S = 0.05
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))

# The kernel's "die with your parent" means the parent *thread*: children are born in one thread that lives as long as we do.
_nursery = ThreadPoolExecutor(max_workers=1, thread_name_prefix="nursery")


class Process:
    """A named program with its environment and log; may be started again after it ended, with other variables if need be."""

    def __init__(
        self,
        name: str,
        argv: Sequence[str],
        *,
        log_path: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path = ROOT,
        account: Account | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
        outlives_supervisor: bool = False,
    ) -> None:
        self.name = name
        self.argv = tuple(argv)
        self.env = dict(os.environ if env is None else env)
        self.log_path = log_path
        self.starts = 0
        self._cwd = cwd
        self._account = account
        self._stop_signal = stop_signal
        self._outlives_supervisor = outlives_supervisor
        self._child: subprocess.Popen[bytes] | None = None
        self._process: psutil.Process | None = None
        self._guard: subprocess.Popen[bytes] | None = None

    def start(self, env: Mapping[str, str] | None = None) -> Self:
        """Starts the program, with `env` laid over its variables for this life only."""
        if self.is_alive:
            message = f"{self.name} is already running"
            raise StackError(message)
        self.log_path.parent.mkdir(parents=True, exist_ok=True)
        self._child = _nursery.submit(self._spawn, {**self.env, **(env or {})}).result()
        with contextlib.suppress(psutil.NoSuchProcess):
            self._process = psutil.Process(self._child.pid)
        self.starts += 1
        return self

    def attach(self, pid: int, started_at: float) -> Self:
        """Takes hold of a process started by an earlier command, if it is still that one."""
        with contextlib.suppress(psutil.NoSuchProcess):
            process = psutil.Process(pid)
            if abs(process.create_time() - started_at) < 1:
                self._process = process
        return self

    @property
    def pid(self) -> int:
        if self._process is None:
            message = f"{self.name} was not started"
            raise StackError(message)
        return self._process.pid

    @property
    def started_at(self) -> float:
        if self._process is None:
            message = f"{self.name} was not started"
            raise StackError(message)
        return self._process.create_time()

    @property
    def is_alive(self) -> bool:
        if self._child is not None:
            return self._child.poll() is None
        return (
            self._process is not None and self._process.is_running() and self._process.status() != psutil.STATUS_ZOMBIE
        )

    @property
    def exit_code(self) -> int | None:
        """None while it runs; minus the signal's number if a signal ended it, as in subprocess."""
        return self._child.poll() if self._child is not None else None

    def stop(self, sig: signal.Signals | None = None, timeout: float = 30) -> int | None:
        """Asks it to end and waits; after `timeout` seconds kills it. Gives the exit code."""
        if self.is_alive and self._process is not None:
            self.resume()
            with contextlib.suppress(psutil.NoSuchProcess):
                self._process.send_signal(sig or self._stop_signal)
            if not self.wait_end(timeout):
                self.kill()
        return self.exit_code

    def kill(self) -> None:
        """SIGKILL to it and to everything it started, and waits until they are gone."""
        family = self._frozen_family()
        for member in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                member.kill()
        psutil.wait_procs(family[1:], timeout=10)
        self.wait_end(10)
        if self._guard is not None:
            self._guard.kill()
            self._dismiss_guard()

    def pause(self) -> None:
        """SIGSTOP to it and to everything it started: alive, its connections open, and silent."""
        family = self._frozen_family()
        for member in family[1:]:
            with contextlib.suppress(psutil.NoSuchProcess):
                member.suspend()
        if family and self._guard is None:
            self._guard = _guard(family)

    def resume(self) -> None:
        """SIGCONT to it and to everything it started."""
        for member in reversed(self._family()):
            with contextlib.suppress(psutil.NoSuchProcess):
                member.resume()
        self._dismiss_guard()

    def restart(self, env: Mapping[str, str] | None = None, timeout: float = 30) -> Self:
        self.stop(timeout=timeout)
        return self.start(env)

    def wait_end(self, timeout: float) -> bool:
        """Whether it ended within `timeout` seconds."""
        deadline = time.monotonic() + timeout
        while self.is_alive:
            if time.monotonic() > deadline:
                return False
            time.sleep(_POLL_S)
        return True

    def wait_until(self, is_ready: Callable[[], bool], timeout: float, what: str = "ready") -> None:
        """Asks `is_ready` until it says yes; raises NotReady with the end of the log if it does not, or if the process ends."""
        deadline = time.monotonic() + timeout
        while not is_ready():
            if not self.is_alive:
                message = f"{self.name} ended with {self.exit_code} before it was {what}\n{self.log_tail()}"
                raise NotReady(message)
            if time.monotonic() > deadline:
                message = f"{self.name} was not {what} within {timeout:g} s\n{self.log_tail()}"
                raise NotReady(message)
            time.sleep(_POLL_S)

    def wait_ready(self, url: str, timeout: float = 30) -> None:
        """Waits until `url` (a service's /readyz) answers 200."""
        self.wait_until(lambda: answers_ok(url), timeout)

    def log_tail(self, lines: int = 20) -> str:
        with contextlib.suppress(OSError):
            text = self.log_path.read_text(errors="backslashreplace")
            return f"--- end of {self.log_path}\n" + "\n".join(text.splitlines()[-lines:])
        return f"--- no log at {self.log_path}"

    def _family(self) -> list[psutil.Process]:
        if self._process is None or not self.is_alive:
            return []
        with contextlib.suppress(psutil.NoSuchProcess):
            return [self._process, *self._process.children(recursive=True)]
        return []

    def _dismiss_guard(self) -> None:
        if self._guard is not None:
            self._guard.communicate()
            self._guard = None

    def _frozen_family(self) -> list[psutil.Process]:
        """The process, stopped first so that it can start no more, and all that it had started."""
        if self.is_alive and self._process is not None:
            with contextlib.suppress(psutil.NoSuchProcess):
                self._process.suspend()
        return self._family()

    def _spawn(self, env: Mapping[str, str]) -> subprocess.Popen[bytes]:
        with self.log_path.open("ab") as log:
            return subprocess.Popen(
                (*self._wrapper(), *self.argv),
                env=env,
                cwd=self._cwd,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _wrapper(self) -> list[str]:
        words: list[str] = []
        if not self._outlives_supervisor:
            words += ["--pdeathsig", "KILL"]
        if self._account is not None:
            words += ["--reuid", str(self._account.uid), "--regid", str(self._account.gid), "--clear-groups"]
        return [shutil.which("setpriv") or "/usr/bin/setpriv", *words, "--"] if words else []


def _guard(paused: Sequence[psutil.Process]) -> subprocess.Popen[bytes]:
    """Continues these processes when its standard input closes, which it does at the latest when we end."""
    return subprocess.Popen(
        ("/bin/sh", "-c", 'read _; kill -CONT "$@"', "guard", *(str(member.pid) for member in paused)),
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def answers_ok(url: str) -> bool:
    """Whether a GET of this loopback address answers 200 within two seconds; no proxy is asked."""
    with contextlib.suppress(urllib.error.URLError, OSError), _DIRECT.open(url, timeout=2) as answer:
        return bool(answer.status == 200)
    return False
