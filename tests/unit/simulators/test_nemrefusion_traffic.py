"""Traffic: the same for the same seed, as bad as asked, and as the contract judges it."""

from collections import Counter
from datetime import date
from itertools import islice

import pytest

from contracts.nemrefusion.v1 import AbsenceReport, Parsed, Rejection, parse_notification
from simulators.nemrefusion.badness import BADNESSES
from simulators.nemrefusion.oddities import ODDITIES
from simulators.nemrefusion.traffic import Accepted, DuplicateOf, Mix, Rejected, Sent, generate

AS_OF = date(2026, 3, 20)
JUDGED_BY_INTAKE = {"conflict", "implausible-date", "not-ours", "with-fund"}
"""Reasons that need a register, a clock or what came before: the message alone does not tell."""


def traffic(count: int = 1_500, *, seed: int = 1, mix: Mix | None = None, as_of: date = AS_OF) -> list[Sent]:
    return list(generate(seed=seed, count=count, as_of=as_of, mix=mix))


@pytest.fixture(scope="module")
def rough() -> list[Sent]:
    """A lot of everything."""
    return traffic(5_000, mix=Mix(bad=0.4, duplicates=0.2, odd=0.3, conflicts=0.2))


def test_the_same_seed_gives_the_same_records_byte_for_byte() -> None:
    assert traffic(300) == traffic(300)
    assert [sent.value for sent in traffic(300)] == [sent.value for sent in traffic(300)]


def test_more_of_the_same_begins_the_same() -> None:
    assert traffic(200) == list(islice(generate(seed=1, count=5_000, as_of=AS_OF), 200))


def test_another_seed_is_about_other_people() -> None:
    one, other = ({_cpr(sent) for sent in traffic(seed=seed)} for seed in (1, 2))

    assert not (one & other) - {None}


def test_shares_are_as_asked(rough: list[Sent]) -> None:
    rejected = [sent for sent in rough if isinstance(sent.expected, Rejected)]
    conflicts = [sent for sent in rejected if sent.expected == Rejected(codes=frozenset({"conflict"}))]
    duplicates = [sent for sent in rough if isinstance(sent.expected, DuplicateOf)]

    assert len(rejected) - len(conflicts) == pytest.approx(0.4 * len(rough), rel=0.1)
    assert len(duplicates) + len(conflicts) == pytest.approx(0.2 * len(rough), rel=0.1)
    assert len(conflicts) == pytest.approx(0.2 * 0.2 * len(rough), rel=0.3)


def test_without_bad_ones_and_repeats_everything_is_accepted() -> None:
    assert {sent.expected for sent in traffic(500, mix=Mix(bad=0, duplicates=0))} == {Accepted()}


def test_citizens_are_of_all_three_kinds_as_in_life() -> None:
    reports = [_report(sent) for sent in traffic(2_500, mix=Mix(bad=0, duplicates=0))]
    kinds = Counter(report.citizen_kind.value for report in reports)

    assert kinds["employee"] / len(reports) == pytest.approx(0.8, abs=0.03)
    assert kinds["unemployed"] / len(reports) == pytest.approx(0.15, abs=0.03)
    assert kinds["self_employed"] / len(reports) == pytest.approx(0.05, abs=0.02)


def test_reports_vary_in_what_the_tasks_depend_on() -> None:
    reports = [_report(sent) for sent in traffic(2_500, mix=Mix(bad=0, duplicates=0))]
    employees = [report for report in reports if report.pay and report.employment]

    assert {report.pay.kind.value for report in employees if report.pay} == {"wage", "sickness_benefit", "nothing"}
    assert {bool(report.pay and report.pay.until) for report in employees} == {True, False}
    assert {bool(report.last_absence_day) for report in reports} == {True, False}
    assert {bool(report.retention_answers) for report in employees} == {True, False}
    assert {report.citizen.has_address_protection for report in reports} == {True, False}
    assert {bool(report.employment and report.employment.is_flexjob) for report in employees} == {True, False}


@pytest.mark.parametrize("as_of", [AS_OF, date(2028, 3, 1), date(2026, 1, 1), date(2026, 3, 30)])
def test_no_report_is_from_the_future_of_the_day_it_is_received(as_of: date) -> None:
    for sent in traffic(500, as_of=as_of, mix=Mix(bad=0, duplicates=0)):
        report = _report(sent)
        assert report.first_absence_day < report.sent_at.date() <= as_of
        assert report.last_absence_day is None or report.last_absence_day < as_of


