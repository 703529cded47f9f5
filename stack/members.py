"""Who lives in the house: every service and simulator, in the order of their start, and what each is told by its environment.

The environment of a process is made here and nowhere else, and is all that it gets: nothing of the caller's shell leaks in.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from stack.addresses import DatabaseAddresses
from stack.secrets_file import Secrets

SERVICES = ("citizens", "intake", "tasks", "notifier")
SIMULATORS = ("clock", "post_gateway")
ON_KAFKA = ("intake", "tasks", "notifier")
WITH_HTTP = ("citizens", "notifier")

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
        return f"simulators.{self.kind}" if self.kind in SIMULATORS else f"services.{self.kind}"

    @property
    def arguments(self) -> tuple[str, ...]:
        return () if self.kind in SIMULATORS else ("serve",)


@dataclass(frozen=True, kw_only=True, slots=True)
class Wiring:
    """What all members' environments are made of. `http_urls` are those of the first process of each kind."""

    kafka_bootstrap: str
    databases: Mapping[str, DatabaseAddresses]
    http_urls: Mapping[str, str]
    secrets: Secrets
    state_dir: Path
    session_timeout_ms: int
    gateway_dedupes: bool

    def environment(self, seat: Seat) -> dict[str, str]:
        if seat.kind in SIMULATORS:
            return {**_base(), **self._simulator(seat)}
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

    def _service(self, seat: Seat) -> dict[str, str]:
        told = {
            "DATABASE_URL": self.databases[seat.kind].runtime_dsn,
            "OPS_HOST": "127.0.0.1",
            "OPS_PORT": str(seat.ops_port),
            "CLOCK_URL": self.http_urls["clock"],
            "ALLOW_SIMULATED_CLOCK": "1",
        }
        if seat.kind in WITH_HTTP:
            told["HTTP_HOST"] = "127.0.0.1"
            told["HTTP_PORT"] = str(seat.http_port)
        if seat.kind in ON_KAFKA:
            told["KAFKA_BOOTSTRAP_SERVERS"] = self.kafka_bootstrap
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
