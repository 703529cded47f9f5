"""What was taken back, recalled or left behind is deleted for good, by the eraser's account and by no other (U72, U81)."""

import asyncio
import io
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import asyncpg
import pytest
from typing_extensions import override

from plumbing import jobs
from plumbing.errors import Unavailable
from plumbing.jobs import Claim, Done, Job, Policy, Worker
from plumbing.objects import Account, Bucket, Forbidden
from plumbing.postgres import Database, is_transient
from services.uploads.app import until_empty
from services.uploads.gateways import Eraser
from services.uploads.usecases.deleting import DropInbound, Erase, erase_job
from stack import Stack
from stack.paths import ROOT
from stack.ports import free_port
from stack.processes import Process
from tests.integration.uploads.house import Citizen, House
from tests.integration.uploads.test_sending import pdf

SHORT_SECONDS = 0.3


@pytest.fixture
async def impatient(uploads_dsn: str) -> AsyncIterator[Database]:
    """The house's database, whose server bears with an idle transaction for a moment only."""
    told = {"idle_in_transaction_session_timeout": f"{SHORT_SECONDS}s"}
    async with asyncpg.create_pool(uploads_dsn, min_size=1, max_size=2, server_settings=told) as pool:
        yield Database(pool)


def eraser(
    house: House,
    servers: Stack,
    account: str = "eraser",
    *,
    database: Database | None = None,
    bucket: type[Bucket] = Bucket,
    lock_seconds: float = 60.0,
) -> Erase:
    keys = house.buckets.accounts[account]
    told = Account(
        endpoint=servers.addresses.s3_endpoint,
        region=servers.addresses.s3_region,
        access_key=keys.access_key,
        secret_key=keys.secret_key,
    )
    inbound, clean = (
        Eraser(bucket(house.session, told, name), told, name, keeps_versions=keeps_versions)
        for name, keeps_versions in ((house.buckets.inbound, False), (house.buckets.clean, True))
    )
    return Erase(
        database or house.database, uploads=house.store, inbound=inbound, clean=clean, lock_seconds=lock_seconds
    )


async def claim(house: House) -> Claim:
    [row, *_] = await house.rows("select seq, job_id, payload from job where queue = 'erase' order by seq")
    return Claim(seq=row["seq"], job_id=row["job_id"], payload=row["payload"], attempt=1, token=row["job_id"])


async def test_what_was_taken_back_is_gone_with_all_its_versions(
    house: House, citizen: Citizen, documents_servers: Stack
) -> None:
    submission = await citizen.begin()
    await citizen.add(submission, pdf())
    other = await citizen.begin()
    await citizen.add(other, pdf())
    assert (await citizen.ask("DELETE", f"/v1/submissions/{submission}")).status == 204
    erase = eraser(house, documents_servers)
    await erase(await claim(house))
    await erase(await claim(house))  # as it may come again after a crash
    found = house.buckets.admin.list_objects(
        house.buckets.clean, prefix=f"{citizen.absence_id}/", recursive=True, include_version=True
    )
    assert len(list(found)) == 1


@pytest.mark.parametrize("account", ["uploads", "ksd_bridge", "sweeper"])
async def test_no_other_account_can_erase(
    house: House, citizen: Citizen, documents_servers: Stack, account: str
) -> None:
    submission = await citizen.begin()
    await citizen.add(submission, pdf())
    assert (await citizen.ask("DELETE", f"/v1/submissions/{submission}")).status == 204
    with pytest.raises((Forbidden, Unavailable)):
        await eraser(house, documents_servers, account)(await claim(house))
    assert len(house.objects(house.buckets.clean, citizen.absence_id)) == 1


async def test_the_service_cannot_delete_what_is_clean(house: House, citizen: Citizen) -> None:
    await citizen.add(await citizen.begin(), pdf())
    [key] = house.objects(house.buckets.clean, citizen.absence_id)
    with pytest.raises(Forbidden):
        await house.clean.delete(key)


class Slow(Bucket):
    """Deletes later than an idle transaction of `impatient` ends."""

    @override
    async def delete(self, key: str, **how: Any) -> None:
        await asyncio.sleep(3 * SHORT_SECONDS)
        await super().delete(key, **how)


