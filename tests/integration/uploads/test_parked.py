"""What nobody tries any more is listed and released by command, whichever queue it is in."""

import asyncio
import json
from uuid import uuid4

import pytest
from pydantic import SecretStr

from plumbing import jobs
from plumbing.errors import Unavailable
from plumbing.jobs import Job, Policy, Worker, store
from plumbing.postgres import Database
from services.uploads.app import QUEUES, parked
from services.uploads.settings import Settings
from services.uploads.usecases.deleting import DROP_QUEUE, DropInbound, drop_job
from tests.support.fixtures import DatabaseFactory


class InboundStore:
    """One that refuses to delete until it is mended."""

    def __init__(self) -> None:
        self.refuses = True
        self.deleted: list[str] = []

    async def delete(self, key: str, **_: object) -> None:
        if self.refuses:
            raise Unavailable("objects", "AccessDenied")
        self.deleted.append(key)


async def depth(database: Database, queue: str) -> tuple[int, int]:
    async with database.acquire() as connection:
        found = await store.depth(connection, queue)
    return found.waiting, found.parked


async def drop_all(database: Database, inbound: InboundStore) -> None:
    """As the service does, until nothing waits."""
    worker = Worker(
        database, DROP_QUEUE, DropInbound(inbound), policy=Policy(first=0.01, ceiling=0.02, attempts=3), poll=0.02
    )
    running = asyncio.create_task(worker.run())
    async with asyncio.timeout(10):
        while (await depth(database, DROP_QUEUE))[0]:
            await asyncio.sleep(0.02)
    worker.stop()
    await running


async def test_a_drop_that_is_parked_is_released_by_command_and_done(
    database: DatabaseFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    addresses = database("uploads")
    settings = Settings.model_construct(database_url=SecretStr(addresses.runtime_dsn))
    job, inbound = drop_job(uuid4(), "absence/file/sha256"), InboundStore()
    opened = await Database.open(addresses.runtime_dsn, application_name="test")
    try:
        async with opened.transaction() as connection:
            await jobs.add(connection, [job])
        await drop_all(opened, inbound)
        assert await depth(opened, DROP_QUEUE) == (0, 1)
        capsys.readouterr()  # the worker's log

        assert await parked(settings, ["list"]) == 0
        [told] = map(json.loads, capsys.readouterr().out.splitlines())
        assert (told["job_id"], told["queue"], told["reason"]) == (str(job.job_id), DROP_QUEUE, "Unavailable")

        inbound.refuses = False
        for _ in range(2):
            assert await parked(settings, ["release", str(job.job_id)]) == 0
        assert capsys.readouterr().out == "1 of 1 released\n0 of 1 released\n"
        await drop_all(opened, inbound)
        assert (await depth(opened, DROP_QUEUE), inbound.deleted) == ((0, 0), ["absence/file/sha256"])
    finally:
        await opened.close()


async def test_what_is_parked_in_any_queue_is_listed_and_released(
    database: DatabaseFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    addresses = database("uploads")
    settings = Settings.model_construct(database_url=SecretStr(addresses.runtime_dsn))
    opened = await Database.open(addresses.runtime_dsn, application_name="test")
    try:
        async with opened.transaction() as connection:
            await jobs.add(connection, [Job(job_id=uuid4(), queue=queue, payload=b"") for queue in QUEUES])
        for queue in QUEUES:
            async with opened.transaction() as connection:
                claims = await store.claim(connection, queue, limit=1, lease_seconds=30)
                await store.park(connection, claims, ["odd"], [False])

        assert await parked(settings, ["list"]) == 0
        assert [json.loads(line)["queue"] for line in capsys.readouterr().out.splitlines()] == list(QUEUES)
        assert await parked(settings, ["release", "all"]) == 0
        assert capsys.readouterr().out == "3 of 3 released\n"
        assert [await depth(opened, queue) for queue in QUEUES] == [(1, 0)] * 3
    finally:
        await opened.close()
