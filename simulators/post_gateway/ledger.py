"""The gateway's ledger: every attempt, every letter taken over, every status message, in one SQLite file.

Invariants: what was answered or pushed stands in the file before, in WAL mode, so a SIGKILL loses none of it; rows are never
deleted but by `reset`, contents of letters also by newer ones; a recipient appears only as a keyed hash. What is to be told at an
instant of domain time that has not come lies apart, in `later`: it becomes a status when somebody looks and the instant has come.
Writes are synchronous: each takes microseconds, since nothing waits for the disk (power loss is not what this ledger is for).
"""

import hashlib
import hmac
import json
import secrets
import sqlite3
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from simulators.post_gateway.handed_in import Content

# Raised with every change of the tables: a file of another version is begun anew.
SCHEMA_VERSION: Final = 2
TABLES: Final = ("attempt", "letter", "content", "status", "later", "exemption")
GAP_SECONDS: Final = 0.3
"""Between two statuses of the same letter, in real time, so that they are pushed in order."""

_TOLD: Final = """
    besked_id text not null unique, transmission_id text not null, message_uuid text, dispatch_id text, channel text not null,
    message_id text, status_code text not null, error_code text, error_text text, event_code text, at text not null,
    due real not null, deliveries_wanted integer not null
"""
SCHEMA: Final = f"""
create table if not exists meta (name text primary key, value text not null);
create table if not exists attempt (
    seq integer primary key, at text not null, message_uuid text, dispatch_id text, transaction_id text,
    body_sha256 text not null, recipient text, case_id text, text_sha256 text, switch text not null, outcome text not null,
    http_status integer
);
create table if not exists letter (
    seq integer primary key, transmission_id text not null unique, message_uuid text, dispatch_id text,
    body_sha256 text not null, recipient text not null, case_id text, text_sha256 text not null, channel text not null,
    accepted_at text not null, check ((message_uuid is null) <> (dispatch_id is null))
);
create index if not exists letter_known_as on letter (coalesce(message_uuid, dispatch_id));
create index if not exists letter_to on letter (recipient);
create table if not exists content (
    letter integer primary key references letter (seq), addressee text, fields text not null, document blob
);
create index if not exists content_to on content (addressee) where addressee is not null;
create table if not exists status (
    seq integer primary key, {_TOLD}, deliveries integer not null default 0, pushes integer not null default 0, last_answer text
);
create index if not exists status_of on status (transmission_id);
create index if not exists status_due on status (due) where deliveries < deliveries_wanted;
create table if not exists later (seq integer primary key, {_TOLD}, comes real not null);
create index if not exists later_comes on later (comes, seq);
create table if not exists exemption (recipient text primary key, is_exempt integer not null);
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """One POST and how it was answered; `outcome` is accepted, duplicate, conflict, refused or lost."""

    message_uuid: UUID | None
    dispatch_id: str | None
    transaction_id: str | None
    body_sha256: str
    recipient: str | None
    case_id: str | None
    text_sha256: str | None
    switch: str
    outcome: str
    http_status: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Letter:
    """A message or paper letter the gateway took over. `accepted_at` is domain time."""

    transmission_id: UUID
    message_uuid: UUID | None
    dispatch_id: str | None
    body_sha256: str
    recipient: str
    case_id: str | None
    text_sha256: str
    channel: str
    accepted_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Status:
    """A status message to push from `due` (real, epoch seconds) on.

    `at` is the domain instant it tells, and before which it is not told. `event_code`: what befell a paper letter.
    """

    besked_id: UUID
    transmission_id: UUID
    message_uuid: UUID | None
    message_id: str | None
    status_code: str
    error_code: str | None
    error_text: str | None
    at: datetime
    due: float
    deliveries_wanted: int = 1
    dispatch_id: str | None = None
    channel: str = "Digital Post"
    event_code: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class TakenOver:
    """What taking a letter over leads to; `addressee` is the hash of the name in a paper letter's window."""

    letter: Letter
    statuses: Sequence[Status]
    content: Content
    addressee: str | None = None


