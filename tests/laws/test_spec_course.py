"""The second reckoning of a whole absence: which letters it asks for, what becomes of their tasks, and what it comes to whatever
the order of arrival was."""

from itertools import permutations
from typing import Any

import pytest

from laws import names
from laws.absence_model import State, folded, state_of
from laws.evidence import LogRecord
from laws.spec_tasks import COMMENT, CONSENT, FORM, REQUEST, Closed, Letter, asked
from laws.stories import Taken
from laws.told import Report, shown, whose
from tests.laws.kinds import notification

WAGE, UNPAID = {"kind": "wage"}, {"kind": "nothing"}
ENDED = {"kind": "wage", "until": "2026-03-15"}
DAYS = {"first_day": "2026-03-02", "last_day": "2026-03-20"}
STOPS = {"absence_continues": True, "unpaid_from": "2026-03-21"}


def taken(report: Report, *, waited: bool = False) -> Taken:
    record = LogRecord(topic="t", partition=0, offset=0, key=None, value=None, headers=())
    return Taken(record=record, report=report, waited=waited)


def course(*steps: tuple[Any, ...]) -> list[Letter]:
    """Steps are kind, day, what is told, and whether it waited."""
    found = []
    for number, (kind, day, *rest) in enumerate(steps):
        told = rest[0] if rest else {}
        found.append(taken(notification(0, kind, number, day, **told), waited="waited" in rest[1:]))
    return asked(found)


