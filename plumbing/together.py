"""Things that are asked for within a few milliseconds of each other, done as one: one statement, one transaction, one request.

Invariants: each who asks gets an answer of its own; a group that fails is done again one by one, so what is wrong with one is
that one's alone; who stops waiting before the group begins is not in it. The work must therefore be such that it may be done
again after it failed, even if it did happen: it is guarded by a token, or it changes nothing the second time.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

import structlog

log = structlog.get_logger(__name__)

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")


class Together(Generic[Asked, Answer]):
    """Gathers what is asked for, up to `most`.

    Groups begin `apart` seconds from each other at the least (0: a group is what is asked for in one turn of the event loop): who
    comes alone, after a pause, waits for nobody; where more come, they wait for each other. Of at most `at_once` groups in work
    (None: of any number) a further one begins when one of them has ended.

    `work` answers for each that it was given, in their order; an exception among the answers is raised where it was asked for.
    With `most` 1 nothing is gathered: each is done in the caller's own task, and is cancelled with it.
    """

    def __init__(
        self,
        work: Callable[[Sequence[Asked]], Awaitable[Sequence[Answer | Exception]]],
        *,
        apart: float,
        most: int,
        at_once: int | None = None,
    ) -> None:
        self._work = work
        self._apart = apart
        self._most = most
        self._at_once = at_once
        self._waiting: list[tuple[Asked, asyncio.Future[Answer]]] = []
        self._began = -apart
        self._timer: asyncio.TimerHandle | None = None
        self._groups: set[asyncio.Task[None]] = set()

    async def __call__(self, asked: Asked) -> Answer:
        """The answer to this one; raises what went wrong with it."""
        if self._most == 1:
            [answer] = await self._work([asked])
            if isinstance(answer, Exception):
                raise answer
            return answer
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((asked, future))
        self._go_on()
        return await future

    def _go_on(self) -> None:
        """Begin a group that is full; let one that is not begin in its time."""
        while len(self._waiting) >= self._most and self._has_place:
            self._begin()
        if self._waiting and self._timer is None and self._has_place:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_at(max(loop.time(), self._began + self._apart), self._in_time)

    @property
    def _has_place(self) -> bool:
        return self._at_once is None or len(self._groups) < self._at_once

    def _in_time(self) -> None:
        self._timer = None
        if self._has_place:
            self._begin()
            self._go_on()

    def _begin(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._began = asyncio.get_running_loop().time()
        group = [(asked, future) for asked, future in self._waiting[: self._most] if not future.done()]
        self._waiting = self._waiting[self._most :]
        if group:
            task = asyncio.create_task(self._do(group))
            self._groups.add(task)
            task.add_done_callback(self._ended)

    def _ended(self, group: "asyncio.Task[None]") -> None:
        self._groups.discard(group)
        self._go_on()

    async def _do(self, group: "list[tuple[Asked, asyncio.Future[Answer]]]") -> None:
        try:
            answers = await self._work([asked for asked, _ in group])
            answered = list(zip(group, answers, strict=True))
        except Exception as error:  # noqa: BLE001 - each of those who wait hears of it and decides
            if len(group) == 1:
                _settle(group[0][1], error)
                return
            log.warning(
                "what was to be done together is done one by one", error=type(error).__name__, number=len(group)
            )
            await asyncio.gather(*(self._do([one]) for one in group if not one[1].done()))
            return
        for (_, future), answer in answered:
            _settle(future, answer)


def _settle(future: "asyncio.Future[Answer]", answer: Answer | Exception) -> None:
    if future.done():  # nobody waits any more
        return
    if isinstance(answer, Exception):
        future.set_exception(answer)
    else:
        future.set_result(answer)
