"""Objects in an S3 store, put once and read back whole.

Invariants: an object is put under a key that nothing stood under before (`If-None-Match: *`), with the SHA-256 of its bytes
signed into the request, so that the store takes no others; what is read is known to be what was put, or it is not handed out.
Bodies travel in pieces, so memory does not grow with them. Requests are signed by the S3 library, bodies sent by the HTTP client:
the library itself is synchronous.

What goes wrong is `Unavailable` (the same may be done later: no connection, 5xx, 429, a request time-out), `Forbidden` (the
account may not: a fault of the deployment), `NotThere` or `Altered`.
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import BinaryIO, Final
from urllib.parse import quote, urlsplit

import aiohttp
import yarl
from minio.credentials.credentials import Credentials
from minio.signer import sign_v4_s3

from plumbing.errors import Unavailable
from plumbing.faults import faultpoint

PIECE_BYTES: Final = 256 * 1024
_EMPTY: Final = sha256(b"").hexdigest()
_LATER: Final = frozenset({408, 429})
_THERE_ALREADY: Final = frozenset({409, 412})


class Forbidden(Exception):
    """The store says that this account may not. Names the verb, never the key."""

    def __init__(self, verb: str) -> None:
        super().__init__(f"the object store forbids {verb}")


class NotThere(Exception):
    """There is no such object, or version."""


class Altered(Exception):
    """What the store gave back is not what was put."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Stored:
    """Where an object lies. `version` is None where the bucket keeps none; `is_new` False: it lay there already."""

    key: str
    version: str | None
    is_new: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    """Which store, and as whom. `endpoint` is http(s)://host:port."""

    endpoint: str
    region: str
    access_key: str
    secret_key: str = field(repr=False)


class Bucket:
    """One bucket, seen by one account. The session's time-outs are the bounds of each request."""

    def __init__(self, session: aiohttp.ClientSession, account: Account, name: str) -> None:
        self._session = session
        self._account = account
        self._credentials = Credentials(account.access_key, account.secret_key)
        self._base = f"{account.endpoint.rstrip('/')}/{name}"
        self._host = urlsplit(account.endpoint).netloc

    async def put(self, key: str, body: BinaryIO, *, size: int, digest: str, media_type: str) -> Stored:
        """Put `size` bytes, read from the start of `body`, whose SHA-256 is `digest` (hex). What lies there already stays."""
        headers = {"If-None-Match": "*", "Content-Type": media_type, "Content-Length": str(size)}
        body.seek(0)
        async with self._ask("PUT", key, digest=digest, headers=headers, data=_pieces(body)) as answer:
            status = await _settled(answer, "PUT", also=_THERE_ALREADY)
            faultpoint("objects.after_put")
            if status == 200:
                return Stored(key=key, version=answer.headers.get("x-amz-version-id"))
        if status == 409:
            raise Unavailable("objects", "somebody is putting the same")
        return Stored(key=key, version=await self._version(key), is_new=False)

    async def fetch(self, key: str, into: BinaryIO, *, size: int, digest: str, version: str | None = None) -> None:
        """The object, written to `into`; raises NotThere, and Altered where size or SHA-256 differ from what was put."""
        told, hashed = 0, sha256()
        async with self._ask("GET", key, version=version) as answer:
            await _settled(answer, "GET")
            async for piece in answer.content.iter_chunked(PIECE_BYTES):
                told += len(piece)
                if told > size:
                    raise Altered
                hashed.update(piece)
                into.write(piece)
        if told != size or hashed.hexdigest() != digest:
            raise Altered
        into.seek(0)

    async def delete(self, key: str, *, version: str | None = None, past_its_lock: bool = False) -> None:
        """Take away an object or, where the bucket keeps versions, one of them for good. What is not there is fine."""
        headers = {"x-amz-bypass-governance-retention": "true"} if past_its_lock else {}
        async with self._ask("DELETE", key, version=version, headers=headers) as answer:
            await _settled(answer, "DELETE", also=frozenset({404}))
            faultpoint("objects.after_delete")

    async def _version(self, key: str) -> str | None:
        async with self._ask("HEAD", key) as answer:
            await _settled(answer, "HEAD")
            return answer.headers.get("x-amz-version-id")

    def _ask(
        self,
        method: str,
        key: str,
        *,
        digest: str = _EMPTY,
        version: str | None = None,
        headers: Mapping[str, str] | None = None,
        data: AsyncIterator[bytes] | None = None,
    ) -> "_Asking":
        query = "" if version is None else f"?versionId={quote(version, safe='')}"
        url = f"{self._base}/{quote(key)}{query}"
        now = datetime.now(UTC)
        signed = sign_v4_s3(
            method=method,
            url=urlsplit(url),
            region=self._account.region,
            headers={
                "Host": self._host,
                "x-amz-content-sha256": digest,
                "x-amz-date": now.strftime("%Y%m%dT%H%M%SZ"),
                **(headers or {}),
            },
            credentials=self._credentials,
            content_sha256=digest,
            date=now,
        )
        return _Asking(self._session, method, url, {str(name): str(value) for name, value in signed.items()}, data)


class _Asking:
    """A request under way; what the way to the store does becomes Unavailable."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        method: str,
        url: str,
        headers: Mapping[str, str],
        data: AsyncIterator[bytes] | None,
    ) -> None:
        self._request = session.request(
            method, yarl.URL(url, encoded=True), headers=headers, data=data, allow_redirects=False
        )

    async def __aenter__(self) -> aiohttp.ClientResponse:
        try:
            return await self._request.__aenter__()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Unavailable("objects", type(error).__name__) from None

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        await self._request.__aexit__(None, None, None)
        if isinstance(error, aiohttp.ClientError | TimeoutError | OSError):
            raise Unavailable("objects", type(error).__name__) from None


async def _settled(answer: aiohttp.ClientResponse, verb: str, *, also: frozenset[int] = frozenset()) -> int:
    """The status where it is a success, or one of `also`; raises what else it means."""
    status = answer.status
    if status in (200, 204, 206) or status in also:
        return status
    if status == 404:
        raise NotThere
    if status in (401, 403):
        raise Forbidden(verb)
    if status >= 500 or status in _LATER:
        raise Unavailable("objects", f"{verb} {status}")
    raise Unavailable("objects", f"{verb} is answered {status}")


async def _pieces(body: BinaryIO) -> AsyncIterator[bytes]:
    while piece := body.read(PIECE_BYTES):
        yield piece