def test_the_funds_two_weeks_are_kept_by_good_reports() -> None:
    for sent in traffic(1_500, mix=Mix(bad=0, duplicates=0)):
        report = _report(sent)
        if report.citizen_kind.value == "unemployed" and report.last_absence_day:
            assert (report.last_absence_day - report.first_absence_day).days + 1 > 14


def test_the_contract_judges_each_record_as_expected(rough: list[Sent]) -> None:
    for sent in rough:
        result = parse_notification(sent.value)
        if isinstance(sent.expected, Rejected) and not sent.expected.codes & JUDGED_BY_INTAKE:
            assert isinstance(result, Rejection), sent.what
        if isinstance(result, Rejection):
            assert isinstance(sent.expected, Rejected), sent.what
            assert {reason.code.value for reason in result.reasons} <= sent.expected.codes, sent.what
            assert result.notification_id == sent.notification_id, sent.what
            assert result.absence_reference == sent.absence_reference, sent.what


def test_a_duplicate_has_its_originals_content_and_a_conflict_has_not(rough: list[Sent]) -> None:
    first: dict[object, bytes] = {}
    for sent in rough:
        parsed = parse_notification(sent.value)
        match sent.expected:
            case Accepted():
                assert isinstance(parsed, Parsed)
                assert sent.notification_id not in first
                first[sent.notification_id] = parsed.fingerprint()
            case DuplicateOf(notification_id=original):
                assert isinstance(parsed, Parsed)
                assert parsed.fingerprint() == first[original]
            case Rejected(codes=codes) if "conflict" in codes:
                assert isinstance(parsed, Parsed)
                assert parsed.fingerprint() != first[sent.notification_id]
            case _:
                pass


def test_repeats_and_conflicts_go_to_their_originals_partition(rough: list[Sent]) -> None:
    key_of = {sent.notification_id: sent.key for sent in rough if isinstance(sent.expected, Accepted)}

    for sent in rough:
        if sent.row in {"N36", "N37"} and not isinstance(sent.expected, Accepted):
            assert sent.key == key_of[sent.notification_id]


def test_every_kind_of_badness_and_oddity_comes_up() -> None:
    long = traffic(16_000, mix=Mix(bad=0.4, odd=0.5))
    seen = {sent.what for sent in long}

    assert {badness.name for badness in BADNESSES} <= seen
    assert {oddity.name for oddity in ODDITIES} <= seen


def test_there_are_many_kinds_of_badness_each_with_its_row() -> None:
    assert len(BADNESSES) >= 40
    assert len({badness.name for badness in BADNESSES}) == len(BADNESSES)
    assert len({badness.row for badness in BADNESSES}) >= 30


def test_people_with_two_employers_are_told_of_by_both_for_the_same_day() -> None:
    employers: dict[str, set[tuple[str, date]]] = {}
    for sent in traffic(2_500, mix=Mix(bad=0, duplicates=0, odd=0)):
        report = _report(sent)
        if report.reporter.kind == "employer":
            employers.setdefault(report.citizen.cpr, set()).add((report.reporter.cvr, report.first_absence_day))

    doubled = [each for each in employers.values() if len(each) > 1]
    assert len(doubled) > 50
    assert all(len({cvr for cvr, _ in each}) == len(each) for each in doubled)
    assert all(len({day for _, day in each}) == 1 for each in doubled)


def test_no_key_or_header_tells_who_somebody_is(rough: list[Sent]) -> None:
    for sent in rough:
        around = (sent.key or b"") + b"".join(name.encode() + (value or b"") for name, value in sent.headers)
        cpr = _cpr(sent)
        assert cpr is None or cpr.encode() not in around


def test_nothing_personal_shows_in_a_repr(rough: list[Sent]) -> None:
    for sent in rough[:500]:
        cpr = _cpr(sent)
        assert cpr is None or cpr not in repr(sent)


def _report(sent: Sent) -> AbsenceReport:
    parsed = parse_notification(sent.value)
    assert isinstance(parsed, Parsed), sent.what
    assert isinstance(parsed.notification, AbsenceReport)
    return parsed.notification


def _cpr(sent: Sent) -> str | None:
    parsed = parse_notification(sent.value)
    return parsed.notification.citizen.cpr if isinstance(parsed, Parsed) else None
