"""What makes a report acceptable and what follows from it."""

from datetime import UTC, datetime
from typing import Any

import pytest

from contracts.nemrefusion.v1 import AbsenceReport, Parsed, ReasonCode, RefundRequest, parse_notification
from services.intake.domain import ReporterDeadline, Rules, is_early, objections, refund_deadline, reporter_deadline
from services.intake.municipalities import codes, is_municipality
from tests.support.notifications import raw, refund, report, self_employed, unemployed

RECEIVED = datetime(2026, 3, 20, 12, tzinfo=UTC)
RULES = Rules(accept_test_cpr=True, is_municipality=is_municipality)


def parsed(body: dict[str, Any]) -> AbsenceReport:
    result = parse_notification(raw(body))
    assert isinstance(result, Parsed), result
    assert isinstance(result.notification, AbsenceReport)
    return result.notification


def codes_of(body: dict[str, Any], rules: Rules = RULES) -> list[tuple[str, ReasonCode]]:
    return [(one.field, one.code) for one in objections(parsed(body), RECEIVED, rules)]


@pytest.mark.rule("N3")
@pytest.mark.parametrize("body", [report(), unemployed(), self_employed()])
def test_a_valid_report_meets_no_objection(body: dict[str, Any]) -> None:
    assert codes_of(body) == []


@pytest.mark.rule("N3")
def test_a_test_number_is_taken_only_where_the_settings_say_so() -> None:
    strict = Rules(accept_test_cpr=False, is_municipality=is_municipality)
    assert codes_of(report(), strict) == [("citizen.cpr", ReasonCode.TEST_CPR)]


@pytest.mark.rule("N2")
def test_denmark_has_ninety_eight_municipalities_each_with_four_digits() -> None:
    assert len(codes()) == 98
    assert all(len(code) == 4 and code.isdigit() for code in codes())


@pytest.mark.rule("N2", "N3")
@pytest.mark.parametrize("code", ["0000", "9999", "0411", "0102"])
def test_a_code_that_is_no_municipality_is_not_ours(code: str) -> None:
    assert codes_of(report(municipality_code=code)) == [("municipality_code", ReasonCode.NOT_OURS)]


@pytest.mark.rule("N3")
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


@pytest.mark.rule("N3")
def test_an_absence_cannot_begin_after_its_report_was_sent() -> None:
    body = report(first_absence_day="2026-03-19", sent_at="2026-03-18T22:59:59Z")  # the 18th, in Denmark
    assert codes_of(body) == [("first_absence_day", ReasonCode.INCONSISTENT)]
    assert codes_of({**body, "sent_at": "2026-03-18T23:00:00Z"}) == []


@pytest.mark.rule("N7")
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


@pytest.mark.rule("N7")
def test_the_two_weeks_concern_nobody_but_the_unemployed() -> None:
    assert codes_of(report(first_absence_day="2026-03-10", last_absence_day="2026-03-12")) == []


@pytest.mark.rule("N7")
@pytest.mark.parametrize(
    ("sent_at", "early"),
    [
        ("2026-03-15T22:59:59Z", True),  # still the fourteenth day in Denmark
        ("2026-03-15T23:00:00Z", False),  # the fifteenth
    ],
)
def test_a_report_without_last_day_within_the_first_fourteen_days_is_marked_early(sent_at: str, early: bool) -> None:
    told = parsed(unemployed(first_absence_day="2026-03-02", sent_at=sent_at))
    assert is_early(told, told.sent_at) is early


@pytest.mark.rule("N6")
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
    told = parsed(report(**changes))
    assert reporter_deadline(told, told.sent_at) is expected


@pytest.mark.rule("N6")
@pytest.mark.parametrize(
    ("first", "sent_at", "expected"),
    [
        # five weeks later it is winter in Denmark, then summer, then winter again: a day ends where Danes turn the calendar
        ("2026-01-05", "2026-02-09T22:59:59Z", ReporterDeadline.ON_TIME),
        ("2026-01-05", "2026-02-09T23:00:00Z", ReporterDeadline.LATE),
        ("2026-03-02", "2026-04-06T21:59:59Z", ReporterDeadline.ON_TIME),
        ("2026-03-02", "2026-04-06T22:00:00Z", ReporterDeadline.LATE),
        ("2026-09-21", "2026-10-26T22:59:59Z", ReporterDeadline.ON_TIME),
        ("2026-09-21", "2026-10-26T23:00:00Z", ReporterDeadline.LATE),
        # across a leap day and a year's end
        ("2028-02-07", "2028-03-13T12:00:00Z", ReporterDeadline.ON_TIME),
        ("2028-02-07", "2028-03-14T12:00:00Z", ReporterDeadline.LATE),
        ("2026-12-07", "2027-01-11T12:00:00Z", ReporterDeadline.ON_TIME),
        ("2026-12-07", "2027-01-12T12:00:00Z", ReporterDeadline.LATE),
    ],
)
def test_the_five_weeks_are_calendar_days_in_denmark(first: str, sent_at: str, expected: ReporterDeadline) -> None:
    body = report(first_absence_day=first, sent_at=sent_at)
    assert reporter_deadline(parsed(body), parsed(body).sent_at) is expected
    asked = parse_notification(
        raw(refund(body, sent_at=sent_at, period={"first_day": first, "last_day": sent_at[:10]}))
    )
    assert isinstance(asked, Parsed)
    assert isinstance(asked.notification, RefundRequest)
    assert refund_deadline(asked.notification) is expected


@pytest.mark.rule("N6")
@pytest.mark.parametrize("body", [unemployed(), self_employed()])
def test_there_is_no_deadline_rule_for_funds_and_the_self_employed(body: dict[str, Any]) -> None:
    told = parsed(body)
    assert reporter_deadline(told, told.sent_at) is ReporterDeadline.NO_RULE
