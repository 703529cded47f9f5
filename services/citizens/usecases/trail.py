"""The audit entries of the vault: one per citizen and request, with the strongest thing that happened to them."""

from datetime import datetime
from uuid import UUID

from plumbing.audit import Entry
from services.citizens.domain.rights import Asking

VAULT = "service:citizens"
"""The actor where the vault acts by itself."""


class Trail:
    """Makes the entries of one request."""

    def __init__(self, asking: Asking, now: datetime) -> None:
        self._actor = f"service:{asking.caller.value}"
        self._reference = str(asking.reference)
        self._purpose = asking.purpose
        self._now = now

    def entry(self, action: str, subject: UUID | None, object_type: str) -> Entry:
        """`object_type` is the class of data that was handed out: `key`, `card`, `month-key` or `nothing`."""
        return Entry(
            actor=self._actor,
            action=action,
            subject=subject,
            object_type=object_type,
            object_id=self._reference,
            purpose=self._purpose,
            at=self._now,
        )
