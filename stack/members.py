"""Who lives in the house: every service and simulator, in the order of their start, and what each is told by its environment.

The environment of a process is made here and nowhere else, and is all that it gets: nothing of the caller's shell leaks in.
"""

import json
import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from stack.addresses import ALL_SERVERS, MESSAGING, Addresses, DatabaseAddresses
from stack.secrets_file import Secrets
from stack.settings import TEST_SIGNATURE

SERVICES = ("citizens", "intake", "tasks", "uploads", "notifier")
UPLOADS = "uploads"
LETTER_PATH = tuple(service for service in SERVICES if service != UPLOADS)
"""Who makes a letter of a notification: the services of a house that keeps no documents."""
ERASER = "eraser"
"""What deletes documents for good: `uploads` by another command, with an account that the service does not have."""
SIMULATORS = ("clock", "post_gateway")
ON_KAFKA = ("intake", "tasks", "uploads", "notifier")
WITH_HTTP = ("citizens", "uploads", "notifier")

RETURN_CODE = "RETUR"
"""What the simulated post calls a letter that it brings back."""
PLENTY = "1000000"
"""Letters an hour and a day before they are held. Simulated people live in 20 of 98 municipalities and fall ill by the thousand
a minute: what is right for Denmark would hold their letters. A house that is to see the guard gives smaller ones."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Seat:
    """One process: `kind` is the service or simulator it runs, `name` tells it from its replicas."""

    name: str
    kind: str
    ops_port: int
    http_port: int

    @property
    def ops_url(self) -> str:
        return f"http://127.0.0.1:{self.http_port if self.kind in SIMULATORS else self.ops_port}"

    @property
    def http_url(self) -> str:
        return f"http://127.0.0.1:{self.http_port}"

    @property
    def module(self) -> str:
        if self.kind == ERASER:
            return f"services.{UPLOADS}"
        return f"simulators.{self.kind}" if self.kind in SIMULATORS else f"services.{self.kind}"

    @property
    def arguments(self) -> tuple[str, ...]:
        if self.kind == ERASER:
            return ("erase",)
        return () if self.kind in SIMULATORS else ("serve",)


def servers_for(services: Collection[str]) -> tuple[str, ...]:
    """The servers that a house of these services stands on."""
    return ALL_SERVERS if UPLOADS in services else MESSAGING


def kinds_with(services: Sequence[str]) -> tuple[str, ...]:
    """Everybody in a house of these services, in the order of their start."""
    return (*SIMULATORS, *services, *((ERASER,) if UPLOADS in services else ()))


@dataclass(frozen=True, kw_only=True, slots=True)
class Wiring:
    """What all members' environments are made of. `http_urls` are those of the first process of each kind."""

    servers: Addresses
    databases: Mapping[str, DatabaseAddresses]
    http_urls: Mapping[str, str]
    secrets: Secrets
    state_dir: Path
    session_timeout_ms: int
    gateway_dedupes: bool

    def environment(self, seat: Seat) -> dict[str, str]:
        if seat.kind in SIMULATORS:
            return {**_base(), **self._simulator(seat)}
        if seat.kind == ERASER:
            return {**_base(), **self._process(seat, UPLOADS), **self._store(ERASER)}
        return {**_base(), **self._service(seat), **self._special(seat)}

    def migration_environment(self, service: str) -> dict[str, str]:
        addresses = self.databases[service]
        return {**_base(), "DATABASE_URL": addresses.runtime_dsn, "DATABASE_OWNER_URL": addresses.owner_dsn}

    def _simulator(self, seat: Seat) -> dict[str, str]:
        listening = {"HOST": "127.0.0.1", "PORT": str(seat.http_port)}
        if seat.kind == "clock":
            return {**listening, "CLOCK_STATE_PATH": str(self.state_dir / "clock.json")}
        return {
            **listening,
            "CLOCK_URL": self.http_urls["clock"],
            "DEDUPES": _flag(self.gateway_dedupes),
            "LEDGER_PATH": str(self.state_dir / "post-gateway.sqlite"),
            "EXEMPT_SHARE": "0.07",
            # Days are those of the simulated clock, which stands where nobody turns it.
            "PRINT_DAYS": "0",
            "RETURN_SHARE": "0",
            "RETURN_CODE": RETURN_CODE,
            "STATUS_PUSH_URL": f"{self.http_urls['notifier']}/beskedfordeler/modtag",
            "STATUS_PUSH_TOKEN": self.secrets["STATUS_PUSH_TOKEN"],
        }

    def _process(self, seat: Seat, database: str) -> dict[str, str]:
        return {
            "DATABASE_URL": self.databases[database].runtime_dsn,
            "OPS_HOST": "127.0.0.1",
            "OPS_PORT": str(seat.ops_port),
        }

    def _store(self, account: str) -> dict[str, str]:
        keys = self.secrets.s3_accounts[account]
        return {
            "S3_ENDPOINT_URL": self.servers.s3_endpoint,
            "S3_REGION": self.servers.s3_region,
            "S3_ACCESS_KEY_ID": keys.access_key,
            "S3_SECRET_ACCESS_KEY": keys.secret_key,
        }

    def _service(self, seat: Seat) -> dict[str, str]:
        told = {
            **self._process(seat, seat.kind),
            "CLOCK_URL": self.http_urls["clock"],
            "ALLOW_SIMULATED_CLOCK": "1",
        }
        if seat.kind in WITH_HTTP:
            told["HTTP_HOST"] = "127.0.0.1"
            told["HTTP_PORT"] = str(seat.http_port)
        if seat.kind in ON_KAFKA:
            told["KAFKA_BOOTSTRAP_SERVERS"] = self.servers.kafka_bootstrap
            told["KAFKA_SESSION_TIMEOUT_MS"] = str(self.session_timeout_ms)
            told["CITIZENS_URL"] = self.http_urls["citizens"]
            told["CITIZENS_TOKEN"] = self.secrets.vault_token(seat.kind)
        return told

    def _special(self, seat: Seat) -> dict[str, str]:
        match seat.kind:
            case "citizens":
                return {
                    "SERVICE_TOKENS": self.secrets.service_tokens,
                    "MASTER_KEYS": self.secrets["MASTER_KEYS"],
                    "HMAC_KEY": self.secrets["HMAC_KEY"],
                }
            case "intake":
                return {"ACCEPT_TEST_CPR": "true", "FINGERPRINT_KEY": self.secrets["FINGERPRINT_KEY"]}
            case "uploads":
                return {
                    **self._store(UPLOADS),
                    "CLAMD_HOST": self.servers.clamd_host,
                    "CLAMD_PORT": str(self.servers.clamd_port),
                    "CANARY_SIGNATURE": TEST_SIGNATURE.decode(),
                    "LOCAL_SIGNATURES": "true",
                    "CITIZEN_TOKEN_KEYS": self.secrets["CITIZEN_TOKEN_KEYS"],
                }
            case "notifier":
                return {
                    "GATEWAY_URL": self.http_urls["post_gateway"],
                    "GATEWAY_DEDUPES": _flag(self.gateway_dedupes),
                    "STATUS_PUSH_TOKEN": self.secrets["STATUS_PUSH_TOKEN"],
                    "PAPER_SHIPMENT_TYPE": "1",
                    "PAPER_RETURN_CODES": json.dumps([RETURN_CODE]),
                    "FALLBACK_PAUSE_SECONDS": "1",
                    "GUARD_PER_HOUR": PLENTY,
                    "GUARD_PER_DAY": PLENTY,
                    "GUARD_COUNTRY_PER_HOUR": PLENTY,
                    "GUARD_COUNTRY_PER_DAY": PLENTY,
                }
            case _:
                return {}


def _base() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8", "TZ": "UTC", "PYTHONUNBUFFERED": "1"}


def _flag(value: bool) -> str:
    return "true" if value else "false"
