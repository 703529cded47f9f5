"""The service's side of looking at files: hands each to a child and hears what it found, or that it found nothing out.

Invariants: a file is at fault only by a child's word, or because two children ended over it one after the other within their
time: one may have been ended by anybody. Who got no processor, stood still or could not be started says nothing about the file.
"""

import array
import asyncio
import contextlib
import json
import os
import select
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import BinaryIO, Final

import structlog

from plumbing.errors import Unavailable
from services.uploads.domain.content import MediaType
from services.uploads.domain.findings import Code
from services.uploads.inspection.child import NOT_LOOKED, REAL_TIME

log = structlog.get_logger(__name__)

_GRACE_SECONDS: Final = 3.0
_MOST_WORDS: Final = 4096


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """What a look came to: a fault, or none. `kept_…` tells of the picture without its position, where it had one."""

    fault: Code | None = None
    kept_size: int | None = None
    kept_digest: str | None = None


BROKEN_OFF: Final = Look(fault=Code.MALFORMED)
"""A file on which looks broke off, by memory or time or a fault of a library, is unreadable as far as anybody can tell."""


class Inspector:
    """Looks at `at_once` files at a time, each for `seconds` of a processor at most."""

    def __init__(self, *, at_once: int = 2, seconds: float = 8.0, most_bytes: int = 20 * 1024 * 1024) -> None:
        self._turns = asyncio.Semaphore(at_once)
        self._seconds = seconds
        self._most_bytes = most_bytes
        self._process: subprocess.Popen[bytes] | None = None
        self._orders: socket.socket | None = None

    async def look(self, file: BinaryIO, beside: BinaryIO, media_type: MediaType) -> Look:
        """What is found out about `file`; a picture without its position is in `beside` afterwards.

        Raises Unavailable where no process can be had to look, or none that gets to it in time.
        """
        async with self._turns:
            words = await self._words(file, beside, media_type) or await self._words(file, beside, media_type)
        return _look(words) if words else BROKEN_OFF

    async def _words(self, file: BinaryIO, beside: BinaryIO, media_type: MediaType) -> bytes:
        """What a child said; nothing where it ended without a word."""
        began = time.monotonic()
        reading, writing = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            self._hand_over(media_type, [file.fileno(), beside.fileno(), writing])
        except OSError as error:
            os.close(reading)
            raise Unavailable("inspection", type(error).__name__) from None
        finally:
            os.close(writing)
        try:
            words = await _heard(reading, REAL_TIME * self._seconds + _GRACE_SECONDS)
        finally:
            os.close(reading)
        if not words:
            log.warning("a look at a file broke off")
            if time.monotonic() - began >= REAL_TIME * self._seconds:  # its processor's time would have ended it before
                raise Unavailable("inspection", "too-slow")
        return words

    async def close(self) -> None:
        """End the process that forks; children end by themselves."""
        if self._orders is not None:
            self._orders.close()
        if self._process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                await asyncio.to_thread(self._process.wait, 2)
            if self._process.returncode is None:
                self._process.kill()
                await asyncio.to_thread(self._process.wait)
        self._orders = self._process = None

    def _hand_over(self, media_type: MediaType, descriptors: list[int]) -> None:
        order = {"media_type": media_type.value, "seconds": self._seconds, "most_bytes": self._most_bytes}
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))]
        for is_last in (False, True):
            try:
                self._forker().sendmsg([json.dumps(order).encode()], rights)
            except OSError:
                if is_last:
                    raise
                self._forget()  # it died since
            else:
                return

    def _forker(self) -> socket.socket:
        if self._orders is not None and self._process is not None and self._process.poll() is None:
            return self._orders
        self._forget()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        # The child inherits this one end and nothing else of ours: no secret, no connection.
        self._process = subprocess.Popen(
            (sys.executable, "-m", "services.uploads.inspection", str(theirs.fileno())),
            env={"PATH": os.defpath, "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"},
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        theirs.close()
        self._orders = ours
        return ours

    def _forget(self) -> None:
        if self._orders is not None:
            self._orders.close()
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self._orders = self._process = None


async def _heard(reading: int, seconds: float) -> bytes:
    """What the child says until it closes its end; raises Unavailable where it does not in time."""
    loop = asyncio.get_running_loop()
    words, is_over = bytearray(), asyncio.Event()

    def more() -> None:
        with contextlib.suppress(BlockingIOError):
            piece = os.read(reading, _MOST_WORDS)
            words.extend(piece)
            if not piece or len(words) > _MOST_WORDS:
                is_over.set()

    loop.add_reader(reading, more)
    try:
        async with asyncio.timeout(seconds):
            await is_over.wait()
    except TimeoutError:
        # This process may have stood still, and its loop looks at clocks before it reads.
        while not is_over.is_set() and select.select([reading], [], [], 0)[0]:
            more()
        if not is_over.is_set():
            log.warning("a look at a file did not end in time")
            raise Unavailable("inspection", "too-slow") from None
    finally:
        loop.remove_reader(reading)
    return bytes(words)


def _look(words: bytes) -> Look:
    if words == NOT_LOOKED:
        raise Unavailable("inspection", "no-process")
    try:
        told = json.loads(words)
        if "code" in told:
            return Look(fault=Code(told["code"]))
        kept = told.get("kept")
        return Look() if kept is None else Look(kept_size=int(kept["size"]), kept_digest=str(kept["sha256"]))
    except (ValueError, KeyError, TypeError, AttributeError):
        log.warning("a look at a file came to words that mean nothing")
        return BROKEN_OFF
