"""What happens to an absence and to its tasks."""

from datetime import UTC, date, datetime
from itertools import permutations
from uuid import UUID

import pytest

from services.tasks.domain.absence import (
    Absence,
    AbsenceState,
    Amended,
    FastTrackRequested,
    Happening,
    Known,
    Recovered,
    Waits,
    Withdrawn,
    decide,
)
from services.tasks.domain.demands import About, CitizenKind, TaskKind, TaskState
from tests.unit.tasks.builders import GOES_ON, NOTHING, Case, amendment, refund, report, wage_until

COMMENT, REQUEST, FORM = TaskKind.COMMENT_REPORTED_INFORMATION, TaskKind.BENEFIT_REQUEST, TaskKind.INFORMATION_FORM
CONSENT = TaskKind.FAST_TRACK_CONSENT
WITHDRAWN = Withdrawn()


def fast_track(*, is_current: bool = True, code: str = "0101") -> FastTrackRequested:
    return FastTrackRequested(municipality_code=code, first_absence_day=date(2026, 3, 1), is_current=is_current)


def recovered(day: int, *, is_current: bool = True) -> Recovered:
    return Recovered(last_absence_day=date(2026, 3, day), is_current=is_current)


def verdict(case: Case, happening: Happening) -> object:
    return decide(case.absence, case.tasks, happening, case.absence.version + 1)


@pytest.mark.rule("T1")
def test_a_report_opens_the_absence_with_what_it_tells() -> None:
    case = Case(report(pay=NOTHING))
    assert (case.absence.state, case.absence.version, case.absence.told_version) == (AbsenceState.REPORTED, 1, 1)
    assert (case.absence.pay, case.absence.municipality_code) == (NOTHING, "0751")
    assert [one.kind for one in case.open()] == [COMMENT, REQUEST, FORM]


@pytest.mark.rule("N5")
def test_a_second_report_of_a_told_absence_changes_nothing() -> None:
    assert isinstance(verdict(Case(report()), report()), Known)
    assert isinstance(verdict(Case(report(), WITHDRAWN), report()), Known)


@pytest.mark.rule("N5")
@pytest.mark.parametrize("happening", [amendment(), refund(), recovered(10), WITHDRAWN, fast_track(is_current=False)])
def test_what_comes_before_its_absence_waits(happening: Happening) -> None:
    assert isinstance(verdict(Case(), happening), Waits)


@pytest.mark.rule("N5")
@pytest.mark.parametrize("happening", [amendment(), refund()])
def test_what_needs_a_report_waits_while_the_absence_is_preliminary(happening: Happening) -> None:
    assert isinstance(verdict(Case(fast_track()), happening), Waits)


@pytest.mark.rule("N5", "T16")
def test_fast_track_opens_a_preliminary_absence_and_the_report_joins_it() -> None:
    case = Case(fast_track())
    assert (case.absence.state, case.absence.municipality_code) == (AbsenceState.PRELIMINARY, "0101")
    assert [one.kind for one in case.open()] == [CONSENT]
    case.hears(report())
    assert (case.absence.state, case.absence.municipality_code) == (AbsenceState.REPORTED, "0751")
    assert [one.kind for one in case.open()] == [CONSENT, COMMENT, FORM]


@pytest.mark.rule("T16")
def test_fast_track_of_a_reported_absence_leaves_what_is_told() -> None:
    case = Case(report(), fast_track())
    assert (case.absence.municipality_code, case.absence.first_absence_day) == ("0751", date(2026, 3, 2))
    assert CONSENT in [one.kind for one in case.open()]


@pytest.mark.rule("T16")
def test_a_newer_fast_track_request_supersedes_the_unanswered_older_one() -> None:
    case = Case(report(), fast_track())
    effect = case.hears(fast_track())
    assert [(one.kind, one.state) for one in effect.closes] == [(CONSENT, TaskState.SUPERSEDED)]
    assert [one.kind for one in case.open()] == [COMMENT, FORM, CONSENT]


@pytest.mark.rule("T16")
def test_an_older_fast_track_request_changes_nothing() -> None:
    case = Case(report(), fast_track())
    assert case.hears(fast_track(is_current=False)).opens == ()
    assert case.hears(fast_track(), version=1).opens == ()


