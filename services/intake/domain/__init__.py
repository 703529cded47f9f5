"""The rules of intake, pure: what a notification does to its absence (`absence`), and what follows from it (`rules`).

What it must be by itself stands with the contract (`objections`, `Rules`).
"""

from contracts.nemrefusion.v1.plausibility import Rules, civil_day, objections
from services.intake.domain.absence import Absence, Claim, Stamp, State
from services.intake.domain.rules import Citizen, ReporterDeadline, is_early, refund_deadline, reporter_deadline
from services.intake.domain.taken import Card, Kept, Notification

__all__ = [
    "Absence",
    "Card",
    "Citizen",
    "Claim",
    "Kept",
    "Notification",
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
