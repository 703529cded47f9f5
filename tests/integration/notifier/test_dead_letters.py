"""What the work of notifier refused is worked when it is replayed, once, on real Kafka, PostgreSQL and vault."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from plumbing.dead_letters import Undertaker
from plumbing.postgres import Database
from plumbing.stage import Stage
from services.citizens.domain.rights import Caller
from services.notifier.domain import Limits
from services.notifier.gateways import Vault
from services.notifier.handlers import read_request
from services.notifier.store import Gates, Letters
from services.notifier.usecases import RequestLetters
from services.notifier.usecases.move import Mover
from stack import DatabaseAddresses, Stack
from tests.integration.citizens import conftest as citizens
from tests.integration.citizens.running import Vault as RunningVault
from tests.integration.notifier.post_office import FixedClock, letter
from tests.support import replays
from tests.support.fixtures import DatabaseFactory, TopicFactory
from tests.support.replays import Listening, ids, listening

vault = citizens.vault  # as its own tests have it
_quiet = replays.quiet  # for all tests here


@pytest.fixture
def addresses(database: DatabaseFactory) -> DatabaseAddresses:
    return database("notifier")


@pytest.fixture
async def requests(
    stack: Stack,
    topics: TopicFactory,
    addresses: DatabaseAddresses,
    vault: RunningVault,
    capsys: pytest.CaptureFixture[str],
) -> AsyncIterator[Listening]:
    """Where notifier is asked for letters; nobody sends them."""

    def make_stage(opened: Database, undertaker: Undertaker) -> Stage[Any]:
        work = RequestLetters(Letters(), Gates(), Mover(letters=Letters(), clock=FixedClock()), FixedClock(), Limits())
        return Stage(opened, read=read_request, work=work, undertaker=undertaker, after_commit=lambda: None)

    async with listening(
        Caller.NOTIFIER,
        stack=stack,
        topics=topics,
        addresses=addresses,
        fetch_key=Vault(vault.notifier).month_key,
        clock=vault.clock,
        make_stage=make_stage,
        capsys=capsys,
    ) as opened:
        yield opened


async def test_a_refused_letter_is_taken_in_when_it_is_replayed_and_once(
    requests: Listening, addresses: DatabaseAddresses
) -> None:
    wrong = letter()
    right = wrong.model_copy(update={"municipality_code": "0101"})
    await requests.hears(wrong, uuid4())
    await requests.hears(right, right_id := uuid4())
    assert await requests.fates() == ["accepted", "rejected"]
    assert "1 sent" in await requests.replays("--all")  # too early: nothing was mended yet
    dead = await requests.dead_letters()

    owner = await asyncpg.connect(addresses.owner_dsn)  # whatever mends it
    await owner.execute("delete from job")
    await owner.execute("delete from letter")
    await owner.close()
    assert "1 sent, 1 replayed already" in await requests.replays("--all")
    assert "2 sent" in await requests.replays(*ids(dead), "--again")
    await requests.hears(right, right_id)
    assert await requests.fates() == [
        "accepted",
        "rejected",
        "rejected",
        "accepted",
        "duplicate",
        "duplicate",
        "duplicate",
    ]
    (taken,) = await requests.rows("select municipality_code from letter")
    assert taken["municipality_code"] == "0101"
    assert len(await requests.rows("select from job")) == 1
    assert await requests.dead_letters() == dead
