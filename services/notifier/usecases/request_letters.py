"""A letter is asked for: it is taken in, and its sending becomes a job. One batch, inside the caller's transaction.

Invariants: a letter is taken in once, by its id and version, whatever event asks for it; the job is added with the letter or
not at all; the id under which the gateway will know the letter follows from its name and is never made up.
"""

import hashlib
import json
from collections.abc import Sequence
from typing import Final, Protocol
from uuid import UUID

from contracts.events import Decoded
from contracts.letter.v1 import LetterRequested
from plumbing import audit, ids, jobs
from plumbing.clock import Clock
from plumbing.jobs import Job
from plumbing.postgres import Connection
from plumbing.stage import Arrival, Refusal, Result
from services.notifier.domain import Letter, LetterName, LetterState, NewLetter, Request
from services.notifier.usecases.move import entry
from services.notifier.usecases.send_letter import QUEUE, payload_of

FIRST_VERSION: Final = 1


class Letters(Protocol):
    """Where letters are taken in."""

    async def add(self, connection: Connection, letters: Sequence[NewLetter]) -> set[LetterName]: ...

    async def digests(self, connection: Connection, names: Sequence[LetterName]) -> dict[LetterName, bytes]: ...


class RequestLetters:
    """The stage's work for `letter.requested`."""

    def __init__(self, letters: Letters, clock: Clock) -> None:
        self._letters = letters
        self._clock = clock

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
        new = [letter for name, letter in firsts.items() if name in added]
        now = self._clock.now()
        await jobs.add(connection, [_job(letter.request.name) for letter in new])
        await audit.put(connection, [entry(_requested(letter), "letter.requested", now) for letter in new])
        return result


def message_uuid(name: LetterName) -> UUID:
    """The id under which the gateway knows a letter: the letter's own, later versions by derivation from it."""
    if name.version == FIRST_VERSION:
        return name.letter_id
    return ids.derive(name.letter_id, name.version, "message")


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
        message_uuid=message_uuid(name),
        task_ids=tuple(task.task_id for task in event.tasks),
        digest=_digest(event),
    )


def _digest(event: LetterRequested) -> bytes:
    """What is asked for, without when: a request made again at another time asks for the same letter."""
    content = event.model_dump(mode="json", exclude={"requested_at"})
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).digest()


def _job(name: LetterName) -> Job:
    return Job(job_id=ids.derive(name.letter_id, name.version, "send"), queue=QUEUE, payload=payload_of(name))


def _requested(new: NewLetter) -> Letter:
    return Letter(request=new.request, message_uuid=new.message_uuid, state=LetterState.REQUESTED)
