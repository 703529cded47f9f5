"""Which card stands, and what is void."""

from datetime import UTC, datetime, timedelta, timezone
from itertools import permutations
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.citizens.v1 import Card, Person
from plumbing.sealing import SealBroken, new_key
from services.citizens.domain.people import (
    SaidCard,
    asked,
    candidate_id,
    is_void,
    merge,
    open_card_text,
    open_cpr,
    read_card,
    said_card,
    seal_card,
    seal_cpr,
)

NOON = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)
CPR = "6101900001"


def person(minute: int, name: str | None) -> Person:
    card = None if name is None else Card(name=name, address_protection=False)
    return Person(cpr=CPR, said_at=NOON + timedelta(minutes=minute), card=card)


said = st.builds(person, st.integers(-3, 3), st.sampled_from([None, "Anna", "Bo", "Carl"]))


@given(st.lists(said, min_size=1, max_size=5), st.none() | st.integers(-4, 4), st.booleans())
def test_the_order_in_which_things_are_said_decides_nothing(
    people: list[Person], erased: int | None, propose: bool
) -> None:
    erasures = {} if erased is None else {b"x": NOON + timedelta(minutes=erased)}
    outcomes = [
        merge([asked(one, (b"x",)) for one in order], erasures, propose=propose) for order in permutations(people)
    ]
    assert all(outcome == outcomes[0] for outcome in outcomes)


@given(st.lists(said, min_size=1, max_size=6))
def test_the_card_that_stands_is_the_latest_and_among_those_the_greatest(people: list[Person]) -> None:
    told = [(one.said_at, one.card.model_dump_json().encode()) for one in people if one.card is not None]
    stands = merge([asked(one, (b"x",)) for one in people], {})[b"x"].card
    assert (None if stands is None else (stands.said_at, stands.text)) == max(told, default=None)


def test_every_card_that_is_proposed_is_a_candidate_of_its_own() -> None:
    people = [person(0, "Anna"), person(1, "Bo"), person(0, "Anna"), person(2, None)]
    named = merge([asked(one, (b"x",)) for one in people], {}, propose=True)[b"x"]
    assert named.card is None
    assert named.proposed == {said_card(people[0]), said_card(people[1])}


def test_a_candidates_name_depends_on_what_was_said_when_and_of_whom() -> None:
    key, card = new_key(), SaidCard(text=b"x", said_at=NOON)
    same = SaidCard(text=b"x", said_at=NOON.astimezone(timezone(timedelta(hours=2))))
    others = [SaidCard(text=b"y", said_at=NOON), SaidCard(text=b"x", said_at=NOON + timedelta(microseconds=1))]
    assert candidate_id(key, card) == candidate_id(key, same)
    assert len({candidate_id(key, one) for one in (card, *others)} | {candidate_id(new_key(), card)}) == 4


def test_people_are_told_apart() -> None:
    named = merge([asked(person(0, "Anna"), (b"x",)), asked(person(1, "Bo"), (b"y",))], {})
    assert {lookup: one.card is not None and read_card(one.card.text).name for lookup, one in named.items()} == {
        b"x": "Anna",
        b"y": "Bo",
    }


def test_what_was_said_until_the_erasure_is_void_and_what_was_said_after_it_is_not() -> None:
    assert is_void(person(-1, None), NOON)
    assert is_void(person(0, None), NOON)
    assert not is_void(person(1, None), NOON)
    assert not is_void(person(-1, None), None)


def test_a_person_of_whom_all_is_void_is_not_named_at_all() -> None:
    assert merge([asked(person(-1, "Anna"), (b"x",)), asked(person(0, "Bo"), (b"x",))], {b"x": NOON}) == {}


def test_a_card_does_not_stand_against_itself() -> None:
    card = SaidCard(text=b"x", said_at=NOON)
    assert not card.stands_against(card)


def test_number_and_card_open_for_their_citizen_and_in_their_place_alone() -> None:
    key, one, other = new_key(), uuid4(), uuid4()
    cpr, card = seal_cpr(key, one, CPR), seal_card(key, one, b"{}")

    assert (open_cpr(key, one, cpr), open_card_text(key, one, card)) == (CPR, b"{}")
    for wrong in (
        lambda: open_cpr(key, other, cpr),
        lambda: open_cpr(key, one, card),
        lambda: open_card_text(key, one, cpr),
    ):
        with pytest.raises(SealBroken):
            wrong()


def test_nothing_prints_who_somebody_is() -> None:
    named = merge([asked(person(0, "Anna"), (b"x",))], {})[b"x"]
    assert "Anna" not in repr(named)
    assert CPR not in repr(named)
