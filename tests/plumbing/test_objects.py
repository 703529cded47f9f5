"""Objects are put once, read back whole or not at all, on the real store."""

import io
import tempfile
from collections.abc import AsyncIterator
from hashlib import sha256
from uuid import uuid4

import aiohttp
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from plumbing.errors import Unavailable
from plumbing.objects import Account, Altered, Bucket, Forbidden, NotThere
from stack import Stack
from tests.support.fixtures import Buckets
from tests.unit.simulators.servers import serving

DATA = bytes(range(256)) * 5000


def account(servers: Stack, buckets: Buckets, name: str) -> Account:
    keys = buckets.accounts[name]
    return Account(
        endpoint=servers.addresses.s3_endpoint,
        region=servers.addresses.s3_region,
        access_key=keys.access_key,
        secret_key=keys.secret_key,
    )


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as made:
        yield made


@pytest.fixture
def clean(session: aiohttp.ClientSession, documents_servers: Stack, buckets: Buckets) -> Bucket:
    return Bucket(session, account(documents_servers, buckets, "uploads"), buckets.clean)


async def put(bucket: Bucket, key: str, data: bytes = DATA, digest: str | None = None) -> object:
    with tempfile.TemporaryFile() as body:
        body.write(data)
        digest = digest or sha256(data).hexdigest()
        return await bucket.put(key, body, size=len(data), digest=digest, media_type="application/pdf")


async def fetch(bucket: Bucket, key: str, *, size: int = len(DATA), digest: str | None = None) -> bytes:
    into = io.BytesIO()
    await bucket.fetch(key, into, size=size, digest=digest or sha256(DATA).hexdigest())
    return into.getvalue()


async def test_what_is_put_is_read_back_and_put_again_it_stays_as_it_was(clean: Bucket) -> None:
    key = f"{uuid4()}/x"
    first = await put(clean, key)
    assert await fetch(clean, key) == DATA
    again = await put(clean, key, b"something else")
    assert (first.is_new, again.is_new) == (True, False)  # type: ignore[attr-defined]
    assert first.version == again.version is not None  # type: ignore[attr-defined]
    assert await fetch(clean, key) == DATA


async def test_other_bytes_than_were_signed_are_not_taken(clean: Bucket) -> None:
    key = f"{uuid4()}/x"
    with pytest.raises(Unavailable):
        await put(clean, key, DATA, digest=sha256(b"other").hexdigest())
    with pytest.raises(NotThere):
        await fetch(clean, key)


async def test_what_is_not_what_was_put_is_not_handed_out(clean: Bucket) -> None:
    key = f"{uuid4()}/x"
    await put(clean, key)
    for size, digest in ((len(DATA) - 1, None), (len(DATA) + 1, None), (len(DATA), "0" * 64)):
        with pytest.raises(Altered):
            await fetch(clean, key, size=size, digest=digest)


async def test_an_account_that_may_not_is_told_so_and_the_key_is_not(
    session: aiohttp.ClientSession, documents_servers: Stack, buckets: Buckets
) -> None:
    bridge = Bucket(session, account(documents_servers, buckets, "ksd_bridge"), buckets.clean)
    key = f"{uuid4()}/x"
    with pytest.raises(Forbidden) as told:
        await put(bridge, key)
    assert key not in str(told.value)


@pytest.mark.parametrize("status", [500, 502, 503, 429, 408, 400])
async def test_a_store_that_is_out_of_sorts_is_tried_later(
    session: aiohttp.ClientSession, documents_servers: Stack, buckets: Buckets, status: int
) -> None:
    async def answer(request: Request) -> Response:
        await request.body()
        return Response(status_code=status)

    async with serving(Starlette(routes=[Route("/{path:path}", answer, methods=["PUT", "GET", "DELETE"])])) as address:
        told = account(documents_servers, buckets, "uploads")
        bucket = Bucket(session, Account(endpoint=address, region=told.region, access_key="a", secret_key="b"), "b")
        with pytest.raises(Unavailable):
            await put(bucket, "k")
        with pytest.raises(Unavailable):
            await fetch(bucket, "k")
        with pytest.raises(Unavailable):
            await bucket.delete("k")


async def test_a_body_that_ends_too_soon_is_not_taken_for_the_whole(
    session: aiohttp.ClientSession, documents_servers: Stack, buckets: Buckets
) -> None:
    async def half(_: Request) -> Response:
        return Response(DATA[:1000])

    async with serving(Starlette(routes=[Route("/{path:path}", half)])) as address:
        told = account(documents_servers, buckets, "uploads")
        bucket = Bucket(session, Account(endpoint=address, region=told.region, access_key="a", secret_key="b"), "b")
        with pytest.raises(Altered):
            await fetch(bucket, "k")


async def test_nobody_there_is_tried_later(session: aiohttp.ClientSession) -> None:
    bucket = Bucket(session, Account(endpoint="http://127.0.0.1:1", region="r", access_key="a", secret_key="b"), "b")
    with pytest.raises(Unavailable):
        await put(bucket, "k")


async def test_what_is_deleted_is_gone_and_may_be_deleted_again(
    session: aiohttp.ClientSession, documents_servers: Stack, buckets: Buckets
) -> None:
    inbound = Bucket(session, account(documents_servers, buckets, "uploads"), buckets.inbound)
    key = f"{uuid4()}/x"
    await put(inbound, key)
    await inbound.delete(key)
    await inbound.delete(key)
    with pytest.raises(NotThere):
        await fetch(inbound, key)
