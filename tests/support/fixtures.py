"""Fixtures for tests on real servers. Kafka and PostgreSQL are started once per pytest session, on the first wish; so are, by
themselves, the scanner and the object store.

`STACK_RUN_DIR=<dir>` names a stack that is already running (`python -m stack up`), which makes single tests start at once.
What cannot be had is a failure; nothing is ever skipped. Databases and topics have random names, so that tests share servers
and nothing else; a test may kill a server only if it started a stack of its own.
"""

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import pytest
from minio import Minio

from deploy.kafka import TopicToMake
from deploy.minio import ACCOUNTS, BucketNames, Keys, Store
from stack import DOCUMENTS, DatabaseAddresses, Stack, StackError
from stack.secrets_file import s3_access_key, s3_secret_key
from tests.support.databases import Databases


class DatabaseFactory(Protocol):
    def __call__(self, service: str) -> DatabaseAddresses: ...


class PlainDatabaseFactory(Protocol):
    def __call__(self) -> DatabaseAddresses: ...


class TopicFactory(Protocol):
    def __call__(self, name: str = "topic", *, partitions: int = 1, config: Mapping[str, str] | None = None) -> str: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Buckets:
    """The two buckets of one test session, and the accounts that may use them: "uploads", "ksd_bridge", "eraser", "sweeper"."""

    store: Store
    names: BucketNames
    accounts: Mapping[str, Keys]

    @property
    def inbound(self) -> str:
        return self.names.inbound

    @property
    def clean(self) -> str:
        return self.names.clean

    def client(self, account: str) -> Minio:
        """A client that signs as this account."""
        return replace(self.store, keys=self.accounts[account]).client()

    @property
    def admin(self) -> Minio:
        """A client that signs as the store's administrator."""
        return self.store.client()


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """Running servers, shared by the whole session."""
    if named := os.environ.get("STACK_RUN_DIR"):
        running = Stack.attach(Path(named))
        assert running is not None, f"STACK_RUN_DIR={named} names no running stack; start one: python -m stack up"
        yield running
        return
    with new_run_dir() as run_dir:
        started = Stack.start(run_dir)
        yield started
        started.stop()


@pytest.fixture(scope="session")
def kafka(stack: Stack) -> str:
    """The broker's bootstrap address."""
    return stack.kafka_bootstrap


@pytest.fixture(scope="session")
def databases(stack: Stack) -> Iterator[Databases]:
    """Makes databases; migrates each service's once per session and copies it for each test."""
    maker = Databases(stack)
    yield maker
    maker.close()


@pytest.fixture
def database(databases: Databases) -> Iterator[DatabaseFactory]:
    """`database("intake")`: a fresh database of that service, migrated, with its run-time and owner roles."""
    made: list[DatabaseAddresses] = []

    def make(service: str) -> DatabaseAddresses:
        made.append(databases.migrated(service))
        return made[-1]

    yield make
    databases.drop(made)


@pytest.fixture
def plain_database(databases: Databases) -> Iterator[PlainDatabaseFactory]:
    """`plain_database()`: an empty database with roles `plain` and `plain_owner`; the test brings its own SCHEMA."""
    made: list[DatabaseAddresses] = []

    def make() -> DatabaseAddresses:
        made.append(databases.empty("plain"))
        return made[-1]

    yield make
    databases.drop(made)


@pytest.fixture
def topics(stack: Stack) -> TopicFactory:
    """`topics("absence", partitions=3)`: a fresh topic whose unique name begins with the one given."""

    def make(name: str = "topic", *, partitions: int = 1, config: Mapping[str, str] | None = None) -> str:
        unique = f"{name}.{secrets.token_hex(6)}"
        stack.make_topics(TopicToMake(name=unique, partitions=partitions, config=config or {}))
        return unique

    return make


@pytest.fixture(scope="session")
def documents_servers() -> Iterator[Stack]:
    """A scanner and an object store, shared by the whole session; those of the stack that STACK_RUN_DIR names, if it has them."""
    if (named := os.environ.get("STACK_RUN_DIR")) and (running := _with_documents(Path(named))):
        yield running
        return
    with new_run_dir() as run_dir:
        started = Stack.start(run_dir, servers=DOCUMENTS)
        yield started
        started.stop()


@pytest.fixture(scope="session")
def buckets(documents_servers: Stack) -> Buckets:
    """Buckets and accounts of this session's own. All its tests share them, so a test puts things under names of its own."""
    return new_buckets(documents_servers)


def new_buckets(servers: Stack) -> Buckets:
    """Two empty buckets with accounts of their own; costs a second."""
    accounts = {name: Keys(access_key=s3_access_key(), secret_key=s3_secret_key()) for name in ACCOUNTS}
    names = servers.create_buckets(accounts, suffix=f"-{secrets.token_hex(6)}")
    return Buckets(store=servers.store, names=names, accounts=accounts)


def _with_documents(run_dir: Path) -> Stack | None:
    running = Stack.attach(run_dir)
    assert running is not None, f"STACK_RUN_DIR={run_dir} names no running stack; start one: python -m stack up"
    try:
        return running.borrow(DOCUMENTS)
    except StackError:
        return None


@contextmanager
def new_run_dir() -> Iterator[Path]:
    """A directory the servers' unprivileged account may enter, unlike pytest's own temporary ones."""
    run_dir = Path(tempfile.mkdtemp(prefix="mit-sygefravaer-"))
    run_dir.chmod(0o711)
    try:
        yield run_dir
    finally:
        shutil.rmtree(run_dir, ignore_errors=True)
