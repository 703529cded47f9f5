"""The audit entries of the vault: one per citizen and request, with the strongest thing that happened to them."""

from datetime import datetime
from uuid import UUID

from plumbing.audit import Entry
from services.citizens.domain.rights import Asking

VAULT = "service:citizens"
"""The actor where the vault acts by itself."""


def entry(asking: Asking, action: str, *, subject: UUID | None, object_type: str, now: datetime) -> Entry:
    """`object_type` is the class of data that was handed out: `key`, `card`, `month-key` or `nothing`."""
    return Entry(
        actor=f"service:{asking.caller.value}",
        action=action,
        subject=subject,
        object_type=object_type,
        object_id=str(asking.reference),
        purpose=asking.purpose,
        at=now,
    )
