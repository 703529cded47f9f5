"""PDFs of letters, set by child processes, a fixed number of them.

Invariants: the event loop never sets a letter itself; a child that hangs, dies or answers nonsense is ended and replaced, and
costs only the letter it had; the same words on the same day give the same bytes, whichever child sets them.
"""

import asyncio
import contextlib
import json
import sys
from dataclasses import asdict
from datetime import UTC, date, datetime, time
from typing import Final

from plumbing.errors import Unavailable
from services.notifier.letters.compositor import LENGTH_BYTES, MAX_BYTES
from services.notifier.letters.content import Words

_COMMAND: Final = (sys.executable, "-m", "services.notifier.letters.compositor")


class NotRendered(Exception):
    """These words cannot be set: a fault in template or words, which another try does not mend. `kind` is the error's class."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


class Renderer:
    """Sets letters, `workers` at a time; children start when they are first needed."""

    def __init__(self, *, workers: int = 1, seconds: float = 10.0) -> None:
        self._seconds = seconds
        self._places = asyncio.Semaphore(workers)
        self._idle: list[asyncio.subprocess.Process] = []

    async def render(self, words: Words, day: date) -> bytes:
        """The letter as PDF, dated `day`; raises NotRendered, and Unavailable where a child failed."""
        timestamp = int(datetime.combine(day, time(), UTC).timestamp())
        request = json.dumps({"letter": asdict(words), "timestamp": timestamp}, ensure_ascii=False).encode()
        async with self._places:
            answer = await self._ask(request)
        if answer[:1] == b"+":
            return answer[1:]
        raise NotRendered(answer[1:].decode("ascii", "replace"))

    async def close(self) -> None:
        """End the children."""
        while self._idle:
            await _end(self._idle.pop())

    async def _ask(self, request: bytes) -> bytes:
        child = self._idle.pop() if self._idle else await self._start()
        try:
            async with asyncio.timeout(self._seconds):
                answer = await _exchange(child, request)
        except BaseException as error:
            await _end(child)
            if isinstance(error, OSError | asyncio.IncompleteReadError | ValueError):  # time-outs are OSErrors
                raise Unavailable("renderer", type(error).__name__) from None
            raise
        self._idle.append(child)
        return answer

    async def _start(self) -> asyncio.subprocess.Process:
        # Of the environment a child gets what it needs to run and none of the service's secrets.
        return await asyncio.create_subprocess_exec(
            *_COMMAND,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={"PATH": "/usr/bin:/bin", "PYTHONPATH": ":".join(filter(None, sys.path)), "LANG": "C.UTF-8"},
            limit=MAX_BYTES,
        )


async def _exchange(child: asyncio.subprocess.Process, request: bytes) -> bytes:
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write(len(request).to_bytes(LENGTH_BYTES) + request)
    await child.stdin.drain()
    length = int.from_bytes(await child.stdout.readexactly(LENGTH_BYTES))
    if not 0 < length <= MAX_BYTES:
        raise ValueError("a frame of impossible length")
    return await child.stdout.readexactly(length)


async def _end(child: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        child.kill()
    await child.wait()
