"""The second reckoning itself: the Danish calendar against the rule of summer time by hand, and the table row by
row."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from laws.danish_days import day_after, day_of, end_of, instant
from laws.spec_tasks import COMMENT, FORM, REQUEST, demanded
from laws.told import reported


def last_sunday(year: int, month: int) -> date:
    last = date(year, month, 31)
    return last - timedelta(days=(last.weekday() + 1) % 7)


def is_summer_at_midnight(day: date) -> bool:
    """Summer time runs from the last Sunday of March, 01:00 UTC, to that of October: both after Danish midnight."""
    return last_sunday(day.year, 3) < day <= last_sunday(day.year, 10)


@pytest.mark.parametrize("year", range(2024, 2036))
def test_a_day_ends_at_danish_midnight_by_the_rule_of_summer_time(year: int) -> None:
    day = date(year, 1, 1)
    while day.year == year:
        following = day + timedelta(days=1)
        hours_ahead = 2 if is_summer_at_midnight(following) else 1
        midnight = datetime(following.year, following.month, following.day, tzinfo=UTC)
        assert end_of(day) == midnight - timedelta(hours=hours_ahead)
        assert day_of(end_of(day)) == following
        assert day_of(end_of(day) - timedelta(microseconds=1)) == day
        day = following


def test_day_eight_is_counted_in_days() -> None:
    assert day_after(date(2028, 2, 25), 8) == date(2028, 3, 4)
    assert day_after(date(2026, 12, 28), 8) == date(2027, 1, 5)


def test_an_instant_needs_its_time_zone() -> None:
    with pytest.raises(ValueError, match="time zone"):
        instant("2026-03-28T22:59:00")


def employee(pay: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"citizen_kind": "employee", "pay": pay, "sent_at": "2026-03-20T00:30:00+01:00", **more}


TABLE: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "employee on wage": (employee({"kind": "wage"}), (COMMENT, FORM)),
    "employee on wage, back": (employee({"kind": "wage"}, last_absence_day="2026-03-10"), (COMMENT,)),
    "employee on benefit": (employee({"kind": "sickness_benefit"}), (COMMENT, REQUEST, FORM)),
    "employee on nothing, back": (employee({"kind": "nothing"}, last_absence_day="2026-03-10"), (COMMENT, REQUEST)),
    "wage has ended": (employee({"kind": "wage", "until": "2026-03-19"}), (COMMENT, REQUEST, FORM)),
    "wage ends today": (employee({"kind": "wage", "until": "2026-03-20"}), (COMMENT, FORM)),
    "wage ended by recovery": (
        employee({"kind": "wage", "until": "2026-03-10"}, last_absence_day="2026-03-10"),
        (COMMENT,),
    ),
    "wage ended before recovery": (
        employee({"kind": "wage", "until": "2026-03-09"}, last_absence_day="2026-03-10"),
        (COMMENT, REQUEST),
    ),
    "unemployed": ({"citizen_kind": "unemployed"}, (COMMENT, REQUEST, FORM)),
    "self-employed": ({"citizen_kind": "self_employed"}, (FORM,)),
    "self-employed, back": ({"citizen_kind": "self_employed", "last_absence_day": "2026-03-10"}, ()),
}


@pytest.mark.parametrize(("told", "tasks"), TABLE.values(), ids=TABLE.keys())
def test_the_table_of_section_2(told: dict[str, Any], tasks: tuple[str, ...]) -> None:
    assert demanded(told) == tasks


@pytest.mark.parametrize("value", [None, b"", b"[]", b"{", b"\xff", b"[" * 100_000])
def test_what_is_no_report_is_none(value: bytes | None) -> None:
    assert reported(value) is None


def test_a_byte_order_mark_is_passed_over() -> None:
    assert reported(b'\xef\xbb\xbf{"kind": "x"}') == {"kind": "x"}
