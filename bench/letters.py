"""The notifier's two ways, in groups and one by one: letters sent, and what became of them told.

The vault, the renderer and the gateway answer at once, from memory: the notifier itself is measured. All letters have the PDF of
one, set before; building the MeMo around it is part of what is measured.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from uuid import uuid4

from bench.child import Measured, Task, meter
from bench.one_letter import OneLetter
from plumbing.clock import SystemClock
from plumbing.jobs import Job, Policy, Worker, add
from plumbing.postgres import Database
from plumbing.service import memory
from services.notifier.api import StatusPush
from services.notifier.app import KEPT_BYTES
from services.notifier.domain import (
    DELIVERED_STATUS,
    Channel,
    Heard,
    Letter,
    LetterName,
    LetterState,
    LookedUp,
    NewLetter,
    NoRecipient,
    Recipient,
    Registration,
    Request,
    Status,
    Ways,
)
from services.notifier.letters import MemoForm, PaperForm, municipality, words
from services.notifier.store import Gates, Letters, Statuses
from services.notifier.usecases import QUEUE, FixedBytes, Forms, SendLetter, TakeStatuses, WriteLetter
from services.notifier.usecases.letter_jobs import payload_of
from services.notifier.usecases.move import Mover

GROUPS: Final = 64
ALONE: Final = 16
"""Letters in work at once: as the notifier has them in groups, and as it had them before there were any."""
_PUSHES_AT_ONCE: Final = 64
_DAY: Final = date(2026, 11, 23)
_PORTAL: Final = "https://mitsygefravaer.example"


class _InstantVault:
    async def recipient(self, citizen_id: object) -> Recipient | NoRecipient:  # noqa: ARG002
        return Recipient(cpr="6101901234", name="Prøve Prøvesen", key=b"k" * 32)

    async def key(self, citizen_id: object) -> bytes | NoRecipient:  # noqa: ARG002
        return b"k" * 32


class _InstantGateway:
    async def send(self, request: bytes, *, transaction_id: object) -> Heard:  # noqa: ARG002
        return Heard(http_status=200, result=True)

    async def send_paper(self, request: bytes, *, transaction_id: object) -> Heard:  # noqa: ARG002
        return Heard(http_status=200, result=True)

    async def is_registered(self, cpr: str, *, transaction_id: object) -> LookedUp:  # noqa: ARG002
        return LookedUp(registration=Registration.REGISTERED, http_status=200)


def sending(together: bool) -> Callable[[Task], Coroutine[Any, Any, Measured]]:
    """Sends `task.count` letters: from the first claim until the last job is gone."""

    async def run(task: Task) -> Measured:
        database = await Database.open(task.dsn, application_name="bench", max_size=16)
        await _ask_for(database, task.count)
        renderer = await _renderer()
        letters, gates, clock = Letters(), Gates(), SystemClock()
        move = Mover(letters=letters, clock=clock)
        most = GROUPS if together else 1
        forms = Forms(memo=MemoForm(), paper=PaperForm(shipment_type=1))
        send = SendLetter(
            database,
            letters=letters,
            gates=gates,
            move=move,
            people=_InstantVault(),
            gateway=_InstantGateway(),
            write=WriteLetter(renderer, clock, portal=_PORTAL, forms=forms),
            fixed=FixedBytes(database, letters, gates, move, gateway_dedupes=True, together=most),
            gateway_dedupes=True,
            ways=Ways(),
            together=most,
        )
        worker = Worker(
            database,
            QUEUE,
            send,
            policy=Policy(),
            concurrency=GROUPS if together else ALONE,
            settle_together=most,
        )
        memory.keep_freed(KEPT_BYTES)  # as the service does
        memory.settle()
        meter.begin()
        working = asyncio.create_task(worker.run())
        while await _left(database):
            await asyncio.sleep(0.02)
        measured = meter.end(task.count)
        worker.stop()
        await working
        await database.close()
        return measured

    return run


def telling(together: bool) -> Callable[[Task], Coroutine[Any, Any, Measured]]:
    """Takes the delivery of `task.count` letters, read from their pushes already, as many at once as a gateway may push."""

    async def run(task: Task) -> Measured:
        database = await Database.open(task.dsn, application_name="bench", max_size=16)
        names = await _ask_for(database, task.count)
        await _hand_over(database, names)
        take = TakeStatuses(Letters(), Statuses(), Mover(letters=Letters(), clock=SystemClock()), SystemClock(), Ways())
        push = StatusPush(database, take, "t" * 16, lambda: None, together=_PUSHES_AT_ONCE if together else 1)
        statuses = [
            Status(
                besked_id=uuid4(),
                message_uuid=name.letter_id,
                transmission_id=str(uuid4()),
                status_code=DELIVERED_STATUS,
                error_code=None,
                at=datetime.now(UTC),
            )
            for name in names
        ]
        meter.begin()
        for first in range(0, len(statuses), _PUSHES_AT_ONCE):
            await asyncio.gather(*map(push.take, statuses[first : first + _PUSHES_AT_ONCE]))
        measured = meter.end(task.count)
        await database.close()
        return measured

    return run


async def _ask_for(database: Database, count: int) -> list[LetterName]:
    names = [LetterName(letter_id=uuid4(), version=1) for _ in range(count)]
    for first in range(0, count, 500):
        letters = [_letter(name) for name in names[first : first + 500]]
        made = [Job(job_id=uuid4(), queue=QUEUE, payload=payload_of(one.request.name)) for one in letters]
        async with database.transaction() as connection:
            await Letters().add(connection, letters)
            await add(connection, made)
    return names


async def _hand_over(database: Database, names: Sequence[LetterName]) -> None:
    """So that the gateway knows them."""
    known = [
        Letter(
            request=_letter(name).request,
            state=LetterState.HANDED_OVER,
            channel=Channel.DIGITAL_POST,
            gateway_id=str(name.letter_id),
            repeats_recognised=True,
        )
        for name in names
    ]
    async with database.transaction() as connection:
        await Letters().save(connection, known)


def _letter(name: LetterName) -> NewLetter:
    request = Request(
        name=name,
        absence_id=uuid4(),
        citizen_id=uuid4(),
        municipality_code="0751",
        planned_day=_DAY,
        planned_deadline_day=_DAY + timedelta(days=8),
        kinds=("information_form",),
        requested_at=datetime.now(UTC),
    )
    return NewLetter(request=request, gateway_id=str(name.letter_id), task_ids=(uuid4(),), digest=bytes(32))


async def _renderer() -> OneLetter:
    """That has set its letter."""
    sender = municipality("0751")
    assert sender is not None
    renderer = OneLetter()
    deadline = _DAY + timedelta(days=8)
    await renderer.render(
        words(
            name="Prøve Prøvesen",
            municipality=sender,
            planned_day=_DAY,
            deadline_day=deadline,
            kinds=("information_form",),
            portal=_PORTAL,
        ),
        _DAY,
    )
    return renderer


async def _left(database: Database) -> bool:
    async with database.acquire() as connection:
        return bool(await connection.fetchval("select exists (select from job)"))
