"""The dead-letter topics of a service as something to look things up in.

Invariants: the topic is the list: nothing else says what was buried, so what its retention has removed is gone. A letter that
stands there twice, because an outbox relays at least once, is one letter. What cannot be read is counted, and hides nothing.
"""

import base64
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self
from uuid import UUID

from plumbing.bus import BusSettings, Record
from plumbing.bus.log import Log, open_log
from plumbing.dead_letters.letters import DeadLetter, Decode, DecodedOriginal, Position, Wish, summary


class Archive:
    """Open it as an async context manager; everything raises Unavailable while Kafka is away."""

    def __init__(
        self, settings: BusSettings, topics: Sequence[str], decode: Decode, faults: tuple[type[Exception], ...]
    ) -> None:
        self._settings = settings
        self._topics = topics
        self._decode = decode
        self._faults: tuple[type[Exception], ...] = (*faults, ValueError)
        self._stack = AsyncExitStack()
        self._logs: Mapping[str, Log] = {}
        self.unreadable = 0
        """Records of the topics that are no dead letters, in all that was read so far."""

    async def find(self, wish: Wish) -> list[DeadLetter]:
        """The letters that are meant, in the order in which their records failed."""
        found: dict[UUID, DeadLetter] = {}
        for log in self._logs.values():
            async for record in log.read():
                letter = self._summary(record)
                if letter is None:
                    self.unreadable += 1
                elif wish.matches(letter):
                    found.setdefault(letter.id, letter)
        return sorted(found.values(), key=lambda letter: (letter.failed_at, letter.record))

    async def sealed(self, letter: DeadLetter) -> bytes | None:
        """The sealed original that travels in a letter; None where it does not, or the letter is gone by now."""
        record = await self._logs[letter.filed.topic].at(letter.filed.partition, letter.filed.offset)
        if record is None:
            return None
        original: DecodedOriginal | None = self._decode(record.headers, record.value).event.original
        return None if original is None or original.sealed is None else base64.b64decode(original.sealed)

    def _summary(self, record: Record) -> DeadLetter | None:
        try:
            decoded = self._decode(record.headers, record.value)
            identity = UUID(decoded.envelope.id)
        except self._faults:
            return None
        return summary(identity, Position(record.topic, record.partition, record.offset), decoded.event)

    async def __aenter__(self) -> Self:
        self._logs = {
            topic: await self._stack.enter_async_context(open_log(self._settings, topic)) for topic in self._topics
        }
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()
