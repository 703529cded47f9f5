"""What was taken back, recalled or left behind is deleted for good, by the eraser's account and by no other (U72, U81)."""

import asyncio
import io
from collections.abc import AsyncIterator
from typing import Any, Final

import asyncpg
import pytest
from typing_extensions import override

from plumbing.errors import Unavailable
from plumbing.jobs import Claim, Done
from plumbing.objects import Account, Bucket, Forbidden
from plumbing.postgres import Database, is_transient
from services.uploads.gateways import Eraser
from services.uploads.usecases.deleting import Erase
from stack import Stack
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
