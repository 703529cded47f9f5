"""What intake makes of a notification by what is known: repeats, conflicts, strangers, what waits and what joins."""

from datetime import date
from typing import Any
from uuid import UUID, uuid4, uuid5

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.nemrefusion.v1 import ReasonCode
from plumbing.errors import Unavailable
from plumbing.sealing import seal
from services.intake.domain import Citizen, Notification, State
from services.intake.usecases.joining import SEALING_FIELD
from services.intake.usecases.outcomes import Accepted, Duplicate, Outcome, Waiting
from services.intake.usecases.reading import Rejected
from tests.support.intake_memory import CITIZEN, Intake
from tests.support.notifications import amendment, fast_track, raw, record, recovery, refund, report, withdrawal

STRANGER = Citizen(citizen_id=UUID(int=8), key=b"s" * 32)


def refusals(outcomes: list[Outcome]) -> list[tuple[str, ReasonCode]]:
    return [(why.field, why.code) for one in outcomes if isinstance(one, Rejected) for why in one.reasons]


@pytest.mark.rule("N4")
@pytest.mark.parametrize("in_one_batch", [True, False])
def test_the_same_notification_has_its_effect_once_and_gets_its_first_receipt_again(in_one_batch: bool) -> None:
    intake, body = Intake(), report()
    if in_one_batch:
        intake.take_in(body, body)
    else:
        intake.take_in(body)
        intake.take_in(body)
    first, again = intake.outcomes
    assert isinstance(first, Accepted)
    assert isinstance(again, Duplicate)
    assert again.receipt_id == first.candidate.receipt_id
    assert len(intake.effects) == 1


@pytest.mark.rule("N4")
@pytest.mark.parametrize("in_one_batch", [True, False])
@pytest.mark.parametrize("make", [lambda body: body, recovery], ids=["a report", "one that waits"])
def test_the_same_id_with_another_content_is_a_conflict(make: Any, in_one_batch: bool) -> None:
    intake, body = Intake(), make(report())
    other = {**body, "sent_at": "2026-03-18T09:30:00+01:00"}
    if in_one_batch:
        intake.take_in(body, other)
    else:
        intake.take_in(body)
        intake.take_in(other)
    assert refusals(intake.outcomes) == [("notification_id", ReasonCode.CONFLICT)]
    assert isinstance(intake.outcomes[1], Rejected)


@pytest.mark.rule("N4")
def test_what_waits_repeated_is_a_duplicate_and_is_kept_once() -> None:
    intake, early = Intake(), recovery(report())
    intake.take_in(early)
    intake.take_in(early)
    waits, again = intake.outcomes
    assert isinstance(waits, Waiting)
    assert isinstance(again, Duplicate)
    assert again.receipt_id == waits.candidate.receipt_id
    assert len(intake.memory.kept) == 1


@pytest.mark.rule("N4")
def test_an_id_that_was_rejected_is_free() -> None:
    intake, body = Intake(), report()
    told_otherwise = {**body, "notification_id": str(uuid4()), "cause": "work_injury"}
    intake.take_in(body, told_otherwise)
    intake.take_in({**report(first_absence_day="2026-03-03"), "notification_id": told_otherwise["notification_id"]})
    assert [type(one) for one in intake.outcomes] == [Accepted, Rejected, Accepted]


@pytest.mark.rule("N5")
@pytest.mark.parametrize("in_one_batch", [True, False])
@pytest.mark.parametrize("another_reference", [True, False])
def test_a_second_report_of_the_same_is_a_duplicate_under_whatever_id(
    another_reference: bool, in_one_batch: bool
) -> None:
    intake, body = Intake(), report()
    again = {**body, "notification_id": str(uuid4()), "sent_at": "2026-03-19T08:30:00+01:00"}
    if another_reference:
        again["absence_reference"] = str(uuid4())
    if in_one_batch:
        intake.take_in(body, again)
    else:
        intake.take_in(body)
        intake.take_in(again)
    first, repeat = intake.outcomes
    assert isinstance(first, Accepted)
    assert isinstance(repeat, Duplicate)
    assert (repeat.original_id, repeat.receipt_id) == (first.candidate.notification_id, first.candidate.receipt_id)
    assert [one.state for one in intake.memory.absences.values() if one.state.is_known] == [State.REPORTED]
    assert len(intake.effects) == 1


EMPLOYER = report()["reporter"]


