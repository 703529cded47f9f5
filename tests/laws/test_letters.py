"""L2 and L8: a letter lost, doubled or made anew, and a clock that runs wrong or without proof, are found."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest

from laws import audit, deadlines, letters, names
from tests.laws import post
from tests.laws.post import ABSENCE, DELIVERED, FAILED, LETTER, PAPER_FIRST, POSTED, SECOND
from tests.laws.world import PROVEN_AT, Row, World, deliver, good_world, hand_in, uid

Spoil = Callable[[World], object]


def surfaced(world: World, reason: str = "outcome-unknown") -> None:
    """A letter of which a failure was told."""
    failed = {"letter_id": LETTER, "version": 1, "absence_id": ABSENCE, "reason": reason}
    world.tell(names.LETTER, uid("failed"), names.LETTER_FAILED, failed)


def undelivered(world: World) -> None:
    """The gateway took the letter over, and no status ever proved it."""
    del world.gateway["status_messages"][0]
    del world.log[names.LETTER][0]


def fate_of_nobody(world: World) -> None:
    stranger = {"letter_id": uid("nobody"), "version": 1, "absence_id": uid("a")}
    world.tell(names.LETTER, uid("stranger"), names.LETTER_FAILED, stranger)


def other_bytes(world: World) -> None:
    world.gateway["attempts"].append({**world.gateway["attempts"][0], "seq": 99, "body_sha256": uid("other")})


def swapped(world: World) -> None:
    """The statuses of two letters told of one another."""
    first, second = (one.value for one in world.log[names.LETTER])
    proofs = [json.loads(one or b"")["proof"] for one in (first, second)]
    for place, proof in enumerate(reversed(proofs)):
        world.retold(names.LETTER, place, proof=proof)


def called_failed(world: World) -> None:
    """The gateway took it over and told nothing."""
    undelivered(world)
    surfaced(world, "recipient.unknown")


def retold(**changes: Any) -> Spoil:
    return lambda world: world.retold(names.LETTER, 0, **changes)


LETTERS: dict[str, tuple[Spoil, str]] = {
    "lost": (undelivered, "neither delivered nor surfaced as failed"),
    "delivered twice": (lambda world: deliver(world, LETTER, ABSENCE, transmission="t2"), "delivered more than once"),
    "sent again under a new id": (
        lambda world: deliver(world, uid("random"), ABSENCE),
        "the same words to the same person under several ids",
    ),
    "sent unasked": (lambda world: deliver(world, uid("unasked"), uid("absence", 7)), "a letter that nobody asked for"),
    "other bytes": (other_bytes, "other bytes under the same id"),
    "never reached the notifier": (
        lambda world: world.table("notifier", "letter").pop(0),
        "an intent that has not reached the notifier",
    ),
    "delivered, and nobody told": (
        lambda world: world.log[names.LETTER].pop(0),
        "one dispatch is told of a delivered letter",
    ),
    "told without proof": (
        lambda world: world.gateway["status_messages"].pop(0),
        "one dispatch is told of a delivered letter",
    ),
    "another proof": (retold(proof={"transmission_id": uid("t"), "status_at": ""}), "a proof of another letter"),
    "another instant": (
        retold(dispatched_at="2026-03-28T23:00:00Z"),
        "dispatched at another instant than the gateway's",
    ),
    "another case": (retold(absence_id=uid("absence", 1)), "dispatched in another case"),
    "fate of nobody": (fate_of_nobody, "the fate of a letter that nobody asked for"),
    "under an id made at random": (
        lambda world: world.table("notifier", "letter")[0].update(gateway_id=uid("random")),
        "an id that does not follow from its letter",
    ),
    "under another letter's id": (
        lambda world: world.table("notifier", "letter")[1].update(gateway_id=LETTER),
        "sendings that share an id",
    ),
    "told by another channel": (retold(channel="paper"), "dispatched by another channel than the gateway's"),
    "matched by order": (swapped, "a proof of another letter"),
    "called failed": (called_failed, "told as failed, and the gateway never said so"),
    "a status forgotten": (
        lambda world: world.table("notifier", "letter_status").pop(0),
        "a status that was taken in and is not kept",
    ),
}


@pytest.mark.parametrize(("spoil", "rule"), LETTERS.values(), ids=LETTERS.keys())
def test_a_letter_lost_doubled_or_made_anew_is_found(spoil: Spoil, rule: str) -> None:
    world = good_world()
    spoil(world)
    assert rule in letters.check(world.evidence()).offences


def test_a_letter_that_surfaced_as_failed_is_no_offence() -> None:
    world = good_world()
    undelivered(world)
    surfaced(world)
    assert letters.check(world.evidence()).holds


def test_the_same_call_repeated_with_the_same_bytes_is_no_offence() -> None:
    world = good_world()
    world.gateway["attempts"].append(dict(world.gateway["attempts"][0]))
    assert letters.check(world.evidence()).holds


# channels --------------------------------------------------------------------------------------------------------------------


def ledger(world: World, table: str, **told: object) -> Row:
    """The row of the gateway's ledger that says that."""
    return next(one for one in world.gateway[table] if told.items() <= one.items())


