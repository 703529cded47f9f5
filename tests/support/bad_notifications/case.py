"""What an entry of the table is: messages as they stand in Kafka, each with what is to become of it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final, Literal

Headers = tuple[tuple[str, bytes | None], ...]
Fate = Literal["accepted", "duplicate", "waiting", "rejected", "unseen"]


class Way(Enum):
    """How a message gets into Kafka. Neighbours in a case that are compressed alike travel in one batch."""

    PLAIN = "plain"
    GZIP = "gzip"
    SNAPPY = "snappy"
    LZ4 = "lz4"
    ZSTD = "zstd"
    COMMITTED = "in a transaction that is committed"
    ABORTED = "in a transaction that is aborted"
    RAW_HEADER_NAME = "with a header name that is not UTF-8"
    REFUSED = "not at all: the broker refuses it, and tells the sender"

    @property
    def is_codec(self) -> bool:
        return self in _CODECS


_CODECS: Final = frozenset({Way.GZIP, Way.SNAPPY, Way.LZ4, Way.ZSTD})


@dataclass(frozen=True, kw_only=True, slots=True)
class Expected:
    """What becomes of a message; `reasons`, by field, are exactly those of a rejection."""

    fate: Fate
    reasons: tuple[tuple[str, str], ...] = ()


ACCEPTED: Final = Expected(fate="accepted")
DUPLICATE: Final = Expected(fate="duplicate")
WAITING: Final = Expected(fate="waiting")
UNSEEN: Final = Expected(fate="unseen")


def rejected(reasons: Mapping[str, str]) -> Expected:
    """Rejected with these reasons, by field."""
    return Expected(fate="rejected", reasons=tuple(sorted(reasons.items())))


@dataclass(frozen=True, kw_only=True, slots=True)
class Message:
    """One record, sent `copies` times.

    `by_history`: only what came before tells that it is no good, so that by itself it is. `after_erasure`: sent when the
    citizens of the messages before it in the case were erased.
    """

    value: bytes | None
    expected: Expected
    key: bytes | None = None
    headers: Headers = ()
    timestamp_ms: int | None = None
    way: Way = Way.PLAIN
    copies: int = 1
    by_history: bool = False
    after_erasure: bool = False

    @property
    def expected_by_itself(self) -> Expected:
        """What can be told without knowing what came before."""
        if self.expected.fate in {"duplicate", "waiting"} or self.by_history:
            return ACCEPTED
        return self.expected


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """An entry: the row of the catalogue, what is the matter, and the messages in the order of their partition."""

    row: str
    name: str
    messages: tuple[Message, ...]

    @property
    def title(self) -> str:
        return f"{self.row} {self.name}"


Cases = Iterator[Case]
