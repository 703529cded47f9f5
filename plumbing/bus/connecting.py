"""Mends what the client library makes of a connection that broke.

uvloop, other than asyncio's own loop, raises `RuntimeError` to whoever writes where nobody has noticed yet; the library expects
`OSError`. It went past all its handlers: the task that keeps the cluster's metadata ended without a word, and a member of a
group that was to deal out partitions waited for metadata for ever, in its group and yet reading nothing (aio-libs/aiokafka#1038).
Here it is a broken connection like any other.

After a fetch that failed the library sleeps a tenth of a second. Whoever stopped a consumer in it was told to be cancelled, since
it cancels the sleeping task and waits for it, and connections stayed open (aio-libs/aiokafka#647 is of this kind); uvloop then
waited for those for ever in closing its loop. A broker must answer oddly just when somebody stops: it was seen in a test.

Done by replacing three methods, once per process; tests hold it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any

from aiokafka.conn import AIOKafkaConnection, CloseReason
from aiokafka.consumer.fetcher import Fetcher
from aiokafka.errors import KafkaConnectionError

_MENDED = "_mitsyg_is_mended"


def install() -> None:
    """From now on, for every client of this process."""
    for name in ("send", "_send_sasl_token"):
        whole = getattr(AIOKafkaConnection, name)
        if not hasattr(whole, _MENDED):
            setattr(AIOKafkaConnection, name, _broken_where_closed(whole))
    if not hasattr(Fetcher.close, _MENDED):
        Fetcher.close = _closed_whatever_sleeps(Fetcher.close)


def _broken_where_closed(send: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(send)
    def sent(self: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return send(self, *args, **kwargs)
        except RuntimeError as error:
            self.close(reason=CloseReason.CONNECTION_BROKEN)
            raise KafkaConnectionError(f"Connection at {self.host}:{self.port} broken: {error}") from error

    setattr(sent, _MENDED, True)
    return sent


def _closed_whatever_sleeps(close: Callable[[Any], Awaitable[None]]) -> Callable[[Any], Awaitable[None]]:
    @wraps(close)
    async def closed(self: Any) -> None:
        try:
            await close(self)
        except asyncio.CancelledError:
            asked = asyncio.current_task()
            if asked is None or asked.cancelling():
                raise
            for task in self._pending_tasks:
                task.cancel()
            await asyncio.gather(*self._pending_tasks, return_exceptions=True)

    setattr(closed, _MENDED, True)
    return closed
