"""`dead-letters list|show|replay`: what somebody on duty does about dead letters.

Invariants: nothing of an original is printed except by `show --original`, which names who asks and why, writes that into the
audit trail before it prints, and prints to a terminal only, unless it is forced to. `replay` sends nothing without `--send`.
Whatever is printed holds no control characters: what a stranger once sent cannot steer the terminal.

Exit codes beside those of every command: 65 something could not be opened or replayed for good · 66 there is no such dead
letter · 77 an original is not written to a file or pipe without `--force`.
"""

import json
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import assert_never

from plumbing import audit
from plumbing.bus import BusSettings
from plumbing.bus.log import open_log
from plumbing.clock import Clock, SystemClock
from plumbing.dead_letters import ledger, words
from plumbing.dead_letters.archive import Archive
from plumbing.dead_letters.arguments import List, Replay, Show, WrongUsage, parse
from plumbing.dead_letters.letters import DeadLetter, Decode, Wish
from plumbing.dead_letters.opening import Gone, Opener
from plumbing.dead_letters.replaying import Outcome, Replayer, Verdict
from plumbing.dead_letters.sending import Sender
from plumbing.dead_letters.undertaker import FetchKey
from plumbing.errors import Unavailable
from plumbing.postgres import Database, is_missing, schema

OK, USAGE, GONE, NOT_FOUND, NOT_SHOWN = 0, 2, 65, 66, 77


@dataclass(frozen=True, kw_only=True, slots=True)
class Desk:
    """What a service tells about itself, so that its dead letters can be worked on."""

    service: str
    bus: BusSettings
    database_url: str
    migrations: str
    """Package of its migrations."""
    topics: Sequence[str]
    """Its dead-letter topics."""
    decode: Decode
    faults: tuple[type[Exception], ...]
    """What `decode` raises."""
    fetch_key: FetchKey
    clock: Clock = field(default_factory=SystemClock)
    sender: Callable[[BusSettings], Sender] = Sender


async def run(desk: Desk, arguments: Sequence[str]) -> int:
    """The exit code; raises Unavailable."""
    try:
        wanted = parse(desk.service, arguments)
    except WrongUsage as wrong:
        return wrong.code
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(_database(desk))
        archive = await stack.enter_async_context(Archive(desk.bus, desk.topics, desk.decode, desk.faults))
        counter = _Counter(desk, database, archive)
        match wanted:
            case List():
                code = await counter.list(wanted)
            case Show():
                code = await counter.show(wanted)
            case Replay():
                code = await counter.replay(wanted)
            case _:
                assert_never(wanted)
        if archive.unreadable:
            _tell(f"{archive.unreadable} records of the topic are no dead letters that can be read", error=True)
    return code


class _Counter:
    """Where the commands are answered."""

    def __init__(self, desk: Desk, database: Database, archive: Archive) -> None:
        self._desk = desk
        self._database = database
        self._archive = archive
        self._opener = Opener(archive, database, desk.fetch_key)

    async def list(self, wanted: List) -> int:
        letters = await self._archive.find(wanted.wish)
        async with self._database.acquire() as connection:
            replayed = await ledger.replayed(connection, [letter.id for letter in letters])
        for letter in letters:
            if wanted.as_json:
                _tell(json.dumps(words.as_json(letter, is_replayed=letter.id in replayed)))
            else:
                _tell(words.line(letter, is_replayed=letter.id in replayed))
        if not wanted.as_json:
            _tell(f"{len(letters)} dead letters, {len(replayed)} of them replayed")
        return OK

    async def show(self, wanted: Show) -> int:
        if wanted.signature is not None and not (wanted.force or sys.stdout.isatty()):
            _tell("an original holds personal data: it is shown on a terminal, or with --force", error=True)
            return NOT_SHOWN
        letter = next(iter(await self._archive.find(Wish(ids=frozenset([wanted.id])))), None)
        if letter is None:
            return _none_found()
        async with self._database.acquire() as connection:
            told = words.paragraph(letter, await ledger.replays(connection, letter.id))
        _tell(told)
        if wanted.signature is None:
            return OK
        try:
            original = await self._opener.open(letter)
        except Gone as gone:
            _tell(f"the original cannot be shown: {words.WHY[gone.why]}", error=True)
            return GONE
        async with self._database.transaction() as connection:
            entry = wanted.signature.entry("dead-letter.opened", letter.id, self._desk.clock.now())
            await audit.put(connection, [entry])
        _tell(words.original(original))
        return OK

    async def replay(self, wanted: Replay) -> int:
        letters = await self._archive.find(wanted.wish)
        if not letters:
            return _none_found()
        sender = self._desk.sender(self._desk.bus)
        outcomes: list[Outcome] = []
        async with ledger.one_at_a_time(self._database) as connection:
            replayer = Replayer(
                connection,
                self._opener,
                open_log=partial(open_log, self._desk.bus),
                send=sender,
                clock=self._desk.clock,
            )
            try:
                for letter in letters:
                    outcome = await self._replay(replayer, letter, wanted)
                    outcomes.append(outcome)
            finally:
                await replayer.close()
                await sender.close()
                _tell(words.total(outcomes, of=len(letters), is_dry=wanted.signature is None))
        return OK if all(outcome.is_well for outcome in outcomes) else GONE

    async def _replay(self, replayer: Replayer, letter: DeadLetter, wanted: Replay) -> Outcome:
        outcome = await replayer.plan(letter, again=wanted.again)
        if wanted.signature is not None:
            outcome = await replayer.carry_out(outcome, wanted.signature)
        _tell(words.outcome(outcome), error=outcome.verdict in (Verdict.REFUSED, Verdict.CANNOT_TELL))
        # Thousands of outcomes are kept, not their originals.
        return outcome.without_original()


@asynccontextmanager
async def _database(desk: Desk) -> AsyncIterator[Database]:
    try:
        database = await Database.open(
            desk.database_url, application_name=f"{desk.service} dead letters", max_size=2, statement_seconds=60
        )
    except Exception as error:
        if is_missing(error):
            raise Unavailable("database", type(error).__name__) from None
        raise
    try:
        if not await schema.is_at_head(desk.migrations, database):
            raise Unavailable("database", "it is to be migrated first")
        yield database
    finally:
        await database.close()


def _none_found() -> int:
    _tell("there is no such dead letter: the topic keeps them for its retention only", error=True)
    return NOT_FOUND


def _tell(text: str, *, error: bool = False) -> None:
    (sys.stderr if error else sys.stdout).write(text + "\n")
