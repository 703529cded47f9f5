"""The notifier without Kafka: stage, worker and status push on a real PostgreSQL, and the simulated gateway over HTTP."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import aiohttp
import asyncpg

from contracts.dead_letter.v1 import record as dead_letter
from contracts.events import encode
from contracts.letter.v1 import LetterRequested, LetterTask
from contracts.task.v1 import TaskKind
from plumbing.bus import Record
from plumbing.dead_letters import MonthKey, Undertaker
from plumbing.errors import Unavailable
from plumbing.jobs import Policy, Worker
from plumbing.postgres import Database
from plumbing.stage import Stage
from services.notifier.api import StatusPush, make_api
from services.notifier.domain import Address, Limits, NoRecipient, Recipient, Ways
from services.notifier.gateways import PostGateway, gateway_session
from services.notifier.handlers import read_request
from services.notifier.letters import MemoForm, PaperForm, Renderer, Words
from services.notifier.store import Gates, Letters, Statuses
from services.notifier.usecases import (
    QUEUE,
    FixedBytes,
    Forms,
    Guard,
    RequestLetters,
    SendLetter,
    SurfaceOverdue,
    TakeStatuses,
    WriteLetter,
)
from services.notifier.usecases.move import Mover
from tests.unit.simulators.papers import LETTER
from tests.unit.simulators.servers import gateway, serving

NOW = datetime(2026, 11, 23, 9, 30, tzinfo=UTC)
CPR = "6101901234"
NAME = "Kirsten Ægidius-Sørensen"
TOKEN = "secret"
ADDRESS = Address(lines=("Æblehaven 12, 3. th.",), postal_code="8000", city="Aarhus C")
WAYS = Ways(return_codes=frozenset({"retur"}))


class FixedClock:
    def now(self) -> datetime:
        return NOW


@dataclass
class People:
    """The vault: everybody is known, but for those who are gone."""

    gone: set[UUID] = field(default_factory=set)
    address: Address | None = ADDRESS
    away: int = 0
    cards_read: int = 0

    async def recipient(self, citizen_id: UUID) -> Recipient | NoRecipient:
        if self.away > 0:
            self.away -= 1
            raise Unavailable("citizens")
        self.cards_read += 1
        if citizen_id in self.gone:
            return NoRecipient(reason="citizen.destroyed")
        return Recipient(cpr=CPR, name=NAME, key=self._key(citizen_id), address=self.address)

    async def key(self, citizen_id: UUID) -> bytes | NoRecipient:
        return NoRecipient(reason="citizen.destroyed") if citizen_id in self.gone else self._key(citizen_id)

    def _key(self, citizen_id: UUID) -> bytes:
        return citizen_id.bytes * 2


class Typewriter:
    """Sets letters at once, those for paper so that a print house can read the address; the real renderer has tests of its own,
    and one here."""

    async def render(self, words: Words, day: date) -> bytes:
        if words.window:
            return LETTER
        return b"%PDF-1.7\n" + json.dumps([asdict(words), day.isoformat()]).encode()

    async def close(self) -> None:
        pass


@dataclass
class PostOffice:
    """The notifier's parts, put together as its app.py does."""

    database: Database
    stage: Stage[Any]
    worker: Worker
    surface: SurfaceOverdue
    guard: Guard
    people: People
    gateway_url: str
    push_url: str
    session: aiohttp.ClientSession

    async def ask_for(self, *letters: LetterRequested, offset: int = 0) -> None:
        await self.stage([as_record(letter, offset + nth) for nth, letter in enumerate(letters)])
        self.worker.wake()

    async def switch(self, **wish: Any) -> None:
        async with self.session.post(f"{self.gateway_url}/_sim/switches", json=wish) as answer:
            assert answer.status == 200

    async def ledger(self) -> dict[str, Any]:
        async with self.session.get(f"{self.gateway_url}/_sim/ledger") as answer:
            found: dict[str, Any] = await answer.json()
            return found

    async def push(self, body: bytes, token: str = TOKEN) -> int:
        headers = {"authorization": f"Bearer {token}"}
        async with self.session.post(self.push_url, data=body, headers=headers) as answer:
            return answer.status

    async def rows(self, sql: str, *arguments: Any) -> list[asyncpg.Record]:
        async with self.database.acquire() as connection:
            return list(await connection.fetch(sql, *arguments))

    async def state(self, letter: LetterRequested) -> str:
        [row] = await self.rows(
            "select state from letter where letter_id = $1 and version = $2", letter.letter_id, letter.version
        )
        return str(row["state"])

    async def events(self) -> list[tuple[str, dict[str, Any]]]:
        """What was announced: dispatched, failed or returned, and the event."""
        rows = await self.rows("select payload from outbox where aggregatetype = 'sygefravaer.letter.v1' order by seq")
        found = [json.loads(row["payload"]) for row in rows]
        return [(_outcome(event), event) for event in found]

    async def until(self, condition: Callable[[], Awaitable[bool]], seconds: float = 10.0) -> None:
        async with asyncio.timeout(seconds):
            while not await condition():
                await asyncio.sleep(0.02)

    async def until_state(self, letter: LetterRequested, state: str, seconds: float = 10.0) -> None:
        async def reached() -> bool:
            return await self.state(letter) == state

        await self.until(reached, seconds)

    async def until_idle(self) -> None:
        async def idle() -> bool:
            return not await self.rows("select 1 from job where state = 'waiting'")

        await self.until(idle)


