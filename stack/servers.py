"""`Stack`: the real Kafka and PostgreSQL that everything here runs against, wherever they come from.

Decided once, for all servers together: addresses in the environment, then a stack already running in this run directory, then
Docker where an engine and the images are at hand, then native. STACK=native or STACK=docker forces one of the last two.
"""

import os
import secrets
import shutil
import tempfile
from pathlib import Path
from typing import Self

from deploy.kafka import TopicToMake, create_topics, declared_topics
from stack import kafka_admin, postgres_admin
from stack.accounts import Account, server_account
from stack.addresses import Addresses, DatabaseAddresses, SecondListener
from stack.docker import engine
from stack.docker.container import Container
from stack.docker.servers import DockerKafka, DockerPostgres
from stack.errors import StackError
from stack.native.broker import NativeKafka
from stack.native.jars import KAFKA, VERAPDF, jars_of
from stack.native.java import find_java
from stack.native.postgres import NativePostgres, find_programs
from stack.run_file import Remembered, RunFile, Server
from stack.say import say
from stack.waiting import run

STATE = "state"
"""Where in the run directory the simulators keep what must outlive a kill."""

_SERVERS = ("kafka", "postgres")


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

    @classmethod
    def start(
        cls, run_dir: Path, *, outlives_supervisor: bool = False, second_listener: SecondListener | None = None
    ) -> Self:
        """Servers for this run directory, ready to be used. Those that run there already are used again.

        `second_listener`: one more way into the broker; raises StackError where the servers run already.
        """
        run_dir = run_dir.resolve()
        run_dir.mkdir(parents=True, exist_ok=True)
        given = Addresses.from_environment()
        running = None if given else cls.attach(run_dir)
        if second_listener is not None and (given or running):
            message = "a broker that runs already cannot be given a second listener"
            raise StackError(message)
        if given:
            say(f"using the servers named in the environment: {given.kafka_bootstrap}")
            return cls(run_dir, given, is_borrowed=True)
        if running:
            say(f"using the servers that run in {run_dir}")
            running.is_borrowed = True
            return running
        (run_dir / "logs").mkdir(exist_ok=True)
        shutil.rmtree(run_dir / STATE, ignore_errors=True)  # simulators must not remember what new databases never knew
        if _wants_docker():
            return cls._start_in_docker(run_dir, outlives_supervisor=outlives_supervisor, second=second_listener)
        return cls._start_native(run_dir, outlives_supervisor=outlives_supervisor, second=second_listener)

    @staticmethod
    def prepare() -> None:
        """Installs and fetches what `start` and the judging of PDFs will need, one line each; silent when all is there."""
        if Addresses.from_environment() is None and not _wants_docker():
            find_java()
            jars_of(KAFKA)
            jars_of(VERAPDF)
            find_programs()
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
        """The process `kafka` or `postgres`, to be killed, paused, started again."""
        for process in self._servers:
            if process.name == name:
                return process
        message = f"{name} is not a process of this stack"
        raise StackError(message)

    def wait_ready(self, timeout: float = 90) -> None:
        """Waits until both servers answer; for after a fault."""
        for name, is_ready in (
            ("kafka", lambda: kafka_admin.is_broker_ready(self.kafka_bootstrap)),
            ("postgres", lambda: postgres_admin.is_server_ready(self.postgres_admin_dsn)),
        ):
            self.server(name).wait_until(is_ready, timeout)

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

    def start_server(self, name: str, timeout: float = 90) -> None:
        """Starts a server again after it was killed or stopped, and waits until it answers."""
        self.server(name).start()
        self.wait_ready(timeout)
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

    @classmethod
    def _start_native(cls, run_dir: Path, *, outlives_supervisor: bool, second: SecondListener | None) -> Self:
        account = server_account()
        home = _server_home(run_dir, account)
        for name in _SERVERS:
            (home / name).mkdir()
        logs = run_dir / "logs"
        say(f"starting Kafka and PostgreSQL{f' as {account.name}' if account else ''}")
        postgres = NativePostgres(home / "postgres", logs, account, outlives_supervisor=outlives_supervisor)
        kafka = NativeKafka(home / "kafka", logs, account, outlives_supervisor=outlives_supervisor, second=second)
        return cls._bring_up(run_dir, kafka, postgres, home=home, source="native")

    @classmethod
    def _start_in_docker(cls, run_dir: Path, *, outlives_supervisor: bool, second: SecondListener | None) -> Self:
        say("starting Kafka and PostgreSQL in containers")
        logs = run_dir / "logs"
        postgres = DockerPostgres(logs, outlives_supervisor=outlives_supervisor)
        kafka = DockerKafka(logs, outlives_supervisor=outlives_supervisor, second=second)
        return cls._bring_up(run_dir, kafka, postgres, home=None, source="docker")

    @classmethod
    def _bring_up(
        cls,
        run_dir: Path,
        kafka: NativeKafka | DockerKafka,
        postgres: NativePostgres | DockerPostgres,
        *,
        home: Path | None,
        source: str,
    ) -> Self:
        addresses = Addresses(kafka_bootstrap=kafka.bootstrap, postgres_admin_dsn=postgres.admin_dsn, source=source)
        found = cls(run_dir, addresses, servers=(kafka.process, postgres.process), home=home)
        try:
            kafka.start()
            postgres.start()
            postgres.wait_ready()
            kafka.wait_ready()
        except BaseException:
            found.stop()
            raise
        found._remember()
        return found

    def _remember(self) -> None:
        servers = tuple(Remembered.of(server) for server in self._servers)
        held = RunFile.read(self.run_dir)
        house = held.house if held else ()
        RunFile(addresses=self.addresses, home=str(self._home or ""), servers=servers, house=house).write(self.run_dir)


def _wants_docker() -> bool:
    """STACK decides; where it says nothing, containers are used if all is at hand for them."""
    match os.environ.get("STACK", ""):
        case "native":
            return False
        case "docker":
            engine.require(_SERVERS)
            return True
        case "":
            return engine.is_usable(_SERVERS)
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
