"""A letter's way: forward only, nothing sent twice, nothing called sent without a proof (L2)."""

from dataclasses import replace
from datetime import UTC, date, datetime
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifier import domain
from services.notifier.domain import (
    Answer,
    Heard,
    Hearing,
    Letter,
    LetterName,
    LetterState,
    Proof,
    Request,
    Status,
    Step,
)

pytestmark = pytest.mark.rule("M3")

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
S = LetterState


def letter(state: LetterState = S.REQUESTED, *, repeats_recognised: bool | None = None) -> Letter:
    proof = Proof(transmission_id="t", status_code=domain.DELIVERED_STATUS, at=NOON) if state is S.DISPATCHED else None
    return Letter(
        request=Request(
            name=LetterName(letter_id=UUID(int=1), version=1),
            absence_id=UUID(int=2),
            citizen_id=UUID(int=3),
            municipality_code="0751",
            planned_day=date(2026, 11, 23),
            planned_deadline_day=date(2026, 12, 1),
            kinds=("information_form",),
            requested_at=NOON,
        ),
        message_uuid=UUID(int=1),
        state=state,
        repeats_recognised=repeats_recognised,
        proof=proof,
        failure="memo.invalid" if state is S.FAILED else None,
    )


def status(code: str, error: str | None = None) -> Status:
    return Status(
        besked_id=uuid4(),
        message_uuid=UUID(int=1),
        transmission_id="t",
        status_code=code,
        error_code=error,
        at=NOON,
    )


@pytest.mark.parametrize("state", [state for state in S if not state.is_final])
def test_only_the_gateways_proof_makes_a_letter_dispatched(state: LetterState) -> None:
    after, hearing = domain.told(letter(state), status(domain.DELIVERED_STATUS))
    assert (after.state, hearing) == (S.DISPATCHED, Hearing.APPLIED)
    assert after.proof == Proof(transmission_id="t", status_code=domain.DELIVERED_STATUS, at=NOON)


def test_acceptance_over_http_is_not_sent() -> None:
    assert domain.handed_over(letter(S.PREPARED)).state is S.HANDED_OVER
    assert not domain.handed_over(letter(S.PREPARED)).state.is_final


@pytest.mark.parametrize("state", [S.DISPATCHED, S.FAILED])
def test_nothing_moves_a_letter_that_has_come_to_its_end(state: LetterState) -> None:
    ended = letter(state)
    for step in (domain.handed_over, domain.not_taken, domain.in_doubt, domain.unknowable):
        assert step(ended) == ended
    assert domain.refused(ended, "other") == ended
    assert domain.prepared(ended, gateway_dedupes=True) == ended
    for code in (domain.DELIVERED_STATUS, domain.FAILED_STATUS, domain.RECEIVED_STATUS, "Andet"):
        assert domain.told(ended, status(code))[0] == ended


@pytest.mark.parametrize(
    ("state", "code", "hearing"),
    [
        (S.DISPATCHED, domain.DELIVERED_STATUS, Hearing.REPEATED),
        (S.DISPATCHED, domain.FAILED_STATUS, Hearing.CONTRADICTION),
        (S.DISPATCHED, domain.RECEIVED_STATUS, Hearing.LATE),
        (S.FAILED, domain.FAILED_STATUS, Hearing.REPEATED),
        (S.FAILED, domain.DELIVERED_STATUS, Hearing.CONTRADICTION),
        (S.HANDED_OVER, domain.RECEIVED_STATUS, Hearing.LATE),
        (S.HANDED_OVER, "Noget helt nyt", Hearing.UNKNOWN_CODE),
    ],
)
def test_late_repeated_and_contradicting_statuses_are_named_and_move_nothing(
    state: LetterState, code: str, hearing: Hearing
) -> None:
    before = letter(state)
    assert domain.told(before, status(code)) == (before, hearing)


def test_a_failure_keeps_the_gateways_code() -> None:
    after, _ = domain.told(letter(S.HANDED_OVER), status(domain.FAILED_STATUS, "memo.invalid"))
    assert (after.state, after.failure) == (S.FAILED, "memo.invalid")


def test_a_gateway_that_recognises_repeats_is_called_again_until_it_has_answered() -> None:
    ready = domain.prepared(letter(), gateway_dedupes=True)
    assert ready.state is S.PREPARED
    assert domain.next_step(ready, gateway_dedupes=True) is Step.CALL


def test_a_gateway_that_does_not_is_never_called_again_while_a_call_is_in_doubt() -> None:
    ready = domain.prepared(letter(), gateway_dedupes=False)
    assert ready.state is S.IN_DOUBT
    assert domain.next_step(ready, gateway_dedupes=False) is Step.NOTHING
    assert domain.next_step(domain.unknowable(ready), gateway_dedupes=False) is Step.NOTHING


def test_a_call_that_certainly_changed_nothing_may_be_made_again() -> None:
    again = domain.not_taken(domain.prepared(letter(), gateway_dedupes=False))
    assert domain.next_step(again, gateway_dedupes=False) is Step.CALL


def test_letters_prepared_under_the_other_setting_are_in_doubt() -> None:
    assert domain.next_step(letter(S.PREPARED, repeats_recognised=True), gateway_dedupes=False) is Step.DOUBT


def test_an_unknown_letter_whose_job_is_released_is_called_for_only_where_repeats_are_recognised() -> None:
    unknown = letter(S.UNKNOWN, repeats_recognised=True)
    assert domain.next_step(unknown, gateway_dedupes=True) is Step.CALL
    assert domain.next_step(unknown, gateway_dedupes=False) is Step.NOTHING
    assert domain.next_step(replace(unknown, repeats_recognised=False), gateway_dedupes=True) is Step.NOTHING


