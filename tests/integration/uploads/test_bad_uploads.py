"""The table of files, one row of the catalogue after the other, against the real scanner and the real store: each comes to what
the table says, nothing that is not clean is readable, and a good file beside it is not held up."""

import asyncio
from collections.abc import Sequence

import pytest

from tests.integration.uploads.house import Citizen, House
from tests.integration.uploads.test_sending import pdf
from tests.support.bad_uploads import Upload, table

_ROWS: dict[str, list[Upload]] = {}
for _one in table():
    _ROWS.setdefault(_one.row, []).append(_one)
_AT_ONCE = 3


async def came_to(house: House, upload: Upload) -> tuple[str, Citizen]:
    """What the service says of a file, sent by somebody who sent nothing before."""
    citizen = await house.citizen()
    submission = await citizen.begin()
    declared = upload.content_type or None
    got = await citizen.add(submission, upload.build(), name=upload.name, content_type=declared)
    if got.status == 201:
        assert got.body["state"] == "clean"
        return "clean", citizen
    return str(got.body.get("code", got.body.get("state"))), citizen


async def offences(house: House, uploads: Sequence[Upload]) -> list[str]:
    found: list[str] = []
    turns = asyncio.Semaphore(_AT_ONCE)

    async def one(upload: Upload) -> None:
        async with turns:
            said, citizen = await came_to(house, upload)
            if said not in upload.expected.allowed:
                found.append(f"{upload.what}: {said}, not {sorted(upload.expected.allowed)}")
            number = len(house.objects(house.buckets.clean, citizen.absence_id))
            if number != (said == "clean") or house.objects(house.buckets.inbound, citizen.absence_id):
                found.append(f"{upload.what}: {said}, and {number} objects can be read")

    await asyncio.gather(*(one(upload) for upload in uploads))
    good = await house.citizen()
    if (await good.add(await good.begin(), pdf())).status != 201:
        found.append("a good file after them is not clean")
    return found


@pytest.mark.timeout(300)
@pytest.mark.parametrize("row", sorted(_ROWS))
async def test_every_file_of_the_row_comes_to_what_the_table_says(house: House, row: str) -> None:
    assert await offences(house, _ROWS[row]) == []
