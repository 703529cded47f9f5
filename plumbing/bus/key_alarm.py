"""An alarm for keys that name people: a key is seen by brokers, tools and logs that must not know anybody.

A record is worked all the same, and its key is used for nothing; whoever sends such keys has to be told. What is counted and
logged is how many and where, never a key.
"""

import re
from collections.abc import Awaitable, Callable, Sequence

import structlog

from plumbing.bus.records import Record
from plumbing.telemetry.metrics import PERSONAL_KEYS

log = structlog.get_logger(__name__)

_CPR = re.compile(rb"(?<!\d)(?:[0-2]\d|3[01]|[68]\d|7\d|9[01])(?:0[1-9]|1[0-2])\d{2}[- ]?\d{4}(?!\d)")
_UUID = re.compile(rb"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_LONGEST_LOOKED_AT = 1_000


class KeyAlarm:
    """Work that looks at the keys of a batch when it is done: a batch that is tried again is told of once."""

    def __init__(self, work: Callable[[Sequence[Record]], Awaitable[None]]) -> None:
        self._work = work

    async def __call__(self, records: Sequence[Record]) -> None:
        await self._work(records)
        personal = [record for record in records if record.key is not None and names_somebody(record.key)]
        if personal:
            topic = personal[0].topic
            PERSONAL_KEYS.labels(topic).inc(len(personal))
            partitions = sorted({record.partition for record in personal})
            log.warning("record keys look like CPR numbers", topic=topic, partitions=partitions, records=len(personal))


def names_somebody(key: bytes) -> bool:
    """Whether something in the key has the form of a CPR number; a UUID, whose digits may have it by chance, is passed over."""
    return _CPR.search(_UUID.sub(b"", key[:_LONGEST_LOOKED_AT])) is not None
