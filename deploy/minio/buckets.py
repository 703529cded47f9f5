"""Makes the two buckets and the accounts that use them. What is there is brought to what is said here; nothing is taken away.

Invariants: `inbound` keeps no versions, since what waits there for a verdict is deleted for good; `clean` keeps every version,
locked in governance mode, so that only the account which erases can take one away; both are encrypted at rest, or there are none.
An account has one policy, its own.

MinIO takes no lifecycle rule for uploads in pieces that were abandoned (2026-02: "not well-formed"); it removes them itself after
MINIO_API_STALE_UPLOADS_EXPIRY.
"""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from minio import Minio, MinioAdmin
from minio.commonconfig import GOVERNANCE
from minio.credentials.providers import StaticProvider
from minio.objectlockconfig import DAYS, ObjectLockConfig
from minio.sseconfig import Rule, SSEConfig
from urllib3 import PoolManager

from deploy.minio.policies import policy

ACCOUNTS: Final = ("uploads", "ksd_bridge", "eraser", "sweeper")
INBOUND: Final = "mitsyg-inbound"
CLEAN: Final = "mitsyg-clean"
RETENTION_DAYS: Final = 1826
"""Five years. The lock keeps whoever is not to erase from erasing; when a document is to go, its eraser does not wait for it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Keys:
    """What an account signs its requests with. MinIO's own are 20 and 40 characters long."""

    access_key: str
    secret_key: str = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Store:
    """An object store and who asks it. `endpoint` is http(s)://host:port."""

    endpoint: str
    region: str
    keys: Keys

    def client(self, http: PoolManager | None = None) -> Minio:
        """Without `region`, each first request would ask where the bucket is, which our accounts may not."""
        address = urlsplit(self.endpoint)
        return Minio(
            address.netloc,
            self.keys.access_key,
            self.keys.secret_key,
            secure=address.scheme == "https",
            region=self.region,
            http_client=http,
        )

    def admin(self) -> MinioAdmin:
        address = urlsplit(self.endpoint)
        return MinioAdmin(
            endpoint=address.netloc,
            credentials=StaticProvider(self.keys.access_key, self.keys.secret_key),
            secure=address.scheme == "https",
            region=self.region,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class BucketNames:
    """`suffix` tells a test's buckets and policies from those of others on the same store."""

    suffix: str = ""

    @property
    def inbound(self) -> str:
        return f"{INBOUND}{self.suffix}"

    @property
    def clean(self) -> str:
        return f"{CLEAN}{self.suffix}"

    def policy(self, account: str) -> str:
        """The name under which the store keeps an account's policy."""
        return f"mitsyg-{account}{self.suffix}"


def set_up(
    store: Store, accounts: Mapping[str, Keys], *, retention_days: int = RETENTION_DAYS, suffix: str = ""
) -> BucketNames:
    """Both buckets, and these of ACCOUNTS by name with their keys; `store` is asked as its administrator. May be repeated."""
    names = BucketNames(suffix=suffix)
    client, admin = store.client(), store.admin()
    _make(client, names.inbound, store.region, is_locked=False)
    _make(client, names.clean, store.region, is_locked=True)
    client.set_object_lock_config(names.clean, ObjectLockConfig(GOVERNANCE, retention_days, DAYS))
    with ThreadPoolExecutor(max_workers=len(ACCOUNTS)) as pool:  # what a secret travels in costs half a second each
        list(pool.map(lambda account: _let_in(admin, names, account, accounts[account]), accounts))
    return names


def _make(client: Minio, bucket: str, region: str, *, is_locked: bool) -> None:
    if not client.bucket_exists(bucket):
        client.make_bucket(bucket, location=region, object_lock=is_locked)
    client.set_bucket_encryption(bucket, SSEConfig(Rule.new_sse_s3_rule()))


def _let_in(admin: MinioAdmin, names: BucketNames, account: str, keys: Keys) -> None:
    name = names.policy(account)
    admin.policy_add(name, policy=policy(account, suffix=names.suffix))
    admin.user_add(keys.access_key, keys.secret_key)
    admin.policy_set(name, user=keys.access_key)
