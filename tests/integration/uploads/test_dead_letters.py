"""What uploads could not read is worked when it is replayed, once, on real Kafka, PostgreSQL and vault."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from contracts.absence.v1 import AbsenceWithdrawn
from plumbing import inbox
from plumbing.bus import Record
from plumbing.dead_letters import Undertaker
from plumbing.postgres import Database
from plumbing.stage import Reading, Refusal, Stage
from services.citizens.domain.rights import Caller
from services.uploads.gateways import Vault
from services.uploads.handlers import read_absence
from services.uploads.store import Store
from services.uploads.usecases.follow_absences import FollowAbsences
from stack import Stack
from tests.integration.citizens import conftest as citizens
from tests.integration.citizens.running import Vault as RunningVault
from tests.support import replays
from tests.support.fixtures import DatabaseFactory, TopicFactory
from tests.support.replays import Listening, ids, listening

vault = citizens.vault  # as its own tests have it
_quiet = replays.quiet  # for all tests here


class Release:
    """How records are read by the release that runs: one that is at fault refuses them all."""

    is_at_fault = True

    def read(self, record: Record) -> Reading[Any]:
        if self.is_at_fault:
            return Refusal(record=record, message_id=inbox.position_id(record), code="not-json")
        return read_absence(record)


@pytest.fixture
async def hearing(
    stack: Stack,
    topics: TopicFactory,
    database: DatabaseFactory,
    vault: RunningVault,
    capsys: pytest.CaptureFixture[str],
) -> AsyncIterator[tuple[Listening, Release]]:
    """Where uploads hears of absences, and how its release reads them."""
    release = Release()

    def make_stage(opened: Database, undertaker: Undertaker) -> Stage[Any]:
        work = FollowAbsences(Store())
        return Stage(opened, read=release.read, work=work, undertaker=undertaker, after_commit=lambda: None)

    async with listening(
        Caller.UPLOADS,
        stack=stack,
        topics=topics,
        addresses=database("uploads"),
        fetch_key=Vault(vault.uploads).month_key,
        clock=vault.clock,
        make_stage=make_stage,
        capsys=capsys,
    ) as opened:
        yield opened, release


async def test_a_refused_absence_is_known_when_it_is_replayed_and_once(hearing: tuple[Listening, Release]) -> None:
    absences, release = hearing
    now = datetime.now(UTC)
    event = AbsenceWithdrawn(
        absence_id=uuid4(), citizen_id=uuid4(), notification_id=uuid4(), sent_at=now, received_at=now
    )
    await absences.hears(event, uuid4())
    assert await absences.fates() == ["rejected"]
    assert "1 sent" in await absences.replays("--all")  # too early: nothing was mended yet
    assert await absences.fates() == ["rejected", "rejected"]
    first, second = await absences.dead_letters()

    release.is_at_fault = False
    assert await absences.rows("select from absence") == []
    assert "1 sent, 1 replayed already" in await absences.replays("--all")
    [known] = await absences.rows("select absence_id, citizen_id, is_withdrawn from absence")
    assert tuple(known) == (event.absence_id, event.citizen_id, True)
    assert "2 sent" in await absences.replays(*ids([first, second]), "--again")
    assert "2 replayed already" in await absences.replays("--all")
    assert await absences.fates() == ["rejected", "rejected", "accepted", "duplicate", "duplicate"]
    assert await absences.dead_letters() == [first, second]
