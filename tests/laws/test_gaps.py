"""F057 to F059: offsets set to the wrong place, and a topic that was deleted and made anew, are seen."""

from dataclasses import replace
from hashlib import sha256

from laws import conservation, effects, gaps, links, names, order, senders
from laws.evidence import LogRecord
from laws.judging import after
from laws.verdict import Findings
from tests.laws.world import World, good_world, uid, whole_world

INPUT = names.NOTIFICATION, "intake"


def unsettled(world: World, *offsets: int) -> None:
    rows = world.table("intake", "inbox_record")
    rows[:] = [row for row in rows if row["topic"] != names.NOTIFICATION or row["offset"] not in offsets]


def test_records_that_a_group_has_gone_past_are_found_as_holes() -> None:
    world = whole_world()
    unsettled(world, 2, 3, 7)
    verdict = gaps.check(world.evidence())
    assert verdict.offences == {gaps.PASSED_OVER: 2}
    assert verdict.examples[gaps.PASSED_OVER] == (
        "intake nemrefusion.notification.v1:0:2 to 3",
        "intake nemrefusion.notification.v1:0:7 to 7",
    )


def test_records_that_a_group_has_not_come_to_are_no_hole() -> None:
    world = whole_world()
    unsettled(world, 12, 13)
    world.committed = {**world.all_committed(), INPUT: {0: 12}}
    assert gaps.check(world.evidence()).holds


def test_a_hole_between_two_of_our_services_is_found() -> None:
    world = whole_world()
    rows = world.table("tasks", "inbox_record")
    rows.remove(next(row for row in rows if row["topic"] == names.ABSENCE))
    assert gaps.check(world.evidence()).offences == {gaps.PASSED_OVER: 1}


def made_anew(*, lags: bool = False) -> World:
    """The input topic is deleted and made anew, and all five come again at the same places, at another time."""
    world = good_world()
    former = list(world.log[names.NOTIFICATION])
    again = [replace(one, timestamp_ms=1_000) for one in former]
    world.log = dict(after({names.NOTIFICATION: former}, {**world.log, names.NOTIFICATION: again}))  # type: ignore[arg-type]
    for one in world.log[names.NOTIFICATION][len(former) :]:
        if not (lags and one.offset == 1):
            _again(world, one)
    return world


def _again(world: World, one: LogRecord) -> None:
    """What was accepted is a duplicate now, what was rejected is rejected again."""
    row = next(row for row in world.table("intake", "inbox_record") if row["offset"] == one.offset)
    is_bad = row["fate"] == "rejected"
    world.settle("intake", one, "rejected" if is_bad else "duplicate", row["message_id"], row["reason"])
    topics = (names.RECEIPT, names.dead_letters("intake", names.NOTIFICATION)) if is_bad else (names.RECEIPT,)
    for topic in topics:
        place = next(
            place
            for place, told in enumerate(world.log[topic])
            if f'"offset": {one.offset}}}'.encode() in (told.value or b"")
        )
        told = world.log[topic][place]
        headers = tuple(
            (name, uid("again", one.offset, topic).encode() if name == "ce_id" else value)
            for name, value in told.headers
        )
        world.log[topic].append(replace(told, offset=len(world.log[topic]), timestamp_ms=2_000, headers=headers))
        outcome = {} if is_bad else {"outcome": "duplicate"}
        world.retold(topic, len(world.log[topic]) - 1, **outcome)


def test_a_topic_made_anew_has_other_records_at_the_same_places() -> None:
    world = made_anew()
    for law in (conservation, effects, order, links, gaps, senders):
        assert law.check(world.evidence()).offences == {}, law


def test_a_record_that_the_old_position_hides_is_found() -> None:
    """The topic grew past the group's old position before anybody looked."""
    world = made_anew(lags=True)
    assert gaps.check(world.evidence()).offences == {gaps.PASSED_OVER: 1}
    assert "a notification without a fate" in conservation.check(world.evidence()).offences


def test_a_group_beyond_the_end_of_a_topic_made_anew_is_found() -> None:
    world = made_anew()
    world.committed = {**world.all_committed(), INPUT: {0: 9}}
    assert gaps.check(world.evidence()).offences == {"a group beyond the end of its topic": 1}


def test_what_takes_effect_again_when_its_topic_is_made_anew_is_found() -> None:
    world = made_anew()
    world.table("intake", "inbox_record")[-4].update(fate="accepted")
    assert "taken in twice" in conservation.check(world.evidence()).offences


def test_what_is_bad_at_one_place_before_and_after_is_judged_by_its_own_receipt() -> None:
    world = made_anew()
    records, receipts = world.log[names.NOTIFICATION], len(world.log[names.RECEIPT])
    records[-1] = replace(records[-1], value=b"")
    world.table("intake", "inbox_record")[-1].update(fingerprint=records[-1].fingerprint, reason="empty")
    invoke = {"type": "invoke", "sequence": 9, "attempt": 1, "sha256": sha256(b"").hexdigest(), "expected": "rejected"}
    world.sent.append({**invoke, "codes": ["empty"], "notification_id": None})
    for topic in (names.RECEIPT, names.dead_letters("intake", names.NOTIFICATION)):
        world.retold(topic, len(world.log[topic]) - 1, reasons=[{"field": "", "code": "empty"}])
    for law in (conservation, senders):
        assert law.check(world.evidence()).offences == {}, law

    world.retold(names.RECEIPT, receipts - 1, reasons=[{"field": "", "code": "not-json"}])
    assert senders.check(world.evidence()).offences == {"rejected for another reason than it deserved": 1}


def test_a_receipt_that_came_before_a_record_was_written_is_none_of_its() -> None:
    """Of an unreadable notification the receipt names no id, though the laws' reader may find one in it: the time tells them
    apart."""
    world = made_anew()
    records = world.log[names.NOTIFICATION]
    bad = len(records) // 2 - 1  # of the first topic; the last one stands at the same place in the second
    rows = world.table("intake", "inbox_record")
    first_row = next(row for row in rows if row["offset"] == records[bad].offset and row["fate"] == "rejected")
    for place, value, row, reason in (
        (bad, b'{"notification_id": "a", "notification_id": "b"}', first_row, "duplicate-key"),
        (len(records) - 1, b"", rows[-1], "empty"),
    ):
        records[place] = replace(records[place], value=value)
        row.update(fingerprint=records[place].fingerprint, reason=reason)
    for topic in (names.RECEIPT, names.dead_letters("intake", names.NOTIFICATION)):
        places = [
            place
            for place, told in enumerate(world.log[topic])
            if f'"offset": {records[bad].offset}}}'.encode() in (told.value or b"")
        ]
        for place, code in zip(places, ("duplicate-key", "empty"), strict=True):
            world.retold(topic, place, reasons=[{"field": "", "code": code}])
    found = conservation.receipts_of(world.evidence(), Findings(law="receipts"))
    told = [found[records[place].position]["reasons"][0]["code"] for place in (bad, len(records) - 1)]
    assert told == ["duplicate-key", "empty"]
    assert conservation.check(world.evidence()).offences == {}