class Ledger:
    """The file, opened. Of the letters taken over the contents of the newest `contents_kept` are kept."""

    def __init__(self, path: Path, *, contents_kept: int = 5000) -> None:
        self._contents_kept = contents_kept
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        self._db.execute("pragma journal_mode = wal")
        self._db.execute("pragma synchronous = normal")
        self._make_tables()
        self._key = self._hash_key()

    def close(self) -> None:
        self._db.close()

    def hashed(self, recipient: str) -> str:
        """The keyed hash under which a recipient is known here."""
        return hmac.new(self._key, recipient.encode(), hashlib.sha256).hexdigest()

    def hashed_name(self, name: str) -> str:
        """The keyed hash of a name on an envelope, however it is spaced and capitalised."""
        return self.hashed(f"name:{' '.join(name.casefold().split())}")

    def earlier(self, known_as: str) -> tuple[UUID, str] | None:
        """Transmission id and body hash of the first letter with that message id or dispatch id."""
        row = self._db.execute(
            "select transmission_id, body_sha256 from letter where coalesce(message_uuid, dispatch_id) = ?"
            " order by seq limit 1",
            (known_as,),
        ).fetchone()
        return (UUID(row[0]), row[1]) if row else None

    def record(self, attempt: Attempt, taken_over: TakenOver | None = None) -> None:
        """Write an attempt, and what it led to, at once."""
        with self._db:
            self._db.execute("begin immediate")
            self._insert("attempt", at=datetime.now(UTC).isoformat(), **_row(attempt))
            if taken_over is None:
                return
            number = self._insert("letter", **_row(taken_over.letter))
            self._keep(number, taken_over.content, taken_over.addressee)
            for status in taken_over.statuses:
                if status.at > taken_over.letter.accepted_at:
                    self._insert("later", comes=status.at.timestamp(), **_row(status))
                else:
                    self._insert("status", **_row(status))

    def come_due(self, now: datetime) -> None:
        """What was to be told later, and whose instant of domain time has come, becomes a status to push."""
        first = self.next_later()
        if first is None or first > now.timestamp():
            return
        with self._db:
            self._db.execute("begin immediate")
            come = self._db.execute("select * from later where comes <= ? order by comes, seq", (now.timestamp(),))
            for row in come.fetchall():
                before = self._db.execute(
                    "select max(due) from status where transmission_id = ?", (row["transmission_id"],)
                ).fetchone()[0]
                due = max(time.time(), (before or 0.0) + GAP_SECONDS)
                self._insert("status", **_row(replace(_status(row), due=due)))
                self._db.execute("delete from later where seq = ?", (row["seq"],))

    def next_later(self) -> float | None:
        """The next instant of domain time, in epoch seconds, at which something is to be told."""
        found: float | None = self._db.execute("select min(comes) from later").fetchone()[0]
        return found

    def due(self, now: float, limit: int, but: Iterable[UUID] = ()) -> list[Status]:
        """Status messages to push now, without those named in `but`."""
        passed_over = [str(besked_id) for besked_id in but]
        marks = ", ".join("?" * len(passed_over))
        sql = (
            f"select * from status where deliveries < deliveries_wanted and due <= ? and besked_id not in ({marks})"  # noqa: S608 - question marks
            " order by due limit ?"
        )
        rows = self._db.execute(sql, (now, *passed_over, limit))
        return [_status(row) for row in rows]

    def next_due(self) -> float | None:
        """When the next push is due."""
        found: float | None = self._db.execute(
            "select min(due) from status where deliveries < deliveries_wanted"
        ).fetchone()[0]
        return found

    def pushed(self, besked_id: UUID, *, acknowledged: bool, answer: str, due: float) -> None:
        """Note how a push ended, and when the next one is due, if there is one."""
        self._db.execute(
            "update status set pushes = pushes + 1, deliveries = deliveries + ?, last_answer = ?, due = ?"
            " where besked_id = ?",
            (int(acknowledged), answer, due, str(besked_id)),
        )

    def pushes(self, besked_id: UUID) -> int:
        """How often a message was pushed so far."""
        row = self._db.execute("select pushes from status where besked_id = ?", (str(besked_id),)).fetchone()
        return int(row[0]) if row else 0

    def set_exempt(self, recipient: str, service: str, *, exempt: bool) -> None:
        """Note that a person is not in a service, or that the person is."""
        self._db.execute(
            "insert or replace into exemption values (?, ?)", (self.hashed(f"{service}:{recipient}"), int(exempt))
        )

    def exemption(self, recipient: str, service: str) -> bool | None:
        """What was noted of that person; None where nothing was."""
        row = self._db.execute(
            "select is_exempt from exemption where recipient = ?", (self.hashed(f"{service}:{recipient}"),)
        ).fetchone()
        return None if row is None else bool(row[0])

    def summary(self) -> dict[str, Any]:
        """Counts, and the two things that must never be: letters delivered twice, letters written anew under another id."""
        one = self._db.execute(_COUNTS).fetchone()
        return {
            **dict(one),
            "outcomes": dict(
                self._db.execute("select outcome, count(*) from attempt group by 1 order by 1").fetchall()
            ),
            "statuses": dict(
                self._db.execute("select status_code, count(*) from status group by 1 order by 1").fetchall()
            ),
            "delivered_twice": self._all(_DELIVERED_TWICE),
            "regenerated": [
                {**row, "message_uuids": sorted(row["message_uuids"].split(","))} for row in self._all(_REGENERATED)
            ],
        }

    def told(self) -> dict[str, Any]:
        """Everything."""
        return {
            **self.summary(),
            "attempts": self._all("select * from attempt order by seq"),
            "letters": self._all(_LETTERS),
            "status_messages": self._all("select * from status order by seq"),
        }

    def reset(self) -> None:
        """Begin anew; the hash key stays."""
        with self._db:
            self._db.execute("begin immediate")
            for table in TABLES:
                self._db.execute(f"delete from {table}")  # noqa: S608 - the names stand above

    def rows(self, sql: str, **values: Any) -> list[sqlite3.Row]:
        """What somebody else asks of it; `values` stand in the question as `:name`."""
        return self._db.execute(sql, values).fetchall()

    def _make_tables(self) -> None:
        if self._db.execute("pragma user_version").fetchone()[0] != SCHEMA_VERSION:
            for table in (*TABLES, "meta"):
                self._db.execute(f"drop table if exists {table}")
            self._db.execute(f"pragma user_version = {SCHEMA_VERSION}")
        self._db.executescript(SCHEMA)

    def _keep(self, number: int, content: Content, addressee: str | None) -> None:
        fields = asdict(content)
        document = fields.pop("document")
        self._insert("content", letter=number, addressee=addressee, fields=json.dumps(fields), document=document)
        self._db.execute("delete from content where letter <= ?", (number - self._contents_kept,))

    def _hash_key(self) -> bytes:
        self._db.execute("insert or ignore into meta values ('hash_key', ?)", (secrets.token_hex(32),))
        return bytes.fromhex(self._db.execute("select value from meta where name = 'hash_key'").fetchone()[0])

    def _insert(self, table: str, **values: Any) -> int:
        names, marks = ", ".join(values), ", ".join("?" * len(values))
        sql = f"insert into {table} ({names}) values ({marks})"  # noqa: S608 - own names
        return self._db.execute(sql, tuple(values.values())).lastrowid or 0

    def _all(self, sql: str) -> list[dict[str, Any]]:
        return [dict(row) for row in self._db.execute(sql)]


