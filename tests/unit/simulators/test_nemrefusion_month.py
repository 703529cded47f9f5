"""A month of everything: each kind of notification, in order and out of it, as the contract judges it and as reporters
expect it."""

from collections import Counter
from datetime import UTC, date, datetime, time, timedelta

import pytest

from contracts.nemrefusion.v1 import (
    KINDS,
    AbsenceReport,
    Amendment,
    AnyNotification,
    FastTrackRequest,
    Parsed,
    Reason,
    RefundRequest,
    Rejection,
    parse_notification,
)
from contracts.nemrefusion.v1.plausibility import Rules, objections
from simulators.nemrefusion.mix import MONTH, Mix
from simulators.nemrefusion.sent import Accepted, DuplicateOf, Either, Rejected, Sent, Waiting
from simulators.nemrefusion.traffic import generate

AS_OF = date(2026, 3, 30)
_ANOTHER_REFERENCE = "a second report under another reference"
RULES = Rules(accept_test_cpr=True, is_municipality=lambda code, _: code != "0999")


def month(count: int = 3_000, *, seed: int = 1, mix: Mix = MONTH, days: int = 30) -> list[Sent]:
    return list(generate(seed=seed, count=count, as_of=AS_OF, mix=mix, days=days))


@pytest.fixture(scope="module")
def records() -> list[Sent]:
    return month()


def test_the_same_seed_gives_the_same_month() -> None:
    assert month(500) == month(500)
    assert [one.value for one in month(500)] == [one.value for one in month(500)]
    assert month(500) != month(500, seed=2)


def test_the_days_of_the_month_come_in_order_and_all_of_them(records: list[Sent]) -> None:
    days = [one.day for one in records]

    assert days == sorted(days)
    assert set(days) == {AS_OF - timedelta(days=back) for back in range(30)}


def test_every_kind_of_notification_comes_with_every_expectation(records: list[Sent]) -> None:
    seen = Counter((one.kind, type(one.expected)) for one in records)

    for kind in KINDS:
        for expectation in (Accepted, DuplicateOf, Rejected):
            assert seen[kind, expectation], (kind, expectation)
    for kind in set(KINDS) - {"absence_reported", "fast_track_requested"}:
        assert seen[kind, Waiting], kind
        assert seen[kind, Either], kind
    assert not seen["absence_reported", Waiting]
    assert not seen["fast_track_requested", Waiting]


def test_everything_that_there_is_to_be_said_comes_up(records: list[Sent]) -> None:
    codes = {code for one in records if isinstance(one.expected, Rejected) for code in one.expected.codes}
    seen = {one.what for one in records}

    assert codes >= {"conflict", "repeated-absence", "too-late", "withdrawn", "not-yours"}
    assert seen >= {
        "the final refund request",
        "a request for early action before its report",
        "a request for early action, too late",
        "a report after what is attached to it",
        "a second report that says the same",
        "a second report that says otherwise",
        _ANOTHER_REFERENCE,
        "a withdrawal before its report",
        "a withdrawal, once more",
    }


@pytest.mark.parametrize(("seed", "days"), [(1, 30), (2, 30), (3, 1), (4, 90)])
def test_each_record_is_right_or_wrong_as_expected_on_the_day_it_is_received(seed: int, days: int) -> None:
    for one in month(1_500, seed=seed, days=days):
        parsed = parse_notification(one.value)
        reasons = list(parsed.reasons) if isinstance(parsed, Rejection) else _objections(parsed.notification, one.day)
        if reasons:
            assert isinstance(one.expected, Rejected), (one.what, reasons)
            assert {reason.code.value for reason in reasons} <= one.expected.codes, (one.what, reasons)
        if isinstance(parsed, Parsed):
            assert parsed.notification.kind == one.kind or one.kind is None
            assert parsed.notification.notification_id == one.notification_id or one.notification_id is None


def test_what_is_attached_is_so_under_the_key_of_its_absence(records: list[Sent]) -> None:
    for one in records:
        if one.absence_reference is not None and one.what not in {"no key", _ANOTHER_REFERENCE}:
            assert one.key == str(one.absence_reference).encode()


def test_what_is_reported_under_another_reference_says_the_same_and_comes_behind_the_first(records: list[Sent]) -> None:
    first: dict[bytes | None, AbsenceReport] = {}
    seen = 0
    for one in records:
        parsed = parse_notification(one.value)
        if not isinstance(parsed, Parsed) or not isinstance(parsed.notification, AbsenceReport):
            continue
        if one.what != _ANOTHER_REFERENCE:
            first.setdefault(one.key, parsed.notification)
            continue
        own = {"absence_reference", "notification_id", "sent_at"}
        assert parsed.notification.model_dump(exclude=own) == first[one.key].model_dump(exclude=own)
        assert parsed.notification.absence_reference != first[one.key].absence_reference
        assert one.expected == Either()
        seen += 1
    assert seen


def test_only_what_came_before_its_report_waits(records: list[Sent]) -> None:
    reported: set[object] = set()
    for one in records:
        if isinstance(one.expected, Waiting):
            assert one.absence_reference not in reported
        if one.kind == "absence_reported" and isinstance(one.expected, Accepted):
            reported.add(one.absence_reference)

    waited_for = {one.absence_reference for one in records if isinstance(one.expected, Waiting)}
    assert waited_for & reported
    assert waited_for - reported, "some reports never come"