def test_a_letter_without_proof_in_time_is_unknown_and_a_late_status_is_still_taken() -> None:
    unknown = domain.unknowable(letter(S.HANDED_OVER))
    assert unknown.state is S.UNKNOWN
    assert domain.told(unknown, status(domain.DELIVERED_STATUS))[0].state is S.DISPATCHED
    assert domain.told(unknown, status(domain.FAILED_STATUS))[0].state is S.FAILED


def test_a_letter_that_was_never_made_is_not_unknown() -> None:
    assert domain.unknowable(letter(S.REQUESTED)).state is S.REQUESTED


ANSWERS = [
    (Heard(http_status=None, was_sent=False), Answer.NOT_TAKEN),
    (Heard(http_status=None), Answer.UNKNOWN),
    (Heard(http_status=200, result=True), Answer.TAKEN_OVER),
    (Heard(http_status=200), Answer.UNKNOWN),
    (Heard(http_status=200, result=False, code="memo.invalid"), Answer.REFUSED),
    (Heard(http_status=200, result=False, code="new.code"), Answer.ODD),
    (Heard(http_status=200, result=False), Answer.ODD),
    (Heard(http_status=409, result=False, code="message.duplicate"), Answer.TAKEN_OVER),
    (Heard(http_status=409, result=False, code="message.conflict"), Answer.ODD),
    (Heard(http_status=400, code="memo.invalid"), Answer.REFUSED),
    (Heard(http_status=400, code="recipient.unknown"), Answer.REFUSED),
    (Heard(http_status=400), Answer.ODD),
    (Heard(http_status=422, code="never.seen"), Answer.ODD),
    (Heard(http_status=401), Answer.NOT_TAKEN),
    (Heard(http_status=403), Answer.NOT_TAKEN),
    (Heard(http_status=404), Answer.NOT_TAKEN),
    (Heard(http_status=408), Answer.UNKNOWN),
    (Heard(http_status=429), Answer.NOT_TAKEN),
    (Heard(http_status=429, retry_after=5), Answer.NOT_TAKEN),
    (Heard(http_status=503, retry_after=1), Answer.NOT_TAKEN),
    (Heard(http_status=503), Answer.UNKNOWN),
    (Heard(http_status=500), Answer.UNKNOWN),
    (Heard(http_status=502), Answer.UNKNOWN),
    (Heard(http_status=504), Answer.UNKNOWN),
    (Heard(http_status=302), Answer.UNKNOWN),
    (Heard(http_status=204), Answer.UNKNOWN),
]


@pytest.mark.parametrize(("heard", "answer"), ANSWERS, ids=repr)
def test_every_answer_has_one_meaning(heard: Heard, answer: Answer) -> None:
    assert domain.meaning(heard) is answer


@pytest.mark.parametrize("code", sorted(domain.DEFINITIVE_REFUSALS))
def test_every_documented_refusal_is_in_the_table(code: str) -> None:
    assert domain.meaning(Heard(http_status=400, code=code)) is Answer.REFUSED


@given(
    http_status=st.none() | st.integers(100, 599),
    was_sent=st.booleans(),
    result=st.none() | st.booleans(),
    code=st.none() | st.sampled_from(["message.duplicate", "memo.invalid", "what"]),
)
def test_nothing_uncertain_is_called_refused_or_not_taken(
    http_status: int | None, was_sent: bool, result: bool | None, code: str | None
) -> None:
    answer = domain.meaning(Heard(http_status=http_status, was_sent=was_sent, result=result, code=code))
    if http_status is None and was_sent:
        assert answer is Answer.UNKNOWN
    if http_status is not None and http_status >= 500 and code != "message.duplicate":
        assert answer is Answer.UNKNOWN
    if answer is Answer.TAKEN_OVER:
        assert result or code == "message.duplicate"


# The edges that are allowed, written down a second time: whatever happens in whatever order keeps to them.
EDGES = {
    S.REQUESTED: {S.PREPARED, S.IN_DOUBT, S.HANDED_OVER, S.DISPATCHED, S.FAILED},
    S.PREPARED: {S.IN_DOUBT, S.HANDED_OVER, S.UNKNOWN, S.DISPATCHED, S.FAILED},
    S.IN_DOUBT: {S.PREPARED, S.HANDED_OVER, S.UNKNOWN, S.DISPATCHED, S.FAILED},
    S.HANDED_OVER: {S.UNKNOWN, S.DISPATCHED, S.FAILED},
    S.UNKNOWN: {S.HANDED_OVER, S.DISPATCHED, S.FAILED},
    S.DISPATCHED: set(),
    S.FAILED: set(),
}
HAPPENINGS = st.sampled_from(
    [
        lambda one: domain.prepared(one, gateway_dedupes=True),
        lambda one: domain.prepared(one, gateway_dedupes=False),
        domain.handed_over,
        domain.not_taken,
        domain.in_doubt,
        domain.unknowable,
        lambda one: domain.refused(one, "memo.invalid"),
        *[
            lambda one, code=code: domain.told(one, status(code))[0]
            for code in (domain.DELIVERED_STATUS, domain.FAILED_STATUS, domain.RECEIVED_STATUS, "Andet")
        ],
    ]
)


@given(happenings=st.lists(HAPPENINGS, max_size=12))
def test_whatever_happens_a_letter_moves_along_allowed_edges(happenings: list[object]) -> None:
    now = letter()
    for happening in happenings:
        after = happening(now)  # type: ignore[operator]
        assert after.state == now.state or after.state in EDGES[now.state]
        assert (after.proof is not None) == (after.state is S.DISPATCHED)
        assert (after.failure is not None) == (after.state is S.FAILED)
        now = after
