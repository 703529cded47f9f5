"""Whether a change of a schema would break somebody: own checker, because no maintained library compares JSON Schemas.

`narrowings(before, after)` lists where a document that is valid under `before` may not be valid, or not mean the same,
under `after`. A newer reader must not narrow what was sent before; a newer sender must not widen what old readers
take, which is the same question the other way round. Only the keywords that our models produce are understood; any
other is an error, not a guess.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from typing_extensions import override

Schema = dict[str, Any]

OPEN_ENUM: Final = "x-open-enum"
"""On an enum whose list may grow: its readers promise to take codes they don't know."""

_ANNOTATIONS: Final = frozenset(
    {"$schema", "$id", "$defs", "title", "description", "examples", "default", "discriminator", "deprecated", OPEN_ENUM}
)
_LOWER_LIMITS: Final = ("minimum", "exclusiveMinimum", "minLength", "minItems")
_UPPER_LIMITS: Final = ("maximum", "exclusiveMaximum", "maxLength", "maxItems")
_UNDERSTOOD: Final = _ANNOTATIONS | {
    "$ref",
    "type",
    "enum",
    "const",
    "pattern",
    "format",
    "anyOf",
    "oneOf",
    "properties",
    "required",
    "items",
    *_LOWER_LIMITS,
    *_UPPER_LIMITS,
}


@dataclass(frozen=True, slots=True)
class Change:
    """One incompatible change, in words."""

    path: str
    what: str

    @override
    def __str__(self) -> str:
        return f"{self.path or 'the message'}: {self.what}"


class NotUnderstood(Exception):
    """A schema uses a keyword this checker does not know: teach it before using it."""


def incompatibilities(released: Schema, current: Schema, *, old_readers: bool) -> list[Change]:
    """What breaks: old messages for new readers and, with `old_readers`, new messages for old readers too."""
    changes = [*narrowings(released, current)]
    if old_readers:
        backwards = _Comparison(current, released, additions_pass=True).of(current, released, "")
        changes += [Change(each.path, f"for consumers of the release: {each.what}") for each in backwards]
    return list(dict.fromkeys(changes))


def narrowings(before: Schema, after: Schema) -> Iterator[Change]:
    """Where documents valid under `before` may fail, or mean something else, under `after`."""
    return _Comparison(before, after, additions_pass=False).of(before, after, "")


class _Comparison:
    """Walks two schemas side by side.

    `additions_pass`: `after` is an old reader, who passes over properties it does not know and new codes of open lists.
    """

    def __init__(self, before: Schema, after: Schema, *, additions_pass: bool) -> None:
        self._before_defs: Schema = before.get("$defs", {})
        self._after_defs: Schema = after.get("$defs", {})
        self._additions_pass = additions_pass

    def of(self, before: Schema, after: Schema, path: str) -> Iterator[Change]:
        before, after = _resolved(before, self._before_defs), _resolved(after, self._after_defs)
        if "anyOf" in before or "oneOf" in before or "anyOf" in after or "oneOf" in after:
            yield from self._alternatives(before, after, path)
            return
        yield from _types(before, after, path)
        yield from self._values(before, after, path)
        yield from _forms(before, after, path)
        yield from _limits(before, after, path)
        if "properties" in before or "properties" in after:
            yield from self._properties(before, after, path)
        if "items" in after:
            yield from self.of(before.get("items", {}), after["items"], f"{path}[]")

    def _values(self, before: Schema, after: Schema, path: str) -> Iterator[Change]:
        was, now = _allowed(before), _allowed(after)
        if now is None or (after.get(OPEN_ENUM) and self._additions_pass):
            return
        if was is None:
            yield Change(path, f"takes only {_listed(now)} now")
        elif missing := [each for each in was if each not in now]:
            yield Change(path, f"no longer takes {_listed(missing)}")

    def _alternatives(self, before: Schema, after: Schema, path: str) -> Iterator[Change]:
        accepted = [_resolved(each, self._after_defs) for each in _branches(after)]
        for each in _branches(before):
            branch = _resolved(each, self._before_defs)
            rivals = [
                list(self.of(branch, candidate, path)) for candidate in accepted if _tag(candidate) == _tag(branch)
            ]
            if not rivals:
                yield Change(path, f"no longer takes {_name(branch)}")
            elif all(rivals):
                yield from min(rivals, key=len)

    def _properties(self, before: Schema, after: Schema, path: str) -> Iterator[Change]:
        was, now = before.get("properties", {}), after.get("properties", {})
        was_required, now_required = set(before.get("required", ())), set(after.get("required", ()))
        for name in sorted(now_required - was_required):
            yield Change(_join(path, name), "is required now" if name in was else "is new and required")
        for name, schema in was.items():
            if name in now:
                yield from self.of(schema, now[name], _join(path, name))
                yield from _default(schema, now[name], _join(path, name))
            elif not self._additions_pass:
                yield Change(_join(path, name), "was removed")


def _forms(before: Schema, after: Schema, path: str) -> Iterator[Change]:
    for keyword in ("pattern", "format"):
        if keyword in after and before.get(keyword) != after[keyword]:
            yield Change(path, f"{keyword} became {after[keyword]}")


def _types(before: Schema, after: Schema, path: str) -> Iterator[Change]:
    was, now = before.get("type"), after.get("type")
    if now is not None and was != now and not (was == "integer" and now == "number"):
        yield Change(path, f"type {was} became {now}")


def _limits(before: Schema, after: Schema, path: str) -> Iterator[Change]:
    for keyword in _LOWER_LIMITS:
        if keyword in after and (keyword not in before or after[keyword] > before[keyword]):
            yield Change(path, f"{keyword} rose to {after[keyword]}")
    for keyword in _UPPER_LIMITS:
        if keyword in after and (keyword not in before or after[keyword] < before[keyword]):
            yield Change(path, f"{keyword} fell to {after[keyword]}")


def _default(before: Schema, after: Schema, path: str) -> Iterator[Change]:
    if "default" in before and "default" in after and before["default"] != after["default"]:
        yield Change(path, "means something else when left out: its default changed")


def _resolved(schema: Schema, definitions: Schema) -> Schema:
    if "$ref" in schema:
        schema = {**definitions[schema["$ref"].rpartition("/")[2]], **{k: v for k, v in schema.items() if k != "$ref"}}
        return _resolved(schema, definitions)
    if unknown := schema.keys() - _UNDERSTOOD:
        raise NotUnderstood(", ".join(sorted(unknown)))
    return schema


def _branches(schema: Schema) -> list[Schema]:
    branches: list[Schema] = schema.get("anyOf") or schema.get("oneOf") or [schema]
    return branches


def _tag(schema: Schema) -> str:
    """What tells the branches of a choice apart: the `kind` of an object, else the type."""
    kind: Any = schema.get("properties", {}).get("kind", {}).get("const")
    return f"object {kind}" if kind is not None else str(schema.get("type", "any"))


def _name(schema: Schema) -> str:
    return _tag(schema)


def _allowed(schema: Schema) -> list[Any] | None:
    return [schema["const"]] if "const" in schema else schema.get("enum")


def _listed(values: list[Any]) -> str:
    return ", ".join(map(str, values))


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
