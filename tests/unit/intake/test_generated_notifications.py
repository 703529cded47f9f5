"""Whatever is sent, there is an answer that says what to do and nothing of what was sent. `make fuzz` asks 50 000 times.

`FUZZ_EXAMPLES` and `FUZZ_SECONDS` set how often each property is tried and for how long at most.
"""

import os
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from contracts.catalogue import NOTIFICATION
from contracts.nemrefusion.v1 import Parsed, Reason, Rejection, parse_notification
from plumbing.bus import Record
from services.intake.domain import Rules
from services.intake.municipalities import is_municipality
from services.intake.usecases.reading import Rejected, read
from tests.support.bad_notifications import NOW
from tests.support.generated_notifications import MARK, compact, damaged, good, roomy, spoilt

pytestmark = pytest.mark.rule("N3")

RULES = Rules(accept_test_cpr=True, is_municipality=is_municipality)
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "200"))
SECONDS = float(os.environ.get("FUZZ_SECONDS", "20"))
AT_ONCE = 2_000
"""Examples that Hypothesis remembers at a time."""


def names_in(schema: Any) -> Iterator[str]:
    """Every name of a field in the published schema."""
    if isinstance(schema, dict):
        yield from schema.get("properties", {})
        for each in schema.values():
            yield from names_in(each)
    elif isinstance(schema, list):
        for each in schema:
            yield from names_in(each)


OURS = frozenset(names_in(NOTIFICATION.schema()))
STEP = re.compile(r"([a-z0-9_]+|\?)((?:\[\d+\])*)")


def answer(raw: bytes) -> Parsed | tuple[Reason, ...]:
    """What a message gets: by the contract, and the same by intake."""
    parsed = parse_notification(raw)
    record = Record(topic="t", partition=0, offset=0, key=None, value=raw, headers=(), timestamp_ms=0)
    outcome = read(record, NOW, RULES)
    if isinstance(parsed, Rejection):
        assert isinstance(outcome, Rejected)
        assert outcome.reasons == parsed.reasons
        assert_that_it_can_be_told(parsed.reasons)
        return parsed.reasons
    if isinstance(outcome, Rejected):
        assert_that_it_can_be_told(outcome.reasons)
    assert len(parsed.fingerprint()) == 32
    return parsed


def assert_that_it_can_be_told(reasons: tuple[Reason, ...]) -> None:
    """One reason per field, at a place that is named by our names alone, in a short text that quotes nothing."""
    fields = [each.field for each in reasons]
    assert fields
    assert len(fields) == len(set(fields))
    for each in reasons:
        assert 0 < len(each.text) <= 500
        assert each.text.endswith(".")
        assert MARK not in each.text
        for step in each.field.split(".") if each.field else ():
            matched = STEP.fullmatch(step)
            assert matched, step
            assert matched[1] == "?" or matched[1] in OURS


def any_damage(raw: bytes) -> None:
    answer(raw)


def any_good_one(document: dict[str, Any]) -> None:
    first, second = answer(compact(document)), answer(roomy(document))
    assert isinstance(first, Parsed), first
    assert isinstance(second, Parsed), second
    assert first.fingerprint() == second.fingerprint()
    assert first.ignored_fields == 0


def any_spoilt_one(document: dict[str, Any]) -> None:
    """What is rejected stays rejected, at the same places, when another writer writes it."""
    first, second = answer(compact(document)), answer(roomy(document))
    assert isinstance(first, Parsed) == isinstance(second, Parsed)
    if isinstance(first, Parsed):
        assert isinstance(second, Parsed)
        assert first.fingerprint() == second.fingerprint()
    else:
        assert not isinstance(second, Parsed)
        assert {each.field for each in first} == {each.field for each in second}


@pytest.mark.timeout(SECONDS * 3 + 60)
@pytest.mark.parametrize(
    ("strategy", "holds", "share"),
    [(good, any_good_one, 0.2), (spoilt(), any_spoilt_one, 0.5), (damaged(), any_damage, 0.3)],
    ids=["good ones", "spoilt ones", "damaged bytes"],
)
def test_each_generated_one_gets_an_answer(
    strategy: st.SearchStrategy[Any], holds: Callable[[Any], None], share: float
) -> None:
    wanted, began, tried = int(EXAMPLES * share), time.monotonic(), 0
    while tried < wanted and time.monotonic() - began < SECONDS * share:
        part = min(AT_ONCE, wanted - tried)
        _try(strategy, holds, part, number=tried)
        tried += part
    assert tried == wanted, f"{tried} of {wanted} examples within {SECONDS * share:.0f} s"


def _try(strategy: st.SearchStrategy[Any], holds: Callable[[Any], None], examples: int, number: int) -> None:
    # each part has a seed of its own, or all would try the same; failures are printed with what reproduces them
    @seed(number)
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        print_blob=True,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def run(generated: Any) -> None:
        holds(generated)

    run()
