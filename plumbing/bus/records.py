"""A Kafka record as we received it, nothing decoded and nothing lost.

Reading a record never fails, whatever its headers hold: whoever takes it in decides what it is worth, and a record
that could make the reader raise would be skipped in silence by the framework (its parser runs before any
acknowledgement exists).
"""

import base64
import json
from typing import Any, Final, NamedTuple

from aiokafka import ConsumerRecord
from typing_extensions import override

UNREAD: Final = b"unread"
"""Stands in the client's records, itself and no copy of it, for the value of one that was not unpacked."""


class Record(NamedTuple):
    """One record; `headers` keep their order and repetitions, a null header value is read as empty.

    One that `is_unread` stood so deep in a compressed batch that it was not unpacked: nothing but its place is known.
    """

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    timestamp_ms: int
    is_unread: bool = False

    @override
    def __repr__(self) -> str:
        return f"Record({self.topic}:{self.partition}:{self.offset})"  # keys and values are nobody's business

    def packed(self) -> bytes:
        """All of it as bytes, to be sealed and kept."""
        told = {
            "topic": self.topic,
            "partition": self.partition,
            "offset": self.offset,
            "key": _text(self.key),
            "value": _text(self.value),
            "headers": [(name, _text(value)) for name, value in self.headers],
            "timestamp_ms": self.timestamp_ms,
        }
        return json.dumps(told).encode()

    @classmethod
    def unpacked(cls, packed: bytes) -> "Record":
        """What `packed` made bytes of."""
        told = json.loads(packed)
        return cls(
            topic=told["topic"],
            partition=told["partition"],
            offset=told["offset"],
            key=_bytes(told["key"]),
            value=_bytes(told["value"]),
            headers=tuple((name, base64.b64decode(value)) for name, value in told["headers"]),
            timestamp_ms=told["timestamp_ms"],
        )

    @classmethod
    def of(cls, raw: "ConsumerRecord[Any, Any]") -> "Record":
        """Take over a record of the client library."""
        return cls(
            topic=raw.topic,
            partition=raw.partition,
            offset=raw.offset,
            key=raw.key,
            value=None if raw.value is UNREAD else raw.value,
            headers=tuple([(name, value if value is not None else b"") for name, value in raw.headers]),
            timestamp_ms=raw.timestamp,
            is_unread=raw.value is UNREAD,
        )


def _text(value: bytes | None) -> str | None:
    return None if value is None else base64.b64encode(value).decode()


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else base64.b64decode(text)
