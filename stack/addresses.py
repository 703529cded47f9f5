"""Where the servers are, and where a service's database is on them."""

import os
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, kw_only=True, slots=True)
class Addresses:
    """`source` tells who runs the servers: environment, native or docker."""

    kafka_bootstrap: str
    postgres_admin_dsn: str
    source: str

    @classmethod
    def from_environment(cls) -> Self | None:
        """KAFKA_BOOTSTRAP_SERVERS and POSTGRES_ADMIN_DSN, if both are given."""
        kafka, postgres = os.environ.get("KAFKA_BOOTSTRAP_SERVERS"), os.environ.get("POSTGRES_ADMIN_DSN")
        if kafka and postgres:
            return cls(kafka_bootstrap=kafka, postgres_admin_dsn=postgres, source="environment")
        return None


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
