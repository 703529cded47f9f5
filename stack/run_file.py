"""What a run directory remembers of its stack, so that a later command finds it again: `stack.json`, mode 0600."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from stack.addresses import Addresses
from stack.errors import StackError
from stack.processes import Process

FILE_NAME = "stack.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class Remembered:
    """A process: pid and start time together are its identity. `url` is where it answers, if it speaks HTTP."""

    name: str
    pid: int
    started_at: float
    log: str
    url: str = ""

    @classmethod
    def of(cls, process: Process, url: str = "") -> Self:
        return cls(
            name=process.name, pid=process.pid, started_at=process.started_at, log=str(process.log_path), url=url
        )

    def process(self) -> Process:
        """The process itself, if it still runs; otherwise one that is not alive."""
        return Process(self.name, (), log_path=Path(self.log)).attach(self.pid, self.started_at)


@dataclass(frozen=True, kw_only=True, slots=True)
class RunFile:
    """`home` is where the servers keep their data; `house` are the services and simulators upon them."""

    addresses: Addresses
    home: str
    servers: tuple[Remembered, ...] = ()
    house: tuple[Remembered, ...] = ()

    def stop_house(self) -> None:
        """Drains services and simulators, all at once."""
        with ThreadPoolExecutor(max_workers=32) as pool:
            list(pool.map(lambda one: one.process().stop(timeout=40), self.house))

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
                home=held["home"],
                servers=tuple(Remembered(**one) for one in held["servers"]),
                house=tuple(Remembered(**one) for one in held["house"]),
            )
        except (ValueError, TypeError, KeyError) as error:
            message = f"{path} is not a stack's file"
            raise StackError(message) from error

    @staticmethod
    def forget(run_dir: Path) -> None:
        (run_dir / FILE_NAME).unlink(missing_ok=True)
