"""Tasks without Kafka: its two stages on a real database, what they left there, and builders of what they hear."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid4

import asyncpg

from contracts.absence.v1 import (
    AbsenceAmended,
    AbsenceEvent,
    AbsenceRecovered,
    AbsenceReported,
    AbsenceWithdrawn,
    CitizenKind,
    FastTrackRequested,
    FinalRefund,
    Pay,
    PayKind,
    RefundRequested,
    ReporterDeadline,
    ReporterKind,
)
from contracts.dead_letter.v1 import record as dead_letter
from contracts.events import Encoded, Event, encode
from contracts.letter.v1 import Channel, DispatchProof, LetterDispatched, LetterFailed
from plumbing.bus import Record
from plumbing.dead_letters import MonthKey, Undertaker
from plumbing.postgres import Database
from plumbing.stage import Stage
from services.tasks.handlers import read_absence, read_letter
from services.tasks.store import Store
from services.tasks.usecases import FollowAbsences, StartClocks
from tests.support.fixtures import DatabaseFactory

NOW = datetime(2026, 3, 20, 12, tzinfo=UTC)


class FixedClock:
    def now(self) -> datetime:
        return NOW


@dataclass
class House:
    """Tasks without Kafka: its two stages, and what they left in the database."""

    database: Database
    absences: Stage[Any]
    letters: Stage[Any]
    _offset: int = 0

    async def rows(self, sql: str, *arguments: object) -> list[asyncpg.Record]:
        async with self.database.acquire() as connection:
            return list(await connection.fetch(sql, *arguments))

    async def messages(self, topic: str) -> list[dict[str, Any]]:
        rows = await self.rows("select aggregatetype, payload from outbox order by seq")
        return [json.loads(row["payload"]) for row in rows if row["aggregatetype"] == topic]

    async def opened_letter(self, event: AbsenceReported) -> dict[str, Any]:
        await self.absences([as_record(event, 0)])
        return (await self.requests())[-1]

    async def hears(self, *events: AbsenceEvent) -> None:
        """Events about absences, all in one batch, behind whatever came before."""
        await self.absences([as_record(event, self._offset + nth) for nth, event in enumerate(events)])
        self._offset += len(events)

    async def requests(self) -> list[dict[str, Any]]:
        """The letters that were asked for, in order."""
        return await self.messages("sygefravaer.letter-request.v1")

    async def closings(self) -> list[tuple[str, str]]:
        """Kind and reason of each task that was told closed, in order."""
        told = await self.messages("sygefravaer.task.v1")
        return [(one["kind"], one["reason"]) for one in told if "closed_at" in one]

    async def tasks(self, absence_id: UUID) -> list[tuple[str, str, str]]:
        """Kind, subject and state of each task, sorted."""
        rows = await self.rows("select kind, about, state from task where absence_id = $1", absence_id)
        return sorted((row["kind"], row["about"], row["state"]) for row in rows)

    async def absence(self, absence_id: UUID) -> dict[str, Any]:
        (row,) = await self.rows("select * from absence where absence_id = $1", absence_id)
        return dict(row)

    async def fates(self) -> list[str]:
        """The fate of each record, in the order of the log."""
        return [row["fate"] for row in await self.rows('select fate from inbox_record order by topic, "offset"')]


async def fetch_key(_month: str) -> MonthKey:
    return MonthKey(key_id="dead-letter/tasks/2026-03", key=bytes(32))


async def open_house(database: DatabaseFactory) -> House:
    opened = await Database.open(database("tasks").runtime_dsn, application_name="test")
    clock, store = FixedClock(), Store()

    def undertaker(topic: str) -> Undertaker:
        return Undertaker(fetch_key=fetch_key, write=dead_letter, clock=clock, group=f"mitsyg.tasks.{topic}")

    return House(
        database=opened,
        absences=Stage(
            opened,
            read=read_absence,
            work=FollowAbsences(store, clock),
            undertaker=undertaker("sygefravaer.absence.v1"),
            after_commit=lambda: None,
        ),
        letters=Stage(
            opened,
            read=read_letter,
            work=StartClocks(store, clock),
            undertaker=undertaker("sygefravaer.letter.v1"),
            after_commit=lambda: None,
        ),
    )


def reported(**changes: Any) -> AbsenceReported:
    ids = {"absence_id": uuid4(), "citizen_id": uuid4(), "notification_id": uuid4()}
    return AbsenceReported(**{**ids, **_told(), **changes})


class Reporter:
    """Tells of one absence, each event with the next version unless told otherwise."""

    def __init__(self) -> None:
        self.absence_id = uuid4()
        self._citizen_id = uuid4()
        self._version = 0

    def reports(self, **changes: Any) -> AbsenceReported:
        return AbsenceReported(**{**self._about(), **_told(), **changes})

    def amends(self, **changes: Any) -> AbsenceAmended:
        return AbsenceAmended(**{**self._about(), **_told(), "is_current": True, "is_changed": True, **changes})

    def asks_for_refund(self, *, final: FinalRefund | None = None, **changes: Any) -> RefundRequested:
        told: dict[str, Any] = {
            "first_day": date(2026, 3, 2),
            "last_day": date(2026, 3, 19),
            "final": final,
            "reporter_deadline": ReporterDeadline.ON_TIME,
            "reported": "cmVmdW5k",
        }
        return RefundRequested(**{**self._about(), **told, **changes})

    def asks_for_fast_track(self, **changes: Any) -> FastTrackRequested:
        told: dict[str, Any] = {
            "municipality_code": "0101",
            "first_absence_day": date(2026, 3, 1),
            "is_preliminary": True,
            "is_current": True,
            "reported": "ZmFzdA==",
        }
        return FastTrackRequested(**{**self._about(), **told, **changes})

    def tells_recovery(self, **changes: Any) -> AbsenceRecovered:
        told: dict[str, Any] = {"last_absence_day": date(2026, 3, 18), "is_current": True}
        return AbsenceRecovered(**{**self._about(), **told, **changes})

    def withdraws(self) -> AbsenceWithdrawn:
        return AbsenceWithdrawn(**self._about())

    def _about(self) -> dict[str, Any]:
        self._version += 1
        return {
            "absence_id": self.absence_id,
            "citizen_id": self._citizen_id,
            "notification_id": uuid4(),
            "sent_at": NOW,
            "received_at": NOW,
            "version": self._version,
        }


def _told() -> dict[str, Any]:
    return {
        "citizen_kind": CitizenKind.EMPLOYEE,
        "reporter_kind": ReporterKind.EMPLOYER,
        "municipality_code": "0751",
        "first_absence_day": date(2026, 3, 2),
        "last_absence_day": None,
        "pay": Pay(kind=PayKind.NOTHING),
        "reporter_deadline": ReporterDeadline.LATE,
        "early": False,
        "sent_at": NOW,
        "received_at": NOW,
        "reported": "c2VhbGVk",
    }


def dispatched(letter: dict[str, Any], at: datetime) -> LetterDispatched:
    return LetterDispatched(
        letter_id=UUID(letter["letter_id"]),
        version=letter["version"],
        absence_id=UUID(letter["absence_id"]),
        citizen_id=UUID(letter["citizen_id"]),
        channel=Channel.DIGITAL_POST,
        dispatched_at=at,
        proof=DispatchProof(transmission_id="t-1", status_code="Afleveret Digital Post", status_at=at),
    )


def not_sent(letter: dict[str, Any]) -> LetterFailed:
    return LetterFailed(
        letter_id=UUID(letter["letter_id"]),
        version=letter["version"],
        absence_id=UUID(letter["absence_id"]),
        citizen_id=UUID(letter["citizen_id"]),
        channel=Channel.DIGITAL_POST,
        reason="unknown-recipient",
        at=NOW,
    )


def as_record(event: Event, offset: int, *, event_id: UUID | None = None) -> Record:
    sent: Encoded = encode(event, event_id=event_id or uuid4(), time=NOW)
    return Record(
        topic=sent.topic,
        partition=0,
        offset=offset,
        key=sent.key.encode(),
        value=sent.value,
        headers=sent.headers,
        timestamp_ms=1_773_800_000_000 + offset,
    )


def kinds_of(letter: dict[str, Any]) -> Sequence[str]:
    """What a letter that was asked for tells of, in order."""
    return [task["kind"] for task in letter["tasks"]]
