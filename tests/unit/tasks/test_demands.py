"""Which tasks a notification makes: the table of spec section 2."""

from datetime import UTC, date, datetime

import pytest

from services.tasks.domain.demands import (
    About,
    CitizenKind,
    Demand,
    FinalRefund,
    Pay,
    PayKind,
    Task,
    TaskKind,
    Told,
    at_amendment,
    at_fast_track,
    at_refund,
    at_report,
)
from tests.unit.tasks.builders import GOES_ON, IS_OVER, NOTHING, SENT, WAGE, task, told, wage_until

COMMENT, REQUEST, FORM = TaskKind.COMMENT_REPORTED_INFORMATION, TaskKind.BENEFIT_REQUEST, TaskKind.INFORMATION_FORM
BACK = date(2026, 3, 18)
UNEMPLOYED = told(citizen_kind=CitizenKind.UNEMPLOYED, pay=None)
SELF_EMPLOYED = told(citizen_kind=CitizenKind.SELF_EMPLOYED, pay=None)


def kinds(demands: tuple[Demand, ...]) -> list[TaskKind]:
    return [one.kind for one in demands]


def requested(about: About = About.REPORT) -> Task:
    return task(Demand(kind=REQUEST, about=about))


FORMED = task(Demand(kind=FORM, about=About.REPORT))


@pytest.mark.rule("T1", "T4")
@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (told(), [COMMENT, FORM]),
        (told(pay=Pay(kind=PayKind.SICKNESS_BENEFIT, until=None)), [COMMENT, REQUEST, FORM]),
        (told(pay=NOTHING), [COMMENT, REQUEST, FORM]),
        (told(pay=None), [COMMENT, REQUEST, FORM]),
        (UNEMPLOYED, [COMMENT, REQUEST, FORM]),
        (SELF_EMPLOYED, [FORM]),
        (told(last_absence_day=BACK), [COMMENT]),
        (told(citizen_kind=CitizenKind.UNEMPLOYED, pay=None, last_absence_day=BACK), [COMMENT, REQUEST]),
        (told(citizen_kind=CitizenKind.SELF_EMPLOYED, pay=None, last_absence_day=BACK), []),
    ],
)
def test_a_report_makes_the_tasks_of_the_table_in_the_order_of_solving(said: Told, expected: list[TaskKind]) -> None:
    assert kinds(at_report(said, SENT, None)) == expected


@pytest.mark.rule("T5")
@pytest.mark.parametrize(
    ("until", "last_absence_day", "asks"),
    [
        (date(2026, 3, 19), None, True),
        (date(2026, 3, 20), None, False),  # wage is still paid on the day of the report
        (date(2026, 3, 21), None, False),
        (date(2026, 3, 10), date(2026, 3, 10), False),  # it ended because the person recovered
        (date(2026, 3, 10), date(2026, 3, 15), True),
    ],
)
def test_wage_that_ended_before_the_report_asks_for_the_benefit_but_never_because_of_recovery(
    until: date, last_absence_day: date | None, asks: bool
) -> None:
    said = told(pay=wage_until(until), last_absence_day=last_absence_day)
    assert (REQUEST in kinds(at_report(said, SENT, None))) is asks


@pytest.mark.rule("T20")
@pytest.mark.parametrize(("said", "expected"), [(told(), [COMMENT]), (UNEMPLOYED, [COMMENT]), (SELF_EMPLOYED, [])])
def test_an_amendment_makes_a_comment_and_no_second_request_or_form(said: Told, expected: list[TaskKind]) -> None:
    asked = [requested(), FORMED]
    assert kinds(at_amendment(said, SENT, None, asked)) == expected


@pytest.mark.rule("T13", "T20")
@pytest.mark.parametrize("recovered", [None, BACK])
@pytest.mark.parametrize(
    ("said", "expected"), [(told(), [COMMENT, FORM]), (UNEMPLOYED, [COMMENT, FORM]), (SELF_EMPLOYED, [FORM])]
)
def test_an_amendment_that_takes_the_last_day_away_opens_the_form_that_the_report_did_not(
    said: Told, expected: list[TaskKind], recovered: date | None
) -> None:
    """The person is still ill after all; a recovery prevents no form (T13)."""
    assert kinds(at_amendment(said, SENT, recovered, [requested()])) == expected


@pytest.mark.rule("T20")
def test_an_amendment_that_keeps_a_last_day_opens_no_form() -> None:
    assert kinds(at_amendment(told(last_absence_day=BACK), SENT, None, [])) == [COMMENT]


@pytest.mark.rule("T5", "T20")
def test_an_amended_pay_that_asks_for_the_benefit_opens_a_request_in_the_same_letter() -> None:
    assert kinds(at_amendment(told(pay=NOTHING), SENT, None, [FORMED])) == [COMMENT, REQUEST]
    assert kinds(at_amendment(told(pay=NOTHING), SENT, None, [])) == [COMMENT, REQUEST, FORM]


