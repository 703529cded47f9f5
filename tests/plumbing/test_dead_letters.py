"""A dead letter keeps the whole original, sealed, and nothing of it outside the seal."""

import base64
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID, uuid4

import pytest

from contracts.dead_letter.v1 import record as dead_letter
from contracts.nemrefusion.v1.refusals import MOST_REASONS
from plumbing import outbox
from plumbing.bus import Record
from plumbing.dead_letters import FIELD, KeyNotFetched, MonthKey, Reason, Undertaker, ledger, unpack
from plumbing.dead_letters.letters import DeadLetter, Position
from plumbing.dead_letters.opening import Original
from plumbing.dead_letters.replaying import Replayer, Verdict
from plumbing.errors import Unavailable
from plumbing.outbox import MAX_MESSAGE_BYTES, Outgoing
from plumbing.postgres import Database
from plumbing.sealing import open_sealed
from tests.plumbing.helpers import Message

KEY = bytes(range(32))
TRAVELS = 600_000
"""Sealed bytes of the largest original that a letter holds itself."""
RECORD = Record(
    topic="notifications",
    partition=3,
    offset=41,
    key=b"6101900001",
    value=b'{"name": "Kirsten"}',
    headers=(("ce_id", b"1"), ("ce_id", b"\xff\xfe"), ("\\xff", b"")),
    timestamp_ms=1_700_000_000_000,
)
REASONS = [Reason(field="citizen.cpr", code="not-a-date")]


