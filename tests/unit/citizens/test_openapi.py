"""The vault's OpenAPI document is what the models say, and says what the vault does."""

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from starlette.routing import Route

from contracts.citizens import openapi, v1
from services.citizens.api import Verbs, make_app, problems
from services.citizens.api.problems import Refused
from services.citizens.domain.rights import Act, Tokens


def committed() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(openapi.FILE.read_text(encoding="utf-8"))
    return document


def test_the_committed_document_is_made_from_the_models_of_today() -> None:
    assert openapi.FILE.read_text(encoding="utf-8") == openapi.text()


def test_it_describes_every_address_that_the_vault_answers_at_and_no_other() -> None:
    app = make_app(Verbs(**dict.fromkeys(Verbs.__slots__)), Tokens([]))  # type: ignore[arg-type]
    routes = {route.path for route in app.routes if isinstance(route, Route)}
    assert set(committed()["paths"]) == routes == {f"/v1/{act.value}" for act in Act}


def schema_of(reference: str) -> Draft202012Validator:
    """A validator of a part of the document, references and all."""
    return Draft202012Validator({"$ref": reference, "components": committed()["components"]})


def test_every_schema_is_one_and_every_reference_leads_somewhere() -> None:
    document = committed()
    for name, schema in document["components"]["schemas"].items():
        Draft202012Validator.check_schema(schema)
        assert list(schema_of(f"#/components/schemas/{name}").iter_errors({"state": "x"})) is not None
    for operation in (path["post"] for path in document["paths"].values()):
        for response in operation["responses"].values():
            if "$ref" in response:
                assert response["$ref"].rpartition("/")[2] in document["components"]["responses"]


@pytest.mark.parametrize("code", list(v1.PROBLEMS))
def test_every_refusal_is_a_problem_document_as_described(code: v1.ProblemCode) -> None:
    status, _ = v1.PROBLEMS[code]
    refused = Refused(code, (v1.InvalidField(field="people.0.cpr", code="missing"),) if code == "invalid" else ())
    answer = problems.response(refused, "00000000-0000-4000-8000-000000000000")
    told = json.loads(bytes(answer.body))

    assert answer.status_code == told["status"] == status
    assert answer.media_type == "application/problem+json"
    schema_of("#/components/schemas/Problem").validate(told)
    if str(status) in committed()["components"]["responses"]:
        described = committed()["components"]["responses"][str(status)]["content"]["application/problem+json"]["schema"]
        assert code in described["properties"]["code"]["enum"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("ResolveResponse", v1.ResolveResponse(citizens=(v1.Destroyed(),))),
        ("KeysResponse", v1.KeysResponse(keys=(v1.KnownKey(key=bytes(32)), v1.Unknown(), v1.Destroyed()))),
        ("ConfirmResponse", v1.ConfirmResponse(cards=(v1.ConfirmAnswer(state="gone"),))),
        ("MonthKeyRequest", v1.MonthKeyRequest(purpose="dead-letter", month="2026-11")),
    ],
)
def test_what_the_models_write_is_what_the_document_describes(name: str, message: v1.Part) -> None:
    schema_of(f"#/components/schemas/{name}").validate(json.loads(message.model_dump_json()))
