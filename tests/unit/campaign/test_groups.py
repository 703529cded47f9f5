"""Rebalances are counted from what the coordinator wrote down, and only those among the living."""

import struct
from random import Random
from threading import Event
from types import SimpleNamespace
from typing import cast

import pytest

from campaign.groups import Generation, Groups, generation_in
from campaign.journal import Journal
from campaign.rebalances import Rebalances
from laws import names
from stack import Stack
from stack.house import House


def text(value: str | None) -> bytes:
    return struct.pack(">h", -1) if value is None else struct.pack(">h", len(value.encode())) + value.encode()


def key(group: str, kind: int = 2) -> bytes:
    return struct.pack(">h", kind) + text(group)


def value(number: int, *members: str, version: int = 3) -> bytes:
    said = struct.pack(">h", version) + text("consumer") + struct.pack(">i", number)
    said += text("range" if members else None) + text(members[0] if members else None) + struct.pack(">q", 1)
    said += struct.pack(">i", len(members))
    for member in members:
        said += text(member) + (text(None) if version >= 3 else b"") + text("client") + text("/127.0.0.1")
        said += struct.pack(">ii", 30_000, 3_000) + struct.pack(">i", 3) + b"abc" + struct.pack(">i", 2) + b"de"
    return said


@pytest.mark.parametrize("version", [2, 3])
def test_a_generation_is_read_with_its_members(version: int) -> None:
    assert generation_in(key("g"), value(7, "æ-1", "b-2", version=version)) == Generation(
        group="g", number=7, members=frozenset({"æ-1", "b-2"})
    )


def test_offsets_and_groups_that_are_gone_say_nothing() -> None:
    assert generation_in(key("g", kind=1), b"\x00\x03 an offset") is None
    assert generation_in(key("g"), None) is None
    assert generation_in(None, b"") is None


def test_a_form_that_is_not_known_is_not_guessed_at() -> None:
    with pytest.raises(ValueError, match="version 9"):
        generation_in(key("g"), struct.pack(">h", 9))


def rebalances(*generations: tuple[str, ...], group: str = "g") -> int:
    groups = Groups(bootstrap="")
    groups.learn((key(group), value(number, *members)) for number, members in enumerate(generations, start=1))
    return len(groups.rebalances)


def test_one_that_joins_and_leaves_are_two_rebalances() -> None:
    assert rebalances(("a",), ("a", "b"), ("a",)) == 2


def test_who_was_alone_and_comes_back_is_no_rebalance() -> None:
    assert rebalances(("a",), (), ("b",), (), ("c",)) == 0


def test_who_joins_anew_without_a_change_is_no_rebalance() -> None:
    assert rebalances(("a", "b"), ("a", "b")) == 0


def test_what_is_read_twice_counts_once_and_each_group_for_itself() -> None:
    groups = Groups(bootstrap="")
    for _ in range(2):
        groups.learn([(key("g"), value(1, "a")), (key("h"), value(2, "a", "b")), (key("g"), value(2, "a", "b"))])
    assert [one.group for one in groups.rebalances] == ["g"]
    assert groups.largest == {"g": 2, "h": 2}


def test_every_group_is_joined_by_a_second_member_with_and_without_a_batch_held_up() -> None:
    rebalances = Rebalances(
        cast("Stack", SimpleNamespace(kafka_bootstrap="")),
        cast("House", None),
        journal=cast("Journal", None),
        stopping=Event(),
        session_seconds=3,
        dice=Random(1),
    )
    readers = {service for _, service in names.CONSUMERS}
    quick = {f"a second {service}" for service in readers}
    quick |= {f"a second {service} while a batch is held up" for service in readers} | {"frozen"}
    assert rebalances.plays(has_crowd=False).keys() == quick
    assert rebalances.plays(has_crowd=True).keys() == quick | {"crowd"}
    assert rebalances.most_members == 0
