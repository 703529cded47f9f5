"""`docs/reporters/`: what a reporter needs to know. The prose stands in `contracts/nemrefusion/reporters/`, a file per page;
where it says `{{name}}` or `{{name argument}}`, what the contracts say is put in.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import cache
from typing import Any, Final, NamedTuple

from contracts.catalogue import NOTIFICATION, ROOT
from contracts.documentation.forms import choices_of, form_of, limits
from contracts.documentation.markdown import folded, table
from contracts.documentation.rules import rules_for
from contracts.documentation.topics import facts
from contracts.nemrefusion.checking import Checker, in_total
from contracts.nemrefusion.municipalities import REGISTER, is_municipality
from contracts.nemrefusion.v1 import ADVICE, KINDS, ReasonCode
from contracts.nemrefusion.v1.plausibility import Rules
from contracts.topics import NEMREFUSION_NOTIFICATION, NEMREFUSION_RECEIPT

_PROSE: Final = ROOT / "nemrefusion" / "reporters"
_EXAMPLES: Final = ROOT / "nemrefusion" / "examples"
_SLOT: Final = re.compile(r"\{\{(\w+)(?: ([\w.]+))?\}\}")
_FIXED: Final = re.compile(r"`\w+`")
"""The form of a field that has one value only."""
# By their spelling: what only whoever has the other messages can tell.
_TOLD_BY_US_ALONE: Final = frozenset(
    {"conflict", "repeated-absence", "never-joined", "not-taken-yet", "not-yours", "withdrawn"}
)


def pages() -> dict[str, str]:
    """Every page by its name."""
    return {path.name: _filled(path.read_text(encoding="utf-8")) for path in sorted(_PROSE.glob("*.md"))}


def _filled(prose: str) -> str:
    return _SLOT.sub(lambda slot: _SLOTS[slot[1]](slot[2] or "").rstrip("\n"), prose)


class _Field(NamedTuple):
    """A field of a kind. `path` is what reasons name; `mandatory` is in words, empty for "no". A field of one variant of an
    object says by `variant` where the variant is told, and which it is.
    """

    path: str
    mandatory: str
    form: str
    description: str
    variant: tuple[str, str] | None


def _fields(kind: str) -> str:
    rows = [
        (
            f"`{one.path}`",
            one.mandatory,
            one.form,
            one.description,
            _refusals(kind, one.path),
            "" if _FIXED.fullmatch(one.form) else _example(kind, one),
        )
        for one in _fields_of(_model(kind))
    ]
    return table(("field", "mandatory", "form", "what it is", "also refused if", "example"), rows)


def _fields_of(
    model: dict[str, Any], path: str = "", within: str = "yes", variant: tuple[str, str] | None = None
) -> Iterator[_Field]:
    """The fields of an object and, after each object in it, the fields of that."""
    for name, field in model["properties"].items():
        here = path + name
        is_mandatory = name in model.get("required", ())
        mandatory = within if is_mandatory else f"no; {within}" if variant else ""
        forms = [_resolved(each) for each in choices_of(field)]
        description = field.get("description") or ""
        if "properties" not in forms[0]:
            yield _Field(here, mandatory, _form(forms[0]), description, variant)
            continue
        yield _Field(here, mandatory, "object", description, variant)
        if len(forms) == 1:
            yield from _fields_of(forms[0], f"{here}.", within if is_mandatory else f"with `{here}`")
            continue
        for form in forms:
            kind = form["properties"]["kind"]["const"]
            yield from _fields_of(form, f"{here}.", f"for `{kind}`", (f"{here}.kind", kind))


def _form(field: dict[str, Any]) -> str:
    if field.get("type") == "array":
        return f"list{limits(field, 'minItems', 'maxItems')} of {form_of(_resolved(field['items']))}"
    return form_of(field)


def _refusals(kind: str, path: str) -> str:
    return "; ".join(f"{rule.when} (`{rule.code.value}`)" for rule in rules_for(kind, path))


def _example(kind: str, field: _Field) -> str:
    """A value from a golden example: this kind's full one if it has the field."""
    for document in sorted(_documents(), key=lambda each: each["kind"] != kind):
        if field.variant is None or _value_at(document, field.variant[0]) == field.variant[1]:
            value = _value_at(document, field.path)
            if value is not None and not isinstance(value, dict):
                return f"`{json.dumps(value, ensure_ascii=False)}`"
    return ""


