"""What makes a report acceptable and what follows from it, against N3, N6 and N7."""

from datetime import UTC, datetime
from typing import Any

import pytest

from contracts.nemrefusion.v1 import AbsenceReport, Parsed, ReasonCode, parse_notification
from services.intake.domain import ReporterDeadline, Rules, is_early, objections, reporter_deadline
from services.intake.municipalities import codes, is_municipality
from tests.support.notifications import raw, report, self_employed, unemployed

RECEIVED = datetime(2026, 3, 20, 12, tzinfo=UTC)
RULES = Rules(accept_test_cpr=True, is_municipality=is_municipality)


def parsed(body: dict[str, Any]) -> AbsenceReport:
    result = parse_notification(raw(body))
    assert isinstance(result, Parsed), result
    assert isinstance(result.notification, AbsenceReport)
    return result.notification


def codes_of(body: dict[str, Any], rules: Rules = RULES) -> list[tuple[str, ReasonCode]]:
    return [(one.field, one.code) for one in objections(parsed(body), RECEIVED, rules)]


@pytest.mark.parametrize("body", [report(), unemployed(), self_employed()])
def test_a_valid_report_meets_no_objection(body: dict[str, Any]) -> None:
    assert codes_of(body) == []


def test_a_test_number_is_taken_only_where_the_settings_say_so() -> None:
    strict = Rules(accept_test_cpr=False, is_municipality=is_municipality)
    assert codes_of(report(), strict) == [("citizen.cpr", ReasonCode.TEST_CPR)]


def test_denmark_has_ninety_eight_municipalities_each_with_four_digits() -> None:
    assert len(codes()) == 98
    assert all(len(code) == 4 and code.isdigit() for code in codes())


@pytest.mark.parametrize("code", ["0000", "9999", "0411", "0102"])
def test_a_code_that_is_no_municipality_is_not_ours(code: str) -> None:
    assert codes_of(report(municipality_code=code)) == [("municipality_code", ReasonCode.NOT_OURS)]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"first_absence_day": "2026-03-21", "sent_at": "2026-03-20T10:00:00Z"}, "first_absence_day"),
        ({"first_absence_day": "2023-03-19"}, "first_absence_day"),
        ({"first_absence_day": "1900-01-01"}, "first_absence_day"),
        ({"last_absence_day": "2027-04-01"}, "last_absence_day"),
        ({"sent_at": "2026-03-20T14:30:00Z"}, "sent_at"),
    ],
)
def test_a_day_that_cannot_be_right_is_refused_with_its_field(changes: dict[str, Any], field: str) -> None:
    # The contract refuses some of these itself, as contradictions; together nothing slips through.
    body = report(**changes)
    result = parse_notification(raw(body))
    if isinstance(result, Parsed):
        assert (field, ReasonCode.IMPLAUSIBLE_DATE) in codes_of(body)
    else:
        assert field in {one.field for one in result.reasons}


def test_an_absence_cannot_begin_after_its_report_was_sent() -> None:
    body = report(first_absence_day="2026-03-19", sent_at="2026-03-18T22:59:59Z")  # the 18th, in Denmark
    assert codes_of(body) == [("first_absence_day", ReasonCode.INCONSISTENT)]
    assert codes_of({**body, "sent_at": "2026-03-18T23:00:00Z"}) == []


@pytest.mark.parametrize(
    ("first", "last", "refused"),
    [
        ("2026-03-01", "2026-03-14", True),  # fourteen days, both counted
        ("2026-03-01", "2026-03-15", False),
        ("2026-03-14", "2026-03-14", True),
        ("2025-12-25", "2026-01-07", True),  # across the year's end
        ("2025-12-25", "2026-01-08", False),
        ("2024-02-20", "2024-03-04", True),  # across a leap day: the 29th counts
        ("2024-02-20", "2024-03-05", False),
    ],
)
def test_unemployed_people_stay_with_their_fund_for_the_first_two_weeks(first: str, last: str, refused: bool) -> None:
    body = unemployed(first_absence_day=first, last_absence_day=last)
    assert (("last_absence_day", ReasonCode.WITH_FUND) in codes_of(body)) is refused


def test_the_two_weeks_concern_nobody_but_the_unemployed() -> None:
    assert codes_of(report(first_absence_day="2026-03-10", last_absence_day="2026-03-12")) == []


@pytest.mark.parametrize(
    ("sent_at", "early"),
    [
        ("2026-03-15T22:59:59Z", True),  # still the fourteenth day in Denmark
        ("2026-03-15T23:00:00Z", False),  # the fifteenth
    ],
)
def test_a_report_without_last_day_within_the_first_fourteen_days_is_marked_early(sent_at: str, early: bool) -> None:
    assert is_early(parsed(unemployed(first_absence_day="2026-03-02", sent_at=sent_at))) is early


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"first_absence_day": "2026-02-11"}, ReporterDeadline.ON_TIME),  # five weeks to the day
        ({"first_absence_day": "2026-02-10"}, ReporterDeadline.LATE),
        ({"first_absence_day": "2026-02-10", "last_absence_day": "2026-03-11"}, ReporterDeadline.NOT_APPLICABLE),
        ({"first_absence_day": "2026-02-10", "last_absence_day": "2026-03-12"}, ReporterDeadline.LATE),
        (
            {"first_absence_day": "2026-02-10", "last_absence_day": "2026-02-12", "employment": {"is_flexjob": True}},
            ReporterDeadline.LATE,
        ),
        (
            {
                "first_absence_day": "2026-02-10",
                "last_absence_day": "2026-02-12",
                "employment": {"has_section_56_agreement": True},
            },
            ReporterDeadline.LATE,
        ),
        ({"first_absence_day": "2026-03-04", "pay": {"kind": "nothing"}}, ReporterDeadline.ON_TIME),
        ({"first_absence_day": "2026-03-03", "pay": {"kind": "nothing"}}, ReporterDeadline.LATE),
        (
            {"first_absence_day": "2026-03-03", "last_absence_day": "2026-03-04", "pay": {"kind": "nothing"}},
            ReporterDeadline.LATE,  # however short
        ),
        (
            {"first_absence_day": "2026-02-01", "pay": {"kind": "sickness_benefit", "until": "2026-03-11"}},
            ReporterDeadline.ON_TIME,
        ),
        (
            {"first_absence_day": "2026-02-01", "pay": {"kind": "sickness_benefit", "until": "2026-03-10"}},
            ReporterDeadline.LATE,
        ),
        ({"first_absence_day": "2026-02-01", "pay": {"kind": "sickness_benefit"}}, ReporterDeadline.NOT_APPLICABLE),
    ],
)
def test_the_reporters_deadline_follows_what_is_paid(changes: dict[str, Any], expected: ReporterDeadline) -> None:
    assert reporter_deadline(parsed(report(**changes))) is expected


@pytest.mark.parametrize("body", [unemployed(), self_employed()])
def test_there_is_no_deadline_rule_for_funds_and_the_self_employed(body: dict[str, Any]) -> None:
    assert reporter_deadline(parsed(body)) is ReporterDeadline.NO_RULE