@pytest.mark.rule("N5")
@pytest.mark.parametrize(
    "changes",
    [
        {"reporter": {**EMPLOYER, "cvr": "10000017"}},
        {"reporter": {**EMPLOYER, "production_unit": "1000000002"}},
        {"employment": {"job_title": "smed", "employment_number": "2"}},
        {"first_absence_day": "2026-03-09"},
    ],
    ids=["another employer", "another place of work", "another employment", "another illness"],
)
def test_another_employment_or_another_illness_is_another_absence(changes: dict[str, Any]) -> None:
    intake = Intake()
    intake.take_in(report(), report(**changes))
    assert [type(one) for one in intake.outcomes] == [Accepted, Accepted]
    assert len(intake.memory.absences) == 2


@pytest.mark.rule("N5")
@pytest.mark.parametrize("make", [amendment, refund, recovery, withdrawal, fast_track])
def test_nobody_speaks_about_an_absence_that_is_another_reporters_or_another_citizens(make: Any) -> None:
    intake, body = Intake(), report()
    intake.take_in(body)
    intake.take_in(make(body, reporter={**EMPLOYER, "cvr": "10000017"}))
    intake.take_in(make(body), citizen=STRANGER)
    assert refusals(intake.outcomes) == [("absence_reference", ReasonCode.NOT_YOURS)] * 2
    assert len(intake.effects) == 1


@pytest.mark.rule("N5")
def test_what_waits_about_somebody_else_never_joins() -> None:
    intake, body = Intake(), report()
    intake.take_in(recovery(body), citizen=STRANGER)
    intake.take_in(recovery(body, reporter={**EMPLOYER, "cvr": "10000017"}))
    intake.take_in(body)
    assert [one.candidate.claim.notification.kind for one in intake.effects] == ["absence_reported"]
    assert [one.refused for one in intake.memory.kept.values()] == [ReasonCode.NOT_YOURS] * 2


@pytest.mark.rule("N5")
@pytest.mark.parametrize("make", [amendment, refund, recovery, withdrawal])
def test_what_comes_before_its_absence_waits_and_joins_it_without_a_second_answer(make: Any) -> None:
    intake, body = Intake(), report()
    early = make(body)
    intake.take_in(early)
    assert [type(one) for one in intake.outcomes] == [Waiting]
    assert intake.effects == []
    intake.take_in(body)
    assert [type(one) for one in intake.outcomes] == [Waiting, Accepted]
    assert [one.candidate.claim.notification.kind for one in intake.effects] == ["absence_reported", early["kind"]]
    assert intake.memory.kept == {}


@pytest.mark.rule("N5", "T16")
def test_a_fast_track_request_opens_a_preliminary_absence_that_its_report_joins() -> None:
    intake, body = Intake(), report()
    intake.take_in(fast_track(body, first_absence_day="2026-03-01"))
    [absence] = intake.memory.absences.values()
    assert (absence.state, absence.first_absence_day) == (State.PRELIMINARY, date(2026, 3, 1))
    intake.take_in(body)
    assert [type(one) for one in intake.outcomes] == [Accepted, Accepted]
    [absence] = intake.memory.absences.values()
    assert (absence.state, absence.first_absence_day) == (State.REPORTED, date(2026, 3, 2))


@pytest.mark.rule("N5")
@pytest.mark.parametrize("later_comes_first", [True, False])
def test_of_two_amendments_the_later_sent_holds_and_of_two_sent_at_once_the_higher_id(later_comes_first: bool) -> None:
    for earlier, later in (
        ({"sent_at": "2026-03-19T08:00:00Z"}, {"sent_at": "2026-03-19T09:00:00Z"}),
        ({"notification_id": str(UUID(int=1))}, {"notification_id": str(UUID(int=2))}),
    ):
        intake, body = Intake(), report()
        two = [
            amendment(body, first_absence_day="2026-03-04", **earlier),
            amendment(body, first_absence_day="2026-03-05", **later),
        ]
        intake.take_in(body, *(reversed(two) if later_comes_first else two))
        [absence] = intake.memory.absences.values()
        assert (absence.first_absence_day, absence.version) == (date(2026, 3, 5), 3)
        assert [one.applied.is_current for one in intake.effects] == [True, True, not later_comes_first]


