"""How a notification can end: accepted, waiting, a duplicate of an earlier one, or rejected (`reading.Rejected`); and what
the accepted ones did to their absences.
"""

from typing import NamedTuple
from uuid import UUID

from services.intake.domain import Citizen
from services.intake.domain.absence import Applied
from services.intake.usecases.candidates import Candidate
from services.intake.usecases.reading import Notice, Rejected


class Accepted(NamedTuple):
    """The notification took effect."""

    candidate: Candidate


class Waiting(NamedTuple):
    """The notification takes effect once the absence it is about is there."""

    candidate: Candidate


class Duplicate(NamedTuple):
    """The notification was taken in before: `original_id` names the first, the others are that one's.

    `citizen` where it is a message of its own: it says of the absence what the first said, and may tell a newer name and address.
    """

    notice: Notice
    original_id: UUID
    receipt_id: UUID
    absence_id: UUID
    citizen: Citizen | None = None


Outcome = Accepted | Waiting | Duplicate | Rejected


class Effect(NamedTuple):
    """What a notification did to its absence. `told_by`: whose content holds; `is_withdrawn`: the withdrawal came first."""

    candidate: Candidate
    applied: Applied
    told_by: Candidate
    is_withdrawn: bool = False


class Judgement(NamedTuple):
    """The outcome of each notification, in order, and the effects, in the order in which each absence saw them."""

    outcomes: list[Outcome]
    effects: list[Effect]
