"""The compatibility checker bites on each kind of incompatible change, and on nothing else."""

from collections.abc import Sequence
from copy import deepcopy
from typing import Any

import pytest

from contracts.catalogue import MESSAGES, Message
from contracts.compatibility import NotUnderstood, Schema, incompatibilities

pytestmark = pytest.mark.rule("O1")

RELEASED: Schema = {
    "type": "object",
    "required": ["id", "kind"],
    "properties": {
        "id": {"type": "string", "format": "uuid"},
        "kind": {"$ref": "#/$defs/Kind"},
        "day": {"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}], "default": None},
        "number": {"type": "integer", "minimum": 0, "maximum": 10},
        "text": {"type": "string", "minLength": 1, "maxLength": 10, "pattern": "^[a-z]+$"},
        "country": {"type": "string", "default": "DK"},
        "lines": {"type": "array", "minItems": 1, "maxItems": 5, "items": {"type": "string", "maxLength": 5}},
        "part": {"$ref": "#/$defs/Part"},
        "who": {"oneOf": [{"$ref": "#/$defs/A"}, {"$ref": "#/$defs/B"}]},
    },
    "$defs": {
        "Kind": {"type": "string", "enum": ["a", "b"]},
        "Part": {"type": "object", "required": ["x"], "properties": {"x": {"type": "string"}, "y": {"type": "string"}}},
        "A": {"type": "object", "required": ["kind"], "properties": {"kind": {"const": "a", "type": "string"}}},
        "B": {
            "type": "object",
            "required": ["kind", "b"],
            "properties": {"kind": {"const": "b", "type": "string"}, "b": {"type": "string"}},
        },
    },
}


def with_change(path: str, value: Any) -> Schema:
    """The released schema with one place changed; None removes it."""
    current: Schema = deepcopy(RELEASED)
    *parents, last = path.split("/")
    target = current
    for parent in parents:
        target = target[parent]
    if value is None:
        del target[last]
    else:
        target[last] = value
    return current


BREAKS_OLD_MESSAGES = [
    ("removed property", "properties/text", None, "text: was removed"),
    ("removed property inside", "$defs/Part/properties/y", None, "part.y: was removed"),
    ("optional becomes required", "required", ["id", "kind", "text"], "text: is required now"),
    ("new and required", "$defs/Part/required", ["x", "z"], "part.z: is new and required"),
    ("narrowed enum", "$defs/Kind/enum", ["a"], "kind: no longer takes b"),
    ("renamed code", "$defs/Kind/enum", ["a", "c"], "kind: no longer takes b"),
    ("enum becomes const", "$defs/Kind", {"type": "string", "const": "a"}, "kind: no longer takes b"),
    ("free text becomes enum", "properties/country", {"type": "string", "enum": ["DK"]}, "country: takes only DK now"),
    ("another type", "properties/text/type", "integer", "text: type string became integer"),
    ("no longer null", "properties/day", {"type": "string", "format": "date"}, "day: no longer takes null"),
    ("another pattern", "properties/text/pattern", "^[a-y]+$", "text: pattern became ^[a-y]+$"),
    ("a pattern", "properties/country/pattern", "^DK$", "country: pattern became ^DK$"),
    ("a format", "properties/text/format", "email", "text: format became email"),
    ("higher minimum", "properties/number/minimum", 1, "number: minimum rose to 1"),
    ("lower maximum", "properties/number/maximum", 9, "number: maximum fell to 9"),
    ("a limit", "properties/country/maxLength", 2, "country: maxLength fell to 2"),
    ("longer at least", "properties/text/minLength", 2, "text: minLength rose to 2"),
    ("shorter at most", "properties/text/maxLength", 9, "text: maxLength fell to 9"),
    ("fewer items", "properties/lines/maxItems", 4, "lines: maxItems fell to 4"),
    ("more items at least", "properties/lines/minItems", 2, "lines: minItems rose to 2"),
    ("shorter items", "properties/lines/items/maxLength", 4, "lines[]: maxLength fell to 4"),
    ("variant removed", "properties/who/oneOf", [{"$ref": "#/$defs/A"}], "who: no longer takes object b"),
    ("variant narrowed", "$defs/B/properties/b/maxLength", 3, "who.b: maxLength fell to 3"),
    ("another default", "properties/country/default", "SE", "country: means something else when left out"),
]

BREAKS_OLD_READERS = [
    ("required becomes optional", "required", ["id"], "for consumers of the release: is required now"),
    ("required removed", "required", ["kind"], "for consumers of the release: is required now"),
    ("widened enum", "$defs/Kind/enum", ["a", "b", "c"], "for consumers of the release: no longer takes c"),
    ("may be null now", "properties/text", {"anyOf": [RELEASED["properties"]["text"], {"type": "null"}]}, "takes null"),
    ("longer at most", "properties/text/maxLength", 11, "for consumers of the release: maxLength fell to 10"),
    ("no pattern", "properties/text/pattern", None, "for consumers of the release: pattern became"),
    ("number for integer", "properties/number/type", "number", "type number became integer"),
]

BREAKS_NOBODY = [
    ("nothing", "type", "object"),
    ("new optional property", "properties/new", {"type": "string"}),
    ("new optional property inside", "$defs/Part/properties/z", {"type": "string"}),
    ("another description", "properties/text/description", "Say it."),
]


def named(rows: Sequence[tuple[Any, ...]]) -> list[str]:
    return [row[0] for row in rows]


def compared(current: Schema, *, old_readers: bool) -> list[str]:
    return [str(change) for change in incompatibilities(RELEASED, current, old_readers=old_readers)]


@pytest.mark.parametrize(
    ("path", "value", "said"), [row[1:] for row in BREAKS_OLD_MESSAGES], ids=[r[0] for r in BREAKS_OLD_MESSAGES]
)
@pytest.mark.parametrize("old_readers", [True, False])
def test_what_breaks_old_messages_is_found(path: str, value: Any, said: str, old_readers: bool) -> None:
    found = compared(with_change(path, value), old_readers=old_readers)

    assert any(each.startswith(said) for each in found), found


@pytest.mark.parametrize(
    ("path", "value", "said"), [row[1:] for row in BREAKS_OLD_READERS], ids=[r[0] for r in BREAKS_OLD_READERS]
)
def test_what_breaks_old_readers_is_found_for_what_we_send_and_fine_for_what_we_take(
    path: str, value: Any, said: str
) -> None:
    current = with_change(path, value)

    assert any(said in each for each in compared(current, old_readers=True))
    assert compared(current, old_readers=False) == []


@pytest.mark.parametrize(("path", "value"), [row[1:] for row in BREAKS_NOBODY], ids=named(BREAKS_NOBODY))
def test_what_only_adds_breaks_nobody(path: str, value: Any) -> None:
    assert compared(with_change(path, value), old_readers=True) == []


def test_an_open_list_may_grow_but_not_shrink() -> None:
    released = with_change("$defs/Kind/x-open-enum", True)
    grown, shrunk = deepcopy(released), deepcopy(released)
    grown["$defs"]["Kind"]["enum"] = ["a", "b", "c"]
    shrunk["$defs"]["Kind"]["enum"] = ["a"]

    assert incompatibilities(released, grown, old_readers=True) == []
    assert incompatibilities(released, shrunk, old_readers=True)


def test_a_keyword_it_does_not_know_is_an_error_and_not_a_guess() -> None:
    with pytest.raises(NotUnderstood, match="additionalProperties"):
        compared(with_change("additionalProperties", False), old_readers=False)


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.name)
def test_todays_schemas_are_understood_and_compatible_with_themselves(message: Message) -> None:
    assert incompatibilities(message.schema(), message.schema(), old_readers=True) == []
