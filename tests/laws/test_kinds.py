"""L1, L2, L6, L8 and L12 on every kind of notification: what is lost, doubled, mixed up or applied in the wrong order is
found, by the rule it breaks."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from laws import audit, conservation, deadlines, effects, letters, links, names, order, senders
from tests.laws.kinds import AWAITED, BEHIND, COMMENT, CONSENT, FAST, JOINED, TOOK_OVER, WITHDRAWN
from tests.laws.world import NOW, World, deliver, uid, whole_world

Spoil = Callable[[World], object]


def own(absence: int, number: int) -> str:
    return uid("n", absence, number)


def event_of(world: World, topic: str, event_id: str) -> int:
    """Where an event stands in its topic."""
    wanted = event_id.encode()
    return next(place for place, one in enumerate(world.log[topic]) if dict(one.headers)["ce_id"] == wanted)


def told(absence: int, number: int, **changes: Any) -> Spoil:
    """Other words in the event of a notification."""
    return lambda world: world.retold(
        names.ABSENCE, event_of(world, names.ABSENCE, uid("event", own(absence, number))), **changes
    )


def untold(absence: int, number: int) -> Spoil:
    return lambda world: world.log[names.ABSENCE].pop(
        event_of(world, names.ABSENCE, uid("event", own(absence, number)))
    )


def row(world: World, service: str, table: str, absence: int) -> dict[str, Any]:
    return next(one for one in world.table(service, table) if one["absence_id"] == uid("absence", absence))


def kept(service: str, absence: int, **changes: Any) -> Spoil:
    return lambda world: row(world, service, "absence", absence).update(changes)


def fate(absence: int, number: int, **changes: Any) -> Spoil:
    def spoil(world: World) -> None:
        found = [one for one in world.table("intake", "inbox_record") if one["message_id"] == own(absence, number)]
        found[0].update(changes)

    return spoil


def waits(absence: int, number: int) -> Spoil:
    waiting = {"notification_id": own(absence, number), "absence_id": uid("absence", absence), "refused": None}
    return lambda world: world.table("intake", "waiting").append(waiting)


def repeat_kept(absence: int, number: int) -> Spoil:
    kept = {"notification_id": own(absence, number), "absence_id": uid("absence", absence), "refused": None}
    return lambda world: world.table("intake", "waiting").append({**kept, "repeat_key": b"the same"})


def receipt_of(absence: int, number: int, **changes: Any) -> Spoil:
    """Another answer to a notification."""

    def spoil(world: World) -> None:
        wanted = own(absence, number).encode()
        places = [place for place, one in enumerate(world.log[names.RECEIPT]) if wanted in (one.value or b"")]
        world.retold(names.RECEIPT, places[0], **changes)

    return spoil


def nothing_waits(world: World) -> None:
    world.table("intake", "waiting").clear()


def last_dead_letter(**changes: Any) -> Spoil:
    def spoil(world: World) -> None:
        topic = names.dead_letters("intake", names.NOTIFICATION)
        world.retold(topic, len(world.log[topic]) - 1, **changes)

    return spoil


def reason(code: str) -> list[dict[str, str]]:
    return [{"field": "absence_reference", "code": code}]


def task(absence: int, place: int, kind: str) -> str:
    return uid("task", f"{absence}:{place}", kind)


def task_row(absence: int, place: int, kind: str, **changes: Any) -> Spoil:
    def spoil(world: World) -> None:
        wanted = task(absence, place, kind)
        next(one for one in world.table("tasks", "task") if one["task_id"] == wanted).update(changes)

    return spoil


def not_closed(absence: int, place: int, kind: str) -> Spoil:
    closed = uid("closed", task(absence, place, kind))
    return lambda world: world.log[names.TASK].pop(event_of(world, names.TASK, closed))


def closed_for(code: str) -> Spoil:
    closed = uid("closed", task(FAST, 2, CONSENT))
    return lambda world: world.retold(names.TASK, event_of(world, names.TASK, closed), reason=code)


def no_letter(absence: int, place: int) -> Spoil:
    requested = uid("requested", f"{absence}:{place}")
    return lambda world: world.log[names.LETTER_REQUEST].pop(event_of(world, names.LETTER_REQUEST, requested))


def swapped(world: World) -> None:
    """The two last letter requests of an absence in the wrong order."""
    log = world.log[names.LETTER_REQUEST]
    first, second = (event_of(world, names.LETTER_REQUEST, uid("requested", f"{JOINED}:{place}")) for place in (2, 3))
    log[first], log[second] = log[second], log[first]


def resaid(absence: int, number: int, **changes: Any) -> Spoil:
    """The reporter said something else: what everybody holds no longer follows from it."""

    def spoil(world: World) -> None:
        log = world.log[names.NOTIFICATION]
        for place, one in enumerate(log):
            document = json.loads(one.value or b"null") if one.value and one.value.endswith(b"}") else {}
            if document.get("notification_id") == own(absence, number):
                value = json.dumps({**document, **changes}).encode()
                record = type(one)(topic=one.topic, partition=0, offset=one.offset, key=None, value=value, headers=())
                log[place] = record
                found = world.table("intake", "inbox_record")
                next(each for each in found if each["offset"] == one.offset and each["topic"] == one.topic).update(
                    fingerprint=record.fingerprint
                )

    return spoil


CONSERVATION: dict[str, tuple[Spoil, str]] = {
    "joined, and not told": (untold(JOINED, 1), "parked, and lost"),
    "told, and still waiting": (waits(JOINED, 1), "parked, and ended in several ways"),
    "neither waiting nor buried": (nothing_waits, "parked, and lost"),
    "buried and joined": (waits(FAST, 3), "parked, and ended in several ways"),
    "waits unparked": (waits(FAST, 9), "something waits that was not parked"),
    "accepted, and told that it waits": (fate(JOINED, 1, fate="accepted"), "fate and receipt differ"),
    "parked, and told accepted": (fate(JOINED, 4, fate="parked"), "fate and receipt differ"),
    "a report that waits": (fate(JOINED, 3, fate="parked"), "parked, though nothing is to be waited for"),
    "overlooked when its report came": (
        lambda world: (untold(JOINED, 2)(world), waits(JOINED, 2)(world)),
        "still waits, though its absence is there",
    ),
    "overlooked when all was withdrawn": (
        lambda world: (
            world.log[names.dead_letters("intake", names.NOTIFICATION)].pop(),
            waits(FAST, 3)(world),
        ),
        "still waits, though its absence is there",
    ),
    "buried for a made-up reason": (last_dead_letter(reasons=reason("too-large")), "buried for no reason that there is"),
    "buried as another's": (last_dead_letter(reasons=reason("not-yours")), "buried as another's, and is not"),
    "buried as withdrawn": (
        fate(FAST, 4, fate="rejected", reason="conflict"),
        "buried as withdrawn, and nothing was",
    ),
    "buried as never joined": (
        lambda world: (last_dead_letter(reasons=reason("never-joined"))(world), resaid(FAST, 1, kind=names.REPORT)(world)),
        "buried as never joined, though the report came",
    ),
    "kept behind another, and told": (repeat_kept(TOOK_OVER, 1), "a report is kept that took effect"),
    "kept behind another, and accepted": (
        repeat_kept(JOINED, 3),
        "a report is kept that was not answered as a duplicate",
    ),
    "a repeat answered with what its original was before it took effect": (
        receipt_of(BEHIND, 1, absence_id=uid("absence", WITHDRAWN)),
        "a duplicate with a receipt of its own",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("spoil", "rule"), CONSERVATION.values(), ids=CONSERVATION.keys())
def test_a_notification_that_waits_and_is_lost_or_ends_twice_is_found(spoil: Spoil, rule: str) -> None:
    world = whole_world()
    spoil(world)
    assert rule in conservation.check(world.evidence()).offences


def repeats_another(world: World) -> None:
    """Two that waited said the same: the second is no event of its own."""
    nothing_waits(world)
    world.table("intake", "notification")[-1].update(original_id=uid("first"))


@pytest.mark.parametrize("days_later", [0, 59, 60])
def test_a_report_put_aside_for_one_that_is_withdrawn_is_found_unless_it_was_let_go(days_later: int) -> None:
    world = whole_world()
    untold(TOOK_OVER, 1)(world)
    answered = NOW - timedelta(days=days_later)
    for absence in (TOOK_OVER, BEHIND):
        receipt_of(absence, 1, received_at=answered.isoformat())(world)
    receipt_of(WITHDRAWN, 2, received_at=NOW.isoformat())(world)
    offences = effects.check(world.evidence()).offences
    assert offences.get("put aside for a report that is gone", 0) == (2 if days_later < 60 else 0)


def test_a_report_of_other_days_is_no_reason_to_put_one_aside() -> None:
    world = whole_world()
    resaid(TOOK_OVER, 1, first_absence_day="2026-03-03")(world)
    assert "put aside for a report that is gone" in effects.check(world.evidence()).offences


def test_duplicates_that_took_effect_and_those_put_aside_are_counted() -> None:
    evidence = whole_world().evidence()
    assert conservation.check(evidence).counts["duplicates that took effect later"] == 1
    assert effects.check(evidence).counts["reports put aside for another"] == 1


def test_what_waited_and_repeats_another_has_ended() -> None:
    world = whole_world()
    repeats_another(world)
    assert conservation.check(world.evidence()).offences == {}


def test_parked_ones_are_counted_by_how_they_ended() -> None:
    counts = conservation.check(whole_world().evidence()).counts
    assert {name: counts[name] for name in ("parked", "joined", "dead-lettered", "still waiting")} == {
        "parked": 4,
        "joined": 2,
        "dead-lettered": 1,
        "still waiting": 1,
    }


EFFECTS: dict[str, tuple[Spoil, str]] = {
    "an amendment without event": (untold(JOINED, 5), "one event per notification that took effect"),
    "an event of another kind": (resaid(JOINED, 5, kind=names.RECOVERY), "an event of another kind"),
    "an event of what was rejected": (
        fate(JOINED, 5, fate="rejected", reason="conflict"),
        "an event of nothing that took effect",
    ),
    "opened by nothing": (
        fate(JOINED, 3, fate="rejected", reason="conflict"),
        "an absence without report and fast-track request",
    ),
    "two reports": (resaid(JOINED, 5, kind=names.REPORT), "two reports opened one absence"),
    "an awaited one is known": (
        kept("intake", AWAITED, state="preliminary"),
        "an absence iff a report or a fast-track request came",
    ),
    "a known one is awaited": (
        kept("intake", FAST, state="awaited"),
        "an absence iff a report or a fast-track request came",
    ),
    "two absences under one id": (
        lambda world: world.retold(names.RECEIPT, len(world.log[names.RECEIPT]) - 1, absence_id=uid("absence", FAST)),
        "two absences with one id",
    ),
    "no second comment after an amendment": (no_letter(JOINED, 3), "one letter request where there are tasks"),
    "letters in the wrong order": (swapped, "a letter that names other tasks"),
    "an older comment still open": (task_row(JOINED, 1, COMMENT, state="open"), "a task is open, or closed, and is not to be"),
    "a comment on a refund closed": (
        task_row(JOINED, 2, COMMENT, state="superseded"),
        "a task is open, or closed, and is not to be",
    ),
    "withdrawn, and a task is open": (task_row(FAST, 2, CONSENT, state="open"), "a task is open, or closed, and is not to be"),
    "closed in silence": (not_closed(FAST, 2, CONSENT), "the end of a task is told once"),
    "closed for another reason": (closed_for("superseded"), "a task is told closed for another reason"),
    "a form that nobody asked for": (
        lambda world: world.table("tasks", "task").append(
            {**row(world, "tasks", "task", FAST), "task_id": uid("more"), "kind": "information_form"}
        ),
        "tasks other than the table demands",
    ),
    "no request though pay stopped": (
        resaid(JOINED, 4, final={"absence_continues": False}),
        "tasks other than the table demands",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("spoil", "rule"), EFFECTS.values(), ids=EFFECTS.keys())
def test_an_effect_of_any_kind_missing_or_wrong_is_found(spoil: Spoil, rule: str) -> None:
    world = whole_world()
    spoil(world)
    assert rule in effects.check(world.evidence()).offences


def in_another_partition(world: World) -> None:
    place = event_of(world, names.ABSENCE, uid("event", own(JOINED, 6)))
    old = world.log[names.ABSENCE][place]
    world.log[names.ABSENCE][place] = type(old)(
        topic=old.topic, partition=1, offset=0, key=old.key, value=old.value, headers=old.headers
    )


def after_the_withdrawal(world: World) -> None:
    first = event_of(world, names.ABSENCE, uid("event", own(FAST, 2)))
    log = world.log[names.ABSENCE]
    log[first], log[first + 1] = log[first + 1], log[first]


ORDER: dict[str, tuple[Spoil, str]] = {
    "a hole in the versions": (told(JOINED, 6, version=7), "versions are 1, 2, 3 … in log order"),
    "a version twice": (told(JOINED, 6, version=5), "versions are 1, 2, 3 … in log order"),
    "in two partitions": (in_another_partition, "events of one absence in several partitions"),
    "after the withdrawal": (after_the_withdrawal, "something took effect after the withdrawal"),
    "a late one overwrites": (
        told(JOINED, 6, is_current=True),
        "events end in another first_absence_day than the set of notifications",
    ),
    "a late one says that it counts": (told(JOINED, 6, is_current=True), "a late older message says that it counts"),
    "the newest does not count": (told(JOINED, 5, is_current=False), "the newest message says that it does not count"),
    "another recovery": (
        told(JOINED, 1, last_absence_day="2026-03-18"),
        "events end in another recovered_day than the set of notifications",
    ),
    "another refund": (
        told(JOINED, 4, last_day="2026-03-18"),
        "events end in another refunds than the set of notifications",
    ),
    "another pay": (
        told(JOINED, 5, pay={"kind": "nothing", "until": None}),
        "events end in another pay than the set of notifications",
    ),
    "another municipality": (
        told(FAST, 2, municipality_code="0101"),
        "events end in another municipality_code than the set of notifications",
    ),
    "an older fast track wins": (
        told(FAST, 2, is_current=False),
        "events end in another fast_track than the set of notifications",
    ),
    "not withdrawn": (untold(FAST, 4), "events end in another is_withdrawn than the set of notifications"),
    "says unchanged": (told(JOINED, 5, is_changed=False), "an amendment says truly what it changes"),
    "says changed, though the report told it": (told(JOINED, 2, is_changed=True), "an amendment says truly what it changes"),
    "says withdrawn": (told(JOINED, 3, is_withdrawn=True), "a report says withdrawn iff the withdrawal came first"),
    "not preliminary": (told(FAST, 1, is_preliminary=False), "preliminary iff not reported yet"),
    "intake keeps the first told": (kept("intake", JOINED, told_id=own(JOINED, 3)), "intake keeps another told_id"),
    "intake keeps another day": (kept("intake", JOINED, recovered_day=None), "intake keeps another recovered_day"),
    "intake has forgotten the withdrawal": (kept("intake", FAST, state="preliminary"), "intake keeps another state"),
    "intake keeps another version": (kept("intake", FAST, version=2), "intake keeps another version"),
    "intake has lost a refund": (
        lambda world: world.table("intake", "refund").clear(),
        "intake keeps other refunds than were asked for",
    ),
    "tasks is behind": (kept("tasks", JOINED, version=5), "tasks keeps another version"),
    "tasks keeps an older day": (kept("tasks", FAST, first_absence_day=None), "tasks keeps another first_absence_day"),
    "tasks missed the recovery": (kept("tasks", JOINED, recovered_day=None), "tasks keeps another recovered_day"),
    "tasks keeps another last day": (kept("tasks", JOINED, last_absence_day=NOW), "tasks keeps another last_absence_day"),
    "tasks missed the withdrawal": (kept("tasks", FAST, state="preliminary"), "tasks keeps another state"),
    "tasks keeps another kind": (kept("tasks", JOINED, citizen_kind="unemployed"), "tasks keeps another citizen_kind"),
    "tasks keeps other pay": (kept("tasks", JOINED, pay_kind="nothing"), "tasks keeps another pay_kind"),
    "tasks keeps pay longer": (kept("tasks", JOINED, pay_until=NOW), "tasks keeps another pay_until"),
    "tasks keeps another municipality": (
        kept("tasks", JOINED, municipality_code="0101"),
        "tasks keeps another municipality_code",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("spoil", "rule"), ORDER.values(), ids=ORDER.keys())
def test_an_order_that_matters_is_found(spoil: Spoil, rule: str) -> None:
    world = whole_world()
    spoil(world)
    assert rule in order.check(world.evidence()).offences


def test_what_arrived_out_of_order_is_counted() -> None:
    counts = order.check(whole_world().evidence()).counts
    assert (counts["arrived out of order"], counts["withdrawn"]) == (1, 2)


def test_a_letter_made_anew_is_found_where_the_table_demands_two_of_another_kind() -> None:
    world = whole_world()
    deliver(world, uid("random"), uid("absence", JOINED), words=(3, COMMENT))
    assert "the same words to the same person under several ids" in letters.check(world.evidence()).offences


def test_a_closed_task_shares_the_clock_of_its_letter() -> None:
    world = whole_world()
    task_row(FAST, 2, CONSENT, day_zero=None, deadline_day=None, deadline_at=None)(world)
    assert "a task's deadline is another day than the law's" in deadlines.check(world.evidence()).offences


def test_an_effect_without_its_audit_entry_is_found() -> None:
    world = whole_world()
    entries = world.table("intake", "audit_entry")
    entries.remove(next(entry for entry in entries if entry["action"] == "absence.withdrawn"))
    assert "one entry absence.withdrawn per change in intake" in audit.check(world.evidence()).offences


def test_an_event_worked_by_tasks_without_an_audit_entry_is_found() -> None:
    world = whole_world()
    entries = world.table("tasks", "audit_entry")
    entries.remove(next(entry for entry in entries if entry["action"] == "absence.changed"))
    assert "one entry about an absence per event that tasks worked" in audit.check(world.evidence()).offences


def test_a_closed_task_without_an_audit_entry_is_found() -> None:
    world = whole_world()
    entries = world.table("tasks", "audit_entry")
    entries.remove(next(entry for entry in entries if entry["action"] == "task.closed"))
    assert "one entry task.closed per change in tasks" in audit.check(world.evidence()).offences


def test_an_event_that_waited_at_its_reader_took_effect_once_and_may_not_wait_at_rest() -> None:
    world = whole_world()
    world.table("tasks", "inbox_record")[0].update(fate="parked")
    assert links.check(world.evidence()).holds
    world.table("tasks", "waiting").append({"event_id": uid("event")})
    assert links.check(world.evidence()).offences == {"an event that still waits at rest": 1}


def expected(world: World, absence: int, number: int) -> dict[str, Any]:
    """What the sender expected of a notification."""
    return next(line for line in world.sent if line.get("notification_id") == own(absence, number))


def test_what_was_parked_was_taken_in() -> None:
    assert senders.check(whole_world().evidence()).holds


def test_where_the_order_decides_both_ends_are_right_but_not_for_every_reason() -> None:
    world = whole_world()
    expected(world, JOINED, 5).update(expected="either", codes=["withdrawn"])
    assert senders.check(world.evidence()).holds
    fate(JOINED, 5, fate="rejected", reason="withdrawn")(world)
    receipts = world.log[names.RECEIPT]
    place = next(
        place for place, one in enumerate(receipts) if json.loads(one.value or b"")["notification_id"] == own(JOINED, 5)
    )
    world.retold(names.RECEIPT, place, reasons=reason("withdrawn"))
    assert senders.check(world.evidence()).holds
    world.retold(names.RECEIPT, place, reasons=reason("conflict"))
    assert senders.check(world.evidence()).offences == {"rejected for another reason than it deserved": 1}
