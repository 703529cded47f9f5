"""A database with the tables of plumbing, made once per session and emptied for each test."""

from collections.abc import AsyncIterator, Iterator

import asyncpg
import pytest

from plumbing import dead_letters, inbox, outbox
from plumbing.postgres import Database
from stack import DatabaseAddresses
from stack.waiting import run
from tests.support.databases import Databases

EFFECT = """
create table effect (message_id text not null, note text);
grant select, insert on effect to {role};
"""
EMPTY = """
truncate inbox_message, inbox_record, outbox, outbox_lease, outbox_parked_key, dead_letter_original, effect
restart identity
"""


@pytest.fixture(scope="session")
def plumbing_tables(databases: Databases) -> Iterator[DatabaseAddresses]:
    addresses = databases.empty("plain")
    for schema in (inbox.SCHEMA, outbox.SCHEMA, dead_letters.SCHEMA, EFFECT):
        run(_as_owner(addresses, schema.replace("{role}", addresses.role)))
    yield addresses
    databases.drop([addresses])


@pytest.fixture
async def pool(plumbing_tables: DatabaseAddresses) -> AsyncIterator[Database]:
    """Inbox, outbox, dead letters and a table `effect`, as the run-time role sees them."""
    await _as_owner(plumbing_tables, EMPTY)
    opened = await Database.open(plumbing_tables.runtime_dsn, application_name="test", max_size=6)
    yield opened
    await opened.close()


async def _as_owner(addresses: DatabaseAddresses, sql: str) -> None:
    owner = await asyncpg.connect(addresses.owner_dsn)
    try:
        await owner.execute(sql)
    finally:
        await owner.close()
