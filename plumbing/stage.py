"""A stage: one batch of messages in, one transaction, messages out.

Invariants: what arrived, what it did, what it announces and what became of each record are written in one transaction
or not at all; a message id has its effect once, also when it stands twice in one batch; records are worked in the
order of the log; a record that can never be valid becomes a dead letter and those beside it go on; nothing is called
outside the database while the transaction is open.

A service gives three things: `read` (a record → an arrival with an id and a message, or a refusal; never raises),
`work` (the fresh messages, in order, inside the transaction → what to announce and who was refused after all), and a
`Burial` (a refused record → its dead letter), which fetches what it needs before the transaction.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from plumbing import inbox, outbox
from plumbing.bus.records import Record
from plumbing.faults import faultpoint
from plumbing.inbox import Fate, Settled
from plumbing.outbox import Outgoing
from plumbing.postgres import Connection, Database
from plumbing.telemetry import metrics

Message = TypeVar("Message")


@dataclass(frozen=True, kw_only=True, slots=True)
class Arrival(Generic[Message]):
    """A message that could be read."""

    record: Record
    message_id: str
    message: Message


@dataclass(frozen=True, kw_only=True, slots=True)
class Refusal:
    """A record that can never be valid; `code` and `field` tell why, without a word of what it holds."""

    record: Record
    message_id: str
    code: str
    field: str = ""


@dataclass(kw_only=True, slots=True)
class Result:
    """What the work of a batch came to."""

    outgoing: list[Outgoing] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)


class Burial(Protocol):
    """Makes dead letters."""

    async def prepare(self) -> None:
        """Have at hand what is needed; called before the transaction. Raises Unavailable."""

    def dead_letter(self, refusal: Refusal) -> Outgoing:
        """The dead letter of a refused record: its original, sealed, and why."""
        ...


class Stage(Generic[Message]):
    """Called with each batch by a subscription."""

    def __init__(
        self,
        database: Database,
        *,
        read: Callable[[Record], Arrival[Message] | Refusal],
        work: Callable[[Connection, Sequence[Arrival[Message]]], Awaitable[Result]],
        burial: Burial,
        after_commit: Callable[[], None],
    ) -> None:
        self._database = database
        self._read = read
        self._work = work
        self._burial = burial
        self._after_commit = after_commit

    async def __call__(self, records: Sequence[Record]) -> None:
        readings = [self._read(record) for record in records]
        arrivals = [one for one in readings if isinstance(one, Arrival)]
        refused = [one for one in readings if isinstance(one, Refusal)]
        await self._burial.prepare()
        faultpoint("stage.before_transaction")
        async with self._database.transaction() as connection:
            fresh = await inbox.admit(connection, {one.message_id for one in readings})
            faultpoint("stage.after_inbox")
            result = await self._work(connection, _first_of_each(arrivals, fresh))
            settled = _fates(readings, fresh, result.refused)
            is_new = await inbox.settle(connection, settled)
            # A redelivered refusal is not fresh: it was buried when its fate was first written.
            dead = [one for one in refused if one.message_id in fresh] + result.refused
            await outbox.put(connection, [*result.outgoing, *map(self._burial.dead_letter, dead)])
            faultpoint("stage.before_commit")
        faultpoint("stage.after_commit")
        self._after_commit()
        for one, new in zip(settled, is_new, strict=True):
            if new:
                metrics.RECORDS.labels(one.record.topic, one.fate.value).inc()


def _first_of_each(arrivals: Sequence[Arrival[Message]], fresh: set[str]) -> list[Arrival[Message]]:
    left = set(fresh)
    firsts = []
    for one in arrivals:
        if one.message_id in left:
            left.discard(one.message_id)
            firsts.append(one)
    return firsts


def _fates(
    readings: Sequence[Arrival[Message] | Refusal], fresh: set[str], refused_by_work: Sequence[Refusal]
) -> list[Settled]:
    late = {one.message_id: one.code for one in refused_by_work}
    left = set(fresh)
    fates = []
    for one in readings:
        first = one.message_id in left
        left.discard(one.message_id)
        if isinstance(one, Refusal):
            fate, reason = Fate.REJECTED, one.code
        elif not first:
            fate, reason = Fate.DUPLICATE, None
        elif one.message_id in late:
            fate, reason = Fate.REJECTED, late[one.message_id]
        else:
            fate, reason = Fate.ACCEPTED, None
        fates.append(Settled(record=one.record, message_id=one.message_id, fate=fate, reason=reason))
    return fates
