"""clamd over TCP: a stream is handed over, and what clamd says of it is told as it is.

Invariants: `Clean` is the exact reply `stream: OK` to a stream every byte of which was sent, and nothing else is; a reply that
comes while we still send ends the sending and is never clean; whatever is no reply (silence, half a line, a closed connection, an
error, a reply of any other form) is `NotScanned`. A number of streams are under way at once, the others wait their turn here,
not in clamd's queue. Memory does not grow with what is scanned.

Ran on 1.4.6: what exceeds clamd's limits is answered "OK", unscanned, unless `AlertExceedsMax` is on; then it is a finding called
`Heuristics.Limits.Exceeded.…`. Likewise `Heuristics.Encrypted.…` and `Heuristics.Broken.…`: findings that name no virus.
"""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from plumbing.errors import Unavailable
from plumbing.faults import faultpoint

CHUNK_BYTES: Final = 128 * 1024
"""Small pieces cost clamd and us a system call each: of 1 KiB, as public clients send them, 10 MB take two seconds."""
_LONGEST_REPLY_BYTES: Final = 4096
_LAST_WORDS_SECONDS: Final = 1.0
_FOUND: Final = re.compile(rb"stream: (?P<name>[\x21-\x7e]{1,200}) FOUND\0", re.ASCII)
_VERSION: Final = re.compile(
    rb"ClamAV (?P<engine>[\w.+~-]{1,60})(?:/(?P<signatures>\d{1,10})/(?P<day>[\w: ]{1,60}))?\0?", re.ASCII
)
_LIMITS: Final = "Heuristics.Limits."
_ENCRYPTED: Final = "Heuristics.Encrypted."
_BROKEN: Final = "Heuristics.Broken."


@dataclass(frozen=True, kw_only=True, slots=True)
class Clean:
    """clamd looked at every byte and knows nothing bad of it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Infected:
    """A signature matched; `name` is the signature's."""

    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Unscannable:
    """clamd says that it could not look at all of it, and would not the next time: over its limits, encrypted or broken."""

    name: str

    @property
    def is_encrypted(self) -> bool:
        return self.name.startswith(_ENCRYPTED)

    @property
    def is_broken(self) -> bool:
        return self.name.startswith(_BROKEN)


@dataclass(frozen=True, kw_only=True, slots=True)
class NotScanned:
    """Nobody knows: to be tried again. `reason` is a code."""

    reason: str


Scan = Clean | Infected | Unscannable | NotScanned


@dataclass(frozen=True, kw_only=True, slots=True)
class Version:
    """Which engine runs with which signatures. `signatures` and `day` are None where clamd has none but local ones."""

    engine: str
    signatures: int | None = None
    day: str | None = None


class Clamd:
    """One clamd. `at_once` streams are under way (clamd's MaxThreads at most); `seconds` is for a whole scan from its turn on,
    `idle_seconds` for each single write or read."""

    def __init__(
        self, host: str, port: int, *, at_once: int = 4, seconds: float = 60.0, idle_seconds: float = 30.0
    ) -> None:
        self._host = host
        self._port = port
        self._seconds = seconds
        self._idle_seconds = idle_seconds
        self._turns = asyncio.Semaphore(at_once)

    async def scan(self, chunks: AsyncIterator[bytes], *, size: int) -> Scan:
        """What clamd says of a stream of `size` bytes. Never raises but for being cancelled."""
        async with self._turns:
            try:
                async with asyncio.timeout(self._seconds):
                    return await self._scan(chunks, size)
            except TimeoutError:
                return NotScanned(reason="timeout")
            except OSError:
                return NotScanned(reason="no-connection")

    async def ping(self) -> bool:
        """Whether clamd answers."""
        try:
            return await self._ask(b"zPING\0") == b"PONG\0"
        except Unavailable:
            return False

    async def version(self) -> Version:
        """What runs there; raises Unavailable."""
        told = _VERSION.fullmatch(await self._ask(b"zVERSION\0"))
        if told is None:
            raise Unavailable("clamd", "its version is not one")
        number = told["signatures"]
        return Version(
            engine=told["engine"].decode(),
            signatures=None if number is None else int(number),
            day=None if told["day"] is None else told["day"].decode(),
        )

    async def _ask(self, command: bytes) -> bytes:
        try:
            async with asyncio.timeout(self._idle_seconds):
                reader, writer = await asyncio.open_connection(self._host, self._port, limit=_LONGEST_REPLY_BYTES)
                try:
                    writer.write(command)
                    await writer.drain()
                    return await _reply(reader)
                finally:
                    await _close(writer)
        except (TimeoutError, OSError) as error:
            raise Unavailable("clamd", type(error).__name__) from None

    async def _scan(self, chunks: AsyncIterator[bytes], size: int) -> Scan:
        async with asyncio.timeout(self._idle_seconds):
            reader, writer = await asyncio.open_connection(self._host, self._port, limit=_LONGEST_REPLY_BYTES)
        replying = asyncio.create_task(_reply(reader))
        try:
            is_whole = await self._send(writer, chunks, size, replying)
            faultpoint("clamd.after_stream")
            if not is_whole:  # it may have said why; a clamd that waits for the rest says nothing
                await asyncio.wait({replying}, timeout=_LAST_WORDS_SECONDS)
                return meaning(replying.result() if replying.done() else b"", is_whole=False)
            return meaning(await replying, is_whole=True)
        finally:
            replying.cancel()
            await asyncio.gather(replying, return_exceptions=True)
            await _close(writer)

    async def _send(
        self, writer: asyncio.StreamWriter, chunks: AsyncIterator[bytes], size: int, replying: "asyncio.Task[bytes]"
    ) -> bool:
        """Whether all of it, and not a byte more or less, was sent before clamd had anything to say."""
        sent = 0
        try:
            writer.write(b"zINSTREAM\0")
            async for chunk in chunks:
                if replying.done():
                    return False
                writer.write(len(chunk).to_bytes(4, "big") + chunk)
                sent += len(chunk)
                async with asyncio.timeout(self._idle_seconds):
                    await writer.drain()
            if replying.done() or sent != size:
                return False  # without the end mark clamd has not seen a whole stream
            writer.write(bytes(4))
            async with asyncio.timeout(self._idle_seconds):
                await writer.drain()
        except (ConnectionError, BrokenPipeError):
            return False  # it closed on us; what it said before that is still to be read
        return True


def meaning(reply: bytes, *, is_whole: bool) -> Scan:
    """The table of replies. What is in none of its rows was not scanned."""
    if reply == b"stream: OK\0":
        return Clean() if is_whole else NotScanned(reason="early-ok")
    if (found := _FOUND.fullmatch(reply)) is not None:
        name = found["name"].decode()
        if name.startswith((_LIMITS, _ENCRYPTED, _BROKEN)):
            return Unscannable(name=name)
        return Infected(name=name)
    if not reply:
        return NotScanned(reason="no-reply")
    if b"size limit exceeded" in reply:
        return NotScanned(reason="stream-limit")
    return NotScanned(reason="error-reply" if reply.endswith(b"ERROR\0") else "odd-reply")


async def _reply(reader: asyncio.StreamReader) -> bytes:
    """Up to clamd's end mark; what came of it where there is none."""
    try:
        return await reader.readuntil(b"\0")
    except asyncio.IncompleteReadError as error:
        return error.partial
    except asyncio.LimitOverrunError:
        return b"?"
    except ConnectionError:
        return b""


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(1):
            await writer.wait_closed()
