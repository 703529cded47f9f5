"""The field types of a NemRefusion notification: one reader per kind of value, strict, each with its own reason code.

Readers take what JSON gives (or, in our own code and tests, the Python value) and never convert between JSON types:
"true" is no boolean, 1767225600 is no date. Texts are normalised to Unicode NFC, so that two spellings of Å are one
name. Whatever a reader refuses it refuses with a code of `ReasonCode` and a text for the reporter that holds nothing
of the input.
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated, Final
from uuid import UUID

from pydantic import BeforeValidator, Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import PydanticCustomError, core_schema

from contracts.nemrefusion.v1.numbers import is_cpr_number, is_cvr_number
from contracts.nemrefusion.v1.reasons import ReasonCode
from contracts.strict_json import bad_text

DAY_PATTERN: Final = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
ID_PATTERN: Final = r"^[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"
_RFC3339: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)", re.ASCII)
_UUID: Final = re.compile(ID_PATTERN)
_CPR_WITH_HYPHEN: Final = re.compile(r"\d{6}-\d{4}", re.ASCII)
_LINE_BREAK: Final = re.compile("[\n\v\f\r\x1c-\x1e\x85\u2028\u2029]")
_CONTROL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_LINE_END: Final = re.compile("\r\n?|[\x85\u2028\u2029]")
# Normalising sorts runs of combining marks, which takes time quadratic in their number, so longer texts are refused
# before it.
_LONGEST_BEFORE_NORMALISING: Final = 4_000


def refusal(code: ReasonCode, text: str) -> PydanticCustomError:
    """A refusal by one of the readers. The text goes out as it is: braces would be read as a template, so it has none."""
    return PydanticCustomError(code.value, text)


def _wrong_type(wanted: str) -> PydanticCustomError:
    return refusal(ReasonCode.WRONG_TYPE, f"Send {wanted}.")


def _read_instant(value: object) -> object:
    if type(value) is str:
        if _RFC3339.fullmatch(value):
            try:
                return datetime.fromisoformat(value).astimezone(UTC)
            except (ValueError, OverflowError):
                pass
    elif isinstance(value, datetime):
        if value.tzinfo is not None:
            return value.astimezone(UTC)
    else:
        raise _wrong_type("an instant as text with its time zone, for example 2026-03-02T08:15:00+01:00")
    raise refusal(
        ReasonCode.BAD_TIME,
        "Send an instant as YYYY-MM-DDThh:mm:ss with its time zone, Z or an offset, for example "
        "2026-03-02T08:15:00+01:00; without a zone it can't be placed.",
    )


def uuid_or_none(value: object) -> UUID | None:
    """A UUID as a notification would have it, if it is one."""
    return UUID(value) if type(value) is str and _UUID.fullmatch(value) else None


def _read_cpr(value: object) -> object:
    if type(value) is not str:
        raise _wrong_type("the CPR number as text, so that a leading 0 stays")
    digits = value.replace("-", "") if _CPR_WITH_HYPHEN.fullmatch(value) else value
    if not is_cpr_number(digits):
        raise refusal(
            ReasonCode.BAD_CPR,
            "Send a CPR number: ten digits, the first six a date as DDMMYY. A hyphen after the sixth is allowed.",
        )
    return digits


def _read_cvr(value: object) -> object:
    if type(value) is not str:
        raise _wrong_type("the CVR number as text")
    if not is_cvr_number(value):
        raise refusal(
            ReasonCode.BAD_CVR,
            "Send a Danish CVR number: eight digits whose check digit is right. Foreign company numbers can't be used.",
        )
    return value


def _normalised(value: object) -> str:
    if type(value) is not str:
        raise _wrong_type("text")
    if value.isascii():
        return value
    if len(value) > _LONGEST_BEFORE_NORMALISING:
        raise refusal(
            ReasonCode.TOO_LONG, "The text is thousands of characters long. Shorten it to what the schema says."
        )
    return unicodedata.normalize("NFC", value)


def _read_line(value: object) -> object:
    text = _normalised(value)
    # isprintable is false for every control, format and separator character but the space: the rare ones are looked
    # at below.
    if not text.isprintable():
        if bad_text(text) or _LINE_BREAK.search(text):
            raise refusal(
                ReasonCode.BAD_TEXT, "Send one line of Unicode text: no line breaks, no NUL, no half surrogate pairs."
            )
        text = _CONTROL.sub("", text.replace("\t", " "))
    return text.strip()


def _read_free_text(value: object) -> object:
    text = _normalised(value)
    if not text.isprintable():
        if bad_text(text):
            raise refusal(ReasonCode.BAD_TEXT, "Send Unicode text without NUL and without half surrogate pairs.")
        text = _CONTROL.sub("", _LINE_END.sub("\n", text))
    return text.strip()


@dataclass(frozen=True, slots=True, eq=False)
class _Spelt:
    """Text in exactly one spelling, then read by pydantic's own reader, which would take more: epoch numbers, other spellings."""

    pattern: str
    format: str
    reader: core_schema.CoreSchema

    def __get_pydantic_core_schema__(self, _source: object, _handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.chain_schema([core_schema.str_schema(pattern=self.pattern, strict=True), self.reader])

    def __get_pydantic_json_schema__(
        self, _schema: core_schema.CoreSchema, _handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"type": "string", "format": self.format}


Day = Annotated[date, _Spelt(DAY_PATTERN, "date", core_schema.date_schema(strict=False))]
"""A calendar day, in Denmark."""
Instant = Annotated[datetime, BeforeValidator(_read_instant)]
"""An instant with its zone; kept in UTC."""
Id = Annotated[UUID, _Spelt(ID_PATTERN, "uuid", core_schema.uuid_schema(strict=False))]
CprNumber = Annotated[
    str,
    BeforeValidator(_read_cpr, json_schema_input_type=Annotated[str, Field(pattern=r"^[0-9]{6}-?[0-9]{4}$")]),
]
"""Ten digits; kept without hyphen. Modulus 11 is not asked for: numbers issued since 2007 may lack it (N3)."""
CvrNumber = Annotated[
    str, BeforeValidator(_read_cvr, json_schema_input_type=Annotated[str, Field(pattern=r"^[1-9][0-9]{7}$")])
]
Line = Annotated[str, Field(min_length=1, max_length=200), BeforeValidator(_read_line)]
"""One line of text. Line breaks are refused, because a name with one could forge an address block in a letter."""
FreeText = Annotated[str, Field(min_length=1, max_length=2_000), BeforeValidator(_read_free_text)]
"""Text of several lines. A reporter's free text is treated as health data."""