@contextlib.asynccontextmanager
async def open_post_office(
    database: Database,
    directory: Path,
    *,
    dedupes: bool = True,
    attempts: int = 50,
    overdue_seconds: float = 0.3,
    pause_seconds: float = 0.0,
    limits: Limits = Limits(),  # noqa: B008 - frozen
    ways: Ways = WAYS,
    renderer: Renderer | None = None,
) -> AsyncIterator[PostOffice]:
    letters, gates, clock, people = Letters(), Gates(), FixedClock(), People()
    move = Mover(letters=letters, clock=clock, pause_seconds=pause_seconds)
    api = make_api(StatusPush(database, TakeStatuses(letters, Statuses(), move, clock, ways), TOKEN, lambda: None))
    setter = renderer or Typewriter()
    async with (
        serving(api) as pushing,
        gateway(directory / "ledger", push_url=f"{pushing}/beskedfordeler/modtag", dedupes=dedupes) as gateway_url,
        aiohttp.ClientSession() as session,
    ):
        calls = gateway_session(seconds=1.0, connections=8, reuse_connections=dedupes, certificate=None)
        forms = Forms(memo=MemoForm(), paper=PaperForm(shipment_type=1))
        together = 16 if dedupes else 1
        send = SendLetter(
            database,
            letters=letters,
            gates=gates,
            move=move,
            people=people,
            gateway=PostGateway(calls, gateway_url),
            write=WriteLetter(setter, clock, portal="https://mitsygefravaer.example", forms=forms),
            fixed=FixedBytes(database, letters, gates, move, gateway_dedupes=dedupes, together=together),
            gateway_dedupes=dedupes,
            ways=ways,
            together=together,
        )
        worker = Worker(
            database,
            QUEUE,
            send,
            policy=Policy(first=0.02, ceiling=0.1, attempts=attempts),
            deadline=1.7,
            margin=0.3,
            poll=0.05,
            settle_together=together,
            give_up=send.give_up,
        )
        undertaker = Undertaker(fetch_key=_month_key, write=dead_letter, clock=clock, group="mitsyg.notifier.x")
        running = asyncio.create_task(worker.run())
        yield PostOffice(
            database=database,
            stage=Stage(
                database,
                read=read_request,
                work=RequestLetters(letters, gates, move, clock, limits),
                undertaker=undertaker,
                after_commit=worker.wake,
            ),
            worker=worker,
            surface=SurfaceOverdue(letters, move, digital_seconds=overdue_seconds, paper_seconds=2 * overdue_seconds),
            guard=Guard(database, gates, letters, move, clock),
            people=people,
            gateway_url=gateway_url,
            push_url=f"{pushing}/beskedfordeler/modtag",
            session=session,
        )
        worker.stop()
        await running
        await calls.close()
        await setter.close()


def _outcome(event: dict[str, Any]) -> str:
    return "dispatched" if "proof" in event else "failed" if "reason" in event else "returned"


def letter(**changes: Any) -> LetterRequested:
    told: dict[str, Any] = {
        "letter_id": uuid4(),
        "version": 1,
        "absence_id": uuid4(),
        "citizen_id": uuid4(),
        "municipality_code": "0751",
        "planned_day": date(2026, 11, 23),
        "planned_deadline_day": date(2026, 12, 1),
        "tasks": (LetterTask(task_id=uuid4(), kind=TaskKind.INFORMATION_FORM),),
        "requested_at": NOW,
    }
    return LetterRequested(**{**told, **changes})


def as_record(event: LetterRequested, offset: int, *, event_id: UUID | None = None) -> Record:
    sent = encode(event, event_id=event_id or uuid4(), time=NOW)
    return Record(
        topic=sent.topic,
        partition=0,
        offset=offset,
        key=sent.key.encode(),
        value=sent.value,
        headers=sent.headers,
        timestamp_ms=0,
    )


async def _month_key(_month: str) -> MonthKey:
    return MonthKey(key_id="dead-letter/notifier/2026-11", key=bytes(32))
