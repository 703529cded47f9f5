"""`python -m bench.instant serve`: the notifier as it is deployed, with a renderer and a gateway that answer at once.

For measuring what is ours: one letter is set, and sent to all; no call leaves the process, the status of a letter is told as soon
as it was handed over, without HTTP. The file INSTANT_NOTES gets a line for each
letter: when it was handed in, and how much CPU time building MeMo messages took so far (`bench.notes`).
"""

import asyncio
import os
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TextIO
from uuid import UUID, uuid4

from bench.notes import Note
from bench.one_letter import OneLetter
from plumbing.service import main
from services.notifier import app
from services.notifier.api import StatusPush
from services.notifier.domain import DELIVERED_STATUS, Heard, LookedUp, Registration, Status
from services.notifier.letters import GatewayRequest, kombi_request
from services.notifier.settings import Settings
from services.notifier.usecases import write_letter

_MESSAGE_UUID: Final = b"<memo:messageUUID>"
_ANSWER_SECONDS: Final = 0.05
"""So long after a letter was handed in its delivery is told: the answer has been written by then."""


class _Timed:
    """Counts the CPU seconds that calls take."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def of(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """The same call, counted."""

        def timed(*args: Any, **more: Any) -> Any:
            before = time.thread_time()
            made = call(*args, **more)
            self.seconds += time.thread_time() - before
            return made

        return timed


class _Gateway:
    """Takes everything over, notes when, and tells of the delivery."""

    def __init__(self, notes: TextIO, memo: _Timed) -> None:
        self._notes = notes
        self._memo = memo
        self._telling: set[asyncio.Task[None]] = set()
        self._push: StatusPush

    def told_to(self, *args: Any, **more: Any) -> StatusPush:
        """Where the service takes statuses."""
        self._push = StatusPush(*args, **more)
        return self._push

    async def send(self, request: bytes, *, transaction_id: UUID) -> Heard:  # noqa: ARG002
        start = request.index(_MESSAGE_UUID) + len(_MESSAGE_UUID)
        message_uuid = UUID(request[start : start + 36].decode())
        self._notes.write(Note(message_uuid, time.time(), self._memo.seconds).line)
        task = asyncio.create_task(self._tell(message_uuid))
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)
        return Heard(http_status=200, result=True)

    send_paper = send

    async def is_registered(self, cpr: str, *, transaction_id: UUID) -> LookedUp:  # noqa: ARG002
        return LookedUp(registration=Registration.REGISTERED, http_status=200)

    async def _tell(self, message_uuid: UUID) -> None:
        await asyncio.sleep(_ANSWER_SECONDS)
        self._notes.flush()
        delivered = Status(
            besked_id=uuid4(),
            message_uuid=message_uuid,
            transmission_id=str(uuid4()),
            status_code=DELIVERED_STATUS,
            error_code=None,
            at=datetime.now(UTC),
        )
        await self._push.take(delivered)


def run() -> int:
    """Serve until SIGTERM."""
    memo = _Timed()
    spell = vars(GatewayRequest)["body"].fget
    with Path(os.environ["INSTANT_NOTES"]).open("w") as notes:
        gateway = _Gateway(notes, memo)
        setattr(write_letter, "kombi_request", memo.of(kombi_request))  # noqa: B010 - it is imported there, not exported
        setattr(GatewayRequest, "body", property(memo.of(spell)))  # noqa: B010
        for name, instant in (
            ("Renderer", OneLetter),
            ("StatusPush", gateway.told_to),
            ("PostGateway", lambda *_: gateway),
        ):
            setattr(app, name, instant)
        return main(app.NAME, Settings, app.serve)


if __name__ == "__main__":
    sys.exit(run())
