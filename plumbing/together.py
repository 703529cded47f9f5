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
    """Gathers what is asked for, up to `most` and for `seconds` at most (0: what is asked for in one turn of the event loop).

    Where it `is_eager`, nobody waits for company that is not to be expected: in the beginning and after a group of one, only what
    is asked for in one turn is gathered.

    `work` answers for each that it was given, in their order; an exception among the answers is raised where it was asked for.
    With `most` 1 nothing is gathered: each is done in the caller's own task, and is cancelled with it.
    """

    def __init__(
        self,
        work: Callable[[Sequence[Asked]], Awaitable[Sequence[Answer | Exception]]],
        *,
        seconds: float,
        most: int,
        is_eager: bool = False,
    ) -> None:
        self._work = work
        self._seconds = seconds
        self._most = most
        self._waiting: list[tuple[Asked, asyncio.Future[Answer]]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._is_eager = is_eager
        self._expects_company = not is_eager
        self._groups: set[asyncio.Task[None]] = set()

    async def __call__(self, asked: Asked) -> Answer:
        """The answer to this one; raises what went wrong with it."""
        if self._most == 1:
            [answer] = await self._work([asked])
            if isinstance(answer, Exception):
                raise answer
            return answer
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Answer] = loop.create_future()
        self._waiting.append((asked, future))
        if len(self._waiting) >= self._most:
            self._begin()
        elif self._timer is None:
            self._timer = loop.call_later(self._seconds if self._expects_company else 0.0, self._begin)
        return await future

    def _begin(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        group = [(asked, future) for asked, future in self._waiting if not future.done()]
        self._waiting = []
        self._expects_company = len(group) > 1 or not self._is_eager
        if group:
            task = asyncio.create_task(self._do(group))
            self._groups.add(task)
            task.add_done_callback(self._groups.discard)

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
