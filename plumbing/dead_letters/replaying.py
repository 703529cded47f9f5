"""Replaying: the original of a dead letter goes to its topic once more, and twice is once.

Invariants: a letter that was replayed is not sent again unless that is asked for (`again`). The replay is written down, with
its audit entry, before the record is sent; a run that broke off between the two is mended by the next one, which looks for the
record in the topic, from the offset where it could stand first, before it sends anything: so nothing is lost and nothing stands
there twice. What can no longer be looked for, because the topic has dropped that part of its log or was made anew, is not sent.
Planning changes nothing.

The record carries one header more than the original, `REPLAY_OF`, with the dead letter's id.
"""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass, replace
from enum import StrEnum
from uuid import UUID

from plumbing import audit
from plumbing.bus.log import Log
from plumbing.clock import Clock
from plumbing.dead_letters import ledger
from plumbing.dead_letters.ledger import Replay, Signature
from plumbing.dead_letters.letters import DeadLetter, Position
from plumbing.dead_letters.opening import Gone, Opener, Original
from plumbing.dead_letters.sending import Refused, Send, partition_for
from plumbing.faults import faultpoint
from plumbing.postgres import Connection

REPLAY_OF = "mitsyg-replay-of"
"""Header of a replayed record; where there are several, of a replayed record that was refused again, the last one counts."""

OpenLog = Callable[[str], AbstractAsyncContextManager[Log]]


class Verdict(StrEnum):
    """What is to be done about a letter, or was done."""

    TO_SEND = "to-send"
    SENT = "sent"
    ALREADY = "already"
    """Replayed earlier; nothing is sent."""
    MENDED = "mended"
    """An earlier run broke off after it had sent the record, which is written down now."""
    TO_MEND = "to-mend"
    CANNOT_TELL = "cannot-tell"
    """An earlier run broke off, and the topic no longer tells whether the record was sent; nothing is sent."""
    GONE = "gone"
    """The original cannot be had any more."""
    REFUSED = "refused"
    """Kafka does not take the record."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """A verdict, with what is known beside it: the replay it is about, where its record stands, why not."""

    letter: DeadLetter
    verdict: Verdict
    replay: Replay | None = None
    stands_at: Position | None = None
    why: str = ""
    original: Original | None = None

    @property
    def is_well(self) -> bool:
        """Whether the record stands in its topic once more, or is to."""
        return self.verdict not in (Verdict.CANNOT_TELL, Verdict.GONE, Verdict.REFUSED)

    def without_original(self) -> "Outcome":
        """The same, for keeping."""
        return replace(self, original=None)


class Replayer:
    """Plans and carries out, one letter after the other, on one connection. Everything raises Unavailable."""

    def __init__(self, connection: Connection, opener: Opener, *, open_log: OpenLog, send: Send, clock: Clock) -> None:
        self._connection = connection
        self._opener = opener
        self._open_log = open_log
        self._send = send
        self._clock = clock
        self._logs: dict[str, Log] = {}
        self._stack = AsyncExitStack()

    async def close(self) -> None:
        """Close the topics that were opened."""
        await self._stack.aclose()

    async def plan(self, letter: DeadLetter, *, again: bool = False) -> Outcome:
        """What a replay of this letter would come to, changing nothing. The original is opened, so that it is known to open."""
        earlier = await ledger.replays(self._connection, letter.id)
        last = earlier[-1] if earlier else None
        if last is not None and not again:
            if last.sent_at is not None:
                return Outcome(letter=letter, verdict=Verdict.ALREADY, replay=last, stands_at=last.stands_at)
            known = await self._look_for(letter, last)
            if known is not None:
                return known
        try:
            original = await self._opener.open(letter)
        except Gone as gone:
            return Outcome(letter=letter, verdict=Verdict.GONE, replay=last, why=gone.why)
        unfinished = last if last is not None and last.sent_at is None and not again else None
        return Outcome(letter=letter, verdict=Verdict.TO_SEND, replay=unfinished, original=original)

    async def carry_out(self, plan: Outcome, signature: Signature) -> Outcome:
        """Do what was planned."""
        if plan.verdict is Verdict.TO_MEND and plan.replay is not None and plan.stands_at is not None:
            await ledger.finish(self._connection, plan.replay, plan.stands_at.offset)
            return replace(plan, verdict=Verdict.MENDED)
        if plan.verdict is not Verdict.TO_SEND or plan.original is None:
            return plan
        replay = await self._write_down(plan, plan.original, signature)
        faultpoint("replay.before_send")
        try:
            offset = await self._send(
                _named(plan.original, plan.letter.id), topic=replay.topic, partition=replay.partition
            )
        except Refused as refused:
            return replace(plan, verdict=Verdict.REFUSED, replay=replay, why=refused.error, original=None)
        faultpoint("replay.after_send")
        await ledger.finish(self._connection, replay, offset)
        stands_at = Position(replay.topic, replay.partition, offset)
        return replace(plan, verdict=Verdict.SENT, replay=replay, stands_at=stands_at, original=None)

    async def _write_down(self, plan: Outcome, original: Original, signature: Signature) -> Replay:
        replay = plan.replay or await self._next(plan.letter, original, signature)
        async with self._connection.transaction():
            if plan.replay is None:
                await ledger.begin(self._connection, replay)
            entry = signature.entry("dead-letter.replayed", plan.letter.id, self._clock.now())
            await audit.put(self._connection, [entry])
        return replay

    async def _next(self, letter: DeadLetter, original: Original, signature: Signature) -> Replay:
        log = await self._log(letter.record.topic)
        partition = partition_for(letter.record, original, log.partitions)
        return Replay(
            dead_letter_id=letter.id,
            nth=len(await ledger.replays(self._connection, letter.id)) + 1,
            actor=signature.actor,
            purpose=signature.purpose,
            topic=letter.record.topic,
            partition=partition,
            from_offset=(await log.ends())[partition],
            begun_at=self._clock.now(),
            sent_offset=None,
            sent_at=None,
        )

    async def _look_for(self, letter: DeadLetter, replay: Replay) -> Outcome | None:
        """What became of a replay whose run broke off; None where nothing was sent."""
        log = await self._log(replay.topic)
        begins, ends = await log.begins(), await log.ends()
        # A topic that was made anew has another log, and may have fewer partitions.
        is_there = replay.partition in log.partitions
        if not is_there or not begins[replay.partition] <= replay.from_offset <= ends[replay.partition]:
            return Outcome(letter=letter, verdict=Verdict.CANNOT_TELL, replay=replay)
        named = str(letter.id).encode()
        async for record in log.read({replay.partition: replay.from_offset}):
            if next((value for name, value in reversed(record.headers) if name == REPLAY_OF), None) == named:
                stands_at = Position(record.topic, record.partition, record.offset)
                return Outcome(letter=letter, verdict=Verdict.TO_MEND, replay=replay, stands_at=stands_at)
        return None

    async def _log(self, topic: str) -> Log:
        if topic not in self._logs:
            self._logs[topic] = await self._stack.enter_async_context(self._open_log(topic))
        return self._logs[topic]


def _named(original: Original, dead_letter_id: UUID) -> Original:
    return replace(original, headers=[*original.headers, (REPLAY_OF, str(dead_letter_id).encode())])
