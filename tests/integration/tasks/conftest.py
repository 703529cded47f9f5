"""Tasks on a database of its own, for each test."""

from collections.abc import AsyncIterator

import pytest

from tests.support.fixtures import DatabaseFactory
from tests.support.tasks_house import House, open_house


@pytest.fixture
async def house(database: DatabaseFactory) -> AsyncIterator[House]:
    opened = await open_house(database)
    yield opened
    await opened.database.close()
