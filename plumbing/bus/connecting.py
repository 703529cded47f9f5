"""Mends what the client library makes of a connection that broke and that it has not noticed yet.

uvloop, other than asyncio's own loop, raises `RuntimeError` to whoever writes there; the library expects `OSError`. It went past
all its handlers: the task that keeps the cluster's metadata ended without a word, and a member of a group that was to deal out
partitions waited for metadata for ever, in its group and yet reading nothing (aio-libs/aiokafka#1038). Here it is a broken
connection like any other. Done by replacing two methods, once per process; a test holds it.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from aiokafka.conn import AIOKafkaConnection, CloseReason
from aiokafka.errors import KafkaConnectionError

_MENDED = "_mitsyg_is_mended"


def install() -> None:
    """From now on, for every client of this process."""
    for name in ("send", "_send_sasl_token"):
        whole = getattr(AIOKafkaConnection, name)
        if not hasattr(whole, _MENDED):
            setattr(AIOKafkaConnection, name, _broken_where_closed(whole))


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
