"""One line of what the audit trail tells about a person."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Sighting:
    """Who saw or did what, when, why and in which request. `disclosed` is the class of data that left the vault: `key`, `card`
    or `nothing`."""

    at: datetime
    actor: str
    action: str
    disclosed: str
    purpose: str
    reference: str
