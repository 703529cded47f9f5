"""PDFs of letters, set by child processes, a fixed number of them.

Invariants: the event loop never sets a letter itself; a child that hangs, dies or answers nonsense is ended and replaced, and
costs only the letter it had; the same words on the same day give the same bytes, whichever child sets them and beside whatever.
"""

import asyncio
import contextlib
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime, time
from typing import Final

from plumbing.errors import Unavailable
from plumbing.together import Together
from services.notifier.letters.compositor import LENGTH_BYTES, MAX_BYTES
from services.notifier.letters.content import Words

_COMMAND: Final = (sys.executable, "-m", "services.notifier.letters.compositor")
_VAIN_CHILDREN: Final = 2
"""So many children in a row that answered nothing, and the fault is taken to lie in no single letter."""


class NotRendered(Exception):
    """These words cannot be set: a fault in template or words, which another try does not mend. `kind` is the error's class."""

    def __init__(self, kind: str) -> None:
        super().__init__(kind)
        self.kind = kind


Rendered = bytes | NotRendered | Unavailable
"""The PDF; or what kept the letter from being one: its words, for good, or a child, this time."""


class Renderer:
    """Sets letters, `workers` at a time; children start when they are first needed. `seconds`: what one letter may take.

    Up to `together` letters that come within `gather_seconds` of the last are set one after the other, and so go on together:
    what each step costs by itself is more than what setting one costs.
    """

    def __init__(
        self, *, workers: int = 1, seconds: float = 10.0, together: int = 16, gather_seconds: float = 0.05
    ) -> None:
        self._workers = workers
        self._seconds = seconds
        self._places = asyncio.Semaphore(workers)
        self._idle: list[asyncio.subprocess.Process] = []
        self._set: Together[tuple[Words, date], bytes] = Together(
            self.render_all, apart=gather_seconds, most=together * workers, at_once=1
        )

    async def render(self, words: Words, day: date) -> bytes:
        """The letter as PDF, dated `day`; raises NotRendered, and Unavailable where a child failed."""
        return await self._set((words, day))

    async def render_all(self, letters: Sequence[tuple[Words, date]]) -> list[Rendered]:
        """Some hundred letters at most, each dated its day; what became of them, in their order.

        Those that are alike are set one after the other, which costs least, and they are shared out among the children.
        """
        alike = sorted(range(len(letters)), key=lambda place: _likeness(*letters[place]))
        size = -(-len(letters) // self._workers) or 1
        shares = [alike[start : start + size] for start in range(0, len(alike), size)]
        answers = await asyncio.gather(*[self._ask([_wish(*letters[place]) for place in share]) for share in shares])
        found = dict(zip(alike, [answer for share in answers for answer in share], strict=True))
        return [found[place] for place in range(len(letters))]

    async def close(self) -> None:
        """End the children."""
        while self._idle:
            await _end(self._idle.pop())

    async def _ask(self, wishes: Sequence[bytes]) -> list[Rendered]:
        """What became of each wish."""
        told: list[Rendered] = []
        in_vain = 0
        async with self._places:
            while len(told) < len(wishes):
                before = len(told)
                try:
                    await self._tell(wishes[before:], told)
                except (OSError, asyncio.IncompleteReadError, ValueError) as error:  # time-outs are OSErrors
                    in_vain = in_vain + 1 if len(told) == before else 0
                    lost = 1 if in_vain < _VAIN_CHILDREN else len(wishes) - len(told)
                    told += [Unavailable("renderer", type(error).__name__)] * lost
        return told

    async def _tell(self, wishes: Sequence[bytes], told: list[Rendered]) -> None:
        """Have a child set these, and add each as it comes; the child is kept unless it fails."""
        child = self._idle.pop() if self._idle else await self._start()
        try:
            await self._exchange(child, wishes, told)
        except BaseException:
            await _end(child)
            raise
        self._idle.append(child)

    async def _exchange(self, child: asyncio.subprocess.Process, wishes: Sequence[bytes], told: list[Rendered]) -> None:
        assert child.stdin is not None
        assert child.stdout is not None
        request = b"[" + b",".join(wishes) + b"]"
        async with asyncio.timeout(self._seconds):
            child.stdin.write(len(request).to_bytes(LENGTH_BYTES) + request)
            await child.stdin.drain()
        for _ in wishes:
            async with asyncio.timeout(self._seconds):
                told.append(_answer(await _frame(child.stdout)))

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


def _likeness(words: Words, day: date) -> tuple[str, ...]:
    """Letters that share this look alike but for the recipient."""
    return (words.municipality, day.isoformat(), words.subject, *[task.title for task in words.tasks])


def _wish(words: Words, day: date) -> bytes:
    timestamp = int(datetime.combine(day, time(), UTC).timestamp())
    return json.dumps({"letter": asdict(words), "timestamp": timestamp}, ensure_ascii=False).encode()


async def _frame(stream: asyncio.StreamReader) -> bytes:
    length = int.from_bytes(await stream.readexactly(LENGTH_BYTES))
    if not 0 < length <= MAX_BYTES:
        raise ValueError("a frame of impossible length")
    return await stream.readexactly(length)


def _answer(frame: bytes) -> bytes | NotRendered:
    return frame[1:] if frame[:1] == b"+" else NotRendered(frame[1:].decode("ascii", "replace"))


async def _end(child: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        child.kill()
    await child.wait()
