"""A dead letter as people on duty see it: everything about a record but what it held.

The contract of the topic is not known here; whoever reads it says how (`Decode`), in the shapes below.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol
from uuid import UUID

from typing_extensions import override


class Position(NamedTuple):
    """Where a record stands."""

    topic: str
    partition: int
    offset: int

    @override
    def __str__(self) -> str:
        return f"{self.topic}:{self.partition}:{self.offset}"


class DecodedPosition(Protocol):
    @property
    def topic(self) -> str: ...
    @property
    def partition(self) -> int: ...
    @property
    def offset(self) -> int: ...


class DecodedReason(Protocol):
    @property
    def field(self) -> str: ...
    @property
    def code(self) -> str: ...


class DecodedOriginal(Protocol):
    @property
    def key_id(self) -> str: ...
    @property
    def sealed(self) -> str | None: ...
    @property
    def kept_as(self) -> UUID | None: ...
    @property
    def size_bytes(self) -> int: ...


class DecodedLetter(Protocol):
    @property
    def group(self) -> str: ...
    @property
    def position(self) -> DecodedPosition: ...
    @property
    def reasons(self) -> Sequence[DecodedReason]: ...
    @property
    def original(self) -> DecodedOriginal | None: ...
    @property
    def failed_at(self) -> datetime: ...


class DecodedEnvelope(Protocol):
    @property
    def id(self) -> str: ...


class Decoded(Protocol):
    @property
    def envelope(self) -> DecodedEnvelope: ...
    @property
    def event(self) -> DecodedLetter: ...


Decode = Callable[[Iterable[tuple[str, bytes | None]], bytes | None], Decoded]
"""Reads a record of a dead-letter topic; raises what its user names as faults."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DeadLetter:
    """A dead letter, without the sealed original, so that many can be held at once."""

    id: UUID
    filed: Position
    """Where the letter itself stands."""
    group: str
    record: Position
    """Where the record stood that could not be worked."""
    reasons: tuple[tuple[str, str], ...]
    """Pairs of field and code."""
    failed_at: datetime
    size_bytes: int
    key_id: str | None
    kept_as: UUID | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Wish:
    """Which dead letters are meant; what is left out is not asked about. `until` is exclusive."""

    ids: frozenset[UUID] = frozenset()
    since: datetime | None = None
    until: datetime | None = None
    reason: str | None = None
    field: str | None = None
    at: tuple[str, int | None, int | None] | None = None
    """Topic, partition and offset of the record that could not be worked; the later parts may be left out."""

    @property
    def is_for_all(self) -> bool:
        """Whether nothing is asked about."""
        return self == Wish()

    def matches(self, letter: DeadLetter) -> bool:
        return (
            (not self.ids or letter.id in self.ids)
            and (self.since is None or letter.failed_at >= self.since)
            and (self.until is None or letter.failed_at < self.until)
            and any(
                self.field in (None, field_) and self.reason in (None, code)  # of the same reason
                for field_, code in letter.reasons
            )
            and (
                self.at is None
                or all(wanted in (None, is_) for wanted, is_ in zip(self.at, letter.record, strict=True))
            )
        )


def summary(identity: UUID, filed: Position, letter: DecodedLetter) -> DeadLetter:
    """What is held of a letter that was read."""
    original = letter.original
    return DeadLetter(
        id=identity,
        filed=filed,
        group=letter.group,
        record=Position(letter.position.topic, letter.position.partition, letter.position.offset),
        reasons=tuple((reason.field, reason.code) for reason in letter.reasons),
        failed_at=letter.failed_at,
        size_bytes=0 if original is None else original.size_bytes,
        key_id=None if original is None else original.key_id,
        kept_as=None if original is None else original.kept_as,
    )
