"""Traffic in no order: nothing is lost in the shuffle, and what each record deserves allows for the order and no more."""

import json
from collections import Counter
from dataclasses import replace
from datetime import date
from random import Random

import pytest

from campaign.mistakes import Mistakes, Outcome, lines
from campaign.shuffle import (
    BY_ORDER,
    loosened,
    poison,
    reports,
    shuffled,
    sized,
    told_otherwise,
    traffic,
    under_another_id,
)
from laws.verdict import Findings
from simulators.nemrefusion.traffic import Accepted, Either, Expected, Rejected, Sent, Waiting, generate

AS_OF = date(2027, 3, 25)


def records() -> list[Sent]:
    return list(generate(seed=3, count=200, as_of=AS_OF))


def test_every_record_is_there_once_or_twice_and_in_another_order() -> None:
    before, after = records(), shuffled(records(), Random(1))
    times = Counter(one.value for one in after)
    assert times.keys() == {one.value for one in before}
    assert len(before) < len(after)
    assert [one.value for one in after[: len(before)]] != [one.value for one in before]


def test_nothing_keeps_an_absence_in_order() -> None:
    after = shuffled(records(), Random(1))
    assert {one.key for one in after if one.value is not None} == {None}
    assert [one.sequence for one in after] == list(range(len(after)))


def test_what_has_no_value_keeps_its_key_as_no_client_sends_a_record_with_neither() -> None:
    empty = [replace(one, value=None, key=b"k") for one in records()]
    assert {one.key for one in shuffled(empty, Random(1))} == {b"k"}


def test_the_same_seed_shuffles_the_same() -> None:
    assert traffic(seed=5, count=50, as_of=AS_OF) == traffic(seed=5, count=50, as_of=AS_OF)


def test_shuffled_traffic_has_every_kind() -> None:
    kinds = {one.kind for one in traffic(seed=5, count=300, as_of=AS_OF)}
    assert {
        "absence_reported",
        "amended",
        "refund_requested",
        "fast_track_requested",
        "recovered",
        "withdrawn",
    } <= kinds


LOOSENED: dict[str, tuple[Expected, Expected]] = {
    "accepted": (Accepted(), Either(codes=BY_ORDER)),
    "waiting": (Waiting(), Either(codes=BY_ORDER)),
    "in conflict": (Rejected(codes=frozenset({"conflict"})), Either(codes=BY_ORDER)),
    "bad whatever came before": (Rejected(codes=frozenset({"bad-cpr"})), Rejected(codes=frozenset({"bad-cpr"}))),
    "either": (Either(codes=frozenset({"too-late"})), Either(codes=BY_ORDER | {"too-late"})),
}


@pytest.mark.parametrize(("expected", "after"), LOOSENED.values(), ids=LOOSENED.keys())
def test_what_a_record_deserves_allows_for_the_order_and_no_more(expected: Expected, after: Expected) -> None:
    assert loosened(expected) == after


def test_poison_is_bad_throughout() -> None:
    assert all(isinstance(one.expected, Rejected) for one in poison(seed=1, count=100, as_of=AS_OF))


def test_a_gap_that_nobody_noticed_is_told_and_not_clean() -> None:
    findings = Findings(law="L")
    missed = Outcome(step="F059", seconds=1, verdicts=[findings.verdict(judged=1)], missed="nobody noticed")
    assert lines([missed])[-1] == "NOT CLEAN"
    assert "nobody noticed" in lines([missed])[0]
    assert lines([])[-1] == "NOT CLEAN"


FAULTS = ("F057", "F058", "F059", "F160", "F161", "F162", "F163", "F164", "F166", "F167", "F168", "F169")


def test_every_mistake_is_a_step_and_the_short_form_has_the_usual_ones() -> None:
    steps = Mistakes(site=None, seed=1, records=1).steps()  # type: ignore[arg-type]
    assert all(any(fault in step.name for step in steps) for fault in FAULTS)
    short = " ".join(step.name for step in steps if step.is_short)
    assert all(fault in short for fault in ("F160", "F161", "F162", "F163", "F164"))


def test_what_is_told_under_another_id_and_otherwise_is_the_same_absence() -> None:
    report, *_ = reports(seed=1, count=3, as_of=AS_OF)
    document, again, otherwise = (
        json.loads(one.value or b"") for one in (report, under_another_id(report, Random(1)), told_otherwise(report))
    )
    assert differing(document, again) == {"notification_id"}
    assert differing(document, otherwise) == {"cause"}
    assert len(sized(report, 10_000, Accepted()).value or b"") == 10_000


def differing(one: dict[str, object], other: dict[str, object]) -> set[str]:
    return {name for name in one.keys() | other.keys() if one.get(name) != other.get(name)}
