"""The demonstration's account: every record by kind and fate, whatever the services that made the figures know."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, cast
from unittest.mock import AsyncMock

import pytest

from laws import names
from laws.evidence import LogRecord
from stack.demo import account, figures, story
from stack.demo.documents import Came, Papers
from stack.demo.figures import DeadlineRow, Ends, Figures
from stack.demo.grid import grid
from stack.demo.story import Told
from stack.errors import StackError
from stack.house import House

TOLD = Told(sent=9, kills=2, first_day=date(2027, 3, 4), last_day=date(2027, 4, 2))


class _AnyHouse:
    """Where things are."""

    class stack:  # noqa: N801 # named like the attribute it stands for
        run_dir = Path("run")

    def http_url(self, name: str) -> str:
        return f"http://{name}"

    ops_url = http_url


CAME = Figures(
    records={("absence_reported", "accepted"): 5, ("amended", "parked"): 2, ("unreadable", "rejected"): 2},
    reasons={"not-json": 2},
    ends=Ends(joined=1, waiting=0, buried={"not-yours": 1}),
    absences={"reported": 4, "withdrawn": 1},
    citizens=5,
    tasks={("comment_reported_information", "open"): 3, ("comment_reported_information", "superseded"): 1},
    letters={
        ("digital_post", "dispatched"): 4,
        ("paper", "returned"): 1,
        ("fallen back", "dispatched"): 2,
        ("undecided", "held"): 3,
    },
    deadlines=(
        DeadlineRow(
            day_zero=date(2027, 3, 25),
            deadline_day=date(2027, 4, 2),
            deadline_at=datetime(2027, 4, 2, 22, tzinfo=UTC),
            tasks=4,
        ),
    ),
    undated=0,
)


PAPERS = Papers(
    files=(
        Came(kind="letter", state="clean", said=""),
        Came(kind="infected", state="infected", said="It seems to be infected. Send it by post. " * 6),
    ),
    held_back=409,
    afterwards=200,
    waited_seconds=4.2,
)


def told(came: Figures) -> str:
    return "\n".join(account.lines(cast("House", _AnyHouse()), TOLD, came, PAPERS, []))


def _line(text: str, beginning: str) -> list[str]:
    (line,) = [line for line in text.splitlines() if line.strip().startswith(beginning)]
    return line.strip()[len(beginning) :].split()


def test_every_record_is_told_by_kind_and_fate() -> None:
    text = told(CAME)

    assert _line(text, "report of absence (anmeldelse)") == ["5", "·", "·", "·", "5"]
    assert _line(text, "amendment (rettelse)") == ["·", "·", "2", "·", "2"]
    assert _line(text, "of no kind that can be told") == ["·", "·", "·", "2", "2"]
    assert _line(text, "comment on what was reported (Kommentér oplysninger)") == ["3", "·", "1", "4"]
    assert "1  could not join, kept sealed as dead letters: not-yours" in text
    assert "2  not-json" in text


def test_a_record_without_a_fate_has_a_column_of_its_own() -> None:
    text = told(replace(CAME, records={("absence_reported", "accepted"): 5, ("recovered", figures.NO_FATE): 1}))

    assert _line(text, "accepted  ") == ["duplicate", "waiting", "rejected", "no", "fate", "all"]
    assert _line(text, "recovery (raskmelding)") == ["·", "·", "·", "·", "1", "1"]


def test_figures_of_services_that_know_only_reports_can_be_told() -> None:
    text = told(
        replace(
            CAME,
            records={("absence_reported", "accepted"): 5, ("amended", "rejected"): 3},
            ends=Ends(joined=0, waiting=0, buried={}),
            absences={"reported": 5},
            tasks={("information_form", "open"): 5},
        )
    )

    assert _line(text, "withdrawal (tilbageført)") == ["·"] * 5
    assert _line(text, "fill in the information form (Oplysningsskema)") == ["5", "·", "·", "5"]


def test_letters_are_told_by_the_way_they_went_and_what_became_of_them() -> None:
    text = told(CAME)

    assert _line(text, "Digital Post ") == ["4", "·", "·", "·", "·", "4"]
    assert _line(text, "on paper, to whoever is not in Digital Post") == ["·", "1", "·", "·", "·", "1"]
    assert _line(text, "on paper, after Digital Post definitively failed") == ["2", "·", "·", "·", "·", "2"]
    assert _line(text, "undecided") == ["·", "·", "·", "·", "3", "3"]


def test_it_tells_where_letters_can_be_read_as_citizens_see_them() -> None:
    assert "http://post_gateway/_sim/mailboxes" in told(CAME)


def test_documents_are_told_with_what_their_citizens_were_told() -> None:
    text = told(CAME)

    assert _line(text, "letter ") == ["clean", "checked,", "stored,", "and", "sent", "on"]
    assert "infected  infected    It seems to be infected." in text
    assert "held back as a whole, and on record as an attempt; without that file: went on" in text
    assert "went on 4 s after the scanner was back" in text


def test_lines_fit_a_page() -> None:
    assert max(map(len, told(CAME).splitlines())) <= 130


def test_a_grid_sums_rows_and_columns() -> None:
    lines = list(
        grid("G", {("a", "x"): 1, ("a", "y"): 2, ("b", "x"): 4}, rows={"a": "A", "b": "B"}, columns={"x": "X"})
    )

    assert [line.split() for line in lines[1:-1]] == [
        ["X", "y", "all"],
        ["A", "1", "2", "3"],
        ["B", "4", "·", "4"],
        ["all", "5", "2", "7"],
    ]


def test_records_of_the_log_are_counted_by_what_they_say_they_are() -> None:
    log = [
        record(0, b'{"kind": "amended"}'),
        record(1, b'{"kind": "amended"}'),
        record(2, b'{"kind": "of its own"}'),
        record(3, b'{"kind": ["amended"]}'),
        record(4, b"<html>"),
        record(5, None),
    ]

    assert figures.by_kind_and_fate(log, {(0, offset): "rejected" for offset in range(5)}) == {
        ("amended", "rejected"): 2,
        ("unreadable", "rejected"): 3,
        ("unreadable", "no fate"): 1,
    }


def test_what_waited_joined_unless_it_waits_still_or_is_buried() -> None:
    dead = names.dead_letters("intake", names.NOTIFICATION)
    log = {dead: [letter(0, "not-json"), letter(2, "not-yours"), letter(3, "not-yours")]}
    fates = {(0, 0): "rejected", (0, 1): "parked", (0, 2): "parked", (0, 3): "parked", (0, 4): "parked"}

    assert figures.ends(log, fates, 1) == Ends(joined=1, waiting=1, buried={"not-yours": 2})


def test_a_month_arrives_in_waves_each_after_it_was_sent() -> None:
    waves = list(story.waves(date(2027, 4, 2)))

    assert [day for day, _ in waves] == sorted({day for day, _ in waves})
    assert waves[-1][0] == date(2027, 4, 2)
    assert sum(len(records) for _, records in waves) == story.COUNT
    assert len(waves) == story.DAYS / story.STEP_DAYS
    assert [one.sequence for one in _all(waves)] == list(range(story.COUNT))
    assert all(one.day <= day for day, records in waves for one in records)


async def test_the_clock_is_turned_until_the_print_house_is_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    later = [9, 4, 0]
    turned: list[date] = []

    async def at_gateway(_: object, what: str) -> int:
        assert what == "status_messages_later"
        return later.pop(0)

    async def rest(_: object, sent: int) -> None:
        assert sent == 7

    monkeypatch.setattr(story, "at_gateway", at_gateway)
    monkeypatch.setattr(story, "rest", rest)
    monkeypatch.setattr(story, "turn_clock", lambda _, to: turned.append(to.date()))
    await story.empty_print_house(cast("House", _AnyHouse()), 7, date(2027, 4, 2))

    assert turned == [date(2027, 4, 5), date(2027, 4, 8)]


async def test_a_print_house_that_never_empties_is_told_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(story, "at_gateway", AsyncMock(return_value=1))
    monkeypatch.setattr(story, "rest", AsyncMock())
    monkeypatch.setattr(story, "turn_clock", lambda *_: None)

    with pytest.raises(StackError, match="not empty"):
        await story.empty_print_house(cast("House", _AnyHouse()), 7, date(2027, 4, 2))


def _all(waves: list[tuple[date, Any]]) -> Iterator[Any]:
    for _, records in waves:
        yield from records


def record(offset: int, value: bytes | None, **more: Any) -> LogRecord:
    return LogRecord(topic="t", partition=0, offset=offset, key=None, value=value, headers=more.get("headers", ()))


def letter(offset: int, code: str) -> LogRecord:
    body = {"position": {"topic": "t", "partition": 0, "offset": offset}, "reasons": [{"field": "", "code": code}]}
    headers = (("ce_id", b"1"), ("ce_type", b"dead"))
    return record(offset, json.dumps(body).encode(), headers=headers)