@pytest.mark.rule("T20")
def test_an_amendment_supersedes_the_unanswered_comment_about_the_report() -> None:
    case = Case(report())
    effect = case.hears(amendment(municipality_code="0461"))
    assert [(one.kind, one.state) for one in effect.closes] == [(COMMENT, TaskState.SUPERSEDED)]
    assert [one.kind for one in case.open()] == [FORM, COMMENT]
    assert case.absence.municipality_code == "0461"


@pytest.mark.rule("T20")
def test_what_is_superseded_already_is_not_superseded_again() -> None:
    case = Case(report(), amendment())
    effect = case.hears(amendment())
    assert [one.task_id for one in effect.closes] == [case.tasks[-2].task_id]


@pytest.mark.rule("T20")
def test_an_answered_comment_is_not_superseded_and_still_asked_anew() -> None:
    case = Case(report())
    case.tasks = [one for one in case.tasks if one.kind is not COMMENT]  # answered: no longer among the open ones
    effect = case.hears(amendment())
    assert effect.closes == ()
    assert [one.kind for one in effect.opens] == [COMMENT]


@pytest.mark.rule("T20")
def test_an_amendment_leaves_comments_about_refund_and_requests_and_forms() -> None:
    case = Case(report(), refund(GOES_ON))
    effect = case.hears(amendment())
    assert [(one.kind, one.about) for one in effect.closes] == [(COMMENT, About.REPORT)]
    assert [(one.kind, one.about) for one in case.open()] == [
        (FORM, About.REPORT),
        (COMMENT, About.REFUND),
        (REQUEST, About.REFUND),
        (COMMENT, About.REPORT),
    ]


@pytest.mark.rule("T20")
def test_an_amendment_of_nothing_that_is_shown_makes_no_task_and_is_kept() -> None:
    case = Case(report())
    effect = case.hears(amendment(is_changed=False, reported="c2VhbGVkIGFuZXc="))
    assert (effect.opens, effect.closes) == ((), ())
    assert case.absence.reported == "c2VhbGVkIGFuZXc="


STILL_ILL = amendment()
WELL_AGAIN = amendment(last_absence_day=date(2026, 3, 15))


@pytest.mark.rule("T20")
@pytest.mark.parametrize("later", [(), (STILL_ILL,), (WELL_AGAIN, STILL_ILL), (recovered(12), STILL_ILL)])
def test_the_form_is_opened_once_when_the_person_is_still_ill_after_all(later: tuple[Happening, ...]) -> None:
    case = Case(report(last_absence_day=date(2026, 3, 12)))
    assert [one.kind for one in case.open()] == [COMMENT]
    assert [one.kind for one in case.hears(STILL_ILL).opens] == [COMMENT, FORM]
    for one in later:
        case.hears(one)
    assert [one.kind for one in case.tasks].count(FORM) == 1


@pytest.mark.rule("T20")
def test_the_form_is_opened_also_where_the_change_comes_behind_its_repetition() -> None:
    """The amendment that took the last day away is overtaken by one that says the same: of it nothing is shown any more."""
    case = Case(report(last_absence_day=date(2026, 3, 12)))
    effect = case.hears(amendment(is_changed=False), version=3)
    assert ([one.kind for one in effect.opens], effect.closes) == ([FORM], ())
    assert case.hears(STILL_ILL, version=2).opens == ()


@pytest.mark.rule("T5", "T20")
def test_the_benefit_is_asked_for_also_where_the_change_comes_behind_its_repetition() -> None:
    case = Case(report())
    effect = case.hears(amendment(is_changed=False, pay=NOTHING), version=3)
    assert ([one.kind for one in effect.opens], effect.closes) == ([REQUEST], ())
    assert case.hears(amendment(pay=NOTHING), version=2).opens == ()


