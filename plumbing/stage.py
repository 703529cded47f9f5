"""A stage: one batch of messages in, one transaction, messages out.

Invariants: what arrived, what it did, what it announces and what became of each record are written in one transaction
or not at all; a message id has its effect once, also when it stands twice in one batch; records are worked in the
order of the log; a record that can never be valid becomes a dead letter and those beside it go on; a message that the work
refused has had no effect, so its id is free and its replay is worked, once, while the record that was refused keeps its
fate however often it is delivered; nothing is called outside the database while the transaction is open.

A service gives three things: `read` (a record → an arrival with an id and a message, or a refusal; never raises),
`work` (the fresh messages, in order, inside the transaction → what to announce and who was refused after all), and an
undertaker, which buries what was refused.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Generic, Protocol, TypeVar, cast

from plumbing import inbox, outbox
from plumbing.bus.records import Record
from plumbing.dead_letters import KeyNotFetched, Reason, Undertaker
from plumbing.errors import Unavailable
from plumbing.faults import faultpoint
from plumbing.inbox import AlreadySettled, Fate, Settled
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


@dataclass(frozen=True, kw_only=True, slots=True)
class Passed:
    """A record that is none of this consumer's business, or newer than it: nothing is wrong with it."""

    record: Record
    message_id: str


Reading = Arrival[Message] | Refusal | Passed


@dataclass(kw_only=True, slots=True)
class Result:
    """What the work of a batch came to; `parked` are the ids of messages that were put by to be worked later."""

    outgoing: list[Outgoing] = field(default_factory=list)
    refused: list[Refusal] = field(default_factory=list)
    parked: set[str] = field(default_factory=set)


class Fault(Protocol):
    """What an exception tells that says why a record can never be valid."""

    @property
    def code(self) -> str:
        """A code of a closed list."""
        ...

    @property
    def field(self) -> str:
        """The first field or header at fault."""
        ...


def event_reader(
    decode: Callable[[Record], tuple[str, Message]],
    *,
    faults: tuple[type[Exception], ...],
    unknown: type[Exception],
) -> Callable[[Record], Reading[Message]]:
    """A stage's `read` for events that carry their id: `decode` gives id and message, or raises one of `faults` or `unknown`."""

    def read(record: Record) -> Reading[Message]:
        try:
            message_id, message = decode(record)
        except unknown:
            return Passed(record=record, message_id=inbox.position_id(record))
        except faults as error:
            fault = cast("Fault", error)
            return Refusal(record=record, message_id=inbox.position_id(record), code=fault.code, field=fault.field)
        return Arrival(record=record, message_id=message_id, message=message)

    return read


class Stage(Generic[Message]):
    """Called with each batch by a subscription."""

    def __init__(
        self,
        database: Database,
        *,
        read: Callable[[Record], Reading[Message]],
        work: Callable[[Connection, Sequence[Arrival[Message]]], Awaitable[Result]],
        undertaker: Undertaker,
        after_commit: Callable[[], None],
    ) -> None:
        self._database = database
        self._read = read
        self._work = work
        self._undertaker = undertaker
        self._after_commit = after_commit

    async def __call__(self, records: Sequence[Record]) -> None:
        readings = [self._read(record) for record in records]
        if any(isinstance(one, Refusal) for one in readings):
            await self._undertaker.prepare()
        faultpoint("stage.before_transaction")
        settled = await self._settle(readings)
        faultpoint("stage.after_commit")
        self._after_commit()
        metrics.count_records(settled)

    async def _settle(self, readings: Sequence[Reading[Message]]) -> list[tuple[str, Fate]]:
        is_first_look = True
        while True:
            try:
                return await self._transact(readings, is_first_look=is_first_look)
            except KeyNotFetched:  # a month ended since
                await self._undertaker.prepare()
            except _RefusedByWork as found:  # again without them: their ids must not be taken in
                await self._undertaker.prepare()
                readings = [_refused(one, found.refusals) for one in readings]
            except AlreadySettled:  # a record that was refused is delivered again, and could be worked by now
                if not is_first_look:  # another member of the group is at work on the same records
                    raise Unavailable("inbox", "a rival settled the same records meanwhile") from None
                is_first_look = False

    async def _transact(self, readings: Sequence[Reading[Message]], *, is_first_look: bool) -> list[tuple[str, Fate]]:
        async with self._database.transaction() as connection:
            if not is_first_look:
                unsettled = await inbox.unsettled(connection, [one.record for one in readings])
                readings = [one for one, new in zip(readings, unsettled, strict=True) if new]
            fresh = await inbox.admit(connection, {one.message_id for one in readings})
            faultpoint("stage.after_inbox")
            result = await self._work(connection, _first_of_each(readings, fresh))
            if result.refused:
                raise _RefusedByWork(result.refused)
            settled = _fates(readings, fresh, result)
            is_new = await _settle(connection, settled, fresh)
            # A refusal that is not fresh is a redelivery: it was buried when its fate was first written.
            refused = [one for one in readings if isinstance(one, Refusal) and one.message_id in fresh]
            letters = await self._undertaker.bury(
                connection, [(one.record, [Reason(field=one.field, code=one.code)]) for one in refused]
            )
            await outbox.put(connection, [*result.outgoing, *letters])
            faultpoint("stage.before_commit")
        return [(one.record.topic, one.fate) for one, new in zip(settled, is_new, strict=True) if new]


async def _settle(connection: Connection, settled: Sequence[Settled], fresh: set[str]) -> list[bool]:
    """Write the fates and tell which are new; raises `AlreadySettled` where a fresh message's record has one."""
    if len(fresh) == len(settled):  # nothing is known and nothing stands here twice, as in nearly every batch
        await inbox.settle_news(connection, settled)
        return [True] * len(settled)
    is_new = await inbox.settle(connection, settled)
    if any(not new and one.message_id in fresh for one, new in zip(settled, is_new, strict=True)):
        raise AlreadySettled
    return is_new


class _RefusedByWork(Exception):
    """The transaction is lost: the ids of these were taken in, though they have no effect."""

    def __init__(self, refusals: Sequence[Refusal]) -> None:
        super().__init__(f"{len(refusals)} refused")
        self.refusals = {one.message_id: one for one in refusals}


def _refused(one: Reading[Message], refusals: Mapping[str, Refusal]) -> Reading[Message]:
    """What was refused is named by where it stands, as what could not be read; also the same once more in the batch."""
    why = refusals.get(one.message_id)
    return one if why is None else replace(why, record=one.record, message_id=inbox.position_id(one.record))


def _first_of_each(readings: Sequence[Reading[Message]], fresh: set[str]) -> list[Arrival[Message]]:
    left = set(fresh)
    firsts = []
    for one in readings:
        if isinstance(one, Arrival) and one.message_id in left:
            left.discard(one.message_id)
            firsts.append(one)
    return firsts


def _fates(readings: Sequence[Reading[Message]], fresh: set[str], result: Result) -> list[Settled]:
    left = set(fresh)
    fates = []
    for one in readings:
        first = one.message_id in left
        left.discard(one.message_id)
        if isinstance(one, Refusal):
            fate, reason = Fate.REJECTED, one.code
        elif not first:
            fate, reason = Fate.DUPLICATE, None
        elif isinstance(one, Passed):
            fate, reason = Fate.PASSED, None
        elif one.message_id in result.parked:
            fate, reason = Fate.PARKED, None
        else:
            fate, reason = Fate.ACCEPTED, None
        fates.append(Settled(record=one.record, message_id=one.message_id, fate=fate, reason=reason))
    return fates
