"""Citizens at work: submissions as people make them, of which most are good; each follows from the seed and its number.

A *course* is what one citizen does: sends; sends something bad along, is held back, takes it out and sends the rest; thinks
better of it; goes away in the middle; loses the connection and comes again.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from random import Random
from typing import Final
from uuid import UUID

import aiohttp

from contracts.citizen_token.v1 import Issuer
from simulators.documents.citizen import Citizen, NoAnswer, drawn, refused_files
from simulators.documents.files import BAD, CLEAN, GOOD, Made, make
from simulators.documents.ledger import Ledger
from simulators.documents.people import Absences

COURSES: Final[Mapping[str, float]] = {
    "sends": 0.5,
    "sends something bad along": 0.25,
    "thinks better of it": 0.08,
    "goes away": 0.07,
    "loses the connection": 0.1,
}
_MOST_FILES: Final = 3
_AT_ONCE: Final = 8
_LOOKS_AGAIN_SECONDS: Final = 0.5
_HELD_BACK: Final = 409
_WENT_ON: Final = 200


@dataclass(kw_only=True, slots=True)
class Tally:
    """How it went, by course; `unanswered` were given up."""

    courses: dict[str, int] = field(default_factory=dict)
    unanswered: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Sender:
    """`signature`: what the scanner finds. `rate`: submissions a second."""

    url: str
    issuer: Issuer
    ledger: Ledger
    absences: Absences
    seed: int
    rate: float
    signature: bytes
    patience_seconds: float = 120.0
    tally: Tally = field(default_factory=Tally)

    async def send(self, count: int, stopping: asyncio.Event) -> Tally:
        """So many submissions, or until told to stop; returns when each has its end."""
        turns = asyncio.Semaphore(_AT_ONCE)
        loop = asyncio.get_running_loop()
        began = loop.time()
        # The group ends when each of them has, so the session outlives them all.
        async with (
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session,
            asyncio.TaskGroup() as running,
        ):
            for number in range(count):
                await _until(stopping, began + number / self.rate - loop.time())
                whose = await self._whose(number, stopping)
                if stopping.is_set() or whose is None:
                    break
                await turns.acquire()
                running.create_task(self._in_turn(turns, session, number, *whose))
        return self.tally

    async def _whose(self, number: int, stopping: asyncio.Event) -> tuple[UUID, UUID] | None:
        """An absence and its citizen, as soon as any is known."""
        while not stopping.is_set():
            if known := self.absences.known:
                return known[Random(f"{self.seed}:{number}:whose").randrange(len(known))]
            await _until(stopping, _LOOKS_AGAIN_SECONDS)
        return None

    async def _in_turn(
        self, turns: asyncio.Semaphore, session: aiohttp.ClientSession, number: int, absence_id: UUID, citizen_id: UUID
    ) -> None:
        try:
            await self._one(session, number, absence_id, citizen_id)
        finally:
            turns.release()

    async def _one(self, session: aiohttp.ClientSession, number: int, absence_id: UUID, citizen_id: UUID) -> None:
        dice = Random(f"{self.seed}:{number}")
        citizen = Citizen(
            session=session,
            url=self.url,
            issuer=self.issuer,
            ledger=self.ledger,
            citizen_id=citizen_id,
            absence_id=absence_id,
            patience_seconds=self.patience_seconds,
        )
        course = drawn(dice, COURSES)
        self.tally.courses[course] = self.tally.courses.get(course, 0) + 1
        try:
            await self._course(course, citizen, dice)
        except NoAnswer:
            self.tally.unanswered += 1

    async def _course(self, course: str, citizen: Citizen, dice: Random) -> None:
        files = [make(dice.choice(GOOD), dice, self.signature) for _ in range(dice.randint(1, _MOST_FILES))]
        await citizen.begin("Dokumentation fra lægen")
        match course:
            case "sends something bad along":
                files.insert(dice.randint(0, len(files)), make(dice.choice(BAD), dice, self.signature))
                await self._held_back_first(citizen, files)
            case "thinks better of it":
                await _add(citizen, files)
                await citizen.take_back()
            case "goes away":
                await _add(citizen, files)
            case _:
                [first, *_] = await _add(citizen, files, breaks_off=course == "loses the connection")
                if (await citizen.send()).status == _WENT_ON:
                    await citizen.fetch(first, sha256(files[0].data).hexdigest())

    async def _held_back_first(self, citizen: Citizen, files: Sequence[Made]) -> None:
        await _add(citizen, files)
        if (await citizen.send()).status != _HELD_BACK:
            return  # the bad one was never on record, or nothing is checked yet
        for file_id in refused_files(await citizen.show()):
            await citizen.take_out(file_id)
        await citizen.send()


async def _add(citizen: Citizen, files: Sequence[Made], *, breaks_off: bool = False) -> list[str]:
    """Their ids, of those that were taken."""
    answers = [
        await citizen.add(one, breaks_off=breaks_off and nth == 0 and one.expected == CLEAN)
        for nth, one in enumerate(files)
    ]
    return [one.body["file_id"] for one in answers if "file_id" in one.body]


async def _until(stopping: asyncio.Event, seconds: float) -> None:
    """For so long, or until it is set."""
    if seconds > 0:
        try:
            async with asyncio.timeout(seconds):
                await stopping.wait()
        except TimeoutError:
            return