def test_amendments_correct_first_days_pay_and_the_last_day(records: list[Sent]) -> None:
    reports: dict[object, AbsenceReport] = {}
    changed: Counter[str] = Counter()
    for one in records:
        parsed = parse_notification(one.value)
        if not isinstance(parsed, Parsed):
            continue
        match parsed.notification:
            case AbsenceReport() as report if isinstance(one.expected, Accepted):
                reports[report.absence_reference] = report
            case Amendment() as amendment if amendment.absence_reference in reports:
                report = reports[amendment.absence_reference]
                for name in ("first_absence_day", "last_absence_day", "pay", "cause"):
                    changed[name] += getattr(report, name) != getattr(amendment, name)
                changed["older than the report"] += amendment.sent_at < report.sent_at
            case _:
                pass

    wanted = {"first_absence_day", "last_absence_day", "pay", "cause", "older than the report"}
    assert all(changed[name] for name in wanted), changed


def test_refund_requests_come_from_paying_employers_and_some_are_final() -> None:
    requests = [one for one in _good(month()) if isinstance(one, RefundRequest)]
    finals = [one.final for one in requests if one.final]

    assert 0.2 < len(finals) / len(requests) < 0.6
    assert {final.absence_continues for final in finals} == {True, False}
    assert {bool(final.unpaid_from) for final in finals} == {True, False}


def test_fast_track_is_asked_for_before_and_after_the_report_and_sometimes_too_late(records: list[Sent]) -> None:
    too_late = Rejected(codes=frozenset({"too-late"}))
    for one in records:
        parsed = parse_notification(one.value)
        if isinstance(parsed, Parsed) and isinstance(parsed.notification, FastTrackRequest):
            age = (parsed.notification.sent_at.date() - parsed.notification.first_absence_day).days
            assert (age > 34) == (isinstance(one.expected, Rejected) and "too-late" in one.expected.codes)
    assert sum(one.expected == too_late for one in records) > 5


def test_nothing_is_accepted_after_a_withdrawal(records: list[Sent]) -> None:
    withdrawn: set[object] = set()
    for one in records:
        if one.absence_reference in withdrawn and one.what != "a withdrawal, once more":
            assert isinstance(one.expected, Rejected | DuplicateOf), one.what
        if one.kind == "withdrawn" and one.what == "a withdrawal" and isinstance(one.expected, Accepted):
            withdrawn.add(one.absence_reference)
    assert withdrawn


def test_some_come_late_by_days_and_none_was_sent_after_it_is_received(records: list[Sent]) -> None:
    lateness = []
    for one in records:
        parsed = parse_notification(one.value)
        if isinstance(parsed, Parsed) and isinstance(one.expected, Accepted):
            lateness.append((one.day - parsed.notification.sent_at.date()).days)

    assert min(lateness) >= 1
    assert max(lateness) > 7
    assert 0.04 < sum(days > 1 for days in lateness) / len(lateness) < 0.3


@pytest.mark.parametrize("kind", [kind for kind, _ in MONTH.by_kind()])
def test_a_share_of_nothing_turns_a_kind_off(kind: str) -> None:
    fields = {
        "amended": "amendments",
        "refund_requested": "refunds",
        "fast_track_requested": "fast_tracks",
        "recovered": "recoveries",
        "withdrawn": "withdrawals",
        "absence_reported": "reported_again",
    }
    only = Mix(**{fields[kind]: 0.5})

    assert {one.kind for one in month(200, mix=only)} <= {kind, "absence_reported", None}
    assert {one.kind for one in month(200, mix=Mix())} <= {"absence_reported", None}


def test_attached_ones_can_be_asked_for_as_one_share() -> None:
    mix = Mix(bad=0, duplicates=0).with_attached(0.6)

    assert mix.attached == pytest.approx(0.6)
    firsts = sum(one.what in {"employee", "unemployed", "self_employed"} for one in month(1_000, mix=mix))
    assert firsts < 500
    assert Mix().with_attached(0) == Mix()


def test_strangers_are_another_reporter_or_about_another_citizen(records: list[Sent]) -> None:
    theirs: dict[object, tuple[str, object]] = {}
    strangers = Counter[bool]()
    for one in records:
        parsed = parse_notification(one.value)
        if not isinstance(parsed, Parsed):
            continue
        told = parsed.notification
        who = told.citizen.cpr, told.reporter.model_copy(update={"name": None})
        if one.what.endswith("by a stranger"):
            if told.absence_reference in theirs:
                own = theirs[told.absence_reference]
                assert who != own
                strangers[who[0] == own[0]] += 1
        elif isinstance(one.expected, Accepted):
            theirs[told.absence_reference] = who
    assert strangers[True]
    assert strangers[False]


def test_no_withdrawal_buries_what_was_told_to_be_waiting(records: list[Sent]) -> None:
    """Else a repeat of what waited could not be foretold."""
    waits: set[object] = set()
    for one in records:
        if one.kind == "absence_reported" and isinstance(one.expected, Accepted):
            waits.discard(one.absence_reference)
        if isinstance(one.expected, Waiting | Accepted) and one.kind == "withdrawn":
            assert one.absence_reference not in waits
        if isinstance(one.expected, Waiting) and one.kind != "withdrawn":
            waits.add(one.absence_reference)


def _good(records: list[Sent]) -> list[AnyNotification]:
    parsed = [parse_notification(one.value) for one in records if isinstance(one.expected, Accepted | Waiting)]
    return [one.notification for one in parsed if isinstance(one, Parsed)]


def _objections(notification: AnyNotification, day: date) -> list[Reason]:
    return list(objections(notification, datetime.combine(day, time(7), UTC), RULES))
