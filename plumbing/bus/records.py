"""A Kafka record as we received it, nothing decoded and nothing lost.

Reading a record never fails, whatever its headers hold: whoever takes it in decides what it is worth, and a record
that could make the reader raise would be skipped in silence by the framework (its parser runs before any
acknowledgement exists).
"""

from typing import Any, NamedTuple

from aiokafka import ConsumerRecord
from typing_extensions import override


class Record(NamedTuple):
    """One record; `headers` keep their order and repetitions, a null header value is read as empty."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    timestamp_ms: int

    @override
    def __repr__(self) -> str:
        return f"Record({self.topic}:{self.partition}:{self.offset})"  # keys and values are nobody's business

    @classmethod
    def of(cls, raw: "ConsumerRecord[Any, Any]") -> "Record":
        """Take over a record of the client library."""
        return cls(
            topic=raw.topic,
            partition=raw.partition,
            offset=raw.offset,
            key=raw.key,
            value=raw.value,
            headers=tuple([(name, value if value is not None else b"") for name, value in raw.headers]),
            timestamp_ms=raw.timestamp,
        )