def gone(world: World, table: str, **told: object) -> None:
    world.gateway[table].remove(ledger(world, table, **told))


def heard_late(world: World) -> None:
    """Paper was called for before anybody could know that Digital Post had failed."""
    besked_id = ledger(world, "status_messages", status_code=FAILED)["besked_id"]
    kept = next(one for one in world.table("notifier", "letter_status") if one["besked_id"] == besked_id)
    kept["heard_at"] = world.real_time


def refused_late(world: World) -> None:
    ledger(world, "attempts", outcome="refused")["seq"] = 99


def never_failed(world: World) -> None:
    """Overdue, and sent on paper: then the message is proven."""
    ledger(world, "status_messages", status_code=FAILED)["status_code"] = DELIVERED


def no_end_of_the_first(world: World) -> None:
    del world.table("notifier", "letter_past_sending")[0]


def again_on_paper(world: World) -> None:
    """The same page once more, under an id made anew."""
    hand_in(world, uid("random"), None)


def return_of_none(world: World) -> None:
    told = {"letter_id": LETTER, "version": 1, "absence_id": ABSENCE, "channel": "digital_post"}
    world.tell(names.LETTER, uid("returned"), names.LETTER_RETURNED, told)


def not_returned(world: World) -> None:
    del world.log[names.LETTER][-1]


def in_silence(world: World) -> None:
    del world.log[names.LETTER][0]


def told_twice(world: World) -> None:
    """The dispatch that stands last is told once more in the place of the first."""
    post.retell(world, names.LETTER, 0, names.LETTER_DISPATCHED, **json.loads(world.log[names.LETTER][-1].value or b""))


def nobody_decided(world: World) -> None:
    decided = next(one for one in world.table("notifier", "audit_entry") if one["action"] == "letter.sent_again")
    decided["actor"] = "service:notifier"


def told_all_the_same(world: World) -> None:
    """The refusal of a call for what was taken over is taken for its failure."""
    gone(world, "status_messages", message_uuid=LETTER)
    post.retell(world, names.LETTER, 0, names.LETTER_FAILED, reason="recipient.unknown")


