"""The servers there are, by name: how each is planned natively and in a container, what it wants on the machine, and how one sees
that it answers. `Stack` knows no more of any of them.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from deploy.minio import Keys, Store
from stack import clamd_admin, kafka_admin, minio_admin, postgres_admin
from stack.accounts import Account
from stack.addresses import ALL_SERVERS, Addresses, SecondListener
from stack.docker.servers import DockerClamd, DockerKafka, DockerMinio, DockerPostgres
from stack.errors import StackError
from stack.native.broker import NativeKafka
from stack.native.clamd import NativeClamd, find_clamd
from stack.native.jars import KAFKA, jars_of
from stack.native.java import find_java
from stack.native.minio import NativeMinio, find_minio
from stack.native.postgres import NativePostgres, find_programs
from stack.run_file import Server

_TITLES = {"kafka": "Kafka", "postgres": "PostgreSQL", "clamd": "clamd", "minio": "MinIO"}


class Planned(Protocol):
    """A server that is about to be started."""

    @property
    def process(self) -> Server: ...
    def start(self) -> None: ...
    def wait_ready(self) -> None: ...
    def tell(self, addresses: Addresses) -> Addresses:
        """These addresses, with where this one will be."""


def known(servers: Sequence[str]) -> tuple[str, ...]:
    """These servers in the order in which they are started, each once; raises StackError for a name that is none of theirs."""
    if strangers := sorted(set(servers) - set(ALL_SERVERS)):
        message = f"no server is called {', '.join(strangers)}: they are {', '.join(ALL_SERVERS)}"
        raise StackError(message)
    return tuple(name for name in ALL_SERVERS if name in servers)


def titles(servers: Sequence[str]) -> str:
    *first, last = (_TITLES[name] for name in servers)
    return f"{', '.join(first)} and {last}" if first else last


def plan_native(
    name: str,
    home: Path,
    logs: Path,
    account: Account | None,
    *,
    outlives_supervisor: bool,
    second: SecondListener | None,
) -> Planned:
    """`home` is the directory in which this server's own is made."""
    own = home / name
    own.mkdir()
    match name:
        case "kafka":
            return NativeKafka(own, logs, account, outlives_supervisor=outlives_supervisor, second=second)
        case "postgres":
            return NativePostgres(own, logs, account, outlives_supervisor=outlives_supervisor)
        case "clamd":
            return NativeClamd(own, logs, account, outlives_supervisor=outlives_supervisor)
        case _:
            return NativeMinio(own, logs, account, outlives_supervisor=outlives_supervisor)


def plan_container(
    name: str, home: Path, logs: Path, *, outlives_supervisor: bool, second: SecondListener | None
) -> Planned:
    match name:
        case "kafka":
            return DockerKafka(logs, outlives_supervisor=outlives_supervisor, second=second)
        case "postgres":
            return DockerPostgres(logs, outlives_supervisor=outlives_supervisor)
        case "clamd":
            return DockerClamd(home / name, logs, outlives_supervisor=outlives_supervisor)
        case _:
            return DockerMinio(logs, outlives_supervisor=outlives_supervisor)


def prepare(name: str) -> None:
    """Installs, fetches or builds what the native server needs."""
    match name:
        case "kafka":
            find_java()
            jars_of(KAFKA)
        case "postgres":
            find_programs()
        case "clamd":
            find_clamd()
        case _:
            find_minio()


def is_ready(name: str, addresses: Addresses) -> bool:
    match name:
        case "kafka":
            return kafka_admin.is_broker_ready(addresses.kafka_bootstrap)
        case "postgres":
            return postgres_admin.is_server_ready(addresses.postgres_admin_dsn)
        case "clamd":
            return clamd_admin.is_scanner_ready(addresses.clamd_host, addresses.clamd_port)
        case _:
            return minio_admin.is_store_ready(store(addresses))


def where(name: str, addresses: Addresses) -> str:
    """Where it answers, without a secret."""
    match name:
        case "kafka":
            return addresses.kafka_bootstrap
        case "postgres":
            database = urlsplit(addresses.postgres_admin_dsn)
            return f"{database.hostname}:{database.port}"
        case "clamd":
            return f"{addresses.clamd_host}:{addresses.clamd_port}"
        case _:
            return addresses.s3_endpoint


def store(addresses: Addresses) -> Store:
    """The object store, as its administrator asks it."""
    keys = Keys(access_key=addresses.s3_access_key, secret_key=addresses.s3_secret_key)
    return Store(endpoint=addresses.s3_endpoint, region=addresses.s3_region, keys=keys)


def signatures(home: Path) -> Path:
    """Where the scanner of a stack with this home has its signatures."""
    return home / "clamd" / "signatures"
