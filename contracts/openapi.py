"""What the OpenAPI documents of our HTTP interfaces have in common: schemas from models, refusals from tables of problems, and a
command that writes a document or says that it has drifted."""

import argparse
import json
import sys
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, models_json_schema
from typing_extensions import override

Problems = Mapping[Any, tuple[int, str]]
"""Each code, with its HTTP status and what it says."""


class _Schema(GenerateJsonSchema):
    """Field names are titles enough."""

    @override
    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def schemas(asked: Collection[type[BaseModel]], told: Collection[type[BaseModel]]) -> dict[str, Any]:
    """The schemas of what is sent, as it is read, and of what is answered, as it is written."""
    wanted: list[tuple[Any, JsonSchemaMode]] = [(one, "validation") for one in asked]
    wanted += [(one, "serialization") for one in told]
    _, found = models_json_schema(
        list(dict.fromkeys(wanted)), ref_template="#/components/schemas/{model}", schema_generator=_Schema
    )
    definitions: dict[str, Any] = found["$defs"]
    return definitions


def document(
    title: str, description: str, *, paths: Mapping[str, Any], components: Mapping[str, Any]
) -> dict[str, Any]:
    """The whole; `components` names one security scheme, which every operation asks for."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": title,
            "version": "1",
            "description": description.strip(),
            "license": {"name": "MPL-2.0", "identifier": "MPL-2.0"},
        },
        "security": [{name: []} for name in components["securitySchemes"]],
        "paths": dict(paths),
        "components": dict(components),
    }


def ref(model: type[BaseModel]) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{model.__name__}"}


def refusals(problems: Problems, problem: type[BaseModel]) -> dict[str, Any]:
    """A response for each status that a refusal may have."""
    return {
        str(status): _refusal(problems, problem, status)
        for status in sorted({status for status, _ in problems.values()})
    }


def refused_with(problems: Problems, codes: Collection[Any]) -> dict[str, Any]:
    """The responses of an operation that may be refused with these codes."""
    statuses = sorted({problems[code][0] for code in codes})
    return {str(status): {"$ref": f"#/components/responses/{status}"} for status in statuses}


def as_text(document: Mapping[str, Any]) -> str:
    """The document as it is committed: the same bytes on every machine."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def command(module: str, file: Path, text: str, says: str | None) -> int:
    """`write|check` of a document."""
    parser = argparse.ArgumentParser(prog=f"python -m {module}", description=says)
    parser.add_argument("command", choices=("write", "check"))
    if parser.parse_args().command == "write":
        file.write_text(text, encoding="utf-8")
        return 0
    if file.read_text(encoding="utf-8") == text:
        return 0
    sys.stderr.write(f"{file.name} is not what the models say: python -m {module} write\n")
    return 1


def _refusal(problems: Problems, problem: type[BaseModel], status: int) -> dict[str, Any]:
    codes = {code: title for code, (of, title) in problems.items() if of == status}
    return {
        "description": " ".join(f"`{code}`: {title}" for code, title in codes.items()),
        "content": {
            "application/problem+json": {
                "schema": {
                    "allOf": [ref(problem)],
                    "properties": {"status": {"const": status}, "code": {"enum": list(codes)}},
                }
            }
        },
    }
