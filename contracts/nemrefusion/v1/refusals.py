"""From what the readers and pydantic refuse to reasons for the reporter: a code, a masked place and a text; never the
input.

Only the parts of a pydantic error that come from our own models are used: its type, the limits in its context and the
names in its location that are fields of ours.
"""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from contracts.nemrefusion.v1 import fields
from contracts.nemrefusion.v1.reasons import ADVICE, WHOLE_MESSAGE, Reason, ReasonCode, reason
from contracts.nemrefusion.v1.shapes import MASK, Shape, Strangers, masked_path
from contracts.strict_json import BadJson

MOST_REASONS: Final = 100
_OWN_CODES: Final = frozenset(ReasonCode)
_NO_CODE: Final = "Send one of the codes that the schema lists, as text in quotes."
_OBJECT: Final = "a JSON object in curly brackets, with the fields that the schema lists"
_JSON_TYPES: Final = {
    "string_type": "text, in quotes",
    "bool_type": "true or false, without quotes",
    "int_type": "a whole number, without quotes",
    "float_type": "a number, without quotes",
    "tuple_type": "a list in square brackets, also when it holds one value",
    "model_type": _OBJECT,
    "model_attributes_type": _OBJECT,
    "dict_type": _OBJECT,
}
_FORMATS: Final = {
    "production_unit": "Send the production unit number (P-nummer) as text of ten digits.",
    "fund_number": "Send the fund's number as text of one to four digits.",
    "municipality_code": "Send the municipality code as text of four digits, with the leading zero.",
    "country": "Send the country as two capital letters (ISO 3166-1 alpha-2).",
    "postal_code": "Send the postal code as text, four digits in Denmark.",
    "phone": "Send the telephone number as digits and spaces, with or without + and country code.",
    "email": "Send an e-mail address: one @, no spaces.",
}

_Context = dict[str, Any]


def _wrong_type(wanted: str, _: _Context) -> str:
    return f"Send {wanted}."


def _too_long(context: _Context) -> str:
    return (
        f"The text is too long. Shorten it to {context['max_length']} characters, white space at both ends not counted."
    )


_BY_TYPE: Final[dict[str, tuple[ReasonCode, Callable[[_Context], str]]]] = {
    "date_parsing": (ReasonCode.BAD_DATE, lambda _: ADVICE[ReasonCode.BAD_DATE]),
    "date_from_datetime_parsing": (ReasonCode.BAD_DATE, lambda _: ADVICE[ReasonCode.BAD_DATE]),
    "missing": (ReasonCode.MISSING, lambda _: ADVICE[ReasonCode.MISSING]),
    "enum": (ReasonCode.UNKNOWN_CODE, lambda context: f"Send one of these codes, exactly so: {context['expected']}."),
    "literal_error": (
        ReasonCode.UNKNOWN_CODE,
        lambda context: f"The only code that is taken here is {context['expected']}.",
    ),
    "string_too_short": (ReasonCode.BLANK, lambda _: ADVICE[ReasonCode.BLANK]),
    "string_too_long": (ReasonCode.TOO_LONG, _too_long),
    "too_short": (ReasonCode.MISSING, lambda context: f"The list is empty. It holds at least {context['min_length']}."),
    "too_long": (
        ReasonCode.TOO_MANY,
        lambda context: f"The list is too long. It holds at most {context['max_length']}.",
    ),
    "greater_than_equal": (
        ReasonCode.OUT_OF_RANGE,
        lambda context: f"The number is too small. Send at least {context['ge']:g}.",
    ),
    "less_than_equal": (
        ReasonCode.OUT_OF_RANGE,
        lambda context: f"The number is too large. Send at most {context['le']:g}.",
    ),
    **{name: (ReasonCode.WRONG_TYPE, partial(_wrong_type, wanted)) for name, wanted in _JSON_TYPES.items()},
    "finite_number": (ReasonCode.BAD_NUMBER, lambda _: ADVICE[ReasonCode.BAD_NUMBER]),
}


