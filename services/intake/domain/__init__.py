"""The rules of intake, pure: what a notification must be by itself (`rules`), and what it does to its absence (`absence`)."""

from services.intake.domain.absence import Absence, Claim, Stamp, State
from services.intake.domain.rules import Citizen, ReporterDeadline, Rules, civil_day, is_early, objections
from services.intake.domain.rules import refund_deadline, reporter_deadline

__all__ = [
    "Absence",
    "Citizen",
    "Claim",
    "ReporterDeadline",
    "Rules",
    "Stamp",
    "State",
    "civil_day",
    "is_early",
    "objections",
    "refund_deadline",
    "reporter_deadline",
]
