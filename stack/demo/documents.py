"""What citizens send in the demonstration: a file of each kind; one infected file that holds back what was sent with it; and a
letter that comes while the scanner is away.

All the while somebody tries to read whatever is stored, with every account there is.
"""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any, Final
from uuid import UUID

import aiohttp

from laws.sources import store_of
from laws.watching import Watch
from simulators.documents.citizen import Citizen, refused_files
from simulators.documents.files import CLEAN, KINDS, NOT_TAKEN, make
from simulators.documents.ledger import Ledger
from simulators.documents.people import Absences
from stack.errors import StackError
from stack.house import House
from stack.say import say
from stack.settings import TEST_SIGNATURE

_PATIENCE_SECONDS: Final = 60.0
_LOOKS_AGAIN_SECONDS: Final = 0.5


@dataclass(frozen=True, kw_only=True, slots=True)
class Came:
    """A file, what it came to, and what its citizen was told."""

    kind: str
    state: str
    said: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Papers:
    """`held_back` and `afterwards` are what the two sendings with the infected file and without it were answered;
    `waited_seconds` how long after the scanner was back the letter went on that had come meanwhile."""

    files: tuple[Came, ...]
    held_back: int
    afterwards: int
    waited_seconds: float


async def play(house: House, ledger: Path) -> Papers:
    """Play it; returns when all that was sent has gone on."""
    say("citizens send documents: good ones, and one of each that cannot be taken")
    watch = Watch(store_of(house.stack.run_dir), house.state_dir / "sightings.jsonl")
    with Ledger(ledger) as book:
        async with aiohttp.ClientSession() as session:
            people = await _people(house)

            def citizen(nth: int) -> Citizen:
                absence_id, citizen_id = people[nth % len(people)]
                return Citizen(
                    session=session,
                    url=house.http_url("uploads"),
                    issuer=house.secrets.portal(),
                    ledger=book,
                    citizen_id=citizen_id,
                    absence_id=absence_id,
                    patience_seconds=_PATIENCE_SECONDS,
                )

            files = []
            for nth, kind in enumerate(KINDS):
                files.append(await _one(citizen(nth), kind))
                await asyncio.to_thread(watch.look)
            held_back, afterwards = await _held_back(citizen(len(KINDS)))
            say("the scanner is killed; a letter comes, and waits for its check until the scanner is back")
            waited = await _scanner_away(house, citizen(len(KINDS) + 1), watch)
    await asyncio.to_thread(watch.look)
    return Papers(files=tuple(files), held_back=held_back, afterwards=afterwards, waited_seconds=waited)


async def _people(house: House) -> list[tuple[UUID, UUID]]:
    """Absences and their citizens, as the portal knows them."""
    absences = Absences(house.stack.kafka_bootstrap)
    following = asyncio.create_task(absences.follow())
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while len(absences.known) < len(KINDS):
                await asyncio.sleep(_LOOKS_AGAIN_SECONDS)
    except TimeoutError:
        raise StackError("nobody was told of any absence, so nobody has documents to send") from None
    finally:
        following.cancel()
    return absences.known


async def _one(citizen: Citizen, kind: str) -> Came:
    made = make(kind, Random(f"demo:{kind}"), TEST_SIGNATURE)
    await citizen.begin("Dokumentation fra lægen")
    answer = await citizen.add(made)
    if made.expected == CLEAN:
        await citizen.send()
        await citizen.fetch(answer.body["file_id"], sha256(made.data).hexdigest())
        return Came(kind=kind, state=answer.body["state"], said="")
    state = answer.body["file"]["state"] if made.expected != NOT_TAKEN else "refused"
    return Came(kind=kind, state=state, said=_said(answer.body))


async def _held_back(citizen: Citizen) -> tuple[int, int]:
    """How the sending with an infected file was answered, and that without it."""
    await citizen.begin("Dokumentation fra lægen")
    for kind in ("letter", "infected"):
        await citizen.add(make(kind, Random(f"demo:along:{kind}"), TEST_SIGNATURE))
    held_back = (await citizen.send()).status
    for file_id in refused_files(await citizen.show()):
        await citizen.take_out(file_id)
    return held_back, (await citizen.send()).status


async def _scanner_away(house: House, citizen: Citizen, watch: Watch) -> float:
    """How many seconds after the scanner was back the letter went on."""
    scanner = house.stack.server("clamd")
    scanner.kill()
    await citizen.begin("Dokumentation fra lægen")
    answer = await citizen.add(make("letter", Random("demo:away"), TEST_SIGNATURE))
    await citizen.send()
    await asyncio.to_thread(watch.look)
    if answer.body["state"] != "pending":
        raise StackError(f"a file that came while the scanner was away is {answer.body['state']}")
    await asyncio.to_thread(house.stack.start_server, "clamd")
    began = time.monotonic()
    while (await citizen.show())["state"] != "sent":
        if time.monotonic() - began > _PATIENCE_SECONDS:
            raise StackError(f"the scanner is back, and a letter still waits after {_PATIENCE_SECONDS:g} seconds")
        await asyncio.sleep(_LOOKS_AGAIN_SECONDS)
    return time.monotonic() - began


def _said(problem: Mapping[str, Any]) -> str:
    """What its citizen is told, in English."""
    text = problem["texts"]["en"]
    return f"{text['what']} {text['next']}"
