"""The gateway's ledger: every attempt, every letter taken over, every status message, in one SQLite file.

Invariants: what was answered or pushed stands in the file before, in WAL mode, so a SIGKILL loses none of it; rows are never
deleted but by `reset`; a recipient appears only as a keyed hash. Writes are synchronous: each takes microseconds, since nothing
waits for the disk (power loss is not what this ledger is for).
"""

import hashlib
import hmac
import secrets
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

SCHEMA = """
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
create table if not exists status (
    seq integer primary key, besked_id text not null unique, transmission_id text not null, message_uuid text,
    dispatch_id text, channel text not null, message_id text, status_code text not null, error_code text, error_text text,
    at text not null, due real not null, deliveries_wanted integer not null, deliveries integer not null default 0,
    pushes integer not null default 0, last_answer text
);
create index if not exists status_due on status (due) where deliveries < deliveries_wanted;
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
    """A status message to push from `due` (real, epoch seconds) on; `at` is the domain instant it tells."""

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


class Ledger:
    """The file, opened."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        self._db.execute("pragma journal_mode = wal")
        self._db.execute("pragma synchronous = normal")
        self._db.executescript(SCHEMA)
        self._key = self._hash_key()

    def close(self) -> None:
        self._db.close()

    def hashed(self, recipient: str) -> str:
        """The keyed hash under which a recipient is known here."""
        return hmac.new(self._key, recipient.encode(), hashlib.sha256).hexdigest()

    def earlier(self, known_as: str) -> tuple[UUID, str] | None:
        """Transmission id and body hash of the first letter with that message id or dispatch id."""
        row = self._db.execute(
            "select transmission_id, body_sha256 from letter where coalesce(message_uuid, dispatch_id) = ?"
            " order by seq limit 1",
            (known_as,),
        ).fetchone()
        return (UUID(row[0]), row[1]) if row else None

    def record(self, attempt: Attempt, letter: Letter | None = None, statuses: Sequence[Status] = ()) -> None:
        """Write an attempt, and what it led to, at once."""
        with self._db:
            self._db.execute("begin immediate")
            self._insert("attempt", at=datetime.now(UTC).isoformat(), **_row(attempt))
            if letter is not None:
                self._insert("letter", **_row(letter))
            for status in statuses:
                self._insert("status", **_row(status))

    def due(self, now: float, limit: int) -> list[Status]:
        """Status messages to push now."""
        rows = self._db.execute(
            "select * from status where deliveries < deliveries_wanted and due <= ? order by due limit ?", (now, limit)
        )
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
            "letters": self._all("select * from letter order by seq"),
            "status_messages": self._all("select * from status order by seq"),
        }

    def reset(self) -> None:
        """Begin anew; the hash key stays."""
        with self._db:
            self._db.execute("begin immediate")
            for table in ("attempt", "letter", "status", "exemption"):
                self._db.execute(f"delete from {table}")  # noqa: S608 - the names stand above

    def _hash_key(self) -> bytes:
        self._db.execute("insert or ignore into meta values ('hash_key', ?)", (secrets.token_hex(32),))
        return bytes.fromhex(self._db.execute("select value from meta where name = 'hash_key'").fetchone()[0])

    def _insert(self, table: str, **values: Any) -> None:
        names, marks = ", ".join(values), ", ".join("?" * len(values))
        self._db.execute(f"insert into {table} ({names}) values ({marks})", tuple(values.values()))  # noqa: S608 - own names

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
       (select count(*) from status where deliveries < deliveries_wanted) as status_messages_waiting
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
