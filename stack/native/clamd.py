"""ClamAV's daemon in a directory of its own, on loopback, with the limits of deploy/clamav/clamd.conf and signatures of ours.

Invariants: it finds two test signatures and no real virus; it fetches nothing; its address is the same after kills and restarts.
The package's own daemon and its updater are neither started by the installation nor at the next boot.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Final

from stack.accounts import Account
from stack.addresses import Addresses
from stack.clamd_admin import is_scanner_ready
from stack.errors import MissingPiece
from stack.packages import install
from stack.ports import free_port
from stack.processes import Process
from stack.settings import CLAMD_CONF, SIGNATURES

HOST: Final = "127.0.0.1"
DEBIAN: Final = Path("/usr/sbin/clamd")
POLICY: Final = Path("/usr/sbin/policy-rc.d")
_LOWEST = (1, 4)
_START_TIMEOUT_S = 30
_NO_START = (
    "#!/bin/sh\n# made by Mit Sygefravær while it installs clamav-daemon: no service is started meanwhile\nexit 101\n"
)
_UNITS = ("clamav-daemon.service", "clamav-daemon.socket", "clamav-freshclam.service")
_SCRIPTS = ("clamav-daemon", "clamav-freshclam")


def configuration(port: int, home: Path) -> str:
    """clamd.conf as it is deployed, but for where it listens and keeps things."""
    ours = {
        "TCPSocket": str(port),
        "TCPAddr": HOST,
        "DatabaseDirectory": str(home / "signatures"),
        "TemporaryDirectory": str(home / "tmp"),
    }
    lines = [line for line in CLAMD_CONF.read_text().splitlines() if line.partition(" ")[0] not in ours]
    return "\n".join((*lines, *(f"{name} {value}" for name, value in ours.items()))) + "\n"


class NativeClamd:
    """A scanner in a directory of its own; `process` is there to be killed, paused and started again."""

    def __init__(self, home: Path, logs: Path, account: Account | None, *, outlives_supervisor: bool) -> None:
        self._home = home
        self._account = account
        self._installed = find_clamd()
        self.port = free_port()
        self.process = Process(
            "clamd",
            (str(home / "clamd"), "--foreground", f"--config-file={home / 'clamd.conf'}"),
            log_path=logs / "clamd.log",
            env={"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8", "TZ": "UTC"},
            cwd=home,
            account=account,
            outlives_supervisor=outlives_supervisor,
        )

    def start(self) -> None:
        self._prepare()
        self.process.start()

    def wait_ready(self, timeout: float = _START_TIMEOUT_S) -> None:
        self.process.wait_until(lambda: is_scanner_ready(HOST, self.port), timeout)

    def tell(self, addresses: Addresses) -> Addresses:
        return replace(addresses, clamd_host=HOST, clamd_port=self.port)

    def _prepare(self) -> None:
        """Only what it writes is its account's. AppArmor's profile holds for the program in its own place, and would not let it
        read a configuration of ours: so a copy is run."""
        (self._home / "tmp").mkdir()
        shutil.copytree(SIGNATURES, self._home / "signatures")
        (self._home / "clamd.conf").write_text(configuration(self.port, self._home))
        shutil.copy(self._installed, self._home / "clamd")
        if self._account is not None:
            self._account.own(self._home / "tmp")


def find_clamd() -> Path:
    """The `clamd` program, version 1.4 or newer: of that it was seen what limits do."""
    found = _first_fit()
    if found is None:
        _install_without_starting()
        found = _first_fit()
    if found is None:
        message = f"no clamd {'.'.join(map(str, _LOWEST))} or newer after installing one; set CLAMD_BIN to it"
        raise MissingPiece(message)
    return found


def _first_fit() -> Path | None:
    return next((program for program in _candidates() if _version(program) >= _LOWEST), None)


def _candidates() -> Iterator[Path]:
    if given := os.environ.get("CLAMD_BIN"):
        yield Path(given)
        return
    if on_path := shutil.which("clamd"):
        yield Path(on_path).resolve()
    yield DEBIAN  # an ordinary user's PATH does not lead there


def _version(program: Path) -> tuple[int, ...]:
    if not os.access(program, os.X_OK):
        return (0,)
    said = subprocess.run((str(program), "--version"), capture_output=True, text=True, check=False).stdout
    version = re.match(r"ClamAV (\d+)\.(\d+)", said)
    return tuple(map(int, version.groups())) if version else (0,)


def _install_without_starting() -> None:
    with _nothing_is_started():
        install("clamav-daemon", "ClamAV's daemon 1.4 or newer")
    _keep_off(("deb-systemd-helper", "disable", *_UNITS))
    for script in _SCRIPTS:
        _keep_off(("update-rc.d", script, "disable"))


@contextmanager
def _nothing_is_started() -> Iterator[None]:
    """Debian asks this file whether a package may start its service. Where the machine's owner has one, theirs is asked."""
    if os.geteuid() != 0 or POLICY.exists():
        yield
        return
    POLICY.touch(mode=0o755)
    try:
        POLICY.write_text(_NO_START)
        yield
    finally:
        POLICY.unlink(missing_ok=True)


def _keep_off(command: tuple[str, ...]) -> None:
    """Not at the next boot either; where there is no such helper there is no such service."""
    if shutil.which(command[0]):
        subprocess.run(command, capture_output=True, check=False)
