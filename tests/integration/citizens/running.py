"""The vault on a real database, behind its real HTTP server, asked by the client that services use."""

import asyncio
import base64
import socket
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import uvicorn
from typing_extensions import override

from contracts.citizens.client import VaultClient
from contracts.citizens.v1 import Address, Card, KnownCitizen, Person
from plumbing.postgres import Database
from plumbing.sealing import new_key
from services.citizens.api import make_app
from services.citizens.app import Parts
from services.citizens.domain.rights import Caller
from services.citizens.settings import Settings
from stack import DatabaseAddresses

NOON = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
TOKENS = {caller: f"{caller.value}-{'t' * 40}" for caller in Caller}


class _Server(uvicorn.Server):
    @contextmanager
    @override
    def capture_signals(self) -> Iterator[None]:  # pytest's own handlers stay
        yield


class HandClock:
    """Time stands still until it is turned."""

    def __init__(self) -> None:
        self._now = NOON

    def now(self) -> datetime:
        return self._now

    def turn(self, by: timedelta) -> None:
        self._now += by


@dataclass(frozen=True, kw_only=True, slots=True)
class Vault:
    """A vault that is running."""

    url: str
    settings: Settings
    addresses: DatabaseAddresses
    database: Database
    clock: HandClock
    parts: Parts
    intake: VaultClient
    tasks: VaultClient
    notifier: VaultClient
    uploads: VaultClient
    ops: VaultClient

    async def owner(self) -> "asyncpg.Connection[asyncpg.Record]":
        return await asyncpg.connect(self.addresses.owner_dsn)

    async def rows(self, sql: str, *arguments: object) -> list[asyncpg.Record]:
        async with self.database.acquire() as connection:
            return await connection.fetch(sql, *arguments)

    async def known(self, number: int = 0, *, name: str | None = None) -> KnownCitizen:
        """Make a person known and tell who it is."""
        (answer,) = await self.intake.resolve([person(number, name=name)])
        assert isinstance(answer, KnownCitizen)
        return answer

    async def known_without_card(self, number: int) -> UUID:
        """Make a person known without telling who it is."""
        (answer,) = await self.intake.resolve([person(number, without_card=True)])
        assert isinstance(answer, KnownCitizen)
        return answer.citizen_id

    async def has_card(self, citizen_id: UUID) -> bool:
        """Whether a card of this citizen was confirmed."""
        return bool(
            await self.rows("select from citizen where citizen_id = $1 and sealed_card is not null", citizen_id)
        )

    async def actions(self, subject: UUID) -> list[tuple[str, str, str, str]]:
        """What the audit trail tells of a citizen."""
        rows = await self.rows(
            "select actor, action, object_type, purpose from audit_entry where subject = $1 order by id", subject
        )
        return [(row["actor"], row["action"], row["object_type"], row["purpose"]) for row in rows]


def make_settings(addresses: DatabaseAddresses, **changed: object) -> Settings:
    values: dict[str, object] = {
        "database_url": addresses.runtime_dsn,
        "ops_port": 0,
        "http_port": 0,
        "service_tokens": ",".join(f"{caller.value}={token}" for caller, token in TOKENS.items()),
        "master_keys": encoded(new_key()),
        "hmac_key": encoded(new_key()),
    }
    return Settings.model_validate(values | changed)


def encoded(key: bytes) -> str:
    return base64.b64encode(key).decode()


async def serve(stack: AsyncExitStack, parts: Parts, settings: Settings) -> int:
    """Serve over HTTP until the stack unwinds; the port."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    app = make_app(parts.verbs, settings.tokens)
    server = _Server(uvicorn.Config(app, log_config=None, access_log=False, lifespan="off"))
    serving = asyncio.create_task(server.serve(sockets=[listening]))

    async def stop() -> None:
        server.should_exit = True
        await serving

    stack.push_async_callback(stop)
    while not server.started:
        await asyncio.sleep(0.005)
    port: int = listening.getsockname()[1]
    return port


def cpr(number: int = 0) -> str:
    """A number no real person has: day + 60."""
    return f"{61 + number % 28:02d}0190{number % 10_000:04d}"


def person(
    number: int = 0,
    *,
    name: str | None = None,
    said_at: datetime = NOON - timedelta(hours=1),
    protected: bool = False,
    without_card: bool = False,
) -> Person:
    card = Card(
        name=name if name is not None else f"Navn Nummer {number}",
        address=Address(lines=("Prøvegade 1, 2. tv.",), postal_code="9999", city="Prøveby"),
        address_protection=protected,
    )
    return Person(cpr=cpr(number), said_at=said_at, card=None if without_card else card)