@pytest.mark.rule("T20")
@pytest.mark.parametrize("about", [About.REPORT, About.REFUND])
@pytest.mark.parametrize("pay", [NOTHING, wage_until(date(2026, 3, 10))])
def test_an_amendment_asks_for_the_benefit_where_nobody_asked_before(pay: Pay, about: About) -> None:
    assert kinds(at_amendment(told(pay=pay), SENT, None, [FORMED])) == [COMMENT, REQUEST]
    assert kinds(at_amendment(told(pay=pay), SENT, None, [FORMED, requested(about)])) == [COMMENT]


@pytest.mark.rule("T5", "T13")
@pytest.mark.parametrize(("recovered", "asks"), [(None, True), (date(2026, 3, 10), False), (date(2026, 3, 15), True)])
def test_wage_that_ended_with_the_recovery_asks_for_nothing(recovered: date | None, asks: bool) -> None:
    ended = told(pay=wage_until(date(2026, 3, 10)))
    assert (REQUEST in kinds(at_amendment(ended, SENT, recovered, []))) is asks
    assert (REQUEST in kinds(at_report(ended, SENT, recovered))) is asks


@pytest.mark.rule("T5")
def test_wage_that_ended_between_report_and_amendment_asks_now() -> None:
    said = told(pay=wage_until(date(2026, 3, 25)))
    assert REQUEST not in kinds(at_report(said, SENT, None))
    assert REQUEST in kinds(at_amendment(said, datetime(2026, 3, 26, 9, tzinfo=UTC), None, []))


@pytest.mark.rule("T4")
@pytest.mark.parametrize("final", [None, GOES_ON, IS_OVER])
def test_each_refund_request_makes_a_comment_of_its_own(final: FinalRefund | None) -> None:
    (comment, *_) = at_refund(CitizenKind.EMPLOYEE, WAGE, final, [])
    assert (comment.kind, comment.about) == (COMMENT, About.REFUND)


@pytest.mark.rule("T4")
def test_self_employed_people_comment_on_nothing() -> None:
    assert at_refund(CitizenKind.SELF_EMPLOYED, None, GOES_ON, []) == ()


@pytest.mark.rule("T5")
@pytest.mark.parametrize(
    ("final", "pay", "asks"),
    [
        (GOES_ON, WAGE, True),
        (GOES_ON, wage_until(date(2026, 3, 31)), True),
        (None, WAGE, False),  # not the last one
        (IS_OVER, WAGE, False),  # pay ended because the person recovered
        (GOES_ON, NOTHING, False),  # asked at the report
        (GOES_ON, Pay(kind=PayKind.SICKNESS_BENEFIT, until=None), False),
    ],
)
def test_the_final_refund_request_asks_for_the_benefit_where_wage_stops_and_the_absence_goes_on(
    final: FinalRefund | None, pay: Pay, asks: bool
) -> None:
    opened = at_refund(CitizenKind.EMPLOYEE, pay, final, [])
    assert kinds(opened) == ([COMMENT, REQUEST] if asks else [COMMENT])


@pytest.mark.rule("T5")
def test_only_employees_are_asked_because_wage_stopped() -> None:
    assert kinds(at_refund(CitizenKind.UNEMPLOYED, WAGE, GOES_ON, [])) == [COMMENT]


@pytest.mark.rule("T5")
def test_the_benefit_request_recurs_when_wage_stops_again() -> None:
    asked = [requested(), requested(About.REFUND)]
    assert kinds(at_refund(CitizenKind.EMPLOYEE, WAGE, GOES_ON, asked)) == [COMMENT, REQUEST]


@pytest.mark.rule("T5")
@pytest.mark.parametrize("was_asked", [True, False])
def test_who_was_not_asked_at_the_report_had_wage_where_pay_was_not_kept(was_asked: bool) -> None:
    asked = [requested()] if was_asked else []
    opened = at_refund(CitizenKind.EMPLOYEE, None, GOES_ON, asked)
    assert (REQUEST in kinds(opened)) is not was_asked


@pytest.mark.rule("T16")
@pytest.mark.parametrize(
    ("kind", "asks"),
    [(None, True), (CitizenKind.EMPLOYEE, True), (CitizenKind.UNEMPLOYED, False), (CitizenKind.SELF_EMPLOYED, False)],
)
def test_fast_track_asks_for_consent_of_employees(kind: CitizenKind | None, asks: bool) -> None:
    assert kinds(at_fast_track(kind)) == ([TaskKind.FAST_TRACK_CONSENT] if asks else [])
