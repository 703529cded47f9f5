"""A running vault for each test."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from contracts.citizens.client import VaultClient
from plumbing.postgres import Database
from services.citizens.app import check_keys, make_parts
from services.citizens.domain.rights import Caller
from tests.integration.citizens.running import TOKENS, HandClock, Vault, make_settings, serve
from tests.support.fixtures import DatabaseFactory


@pytest.fixture
async def vault(database: DatabaseFactory) -> AsyncIterator[Vault]:
    addresses = database("citizens")
    settings = make_settings(addresses)
    clock = HandClock()
    async with AsyncExitStack() as stack:
        opened = await Database.open(addresses.runtime_dsn, application_name="citizens")
        stack.push_async_callback(opened.close)
        await check_keys(settings, opened, clock.now())
        parts = make_parts(settings, opened, clock)
        port = await serve(stack, parts, settings)
        url = f"http://127.0.0.1:{port}"
        clients = {caller: await stack.enter_async_context(VaultClient(url, TOKENS[caller])) for caller in Caller}
        yield Vault(
            url=url,
            settings=settings,
            addresses=addresses,
            database=opened,
            clock=clock,
            parts=parts,
            intake=clients[Caller.INTAKE],
            tasks=clients[Caller.TASKS],
            notifier=clients[Caller.NOTIFIER],
            uploads=clients[Caller.UPLOADS],
            ops=clients[Caller.OPS],
        )
