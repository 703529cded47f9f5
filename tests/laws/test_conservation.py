"""L1: a notification, an effect or an event between us that is lost or doubled is found, by the rule it breaks."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from laws import conservation, effects, events, links, names, senders
from tests.laws.world import DLQ, World, good_world, record, uid

Spoil = Callable[[World], object]


def inbox(world: World, offset: int) -> dict[str, object]:
    """The fate of a notification."""
    return world.table("intake", "inbox_record")[offset]


def doubled(topic: str, place: int) -> Spoil:
    """The same event under another id: something happened twice."""

    def spoil(world: World) -> None:
        old = world.log[topic][place]
        headers = tuple((name, b"another" if name == "ce_id" else value) for name, value in old.headers)
        world.log[topic].append(replace(old, offset=len(world.log[topic]), headers=headers))

    return spoil


def lost(topic: str, place: int) -> Spoil:
    return lambda world: world.log[topic].pop(place)


def without(service: str, table: str, place: int = 0) -> Spoil:
    return lambda world: world.table(service, table).pop(place)


def twice(service: str, table: str, place: int = 0) -> Spoil:
    return lambda world: world.table(service, table).append(dict(world.table(service, table)[place]))


def settled_as(offset: int, **changes: object) -> Spoil:
    return lambda world: inbox(world, offset).update(changes)


CONSERVATION: dict[str, tuple[Spoil, str]] = {
    "lost": (without("intake", "inbox_record", 2), "a notification without a fate"),
    "settled twice": (twice("intake", "inbox_record"), "two fates"),
    "no end": (settled_as(1, fate="passed"), "a fate that is no end"),
    "made up": (
        lambda world: world.settle("intake", record(names.NOTIFICATION, 3, 7), "accepted", uid("x")),
        "a fate without a notification",
    ),
    "no receipt": (lost(names.RECEIPT, 1), "a notification without a receipt"),
    "two receipts": (doubled(names.RECEIPT, 0), "two receipts"),
    "receipt of nothing": (
        lambda world: world.retold(names.RECEIPT, 1, position={"topic": names.NOTIFICATION, "partition": 5, "offset": 9}),
        "a receipt for nothing",
    ),
    "another outcome": (lambda world: world.retold(names.RECEIPT, 0, outcome="rejected"), "fate and receipt differ"),
    "a duplicate's own receipt": (
        lambda world: world.retold(names.RECEIPT, 3, receipt_id=uid("new")),
        "a duplicate with a receipt of its own",
    ),
    "a duplicate of nothing": (settled_as(3, message_id=uid("who")), "a duplicate of nothing that was taken in"),
    "a duplicate that differs": (settled_as(3, message_id=uid("notification", 1)), "a duplicate that says something else"),
    "effect twice": (settled_as(3, fate="accepted"), "taken in twice"),
    "rejected in silence": (lost(DLQ, 0), "a dead letter iff rejected"),
    "buried twice": (doubled(DLQ, 0), "two dead letters"),
    "buried, and not rejected": (settled_as(4, fate="accepted", reason=None), "a dead letter iff rejected"),
    "no reasons": (lambda world: world.retold(names.RECEIPT, 4, reasons=[]), "reasons where there are none to be, or none"),
    "other reasons": (
        lambda world: world.retold(DLQ, 0, reasons=[{"field": "", "code": "too-large"}]),
        "dead letter and receipt tell different reasons",
    ),
    "original lost": (lambda world: world.retold(DLQ, 0, original=None), "a dead letter without its original"),
}  # fmt: skip


@pytest.mark.parametrize(("spoil", "rule"), CONSERVATION.values(), ids=CONSERVATION.keys())
def test_a_notification_lost_or_doubled_is_found(spoil: Spoil, rule: str) -> None:
    world = good_world()
    spoil(world)
    assert rule in conservation.check(world.evidence()).offences


EFFECTS: dict[str, tuple[Spoil, str]] = {
    "no absence": (without("intake", "absence"), "intake keeps an absence once"),
    "absence twice": (twice("intake", "absence"), "intake keeps an absence once"),
    "absence of nobody": (
        lambda world: world.table("intake", "absence").append({"absence_id": uid("a"), "state": "reported"}),
        "an absence nobody reported",
    ),
    "not announced": (lost(names.ABSENCE, 0), "one event per notification that took effect"),
    "announced twice": (doubled(names.ABSENCE, 0), "one event per notification that took effect"),
    "never reached tasks": (without("tasks", "absence"), "the absence has reached tasks once"),
    "a task too few": (without("tasks", "task"), "tasks other than the table demands"),
    "a task too many": (twice("tasks", "task"), "tasks other than the table demands"),
    "out of order": (
        lambda world: world.table("tasks", "task")[0].update(order_in_letter=9),
        "tasks out of order",
    ),
    "a task not told": (lost(names.TASK, 0), "each task is told once"),
    "no letter request": (lost(names.LETTER_REQUEST, 0), "one letter request where there are tasks"),
    "two letter requests": (doubled(names.LETTER_REQUEST, 0), "one letter request where there are tasks"),
    "two letters": (twice("tasks", "letter"), "one letter kept where there are tasks"),
    "a letter about other tasks": (
        lambda world: world.retold(names.LETTER_REQUEST, 0, tasks=[]),
        "a letter that names other tasks",
    ),
    "a letter made anew": (
        lambda world: world.retold(names.LETTER_REQUEST, 0, letter_id=uid("random")),
        "a letter asked for under another id",
    ),
    "a letter without tasks": (
        lambda world: world.table("tasks", "letter").append({"letter_id": uid("l"), "absence_id": uid("absence", 2)}),
        "one letter kept where there are tasks",
    ),
    "tasks of nobody": (
        lambda world: world.table("tasks", "task").append({"absence_id": uid("nobody"), "order_in_letter": 1}),
        "tasks of an absence nobody reported",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("spoil", "rule"), EFFECTS.values(), ids=EFFECTS.keys())
def test_an_effect_missing_or_doubled_is_found(spoil: Spoil, rule: str) -> None:
    world = good_world()
    spoil(world)
    assert rule in effects.check(world.evidence()).offences


def refused_by_tasks(world: World) -> None:
    dead = names.dead_letters("tasks", names.ABSENCE)
    world.tell(dead, uid("dead"), "dk.mitsygefravaer.dead_letter.v1", {})


LINKS: dict[str, tuple[Spoil, str]] = {
    "skipped": (without("tasks", "inbox_record"), "a record without a fate"),
    "settled twice": (twice("tasks", "inbox_record"), "two fates"),
    "refused": (
        lambda world: world.table("notifier", "inbox_record")[0].update(fate="rejected"),
        "a record that was not taken in",
    ),
    "dead": (refused_by_tasks, "an event of ours that another of ours refused"),
    "no effect": (
        lambda world: world.table("tasks", "inbox_record")[0].update(fate="duplicate"),
        "an event takes effect once",
    ),
    "another id": (
        lambda world: world.table("tasks", "inbox_record")[0].update(message_id=uid("z")),
        "settled under another id",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("spoil", "rule"), LINKS.values(), ids=LINKS.keys())
def test_an_event_lost_between_two_services_is_found(spoil: Spoil, rule: str) -> None:
    world = good_world()
    spoil(world)
    assert rule in links.check(world.evidence()).offences


def test_an_event_that_takes_effect_again_when_redelivered_is_found() -> None:
    world = good_world()
    again = replace(world.log[names.ABSENCE][0], offset=len(world.log[names.ABSENCE]))
    world.log[names.ABSENCE].append(again)
    world.settle("tasks", again, "accepted", uid("reported", 0))
    world.settle("uploads", again, "duplicate", uid("reported", 0))
    assert links.check(world.evidence()).offences == {"an event takes effect once": 1}


def test_a_redelivery_that_is_a_duplicate_is_no_offence() -> None:
    world = good_world()
    again = replace(world.log[names.ABSENCE][0], offset=len(world.log[names.ABSENCE]))
    world.log[names.ABSENCE].append(again)
    world.settle("tasks", again, "duplicate", uid("reported", 0))
    world.settle("uploads", again, "duplicate", uid("reported", 0))
    assert links.check(world.evidence()).holds
    assert events.check(world.evidence()).holds
    assert effects.check(world.evidence()).holds


def test_one_event_id_with_two_contents_is_found() -> None:
    world = good_world()
    world.log[names.TASK].append(replace(world.log[names.TASK][0], offset=99, value=b"{}"))
    assert "one event id, two contents" in events.check(world.evidence()).offences


def test_a_record_of_ours_that_is_no_event_is_found() -> None:
    world = good_world()
    world.log[names.TASK].append(record(names.TASK, 0, 99, value=b"not an event"))
    assert "a record of ours is no event" in events.check(world.evidence()).offences


def end(world: World, sequence: int) -> dict[str, object]:
    """How the attempt at a record of the sender's ended."""
    return world.sent[2 * sequence + 1]


