"""The vault's HTTP interface as an OpenAPI 3.1 document, made from the models.

`python -m contracts.citizens.openapi write|check`: the document says what the models say and can't drift from them; `check`,
which a test calls too, compares it with the committed file.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, models_json_schema
from typing_extensions import override

from contracts.citizens import v1

FILE: Final = Path(__file__).parent / "openapi.json"

# What is asked, and what is answered, at each address.
_OPERATIONS: Final[tuple[tuple[str, type[BaseModel], type[BaseModel] | None, str], ...]] = (
    (v1.RESOLVE_PATH, v1.ResolveRequest, v1.ResolveResponse, "Who these people are, in the order asked"),
    (v1.CONFIRM_PATH, v1.ConfirmRequest, v1.ConfirmResponse, "The messages that proposed these cards are accepted"),
    (v1.KEYS_PATH, v1.CitizensRequest, v1.KeysResponse, "The citizens' data keys, in the order asked"),
    (
        v1.CARDS_PATH,
        v1.CitizensRequest,
        v1.CardsResponse,
        "What letters to the citizens need, at the moment of sending",
    ),
    (v1.MONTH_KEYS_PATH, v1.MonthKeyRequest, None, "The caller's own key of a month"),
    (v1.DESTROY_PATH, v1.DestroyRequest, v1.DestroyResponse, "Erase a citizen, for good"),
)
_NOT_OF_AN_OPERATION: Final = frozenset({"not-found", "method-not-allowed"})


class _Schema(GenerateJsonSchema):
    """Field names are titles enough."""

    @override
    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def document() -> dict[str, Any]:
    """The OpenAPI document that the models give today."""
    wanted: list[tuple[Any, JsonSchemaMode]] = [(asked, "validation") for _, asked, _, _ in _OPERATIONS]
    wanted += [(told, "serialization") for _, _, told, _ in _OPERATIONS if told is not None]
    wanted += [(one, "serialization") for one in (v1.MonthKey, v1.Destroyed, v1.Problem)]
    _, schemas = models_json_schema(
        list(dict.fromkeys(wanted)), ref_template="#/components/schemas/{model}", schema_generator=_Schema
    )
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Mit Sygefravær: the vault",
            "version": "1",
            "description": (v1.__doc__ or "").strip(),
            "license": {"name": "MPL-2.0", "identifier": "MPL-2.0"},
        },
        "security": [{"serviceToken": []}],
        "paths": {path: {"post": _operation(path, asked, told, says)} for path, asked, told, says in _OPERATIONS},
        "components": {
            "schemas": schemas["$defs"],
            "responses": {str(status): _refusal(status) for status in _statuses()},
            "parameters": {
                "requestId": {
                    "name": v1.REQUEST_ID_HEADER,
                    "in": "header",
                    "required": False,
                    "description": "Named by audit entries and refusals as their reference; made by the vault if missing",
                    "schema": {"type": "string", "format": "uuid"},
                }
            },
            "securitySchemes": {
                "serviceToken": {"type": "http", "scheme": "bearer", "description": "The calling service's token"}
            },
        },
    }


def _operation(path: str, asked: type[BaseModel], told: type[BaseModel] | None, says: str) -> dict[str, Any]:
    return {
        "operationId": path.rpartition("/")[2],
        "summary": says,
        "parameters": [{"$ref": "#/components/parameters/requestId"}],
        "requestBody": {"required": True, "content": {"application/json": {"schema": _ref(asked)}}},
        "responses": {
            "200": {
                "description": says,
                "headers": {"cache-control": {"schema": {"const": "no-store"}}},
                "content": {"application/json": {"schema": _month_key() if told is None else _ref(told)}},
            },
            **{str(status): {"$ref": f"#/components/responses/{status}"} for status in _statuses()},
        },
    }


def _ref(model: type[BaseModel]) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{model.__name__}"}


def _month_key() -> dict[str, Any]:
    return {"oneOf": [_ref(v1.MonthKey), _ref(v1.Destroyed)], "discriminator": {"propertyName": "state"}}


def _statuses() -> list[int]:
    return sorted({status for code, (status, _) in v1.PROBLEMS.items() if code not in _NOT_OF_AN_OPERATION})


def _refusal(status: int) -> dict[str, Any]:
    codes = {code: title for code, (of, title) in v1.PROBLEMS.items() if of == status}
    return {
        "description": " ".join(f"`{code}`: {title}" for code, title in codes.items()),
        "content": {
            "application/problem+json": {
                "schema": {
                    "allOf": [_ref(v1.Problem)],
                    "properties": {"status": {"const": status}, "code": {"enum": list(codes)}},
                }
            }
        },
    }


def text() -> str:
    """The document as it is committed: the same bytes on every machine."""
    return json.dumps(document(), indent=2, ensure_ascii=False) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m contracts.citizens.openapi", description=__doc__)
    parser.add_argument("command", choices=("write", "check"))
    if parser.parse_args().command == "write":
        FILE.write_text(text(), encoding="utf-8")
        return 0
    if FILE.read_text(encoding="utf-8") == text():
        return 0
    sys.stderr.write(f"{FILE.name} is not what the models say: python -m contracts.citizens.openapi write\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
