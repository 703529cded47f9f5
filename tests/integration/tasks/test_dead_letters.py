"""What the work of tasks refused is worked when it is replayed, once, on real Kafka, PostgreSQL and vault."""

from collections.abc import AsyncIterator
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import pytest

from contracts.dead_letter.v1 import record as dead_letter
from plumbing import ids as derived
from plumbing.dead_letters import Undertaker
from plumbing.postgres import Database
from plumbing.stage import Stage
from services.citizens.domain.rights import Caller
from services.tasks.gateways import Vault
from services.tasks.handlers import read_absence, read_letter
from services.tasks.store import Store
from services.tasks.usecases import FollowAbsences, StartClocks
from stack import Stack
from tests.integration.citizens import conftest as citizens
from tests.integration.citizens.running import Vault as RunningVault
from tests.support import replays
from tests.support.fixtures import DatabaseFactory, TopicFactory
from tests.support.replays import Listening, ids, listening
from tests.support.tasks_house import NOW, FixedClock, Reporter, as_record, dispatched, fetch_key

vault = citizens.vault  # as its own tests have it
_quiet = replays.quiet  # for all tests here


@pytest.fixture
async def clocks(
    stack: Stack,
    topics: TopicFactory,
    database: DatabaseFactory,
    vault: RunningVault,
    capsys: pytest.CaptureFixture[str],
) -> AsyncIterator[Listening]:
    """Where tasks hears of letters."""

    def make_stage(opened: Database, undertaker: Undertaker) -> Stage[Any]:
        work = StartClocks(Store(), FixedClock())
        return Stage(opened, read=read_letter, work=work, undertaker=undertaker, after_commit=lambda: None)

    async with listening(
        Caller.TASKS,
        stack=stack,
        topics=topics,
        addresses=database("tasks"),
        fetch_key=Vault(vault.tasks).month_key,
        clock=vault.clock,
        make_stage=make_stage,
        capsys=capsys,
    ) as opened:
        yield opened


async def report_is_told(clocks: Listening, event_id: UUID) -> None:
    """As when tasks, restored from a backup, reads its other topic again and knows the letter from then on."""
    undertaker = Undertaker(fetch_key=fetch_key, write=dead_letter, clock=FixedClock(), group="g")
    work = FollowAbsences(Store(), FixedClock())
    stage = Stage(clocks.database, read=read_absence, work=work, undertaker=undertaker, after_commit=lambda: None)
    await stage([as_record(Reporter().reports(), 0, event_id=event_id)])


async def deadlines(clocks: Listening) -> tuple[list[date | None], int]:
    """The deadline of each task, and how often one was set."""
    tasks = await clocks.rows("select deadline_day from task")
    set_ = await clocks.rows("select from audit_entry where action = 'task.deadline_set'")
    return [row["deadline_day"] for row in tasks], len(set_)


async def test_a_refused_proof_sets_the_deadline_when_it_is_replayed_and_once(clocks: Listening) -> None:
    report_id, proof_id = uuid4(), uuid4()
    letter = {
        "letter_id": str(derived.derive(str(report_id), "letter")),
        "version": 1,
        "absence_id": str(uuid4()),
        "citizen_id": str(uuid4()),
    }
    await clocks.hears(dispatched(letter, NOW), proof_id)
    assert await clocks.fates() == ["rejected"]
    assert "1 sent" in await clocks.replays("--all")  # too early: nothing was mended yet
    assert await clocks.fates() == ["rejected", "rejected"]
    first, second = await clocks.dead_letters()

    await report_is_told(clocks, report_id)
    assert await deadlines(clocks) == ([None, None, None], 0)
    assert "1 sent, 1 replayed already" in await clocks.replays("--all")
    assert await deadlines(clocks) == ([date(2026, 3, 28)] * 3, 3)
    assert "2 sent" in await clocks.replays(*ids([first, second]), "--again")
    assert "2 replayed already" in await clocks.replays("--all")
    await clocks.hears(dispatched(letter, NOW), proof_id)
    assert await clocks.fates() == ["rejected", "rejected", "accepted", "duplicate", "duplicate", "duplicate"]
    assert await deadlines(clocks) == ([date(2026, 3, 28)] * 3, 3)
    assert await clocks.dead_letters() == [first, second]
