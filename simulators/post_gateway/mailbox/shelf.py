"""What the mailbox pages ask the ledger for.

Invariants: nobody's number or name comes out, for none is in the ledger; a status is *told* when its time to be pushed has come,
*under way* before, and *later* while it waits for domain time.
"""

import json
import time
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from simulators.post_gateway.handed_in import Action, Content
from simulators.post_gateway.ledger import Ledger

MOST_LISTED: Final = 50


class Stage(StrEnum):
    """How far a status is."""

    TOLD = "told"
    UNDER_WAY = "under_way"
    LATER = "later"


@dataclass(frozen=True, kw_only=True, slots=True)
class Envelope:
    """A letter from outside. `number` is the ledger's; `status` is the last one that was told."""

    number: int
    channel: str
    accepted_at: datetime
    subject: str | None
    status: str | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Heard:
    """One status of a letter; `is_acknowledged`: the receiver has it."""

    code: str
    at: datetime
    stage: Stage
    error_code: str | None
    error_text: str | None
    event_code: str | None
    is_acknowledged: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Opened:
    """A letter from inside; `content` None: it is not kept any more."""

    envelope: Envelope
    known_as: str
    content: Content | None
    statuses: tuple[Heard, ...]


class Shelf:
    """The letters of a ledger."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    def newest(self) -> list[Envelope]:
        """The newest letters, whoever's they are, without their subjects."""
        return [_envelope(row, subject=None) for row in self._ledger.rows(_NEWEST, now=time.time(), most=MOST_LISTED)]

    def of_number(self, number: str) -> list[Envelope]:
        """What went to that CPR or CVR number, newest first."""
        return self._found(_OF_NUMBER, self._ledger.hashed(number))

    def of_name(self, name: str) -> list[Envelope]:
        """Paper with that name in the window, newest first."""
        return self._found(_OF_NAME, self._ledger.hashed_name(name))

    def open(self, number: int) -> Opened | None:
        """One letter; None where there is none of that number."""
        for row in self._ledger.rows(_ONE, now=time.time(), number=number):
            content = None if row["fields"] is None else _content(row["fields"], self.document(number))
            statuses = self._ledger.rows(_STATUSES, now=time.time(), of=row["transmission_id"])
            return Opened(
                envelope=_envelope(row, subject=content.subject if content else None),
                known_as=row["known_as"],
                content=content,
                statuses=tuple(_heard(one) for one in statuses),
            )
        return None

    def document(self, number: int) -> bytes | None:
        """A letter's document; None where there is none, or none any more."""
        for row in self._ledger.rows("select document from content where letter = :number", number=number):
            found: bytes | None = row["document"]
            return found
        return None

    def _found(self, sql: str, hashed: str) -> list[Envelope]:
        rows = self._ledger.rows(sql, now=time.time(), hashed=hashed, most=MOST_LISTED)
        return [_envelope(row, subject=json.loads(row["fields"])["subject"] if row["fields"] else None) for row in rows]


def _envelope(row: Any, *, subject: str | None) -> Envelope:
    return Envelope(
        number=row["seq"],
        channel=row["channel"],
        accepted_at=datetime.fromisoformat(row["accepted_at"]),
        subject=subject,
        status=row["last_status"],
    )


def _content(fields: str, document: bytes | None) -> Content:
    told: dict[str, Any] = json.loads(fields)
    actions = tuple(Action(**action) for action in told.pop("actions"))
    return Content(**told, actions=actions, document=document)


def _heard(row: Any) -> Heard:
    return Heard(
        code=row["status_code"],
        at=datetime.fromisoformat(row["at"]),
        stage=Stage(row["stage"]),
        error_code=row["error_code"],
        error_text=row["error_text"],
        event_code=row["event_code"],
        is_acknowledged=bool(row["is_acknowledged"]),
    )


# A status that was pushed has a later time to be pushed again, so how often it was is looked at as well.
_LETTER: Final = """
select letter.*, coalesce(message_uuid, dispatch_id) as known_as, content.fields, (
    select status_code from status
    where status.transmission_id = letter.transmission_id and (pushes > 0 or due <= :now) order by status.seq desc limit 1
) as last_status
from letter left join content on content.letter = letter.seq
"""
_NEWEST: Final = f"{_LETTER} order by letter.seq desc limit :most"
_OF_NUMBER: Final = f"{_LETTER} where letter.recipient = :hashed order by letter.seq desc limit :most"
_OF_NAME: Final = f"{_LETTER} where content.addressee = :hashed order by letter.seq desc limit :most"
_ONE: Final = f"{_LETTER} where letter.seq = :number"
_STATUSES: Final = """
select * from (
    select seq, status_code, error_code, error_text, event_code, at, deliveries > 0 as is_acknowledged,
           case when pushes > 0 or due <= :now then 'told' else 'under_way' end as stage, 0 as waits
    from status where transmission_id = :of
    union all
    select seq, status_code, error_code, error_text, event_code, at, 0, 'later', 1 from later where transmission_id = :of
) order by waits, at, seq
"""
