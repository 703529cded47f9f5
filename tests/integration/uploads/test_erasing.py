"""What was taken back, recalled or left behind is deleted for good, by the eraser's account and by no other (U72, U81)."""

import pytest

from plumbing.errors import Unavailable
from plumbing.jobs import Claim
from plumbing.objects import Account, Bucket, Forbidden
from services.uploads.gateways import Eraser
from services.uploads.usecases.deleting import Erase
from stack import Stack
from tests.integration.uploads.house import Citizen, House
from tests.integration.uploads.test_sending import pdf


def eraser(house: House, servers: Stack, account: str = "eraser") -> Erase:
    keys = house.buckets.accounts[account]
    told = Account(
        endpoint=servers.addresses.s3_endpoint,
        region=servers.addresses.s3_region,
        access_key=keys.access_key,
        secret_key=keys.secret_key,
    )
    inbound, clean = (
        Eraser(Bucket(house.session, told, name), told, name, keeps_versions=keeps_versions)
        for name, keeps_versions in ((house.buckets.inbound, False), (house.buckets.clean, True))
    )
    return Erase(house.database, uploads=house.store, inbound=inbound, clean=clean)


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
