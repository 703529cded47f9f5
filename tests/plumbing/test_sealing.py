"""A sealed value opens for its own key, owner and field, and for nothing else."""

import base64

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import assume, given
from hypothesis import strategies as st

from plumbing import sealing
from plumbing.sealing import SealBroken, open_sealed, open_text, seal, seal_text

keys = st.binary(min_size=32, max_size=32)
names = st.text(max_size=40)
plaintexts = st.binary(max_size=300)


@given(keys, plaintexts, names, names)
def test_what_was_sealed_comes_back(key: bytes, plaintext: bytes, owner: str, field: str) -> None:
    assert open_sealed(key, seal(key, plaintext, owner=owner, field=field), owner=owner, field=field) == plaintext


@given(keys, st.text(max_size=100), names, names)
def test_a_sealed_text_comes_back(key: bytes, text: str, owner: str, field: str) -> None:
    assert open_text(key, seal_text(key, text, owner=owner, field=field), owner=owner, field=field) == text


@given(keys, plaintexts, st.data())
def test_any_flipped_bit_breaks_the_seal(key: bytes, plaintext: bytes, data: st.DataObject) -> None:
    sealed = bytearray(seal(key, plaintext, owner="owner", field="field"))
    bit = data.draw(st.integers(0, len(sealed) * 8 - 1))
    sealed[bit // 8] ^= 1 << (bit % 8)

    with pytest.raises(SealBroken):
        open_sealed(key, bytes(sealed), owner="owner", field="field")


def test_every_single_bit_of_one_value_counts() -> None:
    key = sealing.new_key()
    sealed = seal(key, b"text", owner="owner", field="field")

    for bit in range(len(sealed) * 8):
        changed = bytearray(sealed)
        changed[bit // 8] ^= 1 << (bit % 8)
        with pytest.raises(SealBroken):
            open_sealed(key, bytes(changed), owner="owner", field="field")


@given(keys, st.text(max_size=40), st.data())
def test_any_changed_character_breaks_a_sealed_text(key: bytes, text: str, data: st.DataObject) -> None:
    sealed = seal_text(key, text, owner="owner", field="field")
    place = data.draw(st.integers(0, len(sealed) - 1))
    other = data.draw(st.characters(codec="ascii"))
    assume(sealed[place] != other)

    with pytest.raises(SealBroken):
        open_text(key, sealed[:place] + other + sealed[place + 1 :], owner="owner", field="field")


@given(keys, plaintexts, st.integers(min_value=0, max_value=400))
def test_a_value_cut_short_or_made_longer_is_broken(key: bytes, plaintext: bytes, length: int) -> None:
    sealed = seal(key, plaintext, owner="owner", field="field")
    assume(length != len(sealed))

    with pytest.raises(SealBroken):
        open_sealed(key, sealed[:length].ljust(length, b"\0"), owner="owner", field="field")


@given(keys, keys, plaintexts)
def test_another_key_does_not_open_it(key: bytes, other: bytes, plaintext: bytes) -> None:
    assume(key != other)
    with pytest.raises(SealBroken):
        open_sealed(other, seal(key, plaintext, owner="owner", field="field"), owner="owner", field="field")


@given(keys, plaintexts, st.tuples(names, names), st.tuples(names, names))
def test_another_owner_or_field_does_not_open_it(
    key: bytes, plaintext: bytes, place: tuple[str, str], other: tuple[str, str]
) -> None:
    assume(place != other)
    with pytest.raises(SealBroken):
        open_sealed(key, seal(key, plaintext, owner=place[0], field=place[1]), owner=other[0], field=other[1])


def test_owner_and_field_cannot_be_shifted_into_each_other() -> None:
    key = sealing.new_key()
    with pytest.raises(SealBroken):
        open_sealed(key, seal(key, b"text", owner="ab", field="c"), owner="a", field="bc")


def test_the_same_value_sealed_twice_looks_different() -> None:
    key = sealing.new_key()
    assert len({seal(key, b"text", owner="owner", field="field") for _ in range(1_000)}) == 1_000


@given(st.binary(max_size=80))
def test_bytes_that_were_never_sealed_are_broken_and_nothing_else(junk: bytes) -> None:
    with pytest.raises(SealBroken):
        open_sealed(bytes(32), junk, owner="owner", field="field")


@given(st.text(max_size=80))
def test_text_that_was_never_sealed_is_broken_and_nothing_else(junk: str) -> None:
    with pytest.raises(SealBroken):
        open_text(bytes(32), junk, owner="owner", field="field")


def test_sealed_bytes_that_are_no_text_are_broken_without_being_quoted() -> None:
    key = sealing.new_key()
    sealed = base64.b64encode(seal(key, b"secret \xff", owner="owner", field="field")).decode()

    with pytest.raises(SealBroken) as caught:
        open_text(key, sealed, owner="owner", field="field")

    assert "secret" not in repr(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


@pytest.mark.parametrize("length", [0, 16, 24, 31, 33])
def test_a_key_of_another_length_is_a_mistake_of_ours(length: int) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        seal(bytes(length), b"text", owner="owner", field="field")


def test_the_wire_form_is_what_the_docstring_says() -> None:
    key = sealing.new_key()
    sealed = seal(key, b"text", owner="ejer", field="felt")

    assert sealed[0] == 1
    assert len(sealed) == len(b"text") + sealing.OVERHEAD_BYTES
    assert AESGCM(key).decrypt(sealed[1:13], sealed[13:], b"\x01\x00\x04ejerfelt") == b"text"
