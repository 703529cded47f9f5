"""The OpenAPI document of `uploads` is what the models say, and says what the service does."""

import json
from typing import Any, cast
from uuid import uuid4

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from starlette.routing import Route

from contracts.uploads import openapi, v1
from services.uploads.api import Verbs, make_app
from services.uploads.api.problems import problem
from services.uploads.api.receiving import Bounds
from services.uploads.api.views import texts_of
from services.uploads.domain.findings import Code
from services.uploads.domain.texts import OF_CODE


def committed() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(openapi.FILE.read_text(encoding="utf-8"))
    return document


def test_the_committed_document_is_made_from_the_models_of_today() -> None:
    assert openapi.FILE.read_text(encoding="utf-8") == openapi.text()


def test_it_describes_every_address_and_method_that_the_service_answers_and_no_other() -> None:
    app = make_app(
        cast("Verbs", None),
        cast("Any", None),
        bounds=Bounds(file_bytes=1, idle_seconds=1, upload_seconds=1),
        spool=cast("Any", None),
        now=cast("Any", None),
        files_at_once=1,
    )
    routes = {
        (route.path, method.lower())
        for route in app.routes
        if isinstance(route, Route)
        for method in (route.methods or set()) - {"HEAD"}
    }
    assert {(path, method) for path, methods in committed()["paths"].items() for method in methods} == routes


def test_every_schema_is_one_and_every_reference_leads_somewhere() -> None:
    document = committed()
    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    for reference in _references(document):
        found: Any = document
        for step in reference.removeprefix("#/").split("/"):
            found = found[step]
        assert found


def _references(part: Any) -> list[str]:
    if isinstance(part, dict):
        own = [part["$ref"]] if isinstance(part.get("$ref"), str) else []
        return own + [each for one in part.values() for each in _references(one)]
    return [each for one in part for each in _references(one)] if isinstance(part, list) else []


@pytest.mark.parametrize("code", list(v1.PROBLEMS))
def test_every_refusal_is_a_problem_document_as_described(code: str) -> None:
    status, _ = v1.PROBLEMS[code]
    said = texts_of(OF_CODE[Code(code)]) if code in set(Code) else None
    answer = problem(code, uuid4(), fields=("file",), said=said)
    told = json.loads(bytes(answer.body))
    components = committed()["components"]

    assert answer.status_code == told["status"] == status
    assert answer.media_type == "application/problem+json"
    Draft202012Validator({"$ref": "#/components/schemas/Problem", "components": components}).validate(told)
    described = components["responses"][str(status)]["content"]["application/problem+json"]["schema"]
    assert code in described["properties"]["code"]["enum"]


def test_whatever_a_file_may_be_refused_for_is_told_where_files_are_added() -> None:
    responses = committed()["paths"][f"{v1.SUBMISSIONS_PATH}/{{submission_id}}/files"]["post"]["responses"]
    assert {str(v1.PROBLEMS[code.value][0]) for code in Code} <= responses.keys()
