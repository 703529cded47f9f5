"""One record to send, and what its reporter expects to hear about it."""

from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from simulators.nemrefusion.oddities import Headers


@dataclass(frozen=True, kw_only=True, slots=True)
class Accepted:
    """Accepted, with effect once."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Waiting:
    """Accepted, and without effect until the absence it is about is told of."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DuplicateOf:
    """A repeat of that notification: no effect, the original's receipt id again."""

    notification_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class Rejected:
    """Rejected; the codes of its reasons are among these."""

    codes: frozenset[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Either:
    """What came before decides: taken in (at once, to wait, or as a repeat under another id), or rejected with codes among
    these. Without codes it is taken in."""

    codes: frozenset[str] = frozenset()


Expected = Accepted | Waiting | DuplicateOf | Rejected | Either


@dataclass(frozen=True, kw_only=True, slots=True)
class Sent:
    """One record to send. Kind and ids are None where nobody could tell them from the value."""

    sequence: int
    day: date
    """The day it is received."""
    what: str
    """Which sort of good, odd, bad or repeated record it is, in words."""
    kind: str | None
    """Which of the six kinds of notification it is."""
    row: str | None
    """Its row in the catalogue of bad inputs, where it has one."""
    key: bytes | None
    headers: Headers
    value: bytes | None = field(repr=False)
    notification_id: UUID | None
    absence_reference: UUID | None
    expected: Expected