@pytest.mark.rule("T5", "N5")
@pytest.mark.parametrize("ended", [date(2026, 3, 21), date(2026, 3, 25)])
def test_wage_that_ended_before_an_amendment_is_asked_about_whether_or_not_it_waited_for_its_report(
    ended: date,
) -> None:
    """A report that joins an amendment tells what that told, as of when it was itself sent: wage is paid still, and so nothing is
    asked for. The amendment follows as one that changes nothing."""
    amended_at = datetime(2026, 3, 26, 9, tzinfo=UTC)
    in_order = Case(report(), amendment(sent_at=amended_at, pay=wage_until(ended)))
    joined = Case(report(pay=wage_until(ended)), amendment(sent_at=amended_at, pay=wage_until(ended), is_changed=False))
    assert sorted(one.kind for one in in_order.open()) == sorted([COMMENT, REQUEST, FORM])
    assert sorted(one.kind for one in joined.open()) == sorted([COMMENT, REQUEST, FORM])


@pytest.mark.rule("T20")
def test_a_withdrawn_absence_gets_no_form_any_more() -> None:
    case = Case(report(last_absence_day=date(2026, 3, 12)), WITHDRAWN)
    assert case.hears(STILL_ILL).opens == ()


@pytest.mark.rule("N5")
@pytest.mark.parametrize("late", [amendment(is_current=False, municipality_code="0461")])
def test_an_amendment_sent_before_what_holds_changes_nothing_but_the_count(late: Amended) -> None:
    case = Case(report())
    before = case.absence
    effect = case.hears(late)
    assert (effect.opens, effect.closes) == ((), ())
    assert (case.absence.municipality_code, case.absence.version) == (before.municipality_code, 2)


@pytest.mark.rule("N5")
def test_l12_a_lower_version_never_overwrites_newer_facts() -> None:
    case = Case(report(), fast_track())
    case.hears(amendment(municipality_code="0461"), version=5)
    case.hears(recovered(12), version=7)
    for old, version in ((amendment(municipality_code="0101"), 4), (recovered(9), 6), (fast_track(), 1)):
        effect = case.hears(old, version=version)
        assert (effect.opens, effect.closes) == ((), ())
    assert (case.absence.municipality_code, case.absence.recovered_day) == ("0461", date(2026, 3, 12))
    assert (case.absence.version, case.absence.told_version, case.absence.recovered_version) == (7, 5, 7)


@pytest.mark.rule("T4")
def test_a_refund_request_that_is_late_by_version_is_still_shown_to_the_citizen() -> None:
    case = Case(report())
    case.hears(amendment(), version=3)
    assert [one.about for one in case.hears(refund(), version=2).opens] == [About.REFUND]


@pytest.mark.rule("T13")
def test_a_recovery_keeps_the_day_and_makes_and_closes_nothing() -> None:
    case = Case(report())
    effect = case.hears(recovered(12))
    assert (effect.opens, effect.closes) == ((), ())
    assert (case.absence.recovered_day, case.absence.last_absence_day) == (date(2026, 3, 12), date(2026, 3, 12))
    assert case.hears(recovered(9, is_current=False)).absence.recovered_day == date(2026, 3, 12)
    assert case.hears(recovered(10)).absence.last_absence_day == date(2026, 3, 10)


@pytest.mark.rule("T13")
def test_a_report_told_anew_leaves_the_day_of_the_recovery() -> None:
    case = Case(report(), recovered(12), amendment(last_absence_day=date(2026, 3, 20)))
    assert case.absence.last_absence_day == date(2026, 3, 12)


@pytest.mark.rule("T5", "T13")
def test_wage_that_ended_with_a_known_recovery_asks_for_nothing_when_it_is_amended() -> None:
    ended = amendment(pay=wage_until(date(2026, 3, 10)))
    assert REQUEST in [one.kind for one in Case(report()).hears(ended).opens]
    assert REQUEST not in [one.kind for one in Case(report(), recovered(10)).hears(ended).opens]


@pytest.mark.rule("T13")
def test_wage_that_ended_with_a_recovery_before_the_report_asks_for_nothing() -> None:
    """The employer asked for fast-track, told of the recovery, and reported last."""
    case = Case(fast_track(), recovered(10))
    assert [one.kind for one in case.hears(report(pay=wage_until(date(2026, 3, 10)))).opens] == [COMMENT, FORM]
    later = Case(fast_track(), recovered(15))
    assert REQUEST in [one.kind for one in later.hears(report(pay=wage_until(date(2026, 3, 10)))).opens]


