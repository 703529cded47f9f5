"""A migrated database for each test."""

from collections.abc import AsyncIterator

import pytest

from plumbing.postgres import Database
from tests.support.fixtures import DatabaseFactory


@pytest.fixture
async def notifier_database(database: DatabaseFactory) -> AsyncIterator[Database]:
    opened = await Database.open(database("notifier").runtime_dsn, application_name="test", max_size=12)
    yield opened
    await opened.close()
