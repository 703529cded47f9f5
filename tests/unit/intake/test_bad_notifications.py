"""The table of bad notifications, read as intake reads records: what can be told without knowing what came before."""

import time
from collections import Counter

import pytest

from contracts.nemrefusion.v1 import ReasonCode
from plumbing.bus import Record
from services.intake.domain import Rules
from services.intake.municipalities import is_municipality
from services.intake.usecases.reading import Rejected, read
from tests.support.bad_notifications import NOW, ROWS, TEXTS_OF_SOMEBODY, Case, Maker, Message, table

MAKER = Maker()
TABLE = table(MAKER)
RULES = Rules(accept_test_cpr=True, is_municipality=is_municipality)
SLOWEST_CPU_SECONDS = 2.0
WRITTEN_BY_SENDERS = (
    "610390",
    "610190",
    "Falskgade",
    "influenza",
    "passwd",
    "DE8115",
    "payroll",
    "union",
    "Aarhus",
    "ring",
)


def record_of(message: Message) -> Record:
    return Record(
        topic="nemrefusion.notification.v1",
        partition=0,
        offset=0,
        key=message.key,
        value=message.value,
        headers=tuple((name, value or b"") for name, value in message.headers),
        timestamp_ms=message.timestamp_ms or 0,
    )


@pytest.mark.rule("N3")
@pytest.mark.parametrize("case", TABLE, ids=lambda case: case.title[:80])
def test_each_is_read_as_the_table_says(case: Case) -> None:
    for message in case.messages:
        expected = message.expected_by_itself
        if expected.fate == "unseen":
            continue
        began = time.process_time()
        outcome = read(record_of(message), NOW, RULES)
        took = time.process_time() - began
        reasons = outcome.reasons if isinstance(outcome, Rejected) else ()
        assert tuple(sorted((why.field, why.code.value) for why in reasons)) == expected.reasons
        assert isinstance(outcome, Rejected) == (expected.fate == "rejected")
        assert took < SLOWEST_CPU_SECONDS
        told = " ".join(f"{why.field} {why.text}" for why in reasons)
        assert all(why.text.endswith(".") for why in reasons)
        assert not [secret for secret in (*TEXTS_OF_SOMEBODY, *WRITTEN_BY_SENDERS, *MAKER.numbers) if secret in told]


def test_there_are_enough_of_them_and_every_row_has_some() -> None:
    rows = Counter(case.row for case in TABLE)
    assert not set(ROWS) - rows.keys()
    assert set(rows) - set(ROWS) <= {"N3", "N7"}
    assert len(TABLE) >= 300


def test_no_two_have_one_name() -> None:
    assert [title for title, number in Counter(case.title for case in TABLE).items() if number > 1] == []


def test_the_table_is_the_same_each_time() -> None:
    assert table(Maker()) == TABLE


def test_every_reason_that_intake_gives_stands_in_the_table() -> None:
    given = {code for case in TABLE for message in case.messages for _, code in message.expected.reasons}
    later = {ReasonCode.NOT_TAKEN_YET.value, ReasonCode.NEVER_JOINED.value, ReasonCode.TEST_CPR.value}
    assert {code.value for code in ReasonCode} - given == later
