"""The jobs of sending letters: one for each sending, named by what it is about."""

import json
from typing import Final
from uuid import UUID

from plumbing import ids
from plumbing.jobs import Job
from services.notifier.domain import Letter, LetterName

QUEUE: Final = "letter"


def job_of(letter: Letter, *, pause_seconds: float = 0.0) -> Job:
    """The job of the letter's sending; `pause_seconds` until it may be begun."""
    name = letter.request.name
    further = () if letter.sending == 1 else (letter.sending,)
    return Job(
        job_id=ids.derive(name.letter_id, name.version, "send", *further),
        queue=QUEUE,
        payload=payload_of(name, letter.sending),
        pause_seconds=pause_seconds,
    )


def payload_of(name: LetterName, sending: int = 1) -> bytes:
    """What a job holds: which sending of which letter."""
    return f'{{"letter_id": "{name.letter_id}", "version": {name.version}, "sending": {sending}}}'.encode()


def read(payload: bytes) -> tuple[LetterName, int]:
    """Which sending of which letter a job is about; one added before there were several is about the first."""
    content = json.loads(payload)
    name = LetterName(letter_id=UUID(content["letter_id"]), version=content["version"])
    return name, content.get("sending", 1)
