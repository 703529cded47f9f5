"""What a clock and a setting decide, to the day and the second (N3, N7)."""

from datetime import UTC, datetime
from typing import Any

import pytest

from contracts.nemrefusion.municipalities import is_municipality
from contracts.nemrefusion.v1 import KINDS
from contracts.nemrefusion.v1.plausibility import Rules, objections
from tests.contracts.notifications import accepted, changed, golden, written

pytestmark = pytest.mark.rule("N3")

# The 5th of May in Denmark has begun, though not in UTC.
AT = datetime(2026, 5, 4, 22, 30, tzinfo=UTC)
RULES = Rules(accept_test_cpr=True, is_municipality=is_municipality)


def objected(name: str, **changes: Any) -> dict[str, str]:
    """Field and code of what is objected to in a golden example; `period__first_day` stands for `period.first_day`."""
    document = changed(golden(name), {path.replace("__", "."): value for path, value in changes.items()})
    found = objections(accepted(written(document)).notification, AT, RULES)
    fields = [each.field for each in found]
    assert len(fields) == len(set(fields)), "one reason per field"
    return {each.field: each.code.value for each in found}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("sent_at", "plausible"),
    [
        ("2026-05-04T23:29:59Z", True),
        ("2026-05-04T23:30:00Z", False),
        ("2023-05-05T22:30:00Z", False),
        ("9999-12-31T23:59:59Z", False),
        ("0001-01-01T00:00:00Z", False),
    ],
)
def test_the_senders_clock_may_be_an_hour_ahead_and_three_years_behind(
    kind: str, sent_at: str, plausible: bool
) -> None:
    assert (objected(f"{kind}.minimal", sent_at=sent_at).get("sent_at") != "implausible-date") is plausible


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("cpr", "sent_at", "code"),
    [
        ("6505264236", "2026-05-04T22:15:00Z", None),  # born on the 5th, sent on the 5th, in Denmark
        ("6505264236", "2026-05-04T21:59:59Z", "implausible-date"),
        ("6605264236", "2026-05-04T22:15:00Z", "implausible-date"),
        ("6505269236", "2026-05-04T21:59:59Z", "implausible-date"),
        ("6505263236", "2026-05-04T21:59:59Z", None),  # born in 1926
        ("9112575236", "2026-05-04T22:15:00Z", "implausible-date"),  # born in 2057
        ("6101585236", "2026-05-04T22:15:00Z", None),  # born in 1858
    ],
)
def test_nobody_is_reported_before_they_are_born(kind: str, cpr: str, sent_at: str, code: str | None) -> None:
    assert objected(f"{kind}.minimal", citizen__cpr=cpr, sent_at=sent_at).get("citizen.cpr") == code


def test_a_birth_date_is_compared_with_no_implausible_day() -> None:
    found = objected("withdrawn.minimal", citizen__cpr="6505264236", sent_at="1970-01-01T00:00:00Z")

    assert found == {"sent_at": "implausible-date"}


@pytest.mark.parametrize("kind", ["absence_reported", "amended", "fast_track_requested"])
@pytest.mark.parametrize(
    ("first_day", "sent_at", "code"),
    [
        ("2026-05-05", "2026-05-04T22:15:00Z", None),  # the 5th, in Denmark
        ("2026-05-06", "2026-05-04T22:15:00Z", "implausible-date"),
        ("2026-05-05", "2026-05-04T21:59:59Z", "inconsistent"),  # sent on the 4th
        ("2023-05-06", "2023-05-10T08:00:00Z", None),
        ("2023-05-05", "2023-05-10T08:00:00Z", "implausible-date"),
        ("0001-01-01", "2026-05-04T08:00:00Z", "implausible-date"),
    ],
)
def test_the_first_day_has_come_when_it_is_told_and_is_not_years_ago(
    kind: str, first_day: str, sent_at: str, code: str | None
) -> None:
    found = objected(f"{kind}.minimal", first_absence_day=first_day, sent_at=sent_at)

    assert found.get("first_absence_day") == code


@pytest.mark.rule("T16")
@pytest.mark.parametrize(("sent_at", "code"), [("2026-04-05T21:59:59Z", None), ("2026-04-05T22:00:00Z", "too-late")])
def test_fast_track_is_asked_for_within_thirty_four_days_of_the_first(sent_at: str, code: str | None) -> None:
    found = objected("fast_track_requested.full", first_absence_day="2026-03-02", sent_at=sent_at)

    assert found.get("sent_at") == code


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("absence_reported.full", "last_absence_day"),
        ("amended.full", "pay__until"),
        ("recovered.full", "last_absence_day"),
        ("refund_requested.full", "period__last_day"),
    ],
)
@pytest.mark.parametrize(
    ("day", "code"), [("2027-05-06", None), ("2027-05-07", "implausible-date"), ("9999-12-31", "implausible-date")]
)
def test_a_day_to_come_is_within_a_year_and_a_day(name: str, field: str, day: str, code: str | None) -> None:
    assert objected(name, **{field: day}).get(field.replace("__", ".")) == code


@pytest.mark.parametrize(
    ("day", "code"), [("2023-05-06", None), ("2023-05-05", "implausible-date"), ("0001-01-01", "implausible-date")]
)
def test_recoveries_and_refunds_are_about_the_last_three_years(day: str, code: str | None) -> None:
    assert objected("recovered.full", last_absence_day=day).get("last_absence_day") == code
    assert objected("refund_requested.full", period__first_day=day).get("period.first_day") == code


@pytest.mark.rule("N7")
def test_an_amendment_may_tell_days_that_stay_with_the_fund() -> None:
    """The two weeks are a reason to refuse a report; a correction is taken (N7)."""
    amended = {**golden("absence_reported.unemployed"), "kind": "amended", "last_absence_day": "2026-03-10"}

    assert objections(accepted(written(amended)).notification, AT, RULES) == []


@pytest.mark.parametrize("kind", KINDS)
def test_test_numbers_are_refused_in_every_kind_where_they_are_not_taken(kind: str) -> None:
    strict = Rules(accept_test_cpr=False, is_municipality=is_municipality)
    found = objections(accepted(written(golden(f"{kind}.full"))).notification, AT, strict)

    assert [(each.field, each.code.value) for each in found] == [("citizen.cpr", "test-cpr")]
