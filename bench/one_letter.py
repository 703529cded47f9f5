"""A renderer that costs nothing, for measuring what is around it: it sets the first letter, and gives that one to all who ask.

So what is sealed and stored has the size of a real letter, and compresses like one.
"""

import asyncio
from datetime import date
from typing import Any

from services.notifier.letters import Renderer, Words


class OneLetter:
    """In the place of `Renderer`, whose settings it takes and does not need."""

    def __init__(self, **_: Any) -> None:
        self._first: asyncio.Task[bytes] | None = None

    async def render(self, words: Words, day: date) -> bytes:
        """The PDF of the words that came first."""
        if self._first is None:
            self._first = asyncio.create_task(_set(words, day))
        return await self._first

    async def close(self) -> None:
        """Nothing is left to close."""


async def _set(words: Words, day: date) -> bytes:
    renderer = Renderer()
    try:
        return await renderer.render(words, day)
    finally:
        await renderer.close()
