"""A letter's way: forward only, nothing sent twice, nothing called sent without a proof (L2)."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.task.v1 import TaskKind
from services.notifier import domain
from services.notifier.domain import (
    Answer,
    Channel,
    Heard,
    Hearing,
    Letter,
    LetterName,
    LetterState,
    Limits,
    Pace,
    PostEvent,
    Proof,
    Remedy,
    Request,
    Status,
    Step,
    Ways,
)

pytestmark = pytest.mark.rule("M1", "M3")

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
S = LetterState
DIGITAL, PAPER = Channel.DIGITAL_POST, Channel.PAPER
WAYS = Ways(return_codes=frozenset({"retur"}), codes={**domain.DEFAULT_CODES, "again": Remedy.ONCE_MORE})
CODES = WAYS.codes
PROOF = Proof(channel=DIGITAL, transmission_id="t", status_code=domain.DELIVERED_STATUS, at=NOON)


def letter(
    state: LetterState = S.REQUESTED, *, channel: Channel | None = DIGITAL, repeats_recognised: bool | None = None
) -> Letter:
    """A letter at its first sending; before its bytes are fixed no channel is chosen."""
    begun = state not in {S.REQUESTED, S.HELD}
    proof = replace(PROOF, channel=channel or DIGITAL) if state.is_proven else None
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
        channel=channel if begun else None,
        gateway_id="id-1",
        state=state,
        repeats_recognised=repeats_recognised,
        proof=proof,
        failure="memo.invalid" if state is S.FAILED else None,
    )


def status(code: str, error: str | None = None, *, about: str = "id-1", at: datetime = NOON, event: str = "") -> Status:
    return Status(
        besked_id=uuid4(),
        message_uuid=None,
        dispatch_id=about,
        transmission_id="t",
        status_code=code,
        error_code=error,
        at=at,
        events=(PostEvent(code=event, at=NOON),) if event else (),
    )


def prepared(one: Letter, *, gateway_dedupes: bool) -> Letter:
    """Its bytes fixed for the channel it has, or for Digital Post."""
    return domain.prepared(
        one, channel=one.channel or DIGITAL, gateway_id=f"id-{one.sending}", gateway_dedupes=gateway_dedupes
    )


def sent(channel: Channel) -> Letter:
    return letter(S.HANDED_OVER, channel=channel, repeats_recognised=True)


@pytest.mark.parametrize("state", [state for state in S if not state.is_final])
def test_only_the_gateways_proof_makes_a_letter_dispatched(state: LetterState) -> None:
    after, hearing = domain.told(letter(state), status(domain.DELIVERED_STATUS), WAYS)
    assert (after.state, hearing) == (S.DISPATCHED, Hearing.APPLIED)
    assert after.proof == PROOF


def test_acceptance_over_http_is_not_sent() -> None:
    assert domain.handed_over(letter(S.PREPARED)).state is S.HANDED_OVER
    assert not domain.handed_over(letter(S.PREPARED)).state.is_final


@pytest.mark.parametrize("state", [S.DISPATCHED, S.RETURNED, S.FAILED])
def test_nothing_moves_a_letter_that_has_come_to_its_end(state: LetterState) -> None:
    ended = letter(state)
    for step in (domain.handed_over, domain.not_taken, domain.in_doubt, domain.unknowable):
        assert step(ended) == ended
    assert domain.refused(ended, "other") == ended
    assert prepared(ended, gateway_dedupes=True) == ended
    assert domain.held(ended) == ended
    assert domain.after_negative(ended, "recipient.exempt", WAYS) == ended
    for code in (domain.FAILED_STATUS, domain.RECEIVED_STATUS, "Andet"):
        assert domain.told(ended, status(code), WAYS)[0] == ended
    if state.is_proven:
        assert domain.told(ended, status(domain.DELIVERED_STATUS), WAYS)[0] == ended


@pytest.mark.parametrize(
    ("state", "code", "hearing"),
    [
        (S.DISPATCHED, domain.DELIVERED_STATUS, Hearing.REPEATED),
        (S.DISPATCHED, domain.FAILED_STATUS, Hearing.CONTRADICTION),
        (S.DISPATCHED, domain.RECEIVED_STATUS, Hearing.LATE),
        (S.FAILED, domain.FAILED_STATUS, Hearing.REPEATED),
        (S.HANDED_OVER, domain.RECEIVED_STATUS, Hearing.LATE),
        (S.HANDED_OVER, "Noget helt nyt", Hearing.UNKNOWN_CODE),
    ],
)
def test_late_repeated_and_contradicting_statuses_are_named_and_move_nothing(
    state: LetterState, code: str, hearing: Hearing
) -> None:
    before = letter(state)
    assert domain.told(before, status(code), WAYS) == (before, hearing)


@pytest.mark.parametrize("heard_first", [domain.DELIVERED_STATUS, domain.FAILED_STATUS])
def test_failure_and_proof_of_one_sending_come_to_the_same_whichever_is_heard_first(heard_first: str) -> None:
    """Nobody orders statuses (T2, M3)."""
    codes = [domain.DELIVERED_STATUS, domain.FAILED_STATUS]
    now, heard = sent(DIGITAL), []
    for code in sorted(codes, key=lambda code: code != heard_first):
        now, hearing = domain.told(now, status(code, "recipient.unknown"), WAYS)
        heard.append(hearing)
    assert (now.state, now.proof, now.failure) == (S.DISPATCHED, PROOF, None)
    assert heard == [Hearing.APPLIED, Hearing.CONTRADICTION]
    assert domain.again(now, PAPER) == now


def test_a_failure_keeps_the_gateways_code() -> None:
    after, _ = domain.told(letter(S.HANDED_OVER), status(domain.FAILED_STATUS, "recipient.deceased"), WAYS)
    assert (after.state, after.failure) == (S.FAILED, "recipient.deceased")


def test_a_gateway_that_recognises_repeats_is_called_again_until_it_has_answered() -> None:
    ready = prepared(letter(), gateway_dedupes=True)
    assert ready.state is S.PREPARED
    assert domain.next_step(ready, gateway_dedupes=True) is Step.CALL


def test_a_gateway_that_does_not_is_never_called_again_while_a_call_is_in_doubt() -> None:
    ready = prepared(letter(), gateway_dedupes=False)
    assert ready.state is S.IN_DOUBT
    assert domain.next_step(ready, gateway_dedupes=False) is Step.NOTHING
    assert domain.next_step(domain.unknowable(ready), gateway_dedupes=False) is Step.NOTHING


def test_a_call_that_certainly_changed_nothing_may_be_made_again() -> None:
    again = domain.not_taken(prepared(letter(), gateway_dedupes=False))
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
    assert domain.told(unknown, status(domain.DELIVERED_STATUS), WAYS)[0].state is S.DISPATCHED
    assert domain.told(unknown, status(domain.FAILED_STATUS), WAYS)[0].state is S.FAILED


def test_what_is_on_its_way_for_ever_stays_surfaced() -> None:
    unknown = letter(S.UNKNOWN)
    assert domain.told(unknown, status(domain.RECEIVED_STATUS), WAYS) == (unknown, Hearing.LATE)


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
    assert domain.meaning(heard, CODES) is answer


@pytest.mark.parametrize("code", sorted(CODES))
def test_every_documented_refusal_is_in_the_table(code: str) -> None:
    assert domain.meaning(Heard(http_status=400, code=code), CODES) is Answer.REFUSED


@given(
    http_status=st.none() | st.integers(100, 599),
    was_sent=st.booleans(),
    result=st.none() | st.booleans(),
    code=st.none() | st.sampled_from(["message.duplicate", "memo.invalid", "what"]),
)
def test_nothing_uncertain_is_called_refused_or_not_taken(
    http_status: int | None, was_sent: bool, result: bool | None, code: str | None
) -> None:
    answer = domain.meaning(Heard(http_status=http_status, was_sent=was_sent, result=result, code=code), CODES)
    if http_status is None and was_sent:
        assert answer is Answer.UNKNOWN
    if http_status is not None and http_status >= 500 and code != "message.duplicate":
        assert answer is Answer.UNKNOWN
    if answer is Answer.TAKEN_OVER:
        assert result or code == "message.duplicate"


# The edges that are allowed, written down a second time: whatever happens in whatever order keeps to them.
EDGES = {
    S.HELD: {S.REQUESTED, S.FAILED, S.DISPATCHED},
    S.REQUESTED: {S.HELD, S.PREPARED, S.IN_DOUBT, S.DISPATCHED, S.FAILED},
    S.PREPARED: {S.IN_DOUBT, S.HANDED_OVER, S.UNKNOWN, S.DISPATCHED, S.FAILED, S.REQUESTED},
    S.IN_DOUBT: {S.PREPARED, S.HANDED_OVER, S.UNKNOWN, S.DISPATCHED, S.FAILED, S.REQUESTED},
    S.HANDED_OVER: {S.UNKNOWN, S.DISPATCHED, S.FAILED, S.REQUESTED},
    S.UNKNOWN: {S.HANDED_OVER, S.DISPATCHED, S.FAILED, S.REQUESTED},
    S.DISPATCHED: {S.RETURNED},
    S.RETURNED: set(),
    S.FAILED: {S.DISPATCHED},
}
Happening = Callable[[Letter], Letter]


def _tell(code: str, error: str | None, which: int, event: str) -> Happening:
    def happening(one: Letter) -> Letter:
        """A status about one of the sendings the gateway knows, if it knows any."""
        known = [past.gateway_id for past in one.past] + ([one.gateway_id] if one.gateway_id else [])
        if not known:
            return one
        return domain.told(one, status(code, error, about=known[which % len(known)], event=event), WAYS)[0]

    return happening


STEPS: list[Happening] = [
    lambda one: prepared(one, gateway_dedupes=True),
    lambda one: prepared(one, gateway_dedupes=False),
    domain.handed_over,
    domain.not_taken,
    domain.in_doubt,
    domain.unknowable,
    domain.held,
    domain.let_go,
    lambda one: domain.refused(one, "address.missing"),
    lambda one: domain.after_negative(one, "recipient.exempt", WAYS),
]
CODE = st.sampled_from(
    [
        domain.DELIVERED_STATUS,
        domain.POSTED_STATUS,
        domain.FAILED_STATUS,
        domain.RECEIVED_STATUS,
        domain.UPDATED_STATUS,
        domain.RECALLED_STATUS,
        "Klar",
        "Andet",
    ]
)
ERROR = st.sampled_from([None, "recipient.exempt", "memo.invalid", "again", "recipient.deceased", "never.seen"])
HAPPENINGS = st.sampled_from(STEPS) | st.builds(_tell, CODE, ERROR, st.integers(0, 3), st.sampled_from(["", "retur"]))


@settings(max_examples=500)
@given(happenings=st.lists(HAPPENINGS, max_size=16))
def test_whatever_happens_a_letter_moves_along_allowed_edges(happenings: list[Happening]) -> None:
    now = letter()
    for happening in happenings:
        after = happening(now)
        assert after.state == now.state or after.state in EDGES[now.state]
        assert (after.proof is not None) == after.state.is_proven
        assert (after.failure is not None) == (after.state is S.FAILED)
        assert after.state is not S.REQUESTED or after.sending == 1 or after.gateway_id is None
        # A sending is followed by another only when it had definitively failed, and never twice by paper.
        assert after.sending - now.sending in {0, 1}
        assert [one.number for one in after.past] == list(range(1, after.sending))
        assert all(one.code in CODES for one in after.past)
        assert [one.channel for one in after.past].count(PAPER) <= 1
        assert after.sending <= WAYS.sendings * 2
        now = after


def test_whoever_is_registered_gets_digital_post_and_nobody_else_does() -> None:
    assert domain.chosen(registered=True, ways=WAYS) is DIGITAL
    assert domain.chosen(registered=False, ways=WAYS) is PAPER
    assert domain.chosen(registered=False, ways=replace(WAYS, paper=False)) is None


def test_the_first_message_of_a_letter_has_the_letters_id_and_every_sending_one_of_its_own() -> None:
    first = letter()
    second = replace(first, sending=2)
    later = replace(first, request=first.request._replace(name=LetterName(letter_id=UUID(int=1), version=2)))
    found = [domain.gateway_id(one, way) for one in (first, second, later) for way in (DIGITAL, PAPER)]
    assert found[0] == str(UUID(int=1))
    assert len(set(found)) == 5  # of a later sending both channels would have the same, and there is only one of them
    assert found == [domain.gateway_id(one, way) for one in (first, second, later) for way in (DIGITAL, PAPER)]


@pytest.mark.parametrize("code", ["recipient.exempt", "memo.invalid", "file.extension.not.allowed"])
def test_a_message_that_definitively_failed_goes_on_paper(code: str) -> None:
    after, hearing = domain.told(sent(DIGITAL), status(domain.FAILED_STATUS, code), WAYS)
    assert (after.state, after.sending, after.channel, after.gateway_id) == (S.REQUESTED, 2, PAPER, None)
    assert hearing is Hearing.APPLIED
    [past] = after.past
    assert (past.number, past.channel, past.gateway_id, past.code, past.proof) == (1, DIGITAL, "id-1", code, None)
    assert domain.next_step(after, gateway_dedupes=True) is Step.COMPOSE


@pytest.mark.parametrize("code", ["recipient.unknown", "recipient.deceased", "never.seen", None])
def test_what_would_be_as_wrong_on_paper_or_is_unknown_is_surfaced(code: str | None) -> None:
    after, _ = domain.told(sent(DIGITAL), status(domain.FAILED_STATUS, code), WAYS)
    assert (after.state, after.failure, after.past) == (S.FAILED, code or "gateway-failed", ())


def test_without_a_print_house_a_failed_message_is_surfaced() -> None:
    after, _ = domain.told(sent(DIGITAL), status(domain.FAILED_STATUS, "recipient.exempt"), replace(WAYS, paper=False))
    assert after.state is S.FAILED


def test_paper_that_failed_is_surfaced() -> None:
    after, _ = domain.told(sent(PAPER), status(domain.FAILED_STATUS, "recipient.exempt"), WAYS)
    assert after.state is S.FAILED


def test_the_same_channel_once_more_is_another_sending_and_then_the_next_channel() -> None:
    once_more, _ = domain.told(sent(DIGITAL), status(domain.FAILED_STATUS, "again"), WAYS)
    assert (once_more.sending, once_more.channel, once_more.state) == (2, DIGITAL, S.REQUESTED)
    second = domain.handed_over(prepared(once_more, gateway_dedupes=True))
    third, _ = domain.told(second, status(domain.FAILED_STATUS, "again", about="id-2"), WAYS)
    assert (third.sending, third.channel) == (3, PAPER)


def test_no_time_out_chooses_a_channel() -> None:
    for one in (sent(DIGITAL), letter(S.IN_DOUBT, repeats_recognised=False), letter(S.PREPARED)):
        assert domain.unknowable(one).channel is DIGITAL
        assert domain.unknowable(one).past == ()


@pytest.mark.parametrize(
    ("code", "state"), [("Afsendt", S.HANDED_OVER), ("Klar", S.HANDED_OVER), (domain.POSTED_STATUS, S.DISPATCHED)]
)
def test_paper_is_out_when_it_is_posted_and_not_when_it_is_printed(code: str, state: LetterState) -> None:
    after, _ = domain.told(letter(S.PREPARED, channel=PAPER), status(code), WAYS)
    assert after.state is state
    assert after.proof is None or after.proof.channel is PAPER


def test_which_status_proves_posting_is_the_deployments() -> None:
    after, _ = domain.told(sent(PAPER), status("Afsendt"), replace(WAYS, paper_proof="Afsendt"))
    assert after.state is S.DISPATCHED


def test_digital_posts_words_prove_nothing_about_paper() -> None:
    assert domain.told(sent(PAPER), status(domain.DELIVERED_STATUS), WAYS) == (sent(PAPER), Hearing.UNKNOWN_CODE)
    assert domain.told(sent(DIGITAL), status(domain.POSTED_STATUS), WAYS) == (sent(DIGITAL), Hearing.UNKNOWN_CODE)


def test_a_returned_letter_stays_proven() -> None:
    out = letter(S.DISPATCHED, channel=PAPER)
    after, hearing = domain.told(out, status(domain.UPDATED_STATUS, event="retur"), WAYS)
    assert (after.state, after.proof, hearing) == (S.RETURNED, out.proof, Hearing.APPLIED)
    assert domain.told(after, status(domain.UPDATED_STATUS, event="retur"), WAYS) == (after, Hearing.REPEATED)
    assert domain.told(out, status(domain.UPDATED_STATUS, event="omdelt"), WAYS) == (out, Hearing.UNKNOWN_CODE)


def on_paper() -> Letter:
    return domain.told(sent(DIGITAL), status(domain.FAILED_STATUS, "recipient.exempt"), WAYS)[0]


def test_a_delivery_told_after_the_failure_spares_the_paper_that_nobody_has_begun() -> None:
    after, hearing = domain.told(on_paper(), status(domain.DELIVERED_STATUS), WAYS)
    assert (after.state, after.proof, hearing) == (S.DISPATCHED, PROOF, Hearing.CONTRADICTION)
    assert domain.next_step(after, gateway_dedupes=True) is Step.NOTHING


def test_a_delivery_told_after_paper_was_begun_is_kept_and_saves_the_letter_should_paper_fail() -> None:
    begun = prepared(on_paper(), gateway_dedupes=True)
    kept, hearing = domain.told(begun, status(domain.DELIVERED_STATUS), WAYS)
    assert (kept.state, kept.proof, hearing) == (S.PREPARED, None, Hearing.CONTRADICTION)
    assert kept.past[0].proof == PROOF
    saved, _ = domain.told(kept, status(domain.FAILED_STATUS, "forsendelse.invalid", about="id-2"), WAYS)
    assert (saved.state, saved.proof) == (S.DISPATCHED, PROOF)
    later = NOON + timedelta(days=1)
    posted, _ = domain.told(kept, status(domain.POSTED_STATUS, about="id-2", at=later), WAYS)
    assert posted.proof is not None
    assert (posted.proof.channel, posted.proof.at) == (PAPER, later)


PAPER_ENDS: dict[str, Callable[[Letter], Letter]] = {
    "it fails": lambda one: domain.told(one, status(domain.FAILED_STATUS, "forsendelse.invalid", about="id-2"), WAYS)[
        0
    ],
    "nobody hears of it": domain.unknowable,
    "it is refused": lambda one: domain.refused(one, "address.missing"),
}


@pytest.mark.parametrize("is_told_first", [True, False])
@pytest.mark.parametrize("end", PAPER_ENDS.values(), ids=PAPER_ENDS.keys())
def test_a_proof_of_the_sending_before_saves_the_letter_however_paper_ends_and_whichever_is_heard_first(
    end: Callable[[Letter], Letter], is_told_first: bool
) -> None:
    now = domain.handed_over(prepared(on_paper(), gateway_dedupes=True))
    if not is_told_first:
        now = end(now)
        assert now.state in {S.UNKNOWN, S.FAILED}
    now, hearing = domain.told(now, status(domain.DELIVERED_STATUS), WAYS)
    assert hearing is Hearing.CONTRADICTION
    if is_told_first:
        assert now.state is S.HANDED_OVER
        now = end(now)
    assert (now.state, now.proof, now.failure) == (S.DISPATCHED, PROOF, None)
    assert domain.again(now, PAPER) == now


@pytest.mark.parametrize("state", [S.UNKNOWN, S.FAILED])
def test_what_a_proof_is_known_of_is_not_sent_again(state: LetterState) -> None:
    """As it was kept when a proof of a sending before did not move the letter."""
    known = tuple(replace(past, proof=PROOF) for past in on_paper().past)
    surfaced = replace(prepared(on_paper(), gateway_dedupes=True), state=state, past=known)
    assert domain.again(surfaced, PAPER) == surfaced


def test_of_several_sendings_that_arrived_after_all_the_latest_counts() -> None:
    later = replace(PROOF, at=NOON + timedelta(days=2))
    [first] = on_paper().past
    waiting = replace(on_paper(), past=(replace(first, proof=later), replace(first, number=2, proof=PROOF)))
    saved = domain.saved(waiting)
    assert saved is not None
    assert (saved.state, saved.proof) == (S.DISPATCHED, later)


@pytest.mark.parametrize(("days", "channel"), [(9, PAPER), (-1, DIGITAL)])
def test_a_letter_saved_by_a_sending_before_is_proven_by_its_own_if_that_is_later(days: int, channel: Channel) -> None:
    """Of two proofs the later deadline stays (M3)."""
    now = domain.handed_over(prepared(on_paper(), gateway_dedupes=True))
    saved = domain.unknowable(domain.told(now, status(domain.DELIVERED_STATUS), WAYS)[0])
    at = NOON + timedelta(days=days)
    after, hearing = domain.told(saved, status(domain.POSTED_STATUS, about="id-2", at=at), WAYS)
    assert after.proof is not None
    assert (after.state, after.proof.channel) == (S.DISPATCHED, channel)
    assert hearing is (Hearing.APPLIED if days > 0 else Hearing.REPEATED)
    assert domain.told(after, status(domain.POSTED_STATUS, about="id-2", at=at), WAYS) == (after, Hearing.REPEATED)


def test_what_comes_back_is_not_what_proves_a_letter_saved_by_a_sending_before() -> None:
    now = domain.handed_over(prepared(on_paper(), gateway_dedupes=True))
    saved = domain.unknowable(domain.told(now, status(domain.DELIVERED_STATUS), WAYS)[0])
    brought_back = status(domain.UPDATED_STATUS, about="id-2", event="retur")
    assert domain.told(saved, brought_back, WAYS) == (saved, Hearing.CONTRADICTION)


@pytest.mark.parametrize(
    ("code", "hearing"),
    [
        (domain.FAILED_STATUS, Hearing.REPEATED),
        (domain.RECEIVED_STATUS, Hearing.LATE),
        ("Andet", Hearing.UNKNOWN_CODE),
    ],
)
def test_what_else_is_told_of_a_failed_sending_moves_nothing(code: str, hearing: Hearing) -> None:
    assert domain.told(on_paper(), status(code), WAYS) == (on_paper(), hearing)


def test_an_answer_about_one_sending_says_nothing_about_the_next() -> None:
    """The caller sees to it that steps are of the letter's own sending; those of the call change nothing that is not begun."""
    waiting = on_paper()
    for step in (domain.handed_over, domain.not_taken, domain.in_doubt, domain.unknowable):
        assert step(waiting) == waiting


