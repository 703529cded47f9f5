"""The vault's HTTP interface as an OpenAPI 3.1 document, made from the models.

`python -m contracts.citizens.openapi write|check`: the document says what the models say and can't drift from them; `check`,
which a test calls too, compares it with the committed file.
"""

import sys
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel

from contracts import openapi
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

_OF_AN_OPERATION: Final = {code: told for code, told in v1.PROBLEMS.items() if code not in _NOT_OF_AN_OPERATION}


def document() -> dict[str, Any]:
    """The OpenAPI document that the models give today."""
    told = [one for _, _, one, _ in _OPERATIONS if one is not None]
    return openapi.document(
        "Mit Sygefravær: the vault",
        v1.__doc__ or "",
        paths={path: {"post": _operation(path, asked, told, says)} for path, asked, told, says in _OPERATIONS},
        components={
            "schemas": openapi.schemas(
                [asked for _, asked, _, _ in _OPERATIONS], [*told, v1.MonthKey, v1.Destroyed, v1.Problem]
            ),
            "responses": openapi.refusals(_OF_AN_OPERATION, v1.Problem),
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
    )


def _operation(path: str, asked: type[BaseModel], told: type[BaseModel] | None, says: str) -> dict[str, Any]:
    return {
        "operationId": path.rpartition("/")[2],
        "summary": says,
        "parameters": [{"$ref": "#/components/parameters/requestId"}],
        "requestBody": {"required": True, "content": {"application/json": {"schema": openapi.ref(asked)}}},
        "responses": {
            "200": {
                "description": says,
                "headers": {"cache-control": {"schema": {"const": "no-store"}}},
                "content": {"application/json": {"schema": _month_key() if told is None else openapi.ref(told)}},
            },
            **openapi.refused_with(v1.PROBLEMS, _OF_AN_OPERATION),
        },
    }


def _month_key() -> dict[str, Any]:
    return {
        "oneOf": [openapi.ref(v1.MonthKey), openapi.ref(v1.Destroyed)],
        "discriminator": {"propertyName": "state"},
    }


def text() -> str:
    """The document as it is committed."""
    return openapi.as_text(document())


if __name__ == "__main__":
    sys.exit(openapi.command("contracts.citizens.openapi", FILE, text(), __doc__))