def _value_at(document: dict[str, Any], path: str) -> Any:
    value: Any = document
    for step in path.split("."):
        value = value.get(step) if isinstance(value, dict) else None
    return value


@cache
def _documents() -> tuple[dict[str, Any], ...]:
    """The golden examples, the full ones first."""
    paths = sorted(NOTIFICATION.examples, key=lambda path: not path.stem.endswith(".full"))
    return tuple(json.loads(path.read_text(encoding="utf-8")) for path in paths)


@cache
def _definitions() -> dict[str, Any]:
    definitions: dict[str, Any] = NOTIFICATION.schema()["$defs"]
    return definitions


def _model(kind: str) -> dict[str, Any]:
    models = (each for each in _definitions().values() if "properties" in each)
    return next(each for each in models if each["properties"].get("kind", {}).get("const") == kind)


def _resolved(field: dict[str, Any]) -> dict[str, Any]:
    return _definitions()[field["$ref"].rpartition("/")[2]] if "$ref" in field else field


def _examples(kind: str) -> str:
    paths = [path for path in NOTIFICATION.examples if NOTIFICATION.example_name(path).startswith(f"{kind}.")]
    paths.sort(key=lambda path: ("minimal full".find(path.stem.rpartition(".")[2]) < 0, path.stem.endswith("full")))
    return "\n".join(folded(path.stem.rpartition(".")[2].replace("_", " "), path.read_text("utf-8")) for path in paths)


def _kinds(_: str) -> str:
    rows = [(f"[`{kind}`]({kind}.md)", _model(kind)["description"]) for kind in KINDS]
    return table(("kind", "what it is"), rows)


def _reasons(_: str) -> str:
    rows = [
        (f"`{code.value}`", advice, "" if code.value in _TOLD_BY_US_ALONE else "yes") for code, advice in ADVICE.items()
    ]
    return table(("code", "what to do", "found by the check"), rows)


def _rules_by_code(_: str) -> str:
    """Where a code has fields of its own: which, and when."""
    rows: dict[tuple[str, str], list[str]] = {}
    for kind in KINDS:
        for one in _fields_of(_model(kind)):
            for rule in rules_for(kind, one.path):
                rows.setdefault((rule.code.value, f"`{rule.field}`: {rule.when}"), []).append(f"`{kind}`")
    order = [code.value for code in ReasonCode]
    found = sorted(rows.items(), key=lambda row: order.index(row[0][0]))
    every = len(KINDS)
    told = [(f"`{code}`", when, "all" if len(of) == every else ", ".join(of)) for (code, when), of in found]
    return table(("code", "field, and when it is refused", "kinds"), told)


def _receipt(outcome: str) -> str:
    text = (_EXAMPLES / f"notification.receipted.v1.{outcome}.json").read_text(encoding="utf-8")
    return folded(f"Example: {outcome}", text)


def _topic(which: str) -> str:
    return facts({"notification": NEMREFUSION_NOTIFICATION, "receipt": NEMREFUSION_RECEIPT}[which])


def _check(_: str) -> str:
    """What the check says about a good notification and a spoilt one."""
    good = json.loads((_EXAMPLES / f"{NOTIFICATION.name}.recovered.minimal.json").read_text(encoding="utf-8"))
    spoilt = {**good, "last_absence_day": "9. april", "citizen": {"cpr": 7507724568}, "note": "hilsen"}
    content = "\n".join(json.dumps(each) for each in (good, spoilt)).encode()
    rules = Rules(accept_test_cpr=True, is_municipality=is_municipality)
    findings = list(Checker(at=datetime(2026, 4, 10, 12, tzinfo=UTC), rules=rules).check(content, by_lines=True))
    told = [finding.in_words("april.jsonl") for finding in findings]
    return "\n".join(("```text", *told, in_total(Counter(each.outcome for each in findings)), "```\n"))


def _municipalities(_: str) -> str:
    rows = [
        (f"`{each.code}`", each.name, each.first_day.isoformat(), str(each.last_day or ""), each.successor or "")
        for each in REGISTER.values()
    ]
    return table(("code", "municipality", "from", "until", "then"), rows)


_SLOTS: Final[dict[str, Callable[[str], str]]] = {
    "fields": _fields,
    "examples": _examples,
    "kinds": _kinds,
    "reasons": _reasons,
    "rules": _rules_by_code,
    "receipt": _receipt,
    "topic": _topic,
    "check": _check,
    "municipalities": _municipalities,
}