def test_somebodys_decision_sends_again_what_was_surfaced_and_nothing_else() -> None:
    never_begun = domain.refused(letter(), "address.missing")
    assert domain.again(never_begun, PAPER) == replace(letter(), channel=PAPER)
    unknown = domain.again(letter(S.UNKNOWN), PAPER)
    assert (unknown.state, unknown.sending, unknown.channel, unknown.failure) == (S.REQUESTED, 2, PAPER, None)
    assert [one.code for one in unknown.past] == ["by-command"]
    failed = domain.again(letter(S.FAILED), DIGITAL)
    assert ([one.code for one in failed.past], failed.failure) == (["memo.invalid"], None)
    for state in set(S) - {S.FAILED, S.UNKNOWN}:
        assert domain.again(letter(state), PAPER) == letter(state)


def test_a_held_letter_is_not_sent_and_goes_on_where_it_was() -> None:
    waiting = domain.held(letter())
    assert waiting.state is S.HELD
    assert domain.next_step(waiting, gateway_dedupes=True) is Step.NOTHING
    assert domain.let_go(waiting) == letter()
    assert domain.held(letter(S.PREPARED)).state is S.PREPARED


def test_every_kind_of_task_has_a_template_and_letters_are_counted_by_place_and_country() -> None:
    assert {domain.template((kind.value,)) for kind in TaskKind} == domain.TEMPLATES
    assert domain.paces(letter().request) == {Pace("0751", "report"), Pace(domain.COUNTRY, "report")}


@pytest.mark.parametrize(
    ("pace", "hour", "day", "is_over"),
    [
        (Pace("0751", "report"), 5, 9, False),
        (Pace("0751", "report"), 6, 9, True),
        (Pace("0751", "report"), 1, 10, True),
        (Pace("0101", "report"), 50, 90, False),
        (Pace("*", "report"), 50, 90, False),
        (Pace("*", "report"), 101, 101, True),
    ],
)
def test_too_many_is_what_the_limits_of_the_place_say(pace: Pace, hour: int, day: int, is_over: bool) -> None:
    limits = Limits(hour=5, day=9, country_hour=100, country_day=900, special={"0101": (50, 90)})
    assert domain.over(pace, hour, day, limits) is is_over
