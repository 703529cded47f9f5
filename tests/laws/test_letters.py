"""L2 and L8: a letter lost, doubled or made anew, and a clock that runs wrong or without proof, are found."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest

from laws import deadlines, letters, names
from tests.laws.world import World, deliver, good_world, uid

Spoil = Callable[[World], object]

LETTER, ABSENCE = uid("letter", 0), uid("absence", 0)


def surfaced(world: World) -> None:
    """A letter of which a failure was told."""
    failed = {"letter_id": LETTER, "version": 1, "absence_id": ABSENCE, "reason": "outcome-unknown"}
    world.tell(names.LETTER, uid("failed"), names.LETTER_FAILED, failed)


def undelivered(world: World) -> None:
    """The gateway took the letter over, and no status ever proved it."""
    del world.gateway["status_messages"][0]
    del world.log[names.LETTER][0]


def fate_of_nobody(world: World) -> None:
    stranger = {"letter_id": uid("nobody"), "version": 1, "absence_id": uid("a")}
    world.tell(names.LETTER, uid("stranger"), names.LETTER_FAILED, stranger)


def other_bytes(world: World) -> None:
    world.gateway["attempts"].append({"message_uuid": LETTER, "body_sha256": uid("other")})


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
    "other bytes": (other_bytes, "other bytes under the same message id"),
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
