"""Builders of NemRefusion notifications, as a reporter would write them: by hand, without the models."""

import json
from copy import deepcopy
from typing import Any

from contracts.catalogue import NOTIFICATION
from contracts.nemrefusion.v1 import Parsed, Rejection, parse_notification

Document = dict[str, Any]
LEFT_OUT: Any = object()


def golden(name: str) -> Document:
    """A golden example by the end of its name, `absence_reported.employee`."""
    (path,) = (path for path in NOTIFICATION.examples if path.stem == f"{NOTIFICATION.name}.{name}")
    document: Document = json.loads(path.read_bytes())
    return document


def changed(document: Document, changes: dict[str, Any]) -> Document:
    """A copy in which each dotted path has the value given; `LEFT_OUT` removes it."""
    copy = deepcopy(document)
    for path, value in changes.items():
        *parents, name = path.split(".")
        target = copy
        for parent in parents:
            target = target[parent]
        if value is LEFT_OUT:
            del target[name]
        else:
            target[name] = value
    return copy


def written(document: Document, *, ascii_only: bool = False) -> bytes:
    return json.dumps(document, ensure_ascii=ascii_only).encode()


def employee(**changes: Any) -> bytes:
    """A good report with changes; `citizen__cpr` stands for the path `citizen.cpr`."""
    paths = {path.replace("__", "."): value for path, value in changes.items()}
    return written(changed(golden("absence_reported.employee"), paths), ascii_only=True)


def accepted(raw: bytes | None) -> Parsed:
    result = parse_notification(raw)
    assert isinstance(result, Parsed), result.reasons
    return result


def rejected(raw: bytes | None) -> dict[str, str]:
    """The reasons as field and code."""
    result = parse_notification(raw)
    assert isinstance(result, Rejection)
    return {reason.field: reason.code.value for reason in result.reasons}
