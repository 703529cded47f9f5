"""The gateway's ledger, as far as the laws read it: attempts, letters taken over, and the statuses that were told of
them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from laws import names
from laws.danish_days import instant


@dataclass(frozen=True, kw_only=True, slots=True)
class TakenOver:
    """A letter the gateway took over; `proven` are the instants at which it says the letter was delivered."""

    transmission_id: str
    message_uuid: str
    case_id: str | None
    text: tuple[str | None, str | None, str | None]
    """Recipient, case and words, as hashes: what no two message ids may share."""
    proven: tuple[datetime, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Gateway:
    letters: Mapping[str, Sequence[TakenOver]]
    """By message id."""
    bodies: Mapping[str, frozenset[str]]
    """The distinct bytes tried under each message id, as hashes."""
    waiting: int
    """Status messages that nobody has acknowledged yet."""


def read(ledger: Mapping[str, Any]) -> Gateway:
    proven: dict[str, list[datetime]] = {}
    for status in ledger["status_messages"]:
        if status["status_code"] == names.DELIVERED:
            # A status message tells its instant to the millisecond, the ledger keeps it finer.
            at = instant(status["at"])
            at = at.replace(microsecond=at.microsecond // 1000 * 1000)
            proven.setdefault(status["transmission_id"], []).append(at)
    letters: dict[str, list[TakenOver]] = {}
    for row in ledger["letters"]:
        taken = TakenOver(
            transmission_id=row["transmission_id"],
            message_uuid=row["message_uuid"],
            case_id=row["case_id"],
            text=(row["recipient"], row["case_id"], row["text_sha256"]),
            proven=tuple(proven.get(row["transmission_id"], ())),
        )
        letters.setdefault(taken.message_uuid, []).append(taken)
    bodies: dict[str, set[str]] = {}
    for attempt in ledger["attempts"]:
        if attempt["message_uuid"] is not None:
            bodies.setdefault(attempt["message_uuid"], set()).add(attempt["body_sha256"])
    return Gateway(
        letters=letters,
        bodies={name: frozenset(found) for name, found in bodies.items()},
        waiting=sum(row["deliveries"] < row["deliveries_wanted"] for row in ledger["status_messages"]),
    )