def one_per_field(reasons: Iterable[Reason]) -> tuple[Reason, ...]:
    """The first reason of each field, in order, and no more than anybody reads."""
    first: dict[str, Reason] = {}
    for each in reasons:
        first.setdefault(each.field, each)
        if len(first) == MOST_REASONS:
            break
    return tuple(first.values())


def from_json_fault(fault: BadJson, shapes: Iterable[Shape]) -> tuple[Reason, ...]:
    """Reasons for a document that could not be read. Its kind is not known, so a place is named if any kind has it."""
    shapes = tuple(shapes)
    text = None
    if fault.line is not None:
        text = f"{ADVICE[ReasonCode.NOT_JSON]} Reading stopped at line {fault.line}, column {fault.column}."
    return one_per_field(reason(_place(path, shapes), ReasonCode(code), text) for code, path in fault.places)


def from_strangers(strangers: Strangers) -> Iterator[Reason]:
    """Reasons for names that are refused although we don't know them."""
    for path in strangers.refused:
        if path.endswith(MASK):
            yield reason(
                path, ReasonCode.UNKNOWN_FIELD, "A name that begins with _, $ or model_ is reserved. Leave it out."
            )
        else:
            yield reason(
                path,
                ReasonCode.UNKNOWN_FIELD,
                "A field is spelt almost like this one: other letter case, hyphens, spaces. Use the exact name, once.",
            )


def from_validation(error: ValidationError, shape: Shape) -> Iterator[Reason]:
    """Reasons for a document that is JSON but no notification of its kind."""
    faults = error.errors(include_url=False)
    spoilt = {fault["loc"][:depth] for fault in faults for depth in range(1, len(fault["loc"]))}
    for fault in faults:
        # a list whose items are refused one by one is called too short as well, which says nothing new
        if not (fault["type"] == "too_short" and fault["loc"] in spoilt):
            yield _from_fault(fault, masked_path(fault["loc"], shape))


def _from_fault(fault: ErrorDetails, field: str) -> Reason:
    kind, context = fault["type"], fault.get("ctx", {})
    match kind:
        case "enum" if not isinstance(fault["input"], str):
            return reason(field, ReasonCode.WRONG_TYPE, _NO_CODE)
        case "union_tag_invalid" | "union_tag_not_found":
            return _variant_reason(f"{field}.kind", fault["input"], context)
        case "string_pattern_mismatch":
            return _spelling(field, context["pattern"])
        case _ if kind in _BY_TYPE:
            code, text = _BY_TYPE[kind]
            return reason(field, code, text(context))
        case _:
            # ours by name; a refusal that a later pydantic adds is answered in any case
            code = ReasonCode(kind) if kind in _OWN_CODES else ReasonCode.BAD_FORMAT
            return reason(field, code, fault["msg"] if kind in _OWN_CODES else None)


def _spelling(field: str, pattern: str) -> Reason:
    match pattern:
        case fields.DAY_PATTERN:
            return reason(field, ReasonCode.BAD_DATE)
        case fields.ID_PATTERN:
            return reason(field, ReasonCode.BAD_ID)
        case _:
            return reason(field, ReasonCode.BAD_FORMAT, _FORMATS.get(field.rpartition(".")[2]))


def _variant_reason(field: str, value: Any, context: _Context) -> Reason:
    kind = value.get("kind") if isinstance(value, dict) else None
    if kind is None:
        return reason(field, ReasonCode.MISSING)
    if not isinstance(kind, str):
        return reason(field, ReasonCode.WRONG_TYPE, _NO_CODE)
    return reason(field, ReasonCode.UNKNOWN_CODE, f"Send one of these codes: {context['expected_tags']}.")


def _place(path: tuple[str | int, ...], shapes: tuple[Shape, ...]) -> str:
    if not path:
        return WHOLE_MESSAGE
    places = [masked_path(path, shape) for shape in shapes]
    return next((place for place in places if not place.endswith(MASK)), places[0])
