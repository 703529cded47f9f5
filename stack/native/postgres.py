"""One PostgreSQL cluster in a directory of its own, on loopback, as durable as in production (fsync on) and small.

Invariants: every connection needs a password, also over the socket; the address stays the same over kills and restarts.
"""

import os
import re
import secrets
import shutil
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

from stack.accounts import Account
from stack.addresses import Addresses
from stack.errors import MissingPiece, StackError
from stack.packages import install
from stack.ports import free_port
from stack.postgres_admin import is_server_ready
from stack.processes import Process
from stack.settings import POSTGRES

_LOWEST = 15
DEBIAN = Path("/usr/lib/postgresql")
_NO_CLUSTER = Path("/etc/postgresql-common/createcluster.d/mit-sygefravaer.conf")
_LONGEST_SOCKET_PATH = 107
_START_TIMEOUT_S = 60


def settings(port: int, socket_directory: Path | None) -> dict[str, str]:
    """Command-line settings; everything else is PostgreSQL's default, fsync and synchronous_commit included."""
    return {
        **POSTGRES,
        "port": str(port),
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": str(socket_directory) if socket_directory else "",
        "unix_socket_permissions": "0700",
    }


class NativePostgres:
    """A server in a directory of its own; `process` is there to be killed, paused and started again."""

    def __init__(self, home: Path, logs: Path, account: Account | None, *, outlives_supervisor: bool) -> None:
        self._home = home
        self._data = home / "data"
        self._account = account
        self._programs = find_programs()
        self.port = free_port()
        self._password = secrets.token_urlsafe(24)
        self.admin_dsn = f"postgresql://postgres:{quote(self._password)}@127.0.0.1:{self.port}/postgres"
        self.process = Process(
            "postgres",
            self._argv(),
            log_path=logs / "postgres.log",
            env=_environment(),
            cwd=home,
            account=account,
            stop_signal=signal.SIGINT,
            outlives_supervisor=outlives_supervisor,
        )

    def start(self) -> None:
        self._prepare()
        self.process.start()

    def wait_ready(self, timeout: float = _START_TIMEOUT_S) -> None:
        self.process.wait_until(lambda: is_server_ready(self.admin_dsn), timeout)

    def tell(self, addresses: Addresses) -> Addresses:
        return replace(addresses, postgres_admin_dsn=self.admin_dsn)

    def _argv(self) -> tuple[str, ...]:
        socket_directory = self._home if len(f"{self._home}/.s.PGSQL.{self.port}") <= _LONGEST_SOCKET_PATH else None
        options = (
            word for key, value in settings(self.port, socket_directory).items() for word in ("-c", f"{key}={value}")
        )
        return (str(self._programs / "postgres"), "-D", str(self._data), *options)

    def _prepare(self) -> None:
        password_file = self._home / "password"
        password_file.touch(mode=0o600)
        password_file.write_text(self._password)
        if self._account is not None:
            self._account.own(self._home)
        outcome = subprocess.run(
            (*self._as_account(), str(self._programs / "initdb"), "--pgdata", str(self._data), "--username", "postgres",
             "--pwfile", str(password_file), "--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C.UTF-8",
             "--data-checksums", "--no-instructions"),
            env=_environment(),
            cwd=self._home,
            capture_output=True,
            text=True,
            check=False,
        )  # fmt: skip
        password_file.unlink()
        if outcome.returncode != 0:
            message = f"initdb failed:\n{outcome.stdout}{outcome.stderr}"
            raise StackError(message)

    def _as_account(self) -> tuple[str, ...]:
        if self._account is None:
            return ()
        return ("setpriv", "--reuid", str(self._account.uid), "--regid", str(self._account.gid), "--clear-groups", "--")


def find_programs() -> Path:
    """The directory with `initdb` and `postgres`, version 15 or newer (15 itself where there is a choice)."""
    found = _first_fit()
    if found is None:
        _install_without_cluster()
        found = _first_fit()
    if found is None:
        message = f"no PostgreSQL {_LOWEST} or newer after installing one; set POSTGRES_BIN to the directory of initdb"
        raise MissingPiece(message)
    return found


def _first_fit() -> Path | None:
    fitting = [path for path in _candidates() if _major_version(path) >= _LOWEST]
    return min(fitting, key=_major_version, default=None)


def _candidates() -> Iterator[Path]:
    if given := os.environ.get("POSTGRES_BIN"):
        yield Path(given)
        return
    if on_path := shutil.which("initdb"):
        yield Path(on_path).resolve().parent
    yield from DEBIAN.glob("*/bin")


def _major_version(programs: Path) -> int:
    if not (os.access(programs / "initdb", os.X_OK) and os.access(programs / "postgres", os.X_OK)):
        return 0
    said = subprocess.run((str(programs / "postgres"), "--version"), capture_output=True, text=True, check=False).stdout
    version = re.search(r"(\d+)", said)
    return int(version.group(1)) if version else 0


def _install_without_cluster() -> None:
    """Debian's package would make and start a cluster of its own; it is told not to while it is installed by us."""
    may_configure = os.geteuid() == 0 and not _NO_CLUSTER.exists()
    if may_configure:
        _NO_CLUSTER.parent.mkdir(parents=True, exist_ok=True)
        _NO_CLUSTER.write_text("create_main_cluster = false\n")
    try:
        install("postgresql", f"PostgreSQL {_LOWEST} or newer")
    finally:
        if may_configure:
            _NO_CLUSTER.unlink(missing_ok=True)


def _environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8", "TZ": "UTC"}