async def test_however_slow_the_store_is_the_submission_is_locked_until_its_bytes_are_gone(
    house: House, citizen: Citizen, documents_servers: Stack, impatient: Database
) -> None:
    class Watched(Slow):
        found_free: Final[list[int]] = []

        @override
        async def delete(self, key: str, **how: Any) -> None:
            await super().delete(key, **how)
            self.found_free.append(len(await house.rows("select from submission for update skip locked")))

    submission = await citizen.begin()
    await citizen.add(submission, pdf())
    assert (await citizen.ask("DELETE", f"/v1/submissions/{submission}")).status == 204
    erase = eraser(house, documents_servers, database=impatient, bucket=Watched)
    assert isinstance(await erase(await claim(house)), Done)
    assert Watched.found_free == [0]
    assert house.objects(house.buckets.clean, citizen.absence_id) == []


async def test_once_the_lock_is_gone_nothing_more_is_deleted(
    house: House, citizen: Citizen, documents_servers: Stack, impatient: Database
) -> None:
    submission = await citizen.begin()
    await citizen.add(submission, pdf())
    [key] = house.objects(house.buckets.clean, citizen.absence_id)
    house.buckets.admin.put_object(house.buckets.clean, key, io.BytesIO(b"x"), 1)
    assert (await citizen.ask("DELETE", f"/v1/submissions/{submission}")).status == 204
    erase = eraser(house, documents_servers, database=impatient, bucket=Slow, lock_seconds=SHORT_SECONDS)
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError)) as raised:
        await erase(await claim(house))
    assert is_transient(raised.value)
    left = house.buckets.admin.list_objects(
        house.buckets.clean, prefix=f"{citizen.absence_id}/", recursive=True, include_version=True
    )
    assert len(list(left)) == 1


async def test_an_eraser_that_is_to_end_when_nothing_waits_ends_when_it_is_told_to(
    house: House, citizen: Citizen, documents_servers: Stack, uploads_dsn: str, tmp_path: Path
) -> None:
    """What is coming in is waited for: whoever begins it by hand must be able to stop it."""
    submission, file_id, keys = await citizen.begin(), uuid4(), house.buckets.accounts["eraser"]
    async with house.database.transaction() as connection:
        known = await house.store.lock(connection, submission)
        assert known is not None
        await house.store.begin_arrival(connection, file_id, submission, citizen.citizen_id)
        await jobs.add(connection, [erase_job(known, file_id)])
    process = Process(
        "eraser",
        (sys.executable, "-m", "services.uploads", "erase", "--once"),
        log_path=tmp_path / "eraser.log",
        cwd=ROOT,
        env={
            "PATH": "/usr/bin:/bin",
            "DATABASE_URL": uploads_dsn,
            "OPS_PORT": str(free_port()),
            "S3_ENDPOINT_URL": documents_servers.addresses.s3_endpoint,
            "S3_REGION": documents_servers.addresses.s3_region,
            "S3_ACCESS_KEY_ID": keys.access_key,
            "S3_SECRET_ACCESS_KEY": keys.secret_key,
            "INBOUND_BUCKET": house.buckets.inbound,
            "CLEAN_BUCKET": house.buckets.clean,
        },
    ).start()
    try:
        async with asyncio.timeout(30):
            while not await house.rows("select from job where queue = 'erase' and reason = 'under-way'"):
                await asyncio.sleep(0.05)
        os.kill(process.pid, signal.SIGTERM)
        async with asyncio.timeout(15):
            while process.is_alive:
                await asyncio.sleep(0.05)
        assert process.exit_code == 0
    finally:
        process.kill()


async def test_an_eraser_whose_work_dies_does_not_wait_for_it(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    async def dies(_: Worker) -> None:
        raise KeyError("a fault of ours")

    async with house.database.transaction() as connection:
        await jobs.add(connection, [Job(job_id=uuid4(), queue="erase", payload=b"")])
    monkeypatch.setattr(Worker, "run", dies)
    worker = Worker(house.database, "erase", DropInbound(house.inbound), policy=Policy())
    began = time.monotonic()
    with pytest.raises(KeyError):
        async with asyncio.timeout(5):
            await until_empty(house.database, worker, asyncio.Event())
    assert time.monotonic() - began < 3
