"""Master keys wrap, the lookup key finds, and neither shows itself."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plumbing.sealing import SealBroken, new_key
from services.citizens.domain.keyring import (
    BadKey,
    Keyring,
    Lookups,
    MasterKeyMissing,
    WrappedKey,
    key_id,
    read_key,
    read_keys,
)

OLD, NEW, DATA = new_key(), new_key(), new_key()


def encoded(key: bytes) -> str:
    return base64.b64encode(key).decode()


def test_the_newest_master_key_wraps_and_every_one_unwraps() -> None:
    wrapped_before = Keyring([OLD]).wrap(DATA, owner="one")
    both = Keyring([NEW, OLD])
    wrapped_now = both.wrap(DATA, owner="one")

    assert wrapped_now.master_key_id == both.newest_id == Keyring([NEW]).newest_id != wrapped_before.master_key_id
    assert both.unwrap(wrapped_before, owner="one") == both.unwrap(wrapped_now, owner="one") == DATA
    assert both.ids == {wrapped_before.master_key_id, wrapped_now.master_key_id}


def test_a_missing_master_key_is_named() -> None:
    wrapped = Keyring([OLD]).wrap(DATA, owner="one")
    with pytest.raises(MasterKeyMissing) as caught:
        Keyring([NEW]).unwrap(wrapped, owner="one")
    assert caught.value.key_id == wrapped.master_key_id


def test_a_wrapped_key_unwraps_for_its_owner_and_under_its_own_master_keys_name_alone() -> None:
    keyring = Keyring([NEW, OLD])
    wrapped = keyring.wrap(DATA, owner="one")
    with pytest.raises(SealBroken):
        keyring.unwrap(wrapped, owner="two")
    with pytest.raises(SealBroken):
        keyring.unwrap(WrappedKey(master_key_id=key_id("master", OLD), sealed=wrapped.sealed), owner="one")


def test_the_id_of_a_key_tells_its_use_and_nothing_of_the_key() -> None:
    assert key_id("master", OLD) != key_id("lookup", OLD) != key_id("lookup", NEW)
    assert len(key_id("master", OLD)) == 16
    assert OLD.hex()[:8] not in key_id("master", OLD)


@given(st.from_regex(r"[0-9]{10}", fullmatch=True), st.from_regex(r"[0-9]{10}", fullmatch=True))
def test_a_number_is_found_under_one_value_which_depends_on_the_key(one: str, other: str) -> None:
    lookups = Lookups([OLD])
    assert (lookups.of(one) == lookups.of(other)) == (one == other)
    assert lookups.of(one) != Lookups([NEW]).of(one)
    assert len(lookups.of(one)[0]) == 32


def test_while_the_lookup_key_changes_a_number_is_found_under_both_and_the_wanted_one_comes_first() -> None:
    both = Lookups([NEW, OLD])
    assert both.of("6101900001") == (*Lookups([NEW]).of("6101900001"), *Lookups([OLD]).of("6101900001"))
    assert both.ids == (both.wanted_id, Lookups([OLD]).wanted_id)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "32 bytes"),
        ("%%%", "not base64"),
        (encoded(OLD)[:-4], "32 bytes"),
        (encoded(OLD + b"x"), "32 bytes"),
        (encoded(bytes(32)), "not random"),
        (encoded(b"0123456789abcde" * 2 + b"01"), "not random"),
        (OLD.hex(), "32 bytes"),
    ],
    ids=["empty", "no base64", "short", "long", "zeros", "letters", "hex"],
)
def test_what_is_no_key_is_refused_without_being_shown(text: str, told: str) -> None:
    with pytest.raises(BadKey, match=told) as caught:
        read_key(text)
    assert not text or text not in str(caught.value)


def test_keys_are_read_newest_first_and_each_once() -> None:
    assert read_keys(f"{encoded(NEW)}, {encoded(OLD)}\n") == [NEW, OLD]
    with pytest.raises(BadKey, match="twice"):
        read_keys(f"{encoded(NEW)},{encoded(NEW)}")
    with pytest.raises(BadKey, match="no key"):
        read_keys(" , ")


def test_nothing_prints_a_key() -> None:
    wrapped = Keyring([OLD]).wrap(DATA, owner="one")
    assert repr(wrapped) == f"WrappedKey(master_key_id='{wrapped.master_key_id}')"
    assert OLD.hex() not in repr(Keyring([OLD])) + repr(Lookups([OLD]))