@pytest.mark.rule("T20")
def test_a_withdrawal_closes_every_unsolved_task() -> None:
    case = Case(report(pay=NOTHING), refund(), fast_track())
    effect = case.hears(WITHDRAWN)
    assert {(one.kind, one.about) for one in effect.closes} == {
        (COMMENT, About.REPORT),
        (REQUEST, About.REPORT),
        (FORM, About.REPORT),
        (COMMENT, About.REFUND),
        (CONSENT, About.FAST_TRACK),
    }
    assert {one.state for one in effect.closes} == {TaskState.WITHDRAWN}
    assert case.open() == []


@pytest.mark.rule("T20")
def test_a_withdrawal_leaves_tasks_that_are_closed_already() -> None:
    case = Case(report(), amendment())
    assert len(case.hears(WITHDRAWN).closes) == 2
    assert case.hears(WITHDRAWN).closes == ()


@pytest.mark.rule("T20")
@pytest.mark.parametrize("later", [amendment(), refund(GOES_ON), fast_track(), recovered(10), WITHDRAWN])
def test_after_a_withdrawal_nothing_makes_a_task_or_brings_the_absence_back(later: Happening) -> None:
    case = Case(report(), WITHDRAWN)
    effect = case.hears(later)
    assert (effect.opens, effect.closes) == ((), ())
    assert case.absence.state is AbsenceState.WITHDRAWN


@pytest.mark.rule("T20")
def test_a_preliminary_absence_that_is_withdrawn_ends_too() -> None:
    case = Case(fast_track(), WITHDRAWN)
    assert case.open() == []
    effect = case.hears(report())
    assert (effect.opens, case.absence.state) == ((), AbsenceState.WITHDRAWN)
    assert case.absence.citizen_kind is CitizenKind.EMPLOYEE


@pytest.mark.rule("N5", "T20")
def test_a_report_that_comes_last_of_all_is_no_second_one() -> None:
    """Partitions were added: the withdrawal overtook the report, and the amendment, to which no report comes, waits no more."""
    case = Case(fast_track())
    case.hears(WITHDRAWN, version=4)
    case.hears(amendment(municipality_code="0461"), version=3)
    effect = case.hears(report(), version=2)
    assert (effect.opens, effect.closes, case.open()) == ((), (), [])
    assert (case.absence.state, case.absence.municipality_code) == (AbsenceState.WITHDRAWN, "0461")
    assert (case.absence.version, case.absence.told_version) == (4, 3)


@pytest.mark.rule("T20")
def test_a_report_taken_back_before_it_came_is_kept_and_asks_for_nothing() -> None:
    case = Case(report(is_withdrawn=True, pay=NOTHING))
    assert (case.absence.state, case.absence.pay, case.tasks) == (AbsenceState.WITHDRAWN, NOTHING, [])


@pytest.mark.rule("N5")
def test_a_corrected_first_day_keeps_the_absence() -> None:
    case = Case(report())
    case.hears(amendment(first_absence_day=date(2026, 2, 27)))
    assert (case.absence.absence_id, case.absence.first_absence_day) == (UUID(int=1), date(2026, 2, 27))


@pytest.mark.rule("N5")
def test_what_waited_comes_to_the_same_in_whatever_order_it_arrived() -> None:
    """Each event waits until it can be worked, then the lowest version goes first, as the use case does it."""
    events: list[tuple[int, Happening]] = [
        (1, report()),
        (2, amendment(municipality_code="0461")),
        (3, recovered(12)),
        (4, amendment(municipality_code="0101")),
    ]
    ends: set[Absence] = set()
    for order in permutations(events):
        case, waiting = Case(), list[tuple[int, Happening]]()
        for arrived in order:
            waiting.append(arrived)
            ready = [one for one in waiting if not isinstance(verdict(case, one[1]), Waits)]
            while ready:
                version, happening = min(ready, key=lambda one: one[0])
                waiting.remove((version, happening))
                case.hears(happening, version)
                ready = [one for one in waiting if not isinstance(verdict(case, one[1]), Waits)]
        ends.add(case.absence)
        assert sorted(one.kind for one in case.open()) == sorted([FORM, COMMENT])
    assert len(ends) == 1
