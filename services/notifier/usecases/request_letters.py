"""A letter is asked for: it is taken in, and its sending becomes a job. One batch, inside the caller's transaction.

Invariants: a letter is taken in once, by its id and version, whatever event asks for it; the job is added with the letter, or
not at all where the gate is shut: then the letter is held until somebody lets it go; letters are counted with those of other
processes, in the database, in the transaction that takes them in.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Protocol

import structlog

from contracts.events import Decoded
from contracts.letter.v1 import LetterRequested
from plumbing import audit, jobs
from plumbing.clock import Clock
from plumbing.postgres import Connection
from plumbing.stage import Arrival, Refusal, Result
from services.notifier import domain
from services.notifier.domain import Letter, LetterName, LetterState, Limits, NewLetter, Pace, Request
from services.notifier.usecases.letter_jobs import job_of
from services.notifier.usecases.move import Move, Mover, entry

log = structlog.get_logger(__name__)

GUARD = "service:notifier"


class Letters(Protocol):
    """Where letters are taken in."""

    async def add(self, connection: Connection, letters: Sequence[NewLetter]) -> set[LetterName]: ...

    async def digests(self, connection: Connection, names: Sequence[LetterName]) -> dict[LetterName, bytes]: ...


class Gates(Protocol):
    """Where letters are counted, and held."""

    async def count(self, connection: Connection, asked: Mapping[Pace, int]) -> dict[Pace, tuple[int, int]]: ...

    async def shut_keys(self, connection: Connection) -> frozenset[Pace]: ...

    async def shut(self, connection: Connection, paces: Sequence[Pace], actor: str, reason: str) -> None: ...


class RequestLetters:
    """The stage's work for `letter.requested`."""

    def __init__(self, letters: Letters, gates: Gates, move: Mover, clock: Clock, limits: Limits) -> None:
        self._letters = letters
        self._gates = gates
        self._move = move
        self._clock = clock
        self._limits = limits

    async def __call__(self, connection: Connection, arrivals: Sequence[Arrival[Decoded[LetterRequested]]]) -> Result:
        result = Result()
        if not arrivals:
            return result
        asked = [_new(one.message.event) for one in arrivals]
        firsts = {letter.request.name: letter for letter in reversed(asked)}
        added = await self._letters.add(connection, list(firsts.values()))
        known = await self._letters.digests(connection, list(firsts))
        for arrival, letter in zip(arrivals, asked, strict=True):
            if known[letter.request.name] != letter.digest:
                result.refused.append(
                    Refusal(
                        record=arrival.record,
                        message_id=arrival.message_id,
                        code="letter-conflict",
                        field="letter_id",
                    )
                )
        new = [_requested(letter) for name, letter in firsts.items() if name in added]
        now = self._clock.now()
        await audit.put(connection, [entry(letter, "letter.requested", now) for letter in new])
        held = await self._held(connection, new)
        await jobs.add(connection, [job_of(letter) for letter in new if letter not in held])
        await self._move(connection, [Move(letter, domain.held(letter)) for letter in held])
        return result

    async def _held(self, connection: Connection, new: Sequence[Letter]) -> list[Letter]:
        """Those that have to wait: the gate of one of their keys is shut, or these are more than its limit."""
        if not new:
            return []
        asked = Counter(pace for letter in new for pace in domain.paces(letter.request))
        counted = await self._gates.count(connection, asked)
        shut = set(await self._gates.shut_keys(connection))
        over = {pace for pace, (hour, day) in counted.items() if domain.over(pace, hour, day, self._limits)} - shut
        if over:
            await self._gates.shut(connection, sorted(over), GUARD, "too-many")
            for pace in over:
                log.error(
                    "so many letters that they are held", municipality=pace.municipality_code, template=pace.template
                )
        shut |= over
        return [letter for letter in new if not shut.isdisjoint(domain.paces(letter.request))]


def _new(event: LetterRequested) -> NewLetter:
    name = LetterName(letter_id=event.letter_id, version=event.version)
    request = Request(
        name=name,
        absence_id=event.absence_id,
        citizen_id=event.citizen_id,
        municipality_code=event.municipality_code,
        planned_day=event.planned_day,
        planned_deadline_day=event.planned_deadline_day,
        kinds=tuple(task.kind.value for task in event.tasks),
        requested_at=event.requested_at,
    )
    return NewLetter(
        request=request,
        gateway_id=domain.first_id(name),
        task_ids=tuple(task.task_id for task in event.tasks),
        digest=_digest(event),
    )


def _digest(event: LetterRequested) -> bytes:
    """What is asked for, without when: a request made again at another time asks for the same letter."""
    content = event.model_dump(mode="json", exclude={"requested_at"})
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).digest()


def _requested(new: NewLetter) -> Letter:
    return Letter(request=new.request, gateway_id=new.gateway_id, state=LetterState.REQUESTED)