CHANNELS: dict[str, tuple[Callable[[], World], Spoil, str]] = {
    "paper before the failure was heard": (
        post.fallen_back,
        heard_late,
        "sent again before it had definitively failed",
    ),
    "paper before the refusal": (post.refused, refused_late, "sent again before it had definitively failed"),
    "paper without failure": (post.fallen_back, never_failed, "sent again before it had definitively failed"),
    "by nobody's decision": (post.by_hand, nobody_decided, "sent again before it had definitively failed"),
    "taken over, and called failed for a later refusal": (
        post.refused_too_late,
        told_all_the_same,
        "told as failed, and the gateway never said so",
    ),
    "by both channels": (post.fallen_back, never_failed, "delivered more than once"),
    "the same channel again without failure": (post.once_more, never_failed, "delivered more than once"),
    "a first sending nobody knows of": (
        post.fallen_back,
        no_end_of_the_first,
        "sent again before it had definitively failed",
    ),
    "a message nobody knows of": (post.fallen_back, no_end_of_the_first, "a letter that nobody asked for"),
    "other bytes on paper": (
        post.fallen_back,
        lambda world: world.gateway["attempts"].append(
            {**ledger(world, "attempts", dispatch_id=SECOND), "seq": 99, "body_sha256": uid("other")}
        ),
        "other bytes under the same id",
    ),
    "the same page under a new id": (
        post.on_paper,
        again_on_paper,
        "a letter that nobody asked for",
    ),
    "taken over by the print house twice": (
        post.on_paper,
        lambda world: hand_in(world, PAPER_FIRST, None, transmission="t2"),
        "taken over more than once",
    ),
    "proven by what is no proof": (
        post.on_paper,
        lambda world: gone(world, "status_messages", status_code=POSTED),
        "one dispatch is told of a delivered letter",
    ),
    "paper told as Digital Post": (
        post.on_paper,
        retold(channel="digital_post"),
        "dispatched by another channel than the gateway's",
    ),
    "paper told in another case": (
        post.on_paper,
        retold(absence_id=uid("absence", 1)),
        "dispatched in another case",
    ),
    "a return nobody told": (post.brought_back, not_returned, "a return is told iff the gateway tells one"),
    "a return told of what nobody agreed on": (
        post.brought_back_unagreed,
        return_of_none,
        "a return is told iff the gateway tells one",
    ),
    "a return the gateway knows nothing of": (
        good_world,
        return_of_none,
        "a return is told iff the gateway tells one",
    ),
    "taken back, and nobody told": (
        post.delivered_after_failed,
        in_silence,
        "one dispatch is told of a delivered letter",
    ),
    "delivered, and told as failed": (
        post.delivered_after_failed,
        lambda world: gone(world, "status_messages", status_code=FAILED),
        "told as failed, and the gateway never said so",
    ),
    "one proof told twice, and the other never": (
        post.proven_by_both,
        told_twice,
        "one dispatch is told of a delivered letter",
    ),
    "both told of, and posted": (
        post.delivered_twice_by_its_own_word,
        in_silence,
        "one dispatch is told of a delivered letter",
    ),
}


@pytest.mark.parametrize(("way", "spoil", "rule"), CHANNELS.values(), ids=CHANNELS.keys())
def test_a_letter_on_the_wrong_channel_or_too_soon_is_found(way: Callable[[], World], spoil: Spoil, rule: str) -> None:
    world = way()
    assert letters.check(world.evidence()).holds
    spoil(world)
    assert rule in letters.check(world.evidence()).offences


def test_the_same_page_for_another_letter_about_the_same_is_an_offence_and_for_another_case_none() -> None:
    """Paper names no case: of which one it is, its letter says."""
    rule = "the same words to the same person under several ids"
    world = post.on_paper()
    other = world.table("notifier", "letter")[1]
    hand_in(world, uid("second"), None)
    other["gateway_id"] = uid("second")
    assert rule not in letters.check(world.evidence()).offences
    request = next(place for place, one in enumerate(world.log[names.LETTER_REQUEST]) if LETTER not in str(one.value))
    world.retold(names.LETTER_REQUEST, request, absence_id=ABSENCE)
    assert rule in letters.check(world.evidence()).offences


def test_the_verdict_counts_what_went_on_paper_and_what_came_back() -> None:
    assert letters.check(post.fallen_back().evidence()).counts.items() >= {
        ("on paper", 1),
        ("sent again after a failure", 1),
    }
    assert letters.check(post.brought_back().evidence()).counts["brought back"] == 1
    assert letters.check(post.failed_after_delivered().evidence()).counts["taken back by the gateway"] == 1


def forgotten(action: str) -> Spoil:
    def spoil(world: World) -> None:
        trail = world.table("notifier", "audit_entry")
        trail.remove(next(one for one in trail if one["action"] == action and one["object_id"] == f"{LETTER}/1"))

    return spoil


@pytest.mark.parametrize(
    ("way", "action"),
    [
        (post.on_paper, "letter.dispatched"),
        (post.fallen_back, "letter.sending_failed"),
        (post.brought_back, "letter.returned"),
        (post.failed, "letter.failed"),
        (post.failed_after_delivered, "status.contradiction"),
        (post.brought_back_unagreed, "status.unknown_code"),
    ],
)
def test_a_step_of_a_letter_without_entry_is_found(way: Callable[[], World], action: str) -> None:
    world = way()
    forgotten(action)(world)
    assert f"one entry {action} per change in notifier" in audit.check(world.evidence()).offences