@dataclass(slots=True)
class HandClock:
    at: datetime = datetime(2026, 11, 30, 23, 59, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at


@dataclass(slots=True)
class Grave:
    """An undertaker, what it wrote, and for which months it asked a key."""

    clock: HandClock = field(default_factory=HandClock)
    written: list[dict[str, Any]] = field(default_factory=list)
    months: list[str] = field(default_factory=list)
    is_vault_away: bool = False

    def undertaker(self) -> Undertaker:
        return Undertaker(fetch_key=self.key, write=self._write, clock=self.clock, group="mitsyg.intake.notifications")

    async def key(self, month: str) -> MonthKey:
        if self.is_vault_away:
            raise Unavailable("citizens")
        self.months.append(month)
        return MonthKey(key_id=f"dead-letter-{month}", key=KEY)

    def _write(self, **told: Any) -> Outgoing:
        self.written.append(told)
        return Message(topic="dlq", event_id=told["event_id"])


async def bury(pool: Database, grave: Grave, *records: Record) -> list[Outgoing]:
    undertaker = grave.undertaker()
    await undertaker.prepare()
    refused: Sequence[tuple[Record, list[Reason]]] = [(record, REASONS) for record in records]
    async with pool.transaction() as connection:
        return await undertaker.bury(connection, refused)


@pytest.mark.parametrize(
    "record",
    [
        RECORD,
        RECORD._replace(key=None, value=None, headers=()),
        RECORD._replace(key=b"", value=b""),
        RECORD._replace(key=b"\xff", value=b"\x00\xff"),
        RECORD._replace(headers=tuple((f"header-{nth}", b"x") for nth in range(1000))),
    ],
    ids=["whole", "null", "empty", "binary", "many headers"],
)
async def test_the_original_comes_back_as_it_was(pool: Database, record: Record) -> None:
    grave = Grave()
    await bury(pool, grave, record)

    (told,) = grave.written
    packed = open_sealed(KEY, base64.b64decode(told["sealed"]), owner=told["key_id"], field=FIELD)
    assert unpack(packed) == (record.key, record.value, list(record.headers))


async def test_nothing_of_the_original_stands_outside_the_seal(pool: Database) -> None:
    grave = Grave()
    await bury(pool, grave, RECORD)

    (told,) = grave.written
    outside = repr({name: value for name, value in told.items() if name != "sealed"})
    assert "6101900001" not in outside
    assert "Kirsten" not in outside
    assert "ce_id" not in outside
    assert b"Kirsten" not in base64.b64decode(told["sealed"])
    assert told["reasons"] == [("citizen.cpr", "not-a-date")]
    assert (told["topic"], told["partition"], told["offset"]) == ("notifications", 3, 41)
    assert (told["timestamp_ms"], told["size_bytes"]) == (RECORD.timestamp_ms, len(RECORD.value or b""))


async def test_an_original_too_large_to_travel_is_kept_in_the_database(pool: Database) -> None:
    grave = Grave()
    large = RECORD._replace(value=bytes(1_000_000))
    await bury(pool, grave, large)
    await bury(pool, grave, large)  # the same again: kept once

    told = grave.written[0]
    assert told["sealed"] is None
    assert told["kept_as"] == told["event_id"]
    async with pool.acquire() as connection:
        rows = await connection.fetch("select * from dead_letter_original")
    assert [row["id"] for row in rows] == [told["kept_as"]]
    packed = open_sealed(KEY, rows[0]["sealed"], owner=rows[0]["key_id"], field=FIELD)
    assert unpack(packed)[1] == large.value


async def test_the_largest_original_that_travels_is_taken_with_the_longest_reasons_and_a_byte_more_is_kept(
    pool: Database,
) -> None:
    grave = Grave()
    longest = [
        Reason(field="\x01" * 200, code="c" * 50)
    ] * MOST_REASONS  # six bytes in JSON is the most a sign may take
    undertaker = Undertaker(
        fetch_key=grave.key, write=dead_letter, clock=grave.clock, group="mitsyg.intake.notifications"
    )
    await undertaker.prepare()
    await bury(pool, grave, RECORD._replace(value=b""))
    most = (TRAVELS - len(base64.b64decode(grave.written[0]["sealed"]))) // 4 * 3  # in base64 within the seal

    async with pool.transaction() as connection:
        refused = [(RECORD._replace(value=bytes(size), offset=size), longest) for size in (most, most + 1)]
        letters = await undertaker.bury(connection, refused)
        await outbox.put(connection, letters)

    travels, kept = (json.loads(letter.value)["original"] for letter in letters)
    assert len(base64.b64decode(travels["sealed"])) <= TRAVELS
    assert kept["sealed"] is None
    assert 900_000 < len(letters[0].value) < MAX_MESSAGE_BYTES


async def test_the_same_record_makes_the_same_dead_letter(pool: Database) -> None:
    grave = Grave()
    first = await bury(pool, grave, RECORD)
    again = await bury(pool, grave, RECORD)
    another = await bury(pool, grave, RECORD._replace(offset=42))

    ids: list[UUID] = [letter.event_id for letter in [*first, *again, *another]]
    assert ids[0] == ids[1] != ids[2]


async def test_a_key_is_fetched_once_a_month_and_sealed_originals_name_it(pool: Database) -> None:
    grave = Grave()
    undertaker = grave.undertaker()
    for _ in range(3):
        await undertaker.prepare()
    grave.clock.at = datetime(2026, 12, 1, 0, 0, tzinfo=UTC)
    with pytest.raises(KeyNotFetched):
        async with pool.transaction() as connection:
            await undertaker.bury(connection, [(RECORD, REASONS)])
    await undertaker.prepare()
    async with pool.transaction() as connection:
        await undertaker.bury(connection, [(RECORD, REASONS)])

    assert grave.months == ["2026-11", "2026-12"]
    assert grave.written[0]["key_id"] == "dead-letter-2026-12"


async def test_a_vault_that_is_away_is_a_retry() -> None:
    with pytest.raises(Unavailable):
        await Grave(is_vault_away=True).undertaker().prepare()


async def test_where_nothing_is_refused_no_key_is_needed(pool: Database) -> None:
    async with pool.transaction() as connection:
        assert await Grave(is_vault_away=True).undertaker().bury(connection, []) == []


@pytest.mark.parametrize(
    ("partition", "from_offset", "verdict"),
    [
        (0, 5, Verdict.TO_SEND),
        (0, 9, Verdict.TO_SEND),
        (0, 4, Verdict.CANNOT_TELL),
        (0, 10, Verdict.CANNOT_TELL),  # it ends before where it ended: made anew
        (1, 5, Verdict.CANNOT_TELL),  # made anew, with fewer partitions
    ],
)
async def test_a_replay_that_broke_off_is_not_sent_where_its_part_of_the_log_is_gone(
    monkeypatch: pytest.MonkeyPatch, partition: int, from_offset: int, verdict: Verdict
) -> None:
    class OneEmptyPartition:
        partitions = (0,)

        async def begins(self) -> dict[int, int]:
            return {0: 5}

        async def ends(self) -> dict[int, int]:
            return {0: 9}

        async def read(self, _since: object) -> AsyncIterator[Record]:
            return
            yield

    class OpensAll:
        async def open(self, _letter: object) -> Original:
            return Original(key=None, value=b"x", headers=[])

    at = datetime(2026, 11, 23, tzinfo=UTC)
    position, identity = Position("t", partition, 1), uuid4()
    letter = DeadLetter(
        id=identity,
        filed=position,
        group="g",
        record=position,
        reasons=(("body", "malformed"),),
        failed_at=at,
        size_bytes=1,
        key_id="service:dead-letter:2026-11",
        kept_as=None,
    )
    broken_off = ledger.Replay(identity, 1, "kbh", "INC-42", "t", partition, from_offset, at, None, None)

    async def earlier(*_: object) -> list[ledger.Replay]:
        return [broken_off]

    monkeypatch.setattr(ledger, "replays", earlier)
    replayer = Replayer(
        cast("Any", None),
        cast("Any", OpensAll()),
        open_log=lambda _topic: cast("Any", nullcontext(OneEmptyPartition())),
        send=cast("Any", None),
        clock=HandClock(at),
    )
    assert (await replayer.plan(letter)).verdict is verdict
