"""The table of bad notifications against the running service: what each gets, with good ones before and after it."""

import asyncio
import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from contracts.citizens.client import VaultClient
from contracts.topics import (
    ABSENCE,
    MIB,
    NEMREFUSION_NOTIFICATION,
    NEMREFUSION_RECEIPT,
    consumer_group,
    dead_letter_topic,
)
from plumbing.bus import Record
from tests.integration.intake.running import Running, intake_running
from tests.integration.intake.table_sending import Sent, send_table
from tests.plumbing.helpers import read_log, until
from tests.support.bad_notifications import NOW, TEXTS_OF_SOMEBODY, Case, Maker, table
from tests.support.bad_notifications.unreadable import LARGEST_THAT_ARRIVES

pytestmark = pytest.mark.rule("N3", "N4")

pytestmark = pytest.mark.timeout(180)

DEAD_LETTERS = dead_letter_topic(consumer_group("intake", NEMREFUSION_NOTIFICATION.name))
MOST_MEMORY_MIB = 600
FATES = {"waiting": "parked"}
LOOKS_LIKE_CPR = re.compile(r"(?<!\d)\d{6}-?\d{4}(?!\d)")

Place = tuple[int, int]
Body = dict[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Answered:
    """What was sent, and what came of it, by place."""

    sent: list[Sent]
    numbers: frozenset[str]
    fates: dict[Place, asyncpg.Record]
    fate_rows: int
    receipts: dict[Place, list[Body]]
    letters: dict[Place, list[Body]]
    sizes: dict[Place, int]
    kept: set[str]
    events: list[Body]
    texts: Mapping[str, str]
    metrics: str
    memory_mib: float
    personal_keys: int

    @property
    def seen(self) -> list[Sent]:
        return [one for one in self.sent if one.expected.fate != "unseen"]


@pytest.fixture(scope="module")
def answered() -> Iterator[Answered]:
    make = Maker()
    cases = table(make)
    with intake_running(NOW) as running:
        yield asyncio.run(_answered(running, cases, make))


async def _answered(running: Running, cases: tuple[Case, ...], make: Maker) -> Answered:
    database = await asyncpg.connect(running.databases["intake"].owner_dsn)
    try:
        sent = await send_table(running.kafka, cases, make, after_erasure=False)
        await _settled(database, sent)
        await _erase(running, cases)
        sent += await send_table(running.kafka, cases, make, after_erasure=True)
        await _settled(database, sent)
        rows = await database.fetch('select partition, "offset", fate, reason, message_id from inbox_record')
        kept = {str(row["id"]) for row in await database.fetch("select id from dead_letter_original")}
    finally:
        await database.close()
    receipts = await read_log(running.kafka, NEMREFUSION_RECEIPT.name)
    letters = await read_log(running.kafka, DEAD_LETTERS)
    events = await read_log(running.kafka, ABSENCE.name)
    notifications = await read_log(running.kafka, NEMREFUSION_NOTIFICATION.name)
    metrics = running.metrics("intake")
    return Answered(
        sent=sent,
        numbers=frozenset(make.numbers),
        fates={(row["partition"], row["offset"]): row for row in rows},
        fate_rows=len(rows),
        receipts=_by_position(receipts),
        letters=_by_position(letters),
        sizes={(each.partition, each.offset): len(each.value or b"") for each in notifications},
        kept=kept,
        events=[json.loads(each.value or b"") for each in events],
        texts={
            "receipts": _text(receipts),
            "dead letters": _text(letters),
            "events": _text(events),
            "metrics": metrics,
            "log": running.log("intake"),
            "rows": "\n".join(str(tuple(row)) for row in rows),
        },
        metrics=metrics,
        memory_mib=running.most_memory_mib("intake"),
        personal_keys=sum(case.row == "N48" and "CPR number" in case.name for case in cases),
    )


async def _settled(database: "asyncpg.Connection[asyncpg.Record]", sent: list[Sent]) -> None:
    """Until everything has its fate, and everything that is said about it is said."""
    wanted = sum(one.expected.fate != "unseen" for one in sent)

    async def is_done() -> bool:
        fates, waiting = await database.fetchrow(
            "select (select count(*) from inbox_record), (select count(*) from outbox)"
        )  # type: ignore[misc]
        return bool(fates >= wanted and waiting == 0)

    await until(is_done, seconds=90)


async def _erase(running: Running, cases: tuple[Case, ...]) -> None:
    """The citizens of cases that go on after it."""
    bodies = [
        json.loads(case.messages[0].value or b"") for case in cases if any(one.after_erasure for one in case.messages)
    ]
    references = {body["absence_reference"] for body in bodies}
    receipts = [json.loads(each.value or b"") for each in await read_log(running.kafka, NEMREFUSION_RECEIPT.name)]
    absences = {one["absence_id"] for one in receipts if one.get("absence_reference") in references}
    events = [json.loads(each.value or b"") for each in await read_log(running.kafka, ABSENCE.name)]
    citizens = {UUID(event["citizen_id"]) for event in events if event["absence_id"] in absences}
    assert len(citizens) == len(references) > 0
    async with VaultClient(running.seats["citizens"].http_url, running.secrets.vault_token("ops")) as ops:
        for citizen in citizens:
            await ops.destroy(citizen, "test")


def _by_position(records: list[Record]) -> dict[Place, list[Body]]:
    found: dict[Place, list[Body]] = defaultdict(list)
    for record in records:
        body = json.loads(record.value or b"")
        found[body["position"]["partition"], body["position"]["offset"]].append(body)
    return dict(found)


def _text(records: list[Record]) -> str:
    return "\n".join(f"{each.key!r}\n{each.headers}\n{(each.value or b'').decode()}" for each in records)


def _outcome_and_reasons(receipt: Body) -> tuple[str, tuple[tuple[str, str], ...]]:
    return receipt["outcome"], tuple(sorted((why["field"], why["code"]) for why in receipt.get("reasons", ())))


def test_each_record_gets_the_fate_that_the_table_says(answered: Answered) -> None:
    wrong = [
        (one.case, one.expected, fate and (fate["fate"], fate["reason"]))
        for one in answered.seen
        if (fate := answered.fates.get(one.place or (-1, -1))) is None
        or fate["fate"] != FATES.get(one.expected.fate, one.expected.fate)
    ]
    assert wrong == []
    assert answered.fate_rows == len(answered.seen)
    assert Counter(one.is_filler for one in answered.sent)[True] > len({one.case for one in answered.sent}) / 2


def test_each_record_gets_one_receipt_with_exactly_these_reasons(answered: Answered) -> None:
    wrong = [
        (one.case, one.expected, told)
        for one in answered.seen
        if (told := [_outcome_and_reasons(each) for each in answered.receipts.get(one.place or (-1, -1), [])])
        != [(one.expected.fate, one.expected.reasons)]
    ]
    assert wrong == []
    assert len(answered.receipts) == len(answered.seen)


def test_what_was_refused_by_the_broker_or_aborted_is_seen_by_nobody(answered: Answered) -> None:
    unseen = [one for one in answered.sent if one.expected.fate == "unseen"]
    assert unseen
    assert not {one.place for one in unseen} & answered.fates.keys()


def test_a_duplicate_gets_its_originals_receipt_id(answered: Answered) -> None:
    by_case: dict[str, set[str]] = defaultdict(set)
    for one in answered.seen:
        assert one.place is not None
        (receipt,) = answered.receipts[one.place]
        if one.expected.fate == "duplicate":
            assert receipt["receipt_id"] in by_case[one.case], one.case
        by_case[one.case].add(receipt["receipt_id"])


def test_there_is_one_dead_letter_exactly_where_one_is_rejected(answered: Answered) -> None:
    rejected = {one.place: one for one in answered.seen if one.expected.fate == "rejected"}
    assert answered.letters.keys() == rejected.keys()
    for place, (letter, *more) in answered.letters.items():
        assert not more
        reasons = tuple(sorted((why["field"], why["code"]) for why in letter["reasons"]))
        assert reasons == rejected[place].expected.reasons


def test_an_original_travels_in_its_dead_letter_or_is_kept_where_the_letter_says(answered: Answered) -> None:
    originals = {place: letter["original"] for place, (letter,) in answered.letters.items()}
    assert {place: one["size_bytes"] for place, one in originals.items()} == {
        place: answered.sizes[place] for place in originals
    }
    assert {one["kept_as"] for one in originals.values()} - {None} == answered.kept
    assert all((one["sealed"] is None) == (one["kept_as"] is not None) for one in originals.values())
    too_large = {
        answered.sizes[place]: one["kept_as"] for place, one in originals.items() if answered.sizes[place] > MIB
    }
    assert {MIB + 1, LARGEST_THAT_ARRIVES} <= too_large.keys()
    assert all(too_large.values())


def test_there_is_one_event_for_each_that_is_accepted_or_joined(answered: Answered) -> None:
    told = [event["notification_id"] for event in answered.events]
    assert len(told) == len(set(told))
    by_fate: dict[str, set[str | None]] = defaultdict(set)
    for one in answered.seen:
        assert one.place is not None
        (receipt,) = answered.receipts[one.place]
        by_fate[one.expected.fate].add(receipt.get("notification_id"))
    assert by_fate["accepted"] <= set(told)
    assert set(told) - by_fate["accepted"] < by_fate["waiting"]


def test_nothing_tells_of_anybody(answered: Answered) -> None:
    for where, text in answered.texts.items():
        found = {match.replace("-", "") for match in LOOKS_LIKE_CPR.findall(text)}
        assert not found & answered.numbers, where
        assert [word for word in TEXTS_OF_SOMEBODY if word in text or json.dumps(word)[1:-1] in text] == [], where
    assert '"event": "record keys look like CPR numbers"' in answered.texts["log"]
    assert "[redacted]" not in answered.texts["log"]


def test_what_is_refused_is_counted_by_its_first_reason(answered: Answered) -> None:
    rejected = [
        answered.fates[one.place]["reason"] for one in answered.seen if one.place and one.expected.fate == "rejected"
    ]
    line = re.compile(
        r'mitsyg_refused_records_total\{reason="([a-z0-9-]+)",topic="nemrefusion.notification.v1"\} (\S+)'
    )
    counted = {reason: float(number) for reason, number in line.findall(answered.metrics) if float(number)}
    assert counted == Counter(rejected)
    assert counted["conflict"] > 0


def test_keys_that_name_people_raise_the_alarm(answered: Answered) -> None:
    line = f'mitsyg_personal_keys_total{{topic="{NEMREFUSION_NOTIFICATION.name}"}}'
    (counted,) = (each.split()[-1] for each in answered.metrics.splitlines() if each.startswith(line))
    assert float(counted) == answered.personal_keys > 0


def test_nothing_of_it_made_the_service_large_or_complain(answered: Answered) -> None:
    assert answered.memory_mib < MOST_MEMORY_MIB
    lines = [json.loads(line) for line in answered.texts["log"].splitlines() if line.startswith("{")]
    ours = [line for line in lines if "logger" not in line]  # a library says more than is wrong while the group forms
    assert ours
    assert [line for line in ours if line["level"] in {"error", "critical"}] == []