# clocks ----------------------------------------------------------------------------------------------------------------------


def task(world: World) -> dict[str, Any]:
    return world.table("tasks", "task")[0]


DEADLINES: dict[str, tuple[Spoil, str]] = {
    "eight times 24 hours": (
        lambda world: task(world).update(deadline_at=datetime(2026, 4, 5, 23, tzinfo=UTC)),
        "a task's deadline ends at another instant",
    ),
    "the day in UTC": (
        lambda world: task(world).update(deadline_day=date(2026, 4, 6)),
        "a task's deadline is another day than the law's",
    ),
    "a letter's own deadline": (
        lambda world: world.table("tasks", "letter")[0].update(deadline_day=date(2026, 4, 4)),
        "a letter's deadline is another day than the law's",
    ),
    "no deadline though proven": (
        lambda world: task(world).update(day_zero=None, deadline_day=None, deadline_at=None),
        "a task's deadline is another day than the law's",
    ),
    "a deadline without proof": (
        undelivered,
        "a task's deadline ends at another instant",
    ),
    "dispatched without proof": (undelivered, "a letter dispatched iff proven"),
    "told otherwise": (
        lambda world: world.retold(names.TASK, 1, deadline_at="2026-04-05T23:00:00Z"),
        "another deadline is told than the law's",
    ),
    "not told": (lambda world: world.log[names.TASK].pop(1), "a deadline is told iff the clock runs"),
}


@pytest.mark.parametrize(("spoil", "rule"), DEADLINES.values(), ids=DEADLINES.keys())
def test_a_clock_that_runs_wrong_or_without_proof_is_found(spoil: Spoil, rule: str) -> None:
    world = good_world()
    spoil(world)
    assert rule in deadlines.check(world.evidence()).offences


def test_a_letter_that_printed_a_later_day_is_held_to_it() -> None:
    world = good_world()
    world.retold(names.LETTER_REQUEST, 0, planned_deadline_day="2026-04-09")
    assert "a task's deadline is another day than the law's" in deadlines.check(world.evidence()).offences


LATER_AT = "2026-03-30T08:00:00+00:00"
LATER = date(2026, 3, 30), date(2026, 4, 7), datetime(2026, 4, 7, 22, tzinfo=UTC)


def test_the_clock_runs_from_the_day_on_which_paper_is_posted() -> None:
    """After a fallback, the paper's day (T2)."""
    world = post.fallen_back()
    assert deadlines.check(world.evidence()).holds
    ledger(world, "status_messages", status_code=POSTED)["at"] = LATER_AT
    assert "a letter's deadline is another day than the law's" in deadlines.check(world.evidence()).offences
    post.to_another_day(world, *LATER)
    assert deadlines.check(world.evidence()).offences == {"another deadline is told than the law's": 2}


@pytest.mark.parametrize(("at", "holds"), [(PROVEN_AT, True), ("2026-03-20T08:00:00+00:00", True), (LATER_AT, False)])
def test_of_several_proofs_the_later_counts(at: str, holds: bool) -> None:
    world = post.delivered_twice_by_its_own_word(at)
    assert deadlines.check(world.evidence()).holds is holds


def test_what_was_delivered_after_it_failed_starts_its_clock_all_the_same() -> None:
    world = post.delivered_after_failed()
    assert deadlines.check(world.evidence()).holds
    post.surfaced(world, "recipient.unknown")
    offences = deadlines.check(world.evidence()).offences
    assert "a letter's deadline is another day than the law's" in offences
    assert "a letter dispatched iff proven" in offences


def test_what_paper_goes_through_before_it_is_posted_starts_no_clock() -> None:
    """Handed in, printed, under way: the clock would run while the letter lies in the print house."""
    world = post.on_paper()
    gone(world, "status_messages", status_code=POSTED)
    assert "a letter dispatched iff proven" in deadlines.check(world.evidence()).offences