def again(body: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Another message that says the same, later."""
    return {**body, "notification_id": str(uuid4()), "sent_at": "2026-03-20T08:00:00Z", **changes}


@pytest.mark.rule("N5")
@pytest.mark.parametrize("in_one_batch", [True, False])
@pytest.mark.parametrize("gives_up", [withdrawal, lambda body: amendment(body, first_absence_day="2026-03-05")])
def test_days_that_an_absence_has_given_up_can_be_reported_anew(gives_up: Any, in_one_batch: bool) -> None:
    """Neither a withdrawal nor an amendment names the days that it gives up."""
    body = report()
    messages = body, gives_up(body), again(body, absence_reference=str(uuid4()))
    intake = Intake()
    for batch in (messages,) if in_one_batch else ((one,) for one in messages):
        intake.take_in(*batch)
    assert [type(one) for one in intake.outcomes] == [Accepted] * 3
    assert len(intake.memory.absences) == 2


@pytest.mark.rule("N4")
@pytest.mark.parametrize("in_one_batch", [True, False])
def test_a_rejected_message_sent_again_is_judged_by_what_is_known_then(in_one_batch: bool) -> None:
    body = report()
    other = again(body, absence_reference=str(uuid4()), cause="work_injury")
    messages = body, other, other, withdrawal(body), other
    intake = Intake()
    for batch in (messages,) if in_one_batch else ((one,) for one in messages):
        intake.take_in(*batch)
    assert [type(one) for one in intake.outcomes] == [Accepted, Rejected, Rejected, Accepted, Accepted]


async def nobody(*_: object) -> dict[UUID, Notification]:
    return {}


def test_an_id_that_becomes_free_while_it_is_looked_up_is_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sweeper buries a message that waited in vain, between the insert that met its id and the question whose it is."""
    intake, waits = Intake(), recovery(report())
    intake.take_in(waits)
    monkeypatch.setattr(intake.memory, "notifications", nobody)
    with pytest.raises(Unavailable):
        intake.take_in(waits)


@pytest.mark.rule("N5")
def test_a_kind_that_a_later_version_left_waiting_stops_no_report_after_it_was_rolled_back() -> None:
    intake = Intake()
    body = report()
    waits = refund(body)
    intake.take_in(waits)
    (kept,) = intake.memory.kept.values()
    later = record(raw({**waits, "kind": "imagined"}), 0)
    sealed = seal(CITIZEN.key, later.packed(), owner=str(CITIZEN.citizen_id), field=SEALING_FIELD)
    intake.memory.kept[kept.notification_id] = kept._replace(kind="imagined", sealed=sealed)
    intake.take_in(body)
    assert [one.candidate.claim.notification.kind for one in intake.effects] == ["absence_reported"]
    assert [one.refused for one in intake.memory.kept.values()] == [None]


CITIZENS = {cpr: Citizen(citizen_id=uuid5(UUID(int=9), cpr), key=b"k" * 32) for cpr in ("6101900001", "6101900002")}


@st.composite
def messages(draw: st.DrawFn) -> dict[str, Any]:
    """About one of two people and two absences, by one of two reporters, under one of few ids."""
    made = report(absence_reference=str(UUID(int=draw(st.integers(100, 101)))))
    made["citizen"] = {**made["citizen"], "cpr": draw(st.sampled_from(sorted(CITIZENS)))}
    made["reporter"] = {**made["reporter"], "cvr": draw(st.sampled_from(["10000009", "10000009", "10000017"]))}
    made["first_absence_day"] = draw(st.sampled_from(["2026-03-02", "2026-03-03"]))
    make = draw(st.sampled_from([None, None, amendment, refund, recovery, withdrawal, fast_track]))
    sent = {
        "notification_id": str(UUID(int=draw(st.integers(1, 8)))),
        "sent_at": f"2026-03-19T0{draw(st.integers(7, 9))}:00:00Z",
    }
    return {**made, **sent} if make is None else make(made, **sent)


@pytest.mark.rule("N4", "N5")
@settings(max_examples=200, deadline=None)
@given(st.lists(messages(), min_size=2, max_size=9), st.data())
def test_the_outcome_of_a_record_does_not_depend_on_how_the_log_is_cut(
    log: list[dict[str, Any]], data: st.DataObject
) -> None:
    log += data.draw(st.lists(st.sampled_from(log), max_size=3))
    one_by_one, at_once = Intake(), Intake()
    for body in log:
        one_by_one.take_in(body, citizen=CITIZENS[body["citizen"]["cpr"]])
    at_once.take_in_of(log, CITIZENS)
    assert at_once.outcomes == one_by_one.outcomes
    assert at_once.memory.absences == one_by_one.memory.absences
    assert at_once.memory.taken == one_by_one.memory.taken
    kept = [
        {one.notification_id: (one.absence_id, one.refused, one.repeat_key) for one in each.memory.kept.values()}
        for each in (at_once, one_by_one)
    ]
    assert kept[0] == kept[1]
