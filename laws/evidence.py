"""What is laid before the checkers: the log as Kafka holds it, rows as PostgreSQL holds them, ledgers as the
simulators tell them."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from zlib import crc32

from typing_extensions import override

Row = Mapping[str, Any]
Place = tuple[str, int, int]
"""Topic, partition, offset."""
Position = tuple[str, int, int, int]
"""A place, and how often its topic had been deleted and made anew before (F057)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LogRecord:
    """One record of the raw log."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]
    timestamp_ms: int = 0
    generation: int = 0
    """How often its topic had been deleted and made anew before."""

    @property
    def position(self) -> Position:
        return self.topic, self.partition, self.offset, self.generation

    @property
    def place(self) -> Place:
        return self.topic, self.partition, self.offset

    @property
    def fingerprint(self) -> int:
        """What an inbox tells two records at one place apart by, written down a second time."""
        return (self.timestamp_ms & 0x7FFF_FFFF) << 32 | crc32(self.value or b"")

    @override
    def __str__(self) -> str:
        return spelt(self.position)


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """One of our own events: its CloudEvents id and type, and its data."""

    id: str
    type: str
    data: Mapping[str, Any]
    record: LogRecord


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredObject:
    """One version of one object as an administrator reads it; `sha256` is that of its bytes, reckoned anew."""

    bucket: str
    key: str
    version: str
    sha256: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Documents:
    """`asked`: the citizens' own history of what they asked of `uploads`. `objects`: all that lies in the object store at rest.
    `sightings`: what others met there meanwhile (`watching`)."""

    asked: Sequence[Mapping[str, Any]]
    objects: Sequence[StoredObject]
    sightings: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Evidence:
    """Everything, as it stood when the faults had stopped and the system had come to rest.

    `log` holds what stood in topics that were deleted since, too. `rows` is by service and table. `sent` is the sender's own
    history of what it tried to send.
    """

    log: Mapping[str, Sequence[LogRecord]]
    rows: Mapping[str, Mapping[str, Sequence[Row]]]
    gateway: Mapping[str, Any]
    sent: Sequence[Mapping[str, Any]]
    texts: Mapping[str, str] = field(default_factory=dict)
    """Log files and metrics, by name."""
    committed: Mapping[tuple[str, str], Mapping[int, int]] = field(default_factory=dict)
    """How far each service says it is with a topic, by topic and service: partition to offset, as Kafka keeps it."""
    documents: Documents | None = None
    """None where nobody sends documents."""

    def records(self, topic: str) -> Sequence[LogRecord]:
        return self.log.get(topic, ())

    def table(self, service: str, table: str) -> Sequence[Row]:
        return self.rows.get(service, {}).get(table, ())


class Unreadable(Exception):
    """A record of one of our own topics is no event. Says where it stands, not what it holds."""


def event(record: LogRecord) -> Event:
    """Reads an event of ours from the raw record; raises Unreadable."""
    attributes = {name: value for name, value in record.headers if name.startswith("ce_")}
    try:
        event_id, event_type = attributes["ce_id"], attributes["ce_type"]
        data = json.loads(record.value or b"")
        if event_id is None or event_type is None or not isinstance(data, dict):
            raise Unreadable(str(record))
        return Event(id=event_id.decode("ascii"), type=event_type.decode("ascii"), data=data, record=record)
    except (KeyError, ValueError) as error:
        raise Unreadable(str(record)) from error


def spelt(position: Place | Position) -> str:
    """A position as people write it; the generation only of a topic that was made anew."""
    return ":".join(map(str, position[:3])) + "".join(f" (made anew {number})" for number in position[3:] if number)


def by(rows: Iterable[Row], column: str) -> dict[str, list[Row]]:
    """Rows grouped by a column, as text."""
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(str(row[column]), []).append(row)
    return found
