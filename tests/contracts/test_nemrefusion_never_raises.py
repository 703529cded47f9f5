"""Whatever the bytes are, reading a notification ends in a notification or in reasons; and models and schema agree."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # it ships no types

from contracts.catalogue import NOTIFICATION
from contracts.nemrefusion.v1 import Parsed, Rejection, parse_notification
from tests.contracts.notifications import Document, golden

pytestmark = pytest.mark.rule("N3")

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.characters(categories=["Cs"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=10,
)
GOLDEN = [golden(path.stem.removeprefix(f"{NOTIFICATION.name}.")) for path in NOTIFICATION.examples]
SCHEMA = Draft202012Validator(NOTIFICATION.schema())


def paths_in(document: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Every place in a document where something could be replaced."""
    children = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    return [path] * bool(path) + [each for name, child in children for each in paths_in(child, (*path, name))]


@st.composite
def spoilt(draw: st.DrawFn) -> Document:
    """A golden notification with something else in one to three places."""
    document: Document = json.loads(json.dumps(draw(st.sampled_from(GOLDEN))))
    for _ in range(draw(st.integers(1, 3))):
        *parents, last = draw(st.sampled_from(paths_in(document)))
        target: Any = document
        for parent in parents:
            target = target[parent]
        target[last] = draw(ANYTHING)
    return document


def has_an_answer(raw: bytes) -> Parsed | Rejection:
    result = parse_notification(raw)
    if isinstance(result, Rejection):
        fields = [reason.field for reason in result.reasons]
        assert fields
        assert len(fields) == len(set(fields))
    else:
        assert len(result.fingerprint()) == 32
    return result


@given(st.binary(max_size=300))
def test_any_bytes_get_an_answer(raw: bytes) -> None:
    has_an_answer(raw)


@given(ANYTHING)
def test_any_json_gets_an_answer(document: Any) -> None:
    has_an_answer(json.dumps(document).encode())


@given(st.dictionaries(st.sampled_from(["version", "kind", "citizen", "reporter", "sent_at"]), ANYTHING | st.just(1)))
def test_any_object_with_our_names_gets_an_answer(document: Document) -> None:
    has_an_answer(json.dumps(document).encode())


@settings(max_examples=400)
@given(spoilt())
def test_any_spoilt_notification_gets_an_answer_that_says_nothing_of_it(document: Document) -> None:
    result = has_an_answer(json.dumps(document).encode())

    if isinstance(result, Rejection):
        told = " ".join(f"{reason.field} {reason.text}" for reason in result.reasons)
        assert "610390" not in told
        assert "Ønskeby" not in told


@settings(max_examples=400)
@given(spoilt())
def test_what_is_accepted_is_valid_by_the_published_schema(document: Document) -> None:
    if isinstance(parse_notification(json.dumps(document).encode()), Parsed):
        assert not [error.json_path for error in SCHEMA.iter_errors(_without_nulls(document))]


@settings(max_examples=400)
@given(st.sampled_from(GOLDEN), st.integers(0, 5_000), st.binary(min_size=1, max_size=3))
def test_a_notification_with_some_bytes_overwritten_gets_an_answer(
    document: Document, place: int, scratch: bytes
) -> None:
    raw = json.dumps(document, ensure_ascii=False).encode()
    place %= len(raw)

    has_an_answer(raw[:place] + scratch + raw[place + len(scratch) :])


@pytest.mark.parametrize("document", GOLDEN, ids=lambda document: document["kind"])
def test_every_field_left_out_is_missing_or_optional(document: Document) -> None:
    for *parents, last in paths_in(document):
        copy: Any = json.loads(json.dumps(document))
        target = copy
        for parent in parents:
            target = target[parent]
        if isinstance(last, str):
            del target[last]
            result = has_an_answer(json.dumps(copy).encode())
            if isinstance(result, Rejection):
                assert {reason.code.value for reason in result.reasons} <= {"missing", "unsupported-version"}


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nulls(each) for name, each in value.items() if each is not None}
    return [_without_nulls(each) for each in value] if isinstance(value, list) else value
