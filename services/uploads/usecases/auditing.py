"""Audit entries of `uploads`: who did what to whose documents."""

from datetime import datetime
from typing import Final
from uuid import UUID

from plumbing.audit import Entry

SERVICE: Final = "service:uploads"
PURPOSE: Final = "case-handling"


def person(citizen_id: UUID, actor_id: UUID | None) -> str:
    """The citizen, or the proxy who acts (T18)."""
    return f"citizen:{citizen_id}" if actor_id is None else f"proxy:{actor_id}"


def entry(
    action: str, citizen_id: UUID, object_type: str, object_id: UUID, at: datetime, *, actor: str = SERVICE
) -> Entry:
    return Entry(
        actor=actor,
        action=action,
        subject=citizen_id,
        object_type=object_type,
        object_id=str(object_id),
        purpose=PURPOSE,
        at=at,
    )