def _row(thing: Attempt | Letter | Status) -> dict[str, Any]:
    return {name: _stored(getattr(thing, name)) for name in thing.__slots__}


def _stored(value: Any) -> Any:
    match value:
        case UUID():
            return str(value)
        case datetime():
            return value.isoformat()
        case _:
            return value


def _status(row: sqlite3.Row) -> Status:
    return Status(
        besked_id=UUID(row["besked_id"]),
        transmission_id=UUID(row["transmission_id"]),
        message_uuid=UUID(row["message_uuid"]) if row["message_uuid"] else None,
        dispatch_id=row["dispatch_id"],
        channel=row["channel"],
        message_id=row["message_id"],
        status_code=row["status_code"],
        error_code=row["error_code"],
        error_text=row["error_text"],
        event_code=row["event_code"],
        at=datetime.fromisoformat(row["at"]),
        due=row["due"],
        deliveries_wanted=row["deliveries_wanted"],
    )


_COUNTS = """
select (select count(*) from attempt) as attempts_total,
       (select count(*) from letter) as letters_total,
       (select count(distinct message_uuid) from letter) as message_uuids_total,
       (select count(distinct dispatch_id) from letter) as dispatch_ids_total,
       (select count(*) from status) as status_messages_total,
       (select count(*) from status where deliveries < deliveries_wanted) as status_messages_waiting,
       (select count(*) from later) as status_messages_later
"""

_LETTERS = """
select letter.*, (select min(at) from status where status.transmission_id = letter.transmission_id and event_code is not null)
       as returned_at
from letter order by seq
"""

# A letter whose final status is Fejlet reached nobody, and a failed one that was taken over twice frightened nobody.
_DELIVERED_TWICE = """
select coalesce(message_uuid, dispatch_id) as message_uuid, count(*) as letters from letter
where transmission_id in (
    select transmission_id from status where status_code in ('Afleveret Digital Post', 'Modtaget Post Danmark')
)
group by 1 having count(*) > 1 order by 1
"""

_REGENERATED = """
select recipient, case_id, text_sha256, group_concat(distinct message_uuid) as message_uuids from attempt
where message_uuid is not null
group by recipient, case_id, text_sha256 having count(distinct message_uuid) > 1
"""
