"""Where the servers are, and where a service's database is on them."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Self

from stack.errors import StackError

MESSAGING: Final = ("kafka", "postgres")
DOCUMENTS: Final = ("clamd", "minio")
ALL_SERVERS: Final = (*MESSAGING, *DOCUMENTS)

_VARIABLES: Final = {
    "kafka": ("KAFKA_BOOTSTRAP_SERVERS",),
    "postgres": ("POSTGRES_ADMIN_DSN",),
    "clamd": ("CLAMD_HOST", "CLAMD_PORT"),
    "minio": ("S3_ENDPOINT_URL", "S3_REGION", "S3_ACCESS_KEY_ID", "S3_SECRET_ACCESS_KEY"),
}
"""What names each server in the environment. The keys are those of the object store's administrator."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Addresses:
    """`source` tells who runs the servers: environment, native or docker. What a stack does not have is empty."""

    kafka_bootstrap: str = ""
    postgres_admin_dsn: str = field(default="", repr=False)
    clamd_host: str = ""
    clamd_port: int = 0
    s3_endpoint: str = ""
    s3_region: str = ""
    s3_access_key: str = ""
    s3_secret_key: str = field(default="", repr=False)
    source: str

    @classmethod
    def from_environment(cls, servers: Sequence[str] = MESSAGING) -> Self | None:
        """Where these servers are, if all are given; StackError where Kafka and PostgreSQL are, and another is not."""
        wanted = {name for server in servers for name in _VARIABLES[server]}
        missing = sorted(name for name in wanted if not os.environ.get(name))
        if not missing:
            return cls(
                kafka_bootstrap=_given("KAFKA_BOOTSTRAP_SERVERS"),
                postgres_admin_dsn=_given("POSTGRES_ADMIN_DSN"),
                clamd_host=_given("CLAMD_HOST"),
                clamd_port=int(_given("CLAMD_PORT") or 0),
                s3_endpoint=_given("S3_ENDPOINT_URL"),
                s3_region=_given("S3_REGION"),
                s3_access_key=_given("S3_ACCESS_KEY_ID"),
                s3_secret_key=_given("S3_SECRET_ACCESS_KEY"),
                source="environment",
            )
        of_messaging = {name for server in MESSAGING for name in _VARIABLES[server]}
        if of_messaging <= wanted and not of_messaging & set(missing):
            message = f"the environment names Kafka and PostgreSQL, but {', '.join(missing)} is missing beside them"
            raise StackError(message)
        return None


def _given(name: str) -> str:
    return os.environ.get(name, "")


@dataclass(frozen=True, kw_only=True, slots=True)
class SecondListener:
    """A second way into the broker, for those who come through something that stands in between: the broker listens on
    `port` of loopback, and tells whoever came that way to come back to `advertised_port`."""

    port: int
    advertised_port: int


@dataclass(frozen=True, kw_only=True, slots=True)
class DatabaseAddresses:
    """One database: `runtime_dsn` has only what the migrations grant, `owner_dsn` is for migrations."""

    name: str
    role: str
    owner: str
    runtime_dsn: str
    owner_dsn: str
