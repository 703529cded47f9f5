"""The vault as it is deployed, behind its HTTP server, asked as the others ask it.

Intake makes people known, 500 at a time, and confirms their cards; notifier reads them, as many at a time as it has letters in
work at once. Who asks is a process of its own: its CPU is not counted.
"""

import asyncio
import base64
import os
import sys
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Final, TypeVar

from pydantic import SecretStr

from bench.child import Measured, Task, meter
from contracts.citizens.client import VaultClient
from contracts.citizens.v1 import Address, Card, CardToConfirm, KnownCitizen, Person
from plumbing.audit import Sealer
from plumbing.clock import SystemClock
from plumbing.postgres import Database
from plumbing.service import memory
from plumbing.service.http import make_server
from services.citizens.api import make_app
from services.citizens.app import check_keys, make_parts
from services.citizens.settings import Settings
from stack.ports import free_port

LETTERS_AT_ONCE: Final = 64
_PEOPLE_AT_ONCE: Final = 500
_INTAKE: Final = "intake-" + "t" * 40
_NOTIFIER: Final = "notifier-" + "t" * 40

Item = TypeVar("Item")


async def run(task: Task) -> Measured:
    """Be asked about `task.count` people."""
    settings = _settings(task.dsn, free_port())
    database = await Database.open(task.dsn, application_name="bench")
    await check_keys(settings, database, SystemClock().now())
    app = make_app(make_parts(settings, database, SystemClock()).verbs, settings.tokens)
    server = make_server(app, settings.http_host, settings.http_port)
    serving = asyncio.create_task(server.serve())
    aside = [asyncio.create_task(one) for one in (Sealer(database).run(), memory.tidy())]
    while not server.started:
        await asyncio.sleep(0.05)
    memory.settle()
    meter.begin()
    url = f"http://{settings.http_host}:{settings.http_port}"
    asking = await asyncio.create_subprocess_exec(sys.executable, "-m", "bench.vault", url, str(task.count))
    if await asking.wait():
        raise RuntimeError("who asked the vault failed")
    measured = meter.end(task.count)
    for one in aside:
        one.cancel()
    server.should_exit = True
    await serving
    await database.close()
    return measured


def _settings(dsn: str, port: int) -> Settings:
    def key() -> SecretStr:
        return SecretStr(base64.b64encode(os.urandom(32)).decode())

    return Settings(
        database_url=SecretStr(dsn),
        http_port=port,
        ops_port=0,
        service_tokens=SecretStr(f"intake={_INTAKE},notifier={_NOTIFIER}"),
        master_keys=key(),
        hmac_key=key(),
    )


async def _ask(url: str, count: int) -> None:
    async with VaultClient(url, _INTAKE) as intake, VaultClient(url, _NOTIFIER) as notifier:
        for people in _in_batches([_person(number) for number in range(count)], _PEOPLE_AT_ONCE):
            known = [one for one in await intake.resolve(people, propose_cards=True) if isinstance(one, KnownCitizen)]
            cards = [(one.citizen_id, one.card_candidate) for one in known]
            await intake.confirm([CardToConfirm(citizen_id=one, candidate=card) for one, card in cards if card])
            for few in _in_batches([one.citizen_id for one in known], LETTERS_AT_ONCE):
                await notifier.cards(few)


def _in_batches(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


def _person(number: int) -> Person:
    address = Address(lines=(f"Prøvevej {number}, 2. th.",), postal_code="8000", city="Aarhus C")
    return Person(
        cpr=f"{number:010}",
        said_at=datetime.now(UTC),
        card=Card(name=f"Prøve {number} Prøvesen", address=address, address_protection=False),
    )


if __name__ == "__main__":
    asyncio.run(_ask(sys.argv[1], int(sys.argv[2])))