REPORTED = (names.REPORT, 10, {"pay": WAGE})
COURSES: dict[str, tuple[tuple[tuple[Any, ...], ...], list[tuple[tuple[str, ...], dict[str, Closed]]]]] = {
    "a report": ((REPORTED,), [((COMMENT, FORM), {})]),
    "an amendment that changes nothing": ((REPORTED, (names.AMENDMENT, 11, {"pay": WAGE})), [((COMMENT, FORM), {})]),
    "still ill after all": (
        (
            (names.REPORT, 10, {"pay": WAGE, "last_absence_day": "2026-03-09"}),
            (names.AMENDMENT, 11, {"pay": WAGE}),
            (names.AMENDMENT, 12, {"pay": WAGE, "last_absence_day": "2026-03-09"}),
            (names.AMENDMENT, 13, {"pay": WAGE}),
        ),
        [
            ((COMMENT,), {COMMENT: Closed.SUPERSEDED}),
            ((COMMENT, FORM), {COMMENT: Closed.SUPERSEDED}),
            ((COMMENT,), {COMMENT: Closed.SUPERSEDED}),
            ((COMMENT,), {}),
        ],
    ),
    "an amendment sent before the report": (
        (REPORTED, (names.AMENDMENT, 9, {"pay": UNPAID})),
        [((COMMENT, FORM), {})],
    ),
    "an amendment without pay": (
        (REPORTED, (names.AMENDMENT, 11, {"pay": UNPAID})),
        [((COMMENT, FORM), {COMMENT: Closed.SUPERSEDED}), ((COMMENT, REQUEST), {})],
    ),
    "asked for benefit once for one reason": (
        (
            REPORTED,
            (names.AMENDMENT, 11, {"pay": UNPAID}),
            (names.AMENDMENT, 12, {"pay": WAGE}),
            (names.AMENDMENT, 13, {"pay": UNPAID}),
        ),
        [
            ((COMMENT, FORM), {COMMENT: Closed.SUPERSEDED}),
            ((COMMENT, REQUEST), {COMMENT: Closed.SUPERSEDED}),
            ((COMMENT,), {COMMENT: Closed.SUPERSEDED}),
            ((COMMENT,), {}),
        ],
    ),
    "an amendment that waited": (
        ((names.REPORT, 10, {"pay": WAGE}), (names.AMENDMENT, 11, {"pay": UNPAID}, "waited")),
        [((COMMENT, REQUEST, FORM), {})],
    ),
    "wage ended between the report and an amendment that waited": (
        ((names.REPORT, 10, {"pay": ENDED}), (names.AMENDMENT, 20, {"pay": ENDED}, "waited")),
        [((COMMENT, FORM), {}), ((REQUEST,), {})],
    ),
    "wage ended between the report and an amendment that changes nothing": (
        ((names.REPORT, 10, {"pay": ENDED}), (names.AMENDMENT, 20, {"pay": ENDED})),
        [((COMMENT, FORM), {}), ((REQUEST,), {})],
    ),
    "never asked for benefit again by an amendment": (
        ((names.REPORT, 10, {"pay": UNPAID}), (names.AMENDMENT, 20, {"pay": ENDED})),
        [((COMMENT, REQUEST, FORM), {COMMENT: Closed.SUPERSEDED}), ((COMMENT,), {})],
    ),
    "wage ended by recovery": (
        (REPORTED, (names.RECOVERY, 11, {"last_absence_day": "2026-03-15"}), (names.AMENDMENT, 20, {"pay": ENDED})),
        [((COMMENT, FORM), {COMMENT: Closed.SUPERSEDED}), ((COMMENT,), {})],
    ),
    "wage ended by a recovery that was told before the report": (
        (
            (names.FAST_TRACK, 9),
            (names.RECOVERY, 11, {"last_absence_day": "2026-03-15"}),
            (names.REPORT, 20, {"pay": ENDED}),
        ),
        [((CONSENT,), {}), ((COMMENT, FORM), {})],
    ),
    "benefit asked for by a refund, not again by an amendment": (
        (REPORTED, (names.REFUND, 11, {"period": DAYS, "final": STOPS}), (names.AMENDMENT, 20, {"pay": UNPAID})),
        [((COMMENT, FORM), {COMMENT: Closed.SUPERSEDED}), ((COMMENT, REQUEST), {}), ((COMMENT,), {})],
    ),
    "the final refund, three times": (
        (
            REPORTED,
            (names.REFUND, 21, {"period": DAYS, "final": STOPS}),
            (names.REFUND, 22, {"period": DAYS, "final": {"absence_continues": True}}),
            (names.REFUND, 23, {"period": DAYS, "final": {**STOPS, "unpaid_from": "2026-03-29"}}),
        ),
        [((COMMENT, FORM), {}), ((COMMENT, REQUEST), {}), ((COMMENT, REQUEST), {}), ((COMMENT, REQUEST), {})],
    ),
    "a refund": ((REPORTED, (names.REFUND, 11, {"period": DAYS})), [((COMMENT, FORM), {}), ((COMMENT,), {})]),
    "the final refund, pay stopped": (
        (REPORTED, (names.REFUND, 11, {"period": DAYS, "final": STOPS})),
        [((COMMENT, FORM), {}), ((COMMENT, REQUEST), {})],
    ),
    "the final refund, well again": (
        (REPORTED, (names.REFUND, 11, {"period": DAYS, "final": {"absence_continues": False}})),
        [((COMMENT, FORM), {}), ((COMMENT,), {})],
    ),
    "the final refund of benefit": (
        ((names.REPORT, 10, {"pay": UNPAID}), (names.REFUND, 11, {"period": DAYS, "final": STOPS})),
        [((COMMENT, REQUEST, FORM), {}), ((COMMENT,), {})],
    ),
    "fast track, twice, the older late": (
        ((names.FAST_TRACK, 10), REPORTED, (names.FAST_TRACK, 9)),
        [((CONSENT,), {}), ((COMMENT, FORM), {})],
    ),
    "recovery": ((REPORTED, (names.RECOVERY, 11)), [((COMMENT, FORM), {})]),
    "withdrawal": (
        (REPORTED, (names.AMENDMENT, 11, {"pay": UNPAID}), (names.WITHDRAWAL, 12)),
        [
            ((COMMENT, FORM), {COMMENT: Closed.SUPERSEDED, FORM: Closed.WITHDRAWN}),
            ((COMMENT, REQUEST), {COMMENT: Closed.WITHDRAWN, REQUEST: Closed.WITHDRAWN}),
        ],
    ),
    "withdrawn before it was reported": ((REPORTED, (names.WITHDRAWAL, 9, {}, "waited")), []),
    "a self-employed person's amendment": (
        (
            (names.REPORT, 10, {"citizen_kind": "self_employed"}),
            (names.AMENDMENT, 11, {"citizen_kind": "self_employed", "cause": "work_injury"}),
        ),
        [((FORM,), {})],
    ),
}