SENT: dict[str, tuple[Spoil, str]] = {
    "lost in the log": (lost(names.NOTIFICATION, 4), "acknowledged, and not in the log"),
    "changed in the log": (
        lambda world: world.log[names.NOTIFICATION].__setitem__(0, record(names.NOTIFICATION, 0, 0, value=b"{}")),
        "acknowledged, and not in the log",
    ),
    "sent by nobody": (
        lambda world: world.log[names.NOTIFICATION].append(record(names.NOTIFICATION, 0, 5, value=b"{}")),
        "in the log, though nobody can have sent it",
    ),
    "failed, and there": (lambda world: end(world, 1).update(type="fail"), "in the log, though nobody can have sent it"),
    "good, and rejected": (settled_as(1, fate="rejected", reason="bad-cpr"), "deserved to be taken in"),
    "good, and only a duplicate": (settled_as(1, fate="duplicate"), "deserved to be accepted once"),
    "bad, and accepted": (settled_as(4, fate="accepted"), "deserved rejection"),
    "rejected for something else": (
        lambda world: world.retold(names.RECEIPT, 4, reasons=[{"field": "", "code": "empty"}]),
        "rejected for another reason than it deserved",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("spoil", "rule"), SENT.values(), ids=SENT.keys())
def test_what_the_sender_knows_better_is_found(spoil: Spoil, rule: str) -> None:
    world = good_world()
    spoil(world)
    assert rule in senders.check(world.evidence()).offences


def test_an_attempt_of_unknown_outcome_may_be_there_or_not() -> None:
    world = good_world()
    again = {**world.sent[0], "attempt": 2}
    world.sent += [again, {"type": "info", "sequence": 0, "attempt": 2}]
    assert senders.check(world.evidence()).holds
