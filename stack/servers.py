"""`Stack`: the real servers that everything here runs against, wherever they come from: Kafka and PostgreSQL, and for documents a
scanner and an object store, where they are asked for.

Decided once, for all servers together: addresses in the environment, then a stack already running in this run directory, then
Docker where an engine and the images are at hand, then native. STACK=native or STACK=docker forces one of the last two.
"""

import os
import secrets
import shutil
import tempfile
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial, reduce
from pathlib import Path
from typing import Self

from deploy.kafka import TopicToMake, create_topics, declared_topics
from deploy.minio import BucketNames, Keys, Store, set_up
from stack import catalogue, clamd_admin, postgres_admin
from stack.accounts import Account, server_account
from stack.addresses import DOCUMENTS, MESSAGING, Addresses, DatabaseAddresses, SecondListener
from stack.catalogue import Planned
from stack.docker import engine
from stack.docker.container import Container
from stack.errors import StackError
from stack.native.jars import VERAPDF, jars_of
from stack.run_file import Remembered, RunFile, Server
from stack.say import say
from stack.waiting import run

STATE = "state"
"""Where in the run directory the simulators keep what must outlive a kill."""


class Stack:
    """Running servers. `is_borrowed` ones were running before us, and `stop` leaves them running."""

    def __init__(
        self,
        run_dir: Path,
        addresses: Addresses,
        *,
        servers: tuple[Server, ...] = (),
        home: Path | None = None,
        is_borrowed: bool = False,
    ) -> None:
        self.run_dir = run_dir
        self.addresses = addresses
        self.is_borrowed = is_borrowed
        self._servers = servers
        self._home = home
        self._remembering = threading.Lock()

    @classmethod
    def start(
        cls,
        run_dir: Path,
        *,
        servers: Sequence[str] = MESSAGING,
        outlives_supervisor: bool = False,
        second_listener: SecondListener | None = None,
    ) -> Self:
        """Servers for this run directory, ready to be used. Those that run there already are used again.

        `servers`: some of ALL_SERVERS; raises StackError where servers run already, and not all of these.
        `second_listener`: one more way into the broker; raises StackError where the servers run already.
        """
        servers = catalogue.known(servers)
        run_dir = run_dir.resolve()
        run_dir.mkdir(parents=True, exist_ok=True)
        given = Addresses.from_environment(servers)
        running = None if given else cls.attach(run_dir)
        if second_listener is not None and (given or running):
            message = "a broker that runs already cannot be given a second listener"
            raise StackError(message)
        if given:
            say(f"using the servers named in the environment: {catalogue.where(servers[0], given)}")
            return cls(run_dir, given, is_borrowed=True)
        if running:
            return running.borrow(servers)
        (run_dir / "logs").mkdir(exist_ok=True)
        shutil.rmtree(run_dir / STATE, ignore_errors=True)  # simulators must not remember what new databases never knew
        start = cls._start_in_docker if _wants_docker(servers) else cls._start_native
        return start(run_dir, servers, outlives_supervisor=outlives_supervisor, second=second_listener)

    @staticmethod
    def prepare() -> None:
        """Installs, fetches and builds what `start` and the judging of PDFs will need, a line each; silent when all is there."""
        groups = (MESSAGING, DOCUMENTS)
        wanted = [name for group in groups if Addresses.from_environment(group) is None for name in group]
        if wanted and not _wants_docker(wanted):
            for name in wanted:
                catalogue.prepare(name)
            jars_of(VERAPDF)
            server_account()

    @classmethod
    def attach(cls, run_dir: Path) -> Self | None:
        """The stack that runs in this directory, or None if there is none, or not all of it is alive."""
        run_dir = run_dir.resolve()
        held = RunFile.read(run_dir)
        if held is None:
            return None
        servers = tuple(server.found() for server in held.servers)
        found = cls(run_dir, held.addresses, servers=servers, home=Path(held.home) if held.home else None)
        if not all(server.is_alive for server in servers):
            held.stop_house()
            found.stop()
            return None
        return found

    @property
    def kafka_bootstrap(self) -> str:
        return self.addresses.kafka_bootstrap

    @property
    def postgres_admin_dsn(self) -> str:
        return self.addresses.postgres_admin_dsn

    @property
    def servers(self) -> tuple[Server, ...]:
        """The server processes that are ours; none where the environment gave the addresses."""
        return self._servers

    def server(self, name: str) -> Server:
        """The process of this name (`kafka`, `postgres`, `clamd`, `minio`), to be killed, paused, started again."""
        for process in self._servers:
            if process.name == name:
                return process
        message = f"{name} is not a process of this stack"
        raise StackError(message)

    def wait_ready(self, timeout: float = 90) -> None:
        """Waits until all servers answer; for after a fault."""
        for server in self._servers:
            server.wait_until(partial(catalogue.is_ready, server.name, self.addresses), timeout)

    def create_database(self, service: str, *, suffix: str = "", template: str | None = None) -> DatabaseAddresses:
        return postgres_admin.create_database(self.postgres_admin_dsn, service, suffix=suffix, template=template)

    def database(self, service: str, *, suffix: str = "") -> DatabaseAddresses:
        """The addresses of a database made earlier."""
        return postgres_admin.describe(self.postgres_admin_dsn, service, suffix=suffix)

    def drop_database(self, name: str) -> None:
        postgres_admin.drop_database(self.postgres_admin_dsn, name)

    def checkpoint(self) -> None:
        """Have PostgreSQL write out now what it would write later, beside whatever runs then."""
        postgres_admin.checkpoint(self.postgres_admin_dsn)

    def make_topics(self, *topics: TopicToMake) -> None:
        run(create_topics(self.kafka_bootstrap, topics))

    def create_topics(self, prefix: str = "") -> None:
        """All topics of contracts/topics.py, as declared there."""
        self.make_topics(*declared_topics(prefix=prefix))

    @property
    def store(self) -> Store:
        """The object store, as its administrator asks it."""
        return catalogue.store(self.addresses)

    def create_buckets(self, accounts: Mapping[str, Keys], *, suffix: str = "") -> BucketNames:
        """The buckets for documents and the accounts that may use them, as deploy/minio says."""
        return set_up(self.store, accounts, suffix=suffix)

    def learn_signature(self, name: str, text: bytes) -> None:
        """From now on the scanner finds these bytes, anywhere in a file, as `<name>.UNOFFICIAL`."""
        clamd_admin.learn(self._signatures(), self.addresses.clamd_host, self.addresses.clamd_port, name, text)

    def forget_signature(self, name: str) -> None:
        """The same undone."""
        clamd_admin.forget(self._signatures(), self.addresses.clamd_host, self.addresses.clamd_port, name)

    def start_server(self, name: str, timeout: float = 90) -> None:
        """Starts a server again after it was killed or stopped, and waits until it answers; several threads may do so at once."""
        server = self.server(name)
        server.start()
        server.wait_until(partial(catalogue.is_ready, name, self.addresses), timeout)
        self._remember()

    def stop(self) -> None:
        """Ends the servers and removes their data and the simulators', unless they are borrowed; logs stay."""
        if self.is_borrowed:
            return
        for server in self._servers:
            server.stop()
            if isinstance(server, Container):
                server.remove()
        if self._home is not None:
            shutil.rmtree(self._home, ignore_errors=True)
        shutil.rmtree(self.run_dir / STATE, ignore_errors=True)
        RunFile.forget(self.run_dir)

    def _signatures(self) -> Path:
        self.server("clamd")
        assert self._home is not None, "whoever runs servers has a home for them"
        return catalogue.signatures(self._home)

    def borrow(self, servers: Sequence[str]) -> Self:
        """Itself, for whoever found it running; raises StackError where it lacks one of these."""
        if lacking := [name for name in servers if name not in {server.name for server in self._servers}]:
            message = f"what runs in {self.run_dir} has no {catalogue.titles(lacking)}: end it, python -m stack down"
            raise StackError(message)
        say(f"using the servers that run in {self.run_dir}")
        self.is_borrowed = True
        return self

    @classmethod
    def _start_native(
        cls, run_dir: Path, servers: Sequence[str], *, outlives_supervisor: bool, second: SecondListener | None
    ) -> Self:
        account = server_account()
        home = _server_home(run_dir, account)
        say(f"starting {catalogue.titles(servers)}{f' as {account.name}' if account else ''}")
        logs = run_dir / "logs"
        planned = [
            catalogue.plan_native(name, home, logs, account, outlives_supervisor=outlives_supervisor, second=second)
            for name in servers
        ]
        return cls._bring_up(run_dir, planned, home=home, source="native", at_once=len(planned))

    @classmethod
    def _start_in_docker(
        cls, run_dir: Path, servers: Sequence[str], *, outlives_supervisor: bool, second: SecondListener | None
    ) -> Self:
        say(f"starting {catalogue.titles(servers)} in containers")
        home = _server_home(run_dir, None)
        logs = run_dir / "logs"
        planned = [
            catalogue.plan_container(name, home, logs, outlives_supervisor=outlives_supervisor, second=second)
            for name in servers
        ]
        return cls._bring_up(run_dir, planned, home=home, source="docker", at_once=1)

    @classmethod
    def _bring_up(cls, run_dir: Path, planned: Sequence[Planned], *, home: Path, source: str, at_once: int) -> Self:
        addresses = reduce(lambda told, one: one.tell(told), planned, Addresses(source=source))
        found = cls(run_dir, addresses, servers=tuple(one.process for one in planned), home=home)
        try:
            with ThreadPoolExecutor(max_workers=at_once) as pool:
                list(pool.map(lambda one: one.start(), planned))
            for one in planned:
                one.wait_ready()
        except BaseException:
            found.stop()
            raise
        found._remember()
        return found

    def _remember(self) -> None:
        with self._remembering:
            servers = tuple(Remembered.of(server) for server in self._servers)
            held = RunFile.read(self.run_dir)
            house = held.house if held else ()
            RunFile(addresses=self.addresses, home=str(self._home or ""), servers=servers, house=house).write(
                self.run_dir
            )


def _wants_docker(servers: Sequence[str]) -> bool:
    """STACK decides; where it says nothing, containers are used if all is at hand for them."""
    match os.environ.get("STACK", ""):
        case "native":
            return False
        case "docker":
            engine.require(servers)
            return True
        case "":
            return engine.is_usable(servers)
        case other:
            message = f"STACK={other}: it is native or docker, or left out"
            raise StackError(message)


def _server_home(run_dir: Path, account: Account | None) -> Path:
    """Where the servers keep their data: in the run directory, or beside it in a place the servers' account may enter."""
    home = run_dir / f"servers-{secrets.token_hex(4)}"
    if account is not None and not account.can_reach(home):
        home = Path(tempfile.gettempdir()) / f"mit-sygefravaer-{secrets.token_hex(4)}"
    home.mkdir(mode=0o711)
    if account is not None:
        os.chown(home, account.uid, account.gid)
    return home
