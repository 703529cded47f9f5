"""The HTTP interface of `uploads` as an OpenAPI 3.1 document, made from the models.

`python -m contracts.uploads.openapi write|check`: the document says what the models say and can't drift from them; `check`,
which a test calls too, compares it with the committed file.
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel

from contracts import openapi
from contracts.document.v1 import DocumentType
from contracts.uploads import v1

FILE: Final = Path(__file__).parent / "openapi.json"

_EVERYWHERE: Final = ("unauthorized", "not-found", "unavailable", "internal")
_OF_A_POST: Final = ("key-missing",)
_OF_A_FILE: Final = tuple(
    code
    for code, (status, _) in v1.PROBLEMS.items()
    if code not in {"has-refused-files", "no-files", "recalled", "method-not-allowed"} and status != 404
)
_ONE: Final = f"{v1.SUBMISSIONS_PATH}/{{submission_id}}"
_FILE: Final = f"{_ONE}/files/{{file_id}}"
_FORM: Final = {
    "type": "object",
    "required": ["file"],
    "properties": {
        "sha256": {
            "type": "string",
            "pattern": "^[0-9A-Fa-f]{64}$",
            "description": "What comes in is compared with it; stands before `file`",
        },
        "file": {
            "type": "string",
            "contentMediaType": "application/octet-stream",
            "description": "One file, whole, neither packed nor encoded; its name in the part's header",
        },
    },
}


def document() -> dict[str, Any]:
    """The OpenAPI document that the models give today."""
    return openapi.document(
        "Mit Sygefravær: documents",
        v1.__doc__ or "",
        paths=_paths(),
        components={
            "schemas": openapi.schemas([v1.NewSubmission], [v1.Submission, v1.Submissions, v1.File, v1.Problem]),
            "responses": openapi.refusals(v1.PROBLEMS, v1.Problem),
            "parameters": {
                "submissionId": _in_path("submission_id", "A submission of this citizen's"),
                "fileId": _in_path("file_id", "A file of it"),
                "absenceId": {
                    "name": "absence_id",
                    "in": "query",
                    "required": False,
                    "description": "Only those about this absence",
                    "schema": {"type": "string", "format": "uuid"},
                },
                "idempotencyKey": {
                    "name": v1.KEY_HEADER,
                    "in": "header",
                    "required": True,
                    "description": "Made by whoever asks: the same request again has the same answer and no further effect",
                    "schema": {"type": "string", "format": "uuid"},
                },
            },
            "securitySchemes": {
                "citizenToken": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "Names the citizen, signed by the portal (contracts/citizen_token/v1.py)",
                }
            },
        },
    )


def _paths() -> dict[str, Any]:
    begun = _body(v1.NewSubmission)
    file = {"required": True, "content": {"multipart/form-data": {"schema": _FORM}}}
    told, several, shown = _told(v1.Submission), _told(v1.Submissions), _told(v1.File)
    nothing: dict[str, Any] = {}
    return {
        v1.SUBMISSIONS_PATH: {
            "post": _post(
                "begin",
                "Begin a submission",
                {"201": ("Begun", told), "200": ("Begun before, by the same key", told)},
                ("invalid", "key-conflict", "encoding-not-accepted", "too-slow"),
                body=begun,
            ),
            "get": _operation(
                "list",
                "The citizen's submissions, newest first",
                {"200": ("All", several)},
                ("invalid",),
                ["absenceId"],
            ),
        },
        _ONE: {
            "get": _operation("show", "One submission, with its files", {"200": ("It", told)}, (), ["submissionId"]),
            "delete": _operation(
                "takeBack", "Take back what was not sent", {"204": ("Gone", nothing)}, ("not-open",), ["submissionId"]
            ),
        },
        f"{_ONE}/files": {
            "post": _post(
                "addFile",
                "Add a file, in a multipart body with one part `file`",
                {"201": ("Clean, and stored", shown), "202": ("Taken, and not checked yet", shown)},
                _OF_A_FILE,
                body=file,
                parameters=["submissionId"],
            )
        },
        _FILE: {
            "delete": _operation(
                "takeOut",
                "Take a file out again",
                {"204": ("Gone", nothing)},
                ("not-open",),
                ["submissionId", "fileId"],
            )
        },
        f"{_FILE}/content": {
            "get": _operation(
                "content",
                "The stored bytes, to be kept and never shown in place",
                {"200": ("The bytes", {one.value: {"schema": {}} for one in DocumentType})},
                ("recalled",),
                ["submissionId", "fileId"],
            )
        },
        f"{_ONE}/send": {
            "post": _post(
                "send",
                "Save and send: all of it goes on, or nothing does",
                {"200": ("It went on", told), "202": ("It waits for the check; the instant is kept", told)},
                ("not-open", "no-files", "has-refused-files"),
                parameters=["submissionId"],
            )
        },
    }


_Answers = Mapping[str, tuple[str, Mapping[str, Any]]]
"""By status: what it says, and the content."""


def _operation(
    name: str, says: str, answers: _Answers, codes: tuple[str, ...], parameters: list[str]
) -> dict[str, Any]:
    return {
        "operationId": name,
        "summary": says,
        "parameters": [{"$ref": f"#/components/parameters/{one}"} for one in parameters],
        "responses": {
            **{status: _answer(said, content) for status, (said, content) in answers.items()},
            **openapi.refused_with(v1.PROBLEMS, (*_EVERYWHERE, *codes)),
        },
    }


def _post(
    name: str,
    says: str,
    answers: _Answers,
    codes: tuple[str, ...],
    *,
    body: Mapping[str, Any] | None = None,
    parameters: list[str] | None = None,
) -> dict[str, Any]:
    made = _operation(name, says, answers, (*_OF_A_POST, *codes), [*(parameters or []), "idempotencyKey"])
    return made | ({"requestBody": dict(body)} if body else {})


def _answer(says: str, content: Mapping[str, Any]) -> dict[str, Any]:
    headers = {"cache-control": {"schema": {"const": "no-store"}}}
    return {"description": says, "headers": headers, **({"content": dict(content)} if content else {})}


def _body(model: type[BaseModel]) -> dict[str, Any]:
    return {"required": True, "content": {"application/json": {"schema": openapi.ref(model)}}}


def _told(model: type[BaseModel]) -> dict[str, Any]:
    return {"application/json": {"schema": openapi.ref(model)}}


def _in_path(name: str, says: str) -> dict[str, Any]:
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": says,
        "schema": {"type": "string", "format": "uuid"},
    }


def text() -> str:
    """The document as it is committed."""
    return openapi.as_text(document())


if __name__ == "__main__":
    sys.exit(openapi.command("contracts.uploads.openapi", FILE, text(), __doc__))
