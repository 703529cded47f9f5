"""How a notification can end: accepted, a duplicate of an earlier one, or rejected (`reading.Rejected`).

A `Candidate` is a report on its way there: valid as far as it can be told from itself, its citizen known, and the absence that
it would open made up.
"""

from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from typing_extensions import override

from services.intake.domain import Absence, Citizen
from services.intake.usecases.reading import Rejected, Report


class Candidate(NamedTuple):
    """`told` is what the report tells, in clear; `fingerprint` the keyed hash of all of it."""

    report: Report
    citizen: Citizen
    told: str
    fingerprint: bytes
    absence: Absence

    @override
    def __repr__(self) -> str:
        return f"Candidate({self.report!r})"  # what was told is nobody's business

    @property
    def notification_id(self) -> UUID:
        """The id that the reporter gave the message."""
        return self.absence.notification_id


@dataclass(frozen=True, kw_only=True, slots=True)
class Accepted:
    """The report opens an absence."""

    candidate: Candidate

    @property
    def report(self) -> Report:
        """What was read."""
        return self.candidate.report

    @property
    def receipt_id(self) -> UUID:
        """The receipt that this report, and every repeat of it, gets."""
        return self.candidate.absence.receipt_id

    @property
    def absence_id(self) -> UUID:
        """The absence that it opens."""
        return self.candidate.absence.absence_id

    @property
    def original_id(self) -> UUID:
        """It is its own original."""
        return self.candidate.notification_id


@dataclass(frozen=True, kw_only=True, slots=True)
class Duplicate:
    """The report was taken in before: `original_id` names the notification that was accepted, the others are that one's."""

    report: Report
    original_id: UUID
    receipt_id: UUID
    absence_id: UUID


Outcome = Accepted | Duplicate | Rejected
