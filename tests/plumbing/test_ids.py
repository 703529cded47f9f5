"""Derived ids are UUIDv5, so that anybody can compute them with any library."""

from uuid import RFC_4122, UUID, uuid5

from hypothesis import given
from hypothesis import strategies as st

from plumbing import ids


@given(st.lists(st.text(st.characters(codec="utf-8")), min_size=1, max_size=4))
def test_a_derived_id_is_the_uuid5_of_its_parts(parts: list[str]) -> None:
    name = "\x1f".join(parts)
    assert ids.derive(*parts) == uuid5(UUID("5f6d1c0e-6d1f-5a55-9a4c-3f1f6e3b7c21"), name)


def test_a_fresh_id_is_random_and_says_so() -> None:
    made = {ids.fresh() for _ in range(1_000)}
    assert len(made) == 1_000
    assert {(one.version, one.variant) for one in made} == {(4, RFC_4122)}


@given(st.binary(min_size=16, max_size=64))
def test_a_hash_makes_the_id_that_the_standard_library_makes_of_it(digest: bytes) -> None:
    assert ids.of_hash(digest) == UUID(bytes=digest[:16], version=5)
