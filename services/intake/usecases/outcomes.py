"""How a notification can end: accepted, a duplicate of an earlier one, or rejected (`reading.Rejected`)."""

from dataclasses import dataclass, field
from uuid import UUID

from services.intake.domain import Absence, Citizen
from services.intake.usecases.reading import Rejected, Report


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
