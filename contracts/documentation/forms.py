"""The form of a field, from its JSON Schema, in words."""

from typing import Any


def choices_of(field: dict[str, Any]) -> list[dict[str, Any]]:
    """The forms a field may have, null apart; itself, if it has one."""
    choices: list[dict[str, Any]] = [*field.get("anyOf", ()), *field.get("oneOf", ())]
    return [each for each in choices if each.get("type") != "null"] or [field]


def form_of(field: dict[str, Any]) -> str:
    """The form of a plain value: its type, spelling and limits."""
    if "const" in field:
        return f"`{field['const']}`"
    if "enum" in field:
        return " or ".join(f"`{each}`" for each in field["enum"])
    form = field.get("format") or (f"`{field['pattern']}`" if "pattern" in field else field["type"])
    return form + limits(field, "minLength", "maxLength") + limits(field, "minimum", "maximum")


def limits(field: dict[str, Any], lower: str, upper: str) -> str:
    """The limits a field states by these two names, `, 1–200`; empty if it states none."""
    if lower not in field and upper not in field:
        return ""
    return f", {field.get(lower, '')}–{field.get(upper, '')}"
