"""Where the servers are: what everything else is told, and what a run directory remembers in `stack.json` (mode 0600)."""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from stack.errors import StackError

FILE_NAME = "stack.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class Addresses:
    """`source` tells who runs the servers: environment, native or docker."""

    kafka_bootstrap: str
    postgres_admin_dsn: str
    source: str

    @classmethod
    def from_environment(cls) -> Self | None:
        """KAFKA_BOOTSTRAP_SERVERS and POSTGRES_ADMIN_DSN, if both are given."""
        kafka, postgres = os.environ.get("KAFKA_BOOTSTRAP_SERVERS"), os.environ.get("POSTGRES_ADMIN_DSN")
        if kafka and postgres:
            return cls(kafka_bootstrap=kafka, postgres_admin_dsn=postgres, source="environment")
        return None


@dataclass(frozen=True, kw_only=True, slots=True)
class DatabaseAddresses:
    """One database: `runtime_dsn` has only what the migrations grant, `owner_dsn` is for migrations."""

    name: str
    role: str
    owner: str
    runtime_dsn: str
    owner_dsn: str


@dataclass(frozen=True, kw_only=True, slots=True)
class RunningServer:
    """A server process as a later command finds it again: pid and start time together are its identity."""

    name: str
    pid: int
    started_at: float
    log: str


@dataclass(frozen=True, kw_only=True, slots=True)
class RunFile:
    """What `stack.json` holds."""

    addresses: Addresses
    servers: tuple[RunningServer, ...]
    home: str

    def write(self, run_dir: Path) -> None:
        part = run_dir / f"{FILE_NAME}.part"
        part.unlink(missing_ok=True)
        part.touch(mode=0o600)
        part.write_text(json.dumps(asdict(self), indent=2) + "\n")
        part.rename(run_dir / FILE_NAME)

    @classmethod
    def read(cls, run_dir: Path) -> Self | None:
        """None where no stack was started; StackError where the file is not one of ours."""
        path = run_dir / FILE_NAME
        if not path.exists():
            return None
        try:
            held = json.loads(path.read_text())
            return cls(
                addresses=Addresses(**held["addresses"]),
                servers=tuple(RunningServer(**server) for server in held["servers"]),
                home=held["home"],
            )
        except (ValueError, TypeError, KeyError) as error:
            message = f"{path} is not a stack's file"
            raise StackError(message) from error

    @staticmethod
    def forget(run_dir: Path) -> None:
        (run_dir / FILE_NAME).unlink(missing_ok=True)
