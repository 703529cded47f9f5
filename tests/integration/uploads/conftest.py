"""A migrated database and a house for each test; scanner and store are the session's."""

from collections.abc import AsyncIterator

import pytest

from plumbing.postgres import Database
from stack import Stack
from tests.integration.uploads.house import Citizen, House, uploads_house
from tests.support.fixtures import Buckets, DatabaseFactory


@pytest.fixture
def uploads_dsn(database: DatabaseFactory) -> str:
    return database("uploads").runtime_dsn


@pytest.fixture
async def uploads_database(uploads_dsn: str) -> AsyncIterator[Database]:
    opened = await Database.open(uploads_dsn, application_name="test", max_size=12)
    yield opened
    await opened.close()


@pytest.fixture
async def house(uploads_database: Database, documents_servers: Stack, buckets: Buckets) -> AsyncIterator[House]:
    async with uploads_house(uploads_database, documents_servers, buckets) as running:
        yield running


@pytest.fixture
async def citizen(house: House) -> Citizen:
    return await house.citizen()
