"""What passes between a client and a server, as far as a link has to understand it to break it at the right place.

A wire listens to both directions of one connection. It keeps nothing of what it hears but the place it has come to, and
is never wrong about what it names: a commit that was answered, a request of Kafka's that was begun, the answer to it.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Final, Protocol

_PRODUCE, _OFFSET_COMMIT = 0, 8
"""Keys of Kafka's requests: https://kafka.apache.org/protocol."""
_LENGTH: Final = 4


class Exchange(StrEnum):
    """A request and its answer, of the kinds that can be broken on purpose."""

    COMMIT = "commit"
    PRODUCE = "produce"
    OFFSET_COMMIT = "offset commit"


class Wire(Protocol):
    """One connection, heard from its beginning. Whatever is said may arrive in any pieces."""

    def asked(self, data: bytes) -> Sequence[Exchange]:
        """What the client begins to ask in this piece."""
        ...

    def answered(self, data: bytes) -> Sequence[Exchange]:
        """What the server begins to answer in this piece."""
        ...


class PostgresWire:
    """Names a COMMIT when the server says that it was done; one that came to a rollback is not named."""

    # CommandComplete: its letter, its length, its tag. A client that waits for the answer gets nothing else in that piece.
    _DONE: Final = b"C\x00\x00\x00\x0bCOMMIT\x00"

    def asked(self, data: bytes) -> Sequence[Exchange]:  # noqa: ARG002 - the answer tells it all
        return ()

    def answered(self, data: bytes) -> Sequence[Exchange]:
        return (Exchange.COMMIT,) if self._DONE in data else ()


class KafkaWire:
    """Names records that are produced and offsets that are committed, as they are asked for and as they are answered."""

    _NAMED: Final = {_PRODUCE: Exchange.PRODUCE, _OFFSET_COMMIT: Exchange.OFFSET_COMMIT}

    def __init__(self) -> None:
        self._asks = _Heads(8)  # api key, api version, correlation id
        self._answers = _Heads(4)  # correlation id
        self._unanswered: dict[bytes, Exchange] = {}

    def asked(self, data: bytes) -> Sequence[Exchange]:
        found = []
        for head in self._asks.begun(data):
            exchange = self._NAMED.get(int.from_bytes(head[:2], "big"))
            if exchange is not None:
                self._unanswered[head[4:]] = exchange
                found.append(exchange)
        return found

    def answered(self, data: bytes) -> Sequence[Exchange]:
        answered = [self._unanswered.pop(head, None) for head in self._answers.begun(data)]
        return [exchange for exchange in answered if exchange is not None]


class _Heads:
    """The first bytes of each message of a stream in which every message is told with its length before it."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._rest = 0
        self._torn = b""

    def begun(self, data: bytes) -> list[bytes]:
        """The heads of the messages that begin in this piece."""
        found = []
        data, at = self._torn + data, self._rest
        while len(data) - at >= _LENGTH + self._size:
            length = int.from_bytes(data[at : at + _LENGTH], "big")
            found.append(data[at + _LENGTH : at + _LENGTH + self._size])
            at += _LENGTH + length
        self._rest, self._torn = max(0, at - len(data)), data[at:]
        return found
