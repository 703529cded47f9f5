"""What `uploads` asks of others: citizens' keys of the vault, and of the store what only an eraser may."""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from typing import Final
from urllib.parse import urlsplit
from uuid import UUID

import urllib3
from minio import Minio
from minio.error import MinioException, S3Error

from contracts.citizens import v1
from contracts.citizens.client import VaultClient, VaultUnavailable
from plumbing.dead_letters import KeyDestroyed, MonthKey
from plumbing.errors import Unavailable
from plumbing.objects import Account, Bucket
from services.uploads.domain.submissions import Refused

_SECONDS: Final = 10.0


class Vault:
    """Fetches keys; raises Unavailable while the vault is away."""

    def __init__(self, client: VaultClient) -> None:
        self._client = client

    async def key(self, citizen_id: UUID) -> bytes:
        """The citizen's key; raises Refused for somebody who was erased, or whom nobody knows."""
        try:
            [answer] = await self._client.keys([citizen_id])
        except VaultUnavailable as error:
            raise Unavailable("citizens", error.reason) from None
        if not isinstance(answer, v1.KnownKey):
            raise Refused("not-found")
        return answer.key

    async def month_key(self, month: str) -> MonthKey:
        """This month's key for dead letters."""
        try:
            answer = await self._client.month_key("dead-letter", month)
        except VaultUnavailable as error:
            raise Unavailable("citizens", error.reason) from None
        if not isinstance(answer, v1.MonthKey):
            raise KeyDestroyed("citizens", "the month's key is destroyed")
        return MonthKey(key_id=answer.key_id, key=answer.key)


class Eraser:
    """Deletes for good in one bucket, one version after the other: the account may delete versions and cannot merely hide them.

    `keeps_versions`: the bucket does, and locks them for a time that this account need not mind.
    """

    def __init__(self, bucket: Bucket, account: Account, name: str, *, keeps_versions: bool) -> None:
        address = urlsplit(account.endpoint)
        self._bucket = bucket
        self._name = name
        self._keeps_versions = keeps_versions
        self._client = Minio(
            address.netloc,
            access_key=account.access_key,
            secret_key=account.secret_key,
            region=account.region,
            secure=address.scheme == "https",
            http_client=urllib3.PoolManager(timeout=_SECONDS, retries=False),
        )

    async def erase(self, prefix: str, but: Collection[str] = (), *, may_go_on: Callable[[], Awaitable[object]]) -> int:
        """Every version below the prefix, delete markers too, but for keys that end in one of these; how many. `may_go_on` is
        called before each. Raises Unavailable, and what that raises."""
        try:
            found = await asyncio.to_thread(self._listed, prefix)
        except (MinioException, urllib3.exceptions.HTTPError, OSError) as error:
            code = error.code if isinstance(error, S3Error) else type(error).__name__
            raise Unavailable("objects", str(code)) from None
        gone = [(key, version) for key, version in found if key.rpartition("/")[2] not in but]
        for key, version in gone:
            await may_go_on()
            await self._bucket.delete(key, version=version, past_its_lock=self._keeps_versions)
        return len(gone)

    def _listed(self, prefix: str) -> list[tuple[str, str | None]]:
        found = self._client.list_objects(
            self._name, prefix=prefix, recursive=True, include_version=self._keeps_versions
        )
        return [(str(one.object_name), one.version_id if self._keeps_versions else None) for one in found]
