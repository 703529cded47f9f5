"""After its database was restored a service reads once more what came since, and never passes anything over."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime

import asyncpg
import pytest

from plumbing import audit
from plumbing.bus import Record
from plumbing.service import rereading
from stack import DatabaseAddresses
from tests.plumbing.helpers import bus_settings, committed, fresh_group, member, produce, until
from tests.support.fixtures import PlainDatabaseFactory, TopicFactory

Typed = Callable[..., Awaitable[tuple[int, str]]]
WHO = ("--actor", "anna", "--purpose", "INC-2026/7")


class Reader:
    """What a member of the group got, by value."""

    def __init__(self) -> None:
        self.got: list[bytes | None] = []

    async def __call__(self, records: Sequence[Record]) -> None:
        self.got += [record.value for record in records]


@pytest.fixture
async def audited(plain_database: PlainDatabaseFactory) -> DatabaseAddresses:
    """A database with an audit trail."""
    addresses = plain_database()
    owner = await asyncpg.connect(addresses.owner_dsn)
    for schema in (audit.SCHEMA, audit.UNSEALED_IN_GROUPS, audit.DIGESTS_IN_GROUPS):
        await owner.execute(schema.replace("{role}", addresses.role))
    await owner.close()
    return addresses


@pytest.fixture
def group() -> str:
    return fresh_group()


@pytest.fixture
def topic(topics: TopicFactory) -> str:
    return topics(partitions=2)


@pytest.fixture
def typed(kafka: str, audited: DatabaseAddresses, topic: str, group: str, capsys: pytest.CaptureFixture[str]) -> Typed:
    """The command: its exit code, and what it printed."""

    async def call(*arguments: str) -> tuple[int, str]:
        capsys.readouterr()
        code = await rereading.run(
            "tiny",
            bus=bus_settings(kafka),
            database_url=audited.runtime_dsn,
            groups={topic: group},
            arguments=arguments,
        )
        told = capsys.readouterr()
        return code, told.out + told.err

    return call


async def read(kafka: str, topic: str, group: str, number: int) -> list[bytes | None]:
    """Let the group read so many records, and end."""
    reader = Reader()
    async with member(kafka, topic, group, reader):
        await until(lambda: len(reader.got) >= number)
    return reader.got


async def test_what_came_since_is_read_again_and_nothing_before_it(
    kafka: str, topic: str, group: str, typed: Typed, audited: DatabaseAddresses
) -> None:
    await produce(kafka, topic, b"before")
    await asyncio.sleep(0.05)
    since = datetime.now(UTC).isoformat()
    await asyncio.sleep(0.05)
    await produce(kafka, topic, b"a", b"b")
    await produce(kafka, topic, b"c", partition=1)
    assert len(await read(kafka, topic, group, 4)) == 4

    code, told = await typed(topic, "--since", since)
    assert (code, told.splitlines()) == (
        0,
        ["partition 0: 3 back to 1", "partition 1: 1 back to 0", "3 offsets would be read again; --move does it"],
    )
    assert await committed(kafka, group, topic) == 3  # a plan changes nothing

    code, told = await typed(topic, "--since", since, "--move", *WHO)
    assert (code, told.splitlines()[-1]) == (0, "3 offsets are read again when the service is started")
    assert sorted(one or b"" for one in await read(kafka, topic, group, 3)) == [b"a", b"b", b"c"]
    [entry] = await entries(audited)
    assert (entry["actor"], entry["action"], entry["purpose"]) == ("ops:anna", "topic.read-again", "INC-2026/7")
    assert entry["object_id"].startswith(f"{topic}@20")


async def test_from_the_beginning_and_never_forward(kafka: str, topic: str, group: str, typed: Typed) -> None:
    await produce(kafka, topic, b"a")
    await read(kafka, topic, group, 1)
    await produce(kafka, topic, b"unread")

    code, told = await typed(topic, "--since", "2099-01-01", "--move", *WHO)
    assert (code, told.splitlines()[-1]) == (0, "0 offsets are read again when the service is started")
    assert await committed(kafka, group, topic) == 1
    assert (await typed(topic, "--since", "beginning", "--move", *WHO))[0] == 0
    assert await read(kafka, topic, group, 2) == [b"a", b"unread"]


async def test_while_a_process_runs_it_is_refused_and_nothing_moves(
    kafka: str, topic: str, group: str, typed: Typed
) -> None:
    await produce(kafka, topic, b"a")
    reader = Reader()
    async with member(kafka, topic, group, reader):
        await until(lambda: len(reader.got) == 1)
        code, told = await typed(topic, "--since", "beginning", "--move", *WHO)
        assert (code, told.splitlines()[-1]) == (
            rereading.EXIT_STILL_RUNS,
            "a process of this service still reads the topic: stop them all first",
        )
        await produce(kafka, topic, b"b")
        await until(lambda: len(reader.got) == 2)
    assert reader.got == [b"a", b"b"]


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("{topic}",),
        ("another", "--since", "beginning"),
        ("{topic}", "--since", "lately"),
        ("{topic}", "--since", "beginning", "--move"),
        ("{topic}", "--since", "beginning", "--move", "--actor", "0101901234", "--purpose", "INC-1"),
    ],
)
async def test_wrong_usage_ends_with_2(topic: str, typed: Typed, arguments: tuple[str, ...]) -> None:
    assert (await typed(*(one.format(topic=topic) for one in arguments)))[0] == 2


async def entries(audited: DatabaseAddresses) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(audited.owner_dsn)
    try:
        return list(await connection.fetch("select actor, action, purpose, object_id from audit_entry"))
    finally:
        await connection.close()
