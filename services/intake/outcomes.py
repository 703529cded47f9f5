"""How a notification can end: accepted, a duplicate of an earlier one, or rejected (`handlers.Rejected`)."""

from dataclasses import dataclass, field
from uuid import UUID

from services.intake.handlers import Rejected, Report
from services.intake.store import Absence


@dataclass(frozen=True, kw_only=True, slots=True)
class Citizen:
    """Who a report is about, past intake: a random id, and the key under which what was told is sealed."""

    citizen_id: UUID
    key: bytes = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Accepted:
    """The report opens an absence. `told` is what it tells, still in clear."""

    report: Report
    citizen: Citizen
    told: str = field(repr=False)
    absence: Absence

    @property
    def receipt_id(self) -> UUID:
        """The receipt that this report, and every repeat of it, gets."""
        return self.report.receipt_id

    @property
    def absence_id(self) -> UUID:
        """The absence that it opens."""
        return self.absence.absence_id


@dataclass(frozen=True, kw_only=True, slots=True)
class Duplicate:
    """The report was taken in before: `notification_id`, `receipt_id` and `absence_id` are the original's."""

    report: Report
    notification_id: UUID
    receipt_id: UUID
    absence_id: UUID


Outcome = Accepted | Duplicate | Rejected
