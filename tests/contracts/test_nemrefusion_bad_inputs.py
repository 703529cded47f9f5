"""What a rejection tells beside its codes, and how what is taken is kept. Bad inputs: tests/support/bad_notifications."""

from typing import Any

import pytest

from contracts.nemrefusion.v1 import AbsenceReport, Rejection, parse_notification
from tests.contracts.notifications import accepted, employee, golden, rejected

GOOD = employee()


@pytest.mark.rule("N3")
def test_every_wrong_field_is_told_at_once() -> None:
    raw = employee(
        citizen__cpr="1", reporter__cvr="1", first_absence_day="1", cause="x", citizen__address__lines=[1, "", "a\nb"]
    )

    assert rejected(raw) == {
        "citizen.cpr": "bad-cpr",
        "reporter.cvr": "bad-cvr",
        "first_absence_day": "bad-date",
        "cause": "unknown-code",
        "citizen.address.lines[0]": "wrong-type",
        "citizen.address.lines[1]": "blank",
        "citizen.address.lines[2]": "bad-text",
    }


def test_where_the_json_breaks_is_told() -> None:
    result = parse_notification(GOOD[:-1] + b",}")

    assert isinstance(result, Rejection)
    assert f"line 1, column {len(GOOD) + 1}" in result.reasons[0].text


@pytest.mark.rule("N3")
@pytest.mark.parametrize("changes", [{"version": 99}, {"kind": "x"}, {"citizen": 1}, {"CAUSE": 1}])
def test_a_rejection_keeps_the_ids_so_that_it_can_be_answered(changes: dict[str, Any]) -> None:
    result = parse_notification(employee(**changes))

    assert isinstance(result, Rejection)
    assert str(result.notification_id) == golden("absence_reported.employee")["notification_id"]
    assert str(result.absence_reference) == golden("absence_reported.employee")["absence_reference"]


@pytest.mark.rule("N3")
def test_ids_that_are_none_are_not_kept() -> None:
    result = parse_notification(employee(notification_id="x", absence_reference=1))

    assert isinstance(result, Rejection)
    assert (result.notification_id, result.absence_reference) == (None, None)


def test_unknown_fields_are_counted() -> None:
    assert accepted(employee(shoe_size=42, citizen__hat=True, reporter__tie={})).ignored_fields == 3
    assert accepted(GOOD).ignored_fields == 0


@pytest.mark.rule("N2")
def test_texts_are_kept_normalised() -> None:
    raw = employee(
        citizen__name="  A\u030a\x07se\tØ ",
        citizen__cpr="610390-1236",
        retention_answers__affected_for=" Linje et\r\nlinje to\u2028linje tre\x1b ",
    )
    report = accepted(raw).notification

    assert isinstance(report, AbsenceReport)
    assert report.citizen.name == "Åse Ø"
    assert report.citizen.cpr == "6103901236"
    assert report.retention_answers is not None
    assert report.retention_answers.affected_for == "Linje et\nlinje to\nlinje tre"
