"""The gateway's ledger, as far as the laws read it: attempts, letters taken over, and the statuses that were told of them.

A message is known by its MessageUUID, a letter on paper by its AfsendelseIdentifikator: here both are the id that names it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from laws import names
from laws.danish_days import instant

Text = tuple[str | None, str | None, str | None]
"""Recipient, case and words, as hashes. Paper has no case, and its recipient is no more than a country."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """A call for a sending; `number` counts all calls, `at` is real time, before the answer."""

    number: int
    at: datetime
    body: str
    is_accepted: bool
    is_refused: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Status:
    """What the gateway told of a sending, in domain time to the millisecond, as the message spells it."""

    besked_id: str
    transmission_id: str
    code: str
    event_code: str | None
    at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class TakenOver:
    """What the gateway took over; `proofs` say that it was delivered. `channel` is the gateway's word."""

    transmission_id: str
    channel: str
    text: Text
    proofs: tuple[Status, ...]

    @property
    def case_id(self) -> str | None:
        return self.text[1]


@dataclass(frozen=True, kw_only=True, slots=True)
class Gateway:
    """Each by the id that names a sending, in the order of the ledger."""

    attempts: Mapping[str, Sequence[Attempt]]
    letters: Mapping[str, Sequence[TakenOver]]
    statuses: Mapping[str, Sequence[Status]]
    acknowledged: frozenset[str]
    """The status messages that somebody said to have taken in."""


def read(ledger: Mapping[str, Any]) -> Gateway:
    attempts: dict[str, list[Attempt]] = {}
    for row in ledger["attempts"]:
        if (known_as := _known_as(row)) is not None:
            made = Attempt(
                number=row["seq"],
                at=instant(row["at"]),
                body=row["body_sha256"],
                is_accepted=row["outcome"] == "accepted",
                is_refused=row["outcome"] == "refused",
            )
            attempts.setdefault(known_as, []).append(made)
    statuses: dict[str, list[Status]] = {}
    of_transmission: dict[str, list[Status]] = {}
    for row in ledger["status_messages"]:
        status = _status(row)
        of_transmission.setdefault(status.transmission_id, []).append(status)
        if (known_as := _known_as(row)) is not None:
            statuses.setdefault(known_as, []).append(status)
    letters: dict[str, list[TakenOver]] = {}
    for row in ledger["letters"]:
        proof = names.PROOFS.get(row["channel"])
        told = of_transmission.get(row["transmission_id"], ())
        taken = TakenOver(
            transmission_id=row["transmission_id"],
            channel=row["channel"],
            text=(row["recipient"], row["case_id"], row["text_sha256"]),
            proofs=tuple(status for status in told if status.code == proof),
        )
        letters.setdefault(str(_known_as(row)), []).append(taken)
    acknowledged = frozenset(str(row["besked_id"]) for row in ledger["status_messages"] if row["deliveries"])
    return Gateway(attempts=attempts, letters=letters, statuses=statuses, acknowledged=acknowledged)


def _known_as(row: Mapping[str, Any]) -> str | None:
    found = row["message_uuid"] or row["dispatch_id"]
    return None if found is None else str(found)


def _status(row: Mapping[str, Any]) -> Status:
    at = instant(row["at"])  # the ledger keeps it finer than the message tells it
    return Status(
        besked_id=row["besked_id"],
        transmission_id=row["transmission_id"],
        code=row["status_code"],
        event_code=row["event_code"],
        at=at.replace(microsecond=at.microsecond // 1000 * 1000),
    )
