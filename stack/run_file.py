"""What a run directory remembers of its stack, so that a later command finds it again: `stack.json`, mode 0600."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from stack.addresses import Addresses
from stack.docker.container import Container
from stack.errors import StackError
from stack.processes import Process

FILE_NAME = "stack.json"

Server = Process | Container


@dataclass(frozen=True, kw_only=True, slots=True)
class Remembered:
    """A process, whose identity is pid and start time together, or a container. `url` is where it answers, if by HTTP."""

    name: str
    log: str
    pid: int = 0
    started_at: float = 0
    container: str = ""
    url: str = ""

    @classmethod
    def of(cls, server: Server, url: str = "") -> Self:
        log = str(server.log_path)
        if isinstance(server, Process):
            return cls(name=server.name, log=log, pid=server.pid, started_at=server.started_at, url=url)
        return cls(name=server.name, log=log, container=server.identity, url=url)

    def found(self) -> Server:
        """The process or container itself, if it still runs; otherwise one that is not alive."""
        if self.container:
            return Container(self.name, log_path=Path(self.log)).attach(self.container)
        return Process(self.name, (), log_path=Path(self.log)).attach(self.pid, self.started_at)

    @property
    def identity(self) -> str:
        return f"container {self.container[:12]}" if self.container else f"pid {self.pid}"


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
            list(pool.map(lambda one: one.found().stop(timeout=40), self.house))

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
