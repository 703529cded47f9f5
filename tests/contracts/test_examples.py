"""Golden examples: valid by the committed schema, read by the model, written as they were."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # it ships no types
from jsonschema.validators import validator_for  # type: ignore[import-untyped]

from contracts.catalogue import MESSAGES, NOTIFICATION, Message
from contracts.nemrefusion.v1 import KINDS, Parsed, is_replacement_number, parse_notification
from tests.contracts.notifications import golden

GOLDEN = [(message, path) for message in MESSAGES for path in message.examples]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.name)
def test_every_committed_schema_is_a_schema_of_2020_12(message: Message) -> None:
    schema = json.loads(message.schema_file.read_text())

    assert validator_for(schema) is Draft202012Validator
    Draft202012Validator.check_schema(schema)
    assert schema["$id"] == f"urn:mitsygefravaer:schema:{message.name}"


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.name)
def test_every_message_has_an_example(message: Message) -> None:
    assert message.examples


@pytest.mark.parametrize(("message", "path"), GOLDEN, ids=lambda value: getattr(value, "stem", ""))
@pytest.mark.parametrize("release", ["committed", "released"])
def test_an_example_is_valid_by_the_schema(message: Message, path: Path, release: str) -> None:
    file = message.schema_file if release == "committed" else message.released_file
    validator = Draft202012Validator(json.loads(file.read_text()), format_checker=Draft202012Validator.FORMAT_CHECKER)

    assert [error.json_path for error in validator.iter_errors(json.loads(path.read_text()))] == []


@pytest.mark.parametrize(("message", "path"), GOLDEN, ids=lambda value: getattr(value, "stem", ""))
def test_an_example_is_read_by_the_model_and_written_as_it_was(message: Message, path: Path) -> None:
    event = message.reader.validate_json(path.read_bytes())
    again = message.reader.validate_json(message.reader.dump_json(event))

    assert again == event
    if message.event is not None:
        assert json.loads(message.reader.dump_json(event)) == json.loads(path.read_text())


@pytest.mark.parametrize("path", [path for _, path in GOLDEN], ids=lambda path: path.stem)
def test_nobody_in_an_example_exists(path: Path) -> None:
    for cpr in _values_of("cpr", json.loads(path.read_text())):
        assert is_replacement_number(cpr.replace("-", ""))
    for cvr in _values_of("cvr", json.loads(path.read_text())):
        assert cvr.startswith("9"), "numbers from 9 have not been given out"


@pytest.mark.rule("N1", "O1")
def test_there_is_an_example_of_each_kind_of_notification_and_of_each_kind_of_citizen() -> None:
    kinds, citizens = set(), set()
    for message, path in GOLDEN:
        if message.direction == "input":
            parsed = parse_notification(path.read_bytes())
            assert isinstance(parsed, Parsed)
            kinds.add(parsed.notification.kind)
            citizens.add(getattr(parsed.notification, "citizen_kind", None))

    assert kinds == set(KINDS)
    assert {"employee", "unemployed", "self_employed"} <= citizens


@pytest.mark.rule("N2")
@pytest.mark.parametrize("kind", KINDS)
def test_the_minimal_example_of_a_kind_has_what_is_mandatory_and_the_full_one_every_field(kind: str) -> None:
    definitions = NOTIFICATION.schema()["$defs"]
    model = next(each for each in definitions.values() if _kind_of(each) == kind)

    for name, wanted in (("minimal", "required"), ("full", "properties")):
        for document, schema in _objects(golden(f"{kind}.{name}"), model, definitions):
            assert set(document) == set(schema.get(wanted, ())), name


@pytest.mark.rule("N8")
@pytest.mark.parametrize("message", [each for each in MESSAGES if each.event], ids=lambda message: message.name)
def test_no_event_of_ours_has_a_field_for_who_somebody_is(message: Message) -> None:
    fields = set(_names_in(message.schema()))

    assert not fields & {"cpr", "name", "address", "phone", "email"}


def _objects(document: Any, schema: Any, definitions: Any) -> Iterator[tuple[Any, Any]]:
    """Every object of a notification with its schema."""
    yield document, schema
    for name, field in schema["properties"].items():
        choices = [definitions[ref.rpartition("/")[2]] for ref in _refs(field)]
        if isinstance(inner := document.get(name), dict):
            fitting = [each for each in choices if _kind_of(each) in (None, inner.get("kind"))]
            yield from _objects(inner, fitting[0], definitions)


def _refs(field: Any) -> list[str]:
    return [each["$ref"] for each in (field, *field.get("anyOf", ()), *field.get("oneOf", ())) if "$ref" in each]


def _kind_of(schema: Any) -> str | None:
    kind: str | None = schema.get("properties", {}).get("kind", {}).get("const")
    return kind


def _values_of(name: str, document: Any) -> list[str]:
    if isinstance(document, dict):
        own = [document[name]] if isinstance(document.get(name), str) else []
        return own + [value for child in document.values() for value in _values_of(name, child)]
    return [value for child in document for value in _values_of(name, child)] if isinstance(document, list) else []


def _names_in(schema: Any) -> list[str]:
    if isinstance(schema, dict):
        return [*schema.get("properties", {}), *(name for child in schema.values() for name in _names_in(child))]
    return [name for child in schema for name in _names_in(child)] if isinstance(schema, list) else []
