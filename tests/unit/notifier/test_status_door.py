"""A push whose body does not come, or ends in the middle: answered, and never a fault of ours."""

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import cast

import aiohttp
import pytest
from starlette.requests import Request
from starlette.types import Message

from plumbing.postgres import Database
from services.notifier import api
from services.notifier.api import StatusPush, make_api
from services.notifier.usecases import TakeStatuses
from tests.unit.simulators.servers import serving

TOKEN = {"authorization": "Bearer secret"}


def push() -> StatusPush:
    """One that comes to no database: nothing here is a whole message."""
    return StatusPush(cast("Database", None), cast("TakeStatuses", None), "secret", lambda: None)


async def test_a_body_that_comes_too_slowly_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api, "BODY_SECONDS", 0.3)

    async def drop_by_drop() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b" "
            await asyncio.sleep(0.05)

    async with serving(make_api(push())) as address, aiohttp.ClientSession() as session:
        url = f"{address}/beskedfordeler/modtag"
        async with asyncio.timeout(4), session.post(url, data=drop_by_drop(), headers=TOKEN) as answer:
            assert answer.status == 408


async def test_a_push_that_ends_in_the_middle_raises_nothing(caplog: pytest.LogCaptureFixture) -> None:
    async def receive() -> Message:
        return {"type": "http.disconnect"}

    scope = {"type": "http", "method": "POST", "headers": [(b"authorization", b"Bearer secret")]}
    with caplog.at_level(logging.ERROR):
        assert (await push()(Request(scope, receive))).status_code == 400
    assert not caplog.records