@pytest.mark.parametrize(("steps", "letters"), COURSES.values(), ids=COURSES.keys())
def test_an_absence_asks_for_the_letters_of_the_table(
    steps: tuple[tuple[Any, ...], ...], letters: list[tuple[tuple[str, ...], dict[str, Closed]]]
) -> None:
    assert [(one.kinds, one.closed) for one in course(*steps)] == letters


MESSAGES = (
    notification(0, names.REPORT, 1, 10),
    notification(0, names.AMENDMENT, 2, 12, first_absence_day="2026-03-03", last_absence_day="2026-03-11"),
    notification(0, names.AMENDMENT, 3, 12, first_absence_day="2026-03-04", municipality_code="0101"),
    notification(0, names.RECOVERY, 4, 14, last_absence_day="2026-03-12"),
    notification(0, names.REFUND, 5, 9, period=DAYS),
    notification(0, names.FAST_TRACK, 6, 8, first_absence_day="2026-03-01", municipality_code="0751"),
)


def test_the_model_knows_no_order() -> None:
    states = {state_of(list(order)) for order in permutations(MESSAGES)}
    assert len(states) == 1


def test_of_two_sent_at_once_the_higher_id_wins() -> None:
    first, second = sorted(MESSAGES[1:3], key=lambda one: one["notification_id"])
    state = state_of([MESSAGES[0], first, second])
    assert state.first_absence_day == second["first_absence_day"]


def test_the_same_instant_in_another_zone_is_no_later_one() -> None:
    later = {**MESSAGES[1], "sent_at": "2026-03-10T07:30:00Z"}
    earlier = {**MESSAGES[2], "sent_at": "2026-03-10T08:15:00+01:00"}
    assert state_of([MESSAGES[0], later, earlier]).first_absence_day == later["first_absence_day"]


def test_an_amendment_without_report_tells_nothing() -> None:
    assert state_of(MESSAGES[1:2]) == State()


def test_a_preliminary_absence_is_told_by_its_fast_track_request() -> None:
    state = state_of(MESSAGES[5:])
    assert (state.is_reported, state.first_absence_day) == (False, "2026-03-01")


def test_a_reader_of_events_passes_over_what_does_not_count() -> None:
    told: Report = {
        "citizen_kind": "employee",
        "municipality_code": "0751",
        "first_absence_day": "2026-03-02",
        "pay": None,
    }
    late: Report = {**told, "first_absence_day": "2026-03-09", "is_current": False}
    events = [(names.EVENT_OF[names.REPORT], told), (names.EVENT_OF[names.AMENDMENT], late)]
    state = folded((kind, {"notification_id": "n", **data}) for kind, data in events)
    assert (state.is_reported, state.first_absence_day) == (True, "2026-03-02")


def test_what_reads_the_same_is_the_same() -> None:
    one = {"employment": {"weekly_hours": 37, "job_title": "Tømrer ", "is_flexjob": False, "start_day": None}}
    other = {"employment": {"weekly_hours": 37.0, "job_title": "Tømrer"}, "sent_at": "now", "unknown": 1}
    assert shown(one) == shown(other)
    assert shown(one) != shown({"employment": {"weekly_hours": 36, "job_title": "Tømrer"}})


def test_whose_it_is_is_told_by_number_however_it_is_spelt() -> None:
    fund = {"citizen": {"cpr": "610190-0001"}, "reporter": {"kind": "unemployment_fund", "fund_number": "12"}}
    same = {"citizen": {"cpr": "6101900001"}, "reporter": {"kind": "unemployment_fund", "fund_number": "0012"}}
    assert whose(fund) == whose(same)
