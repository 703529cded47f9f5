"""How this service signs what it does."""

from datetime import datetime
from typing import Final
from uuid import UUID

from plumbing.audit import Entry

ACTOR: Final = "service:tasks"


def entry(action: str, citizen_id: UUID, object_type: str, object_id: UUID, at: datetime) -> Entry:
    """The audit entry of one change of an absence, a task or a letter."""
    return Entry(
        actor=ACTOR,
        action=action,
        subject=citizen_id,
        object_type=object_type,
        object_id=str(object_id),
        purpose="case-handling",
        at=at,
    )
