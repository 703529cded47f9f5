"""Why a notification was rejected: a closed list of codes, machine-readable, and what the reporter does about each.

The list is public and only grows. A reason names the field and the code, with a text in plain English for whoever
maintains the payroll system that sent it. Neither field nor text ever holds anything of what was sent.
"""

from enum import StrEnum
from typing import Annotated, Final

from pydantic import Field

from contracts.events import Part


class ReasonCode(StrEnum):
    """What is wrong. The first group concerns the message as a whole, the second a field, the third its meaning."""

    EMPTY = "empty"
    TOO_LARGE = "too-large"
    NOT_UTF8 = "not-utf8"
    NOT_JSON = "not-json"
    WRONG_SHAPE = "wrong-shape"
    TOO_DEEP = "too-deep"
    DUPLICATE_KEY = "duplicate-key"
    UNSUPPORTED_VERSION = "unsupported-version"

    UNKNOWN_FIELD = "unknown-field"
    MISSING = "missing"
    WRONG_TYPE = "wrong-type"
    BAD_NUMBER = "bad-number"
    BAD_TEXT = "bad-text"
    BAD_DATE = "bad-date"
    BAD_TIME = "bad-time"
    BAD_ID = "bad-id"
    BAD_CPR = "bad-cpr"
    BAD_CVR = "bad-cvr"
    BAD_FORMAT = "bad-format"
    BLANK = "blank"
    TOO_LONG = "too-long"
    TOO_MANY = "too-many"
    OUT_OF_RANGE = "out-of-range"
    UNKNOWN_CODE = "unknown-code"

    INCONSISTENT = "inconsistent"
    IMPLAUSIBLE_DATE = "implausible-date"
    TEST_CPR = "test-cpr"
    NOT_OURS = "not-ours"
    WITH_FUND = "with-fund"
    CONFLICT = "conflict"
    REPEATED_ABSENCE = "repeated-absence"
    TOO_LATE = "too-late"
    NEVER_JOINED = "never-joined"
    NOT_YOURS = "not-yours"
    WITHDRAWN = "withdrawn"
    NOT_TAKEN_YET = "not-taken-yet"


ADVICE: Final[dict[ReasonCode, str]] = {
    ReasonCode.EMPTY: "The message holds nothing. Send one JSON object as the record's value.",
    ReasonCode.TOO_LARGE: "The message is larger than 1 MiB. A notification is a few kilobytes; send nothing beside it.",
    ReasonCode.NOT_UTF8: "The bytes are not UTF-8. Encode the JSON as UTF-8, not as Latin-1 or UTF-16.",
    ReasonCode.NOT_JSON: "The value is not exactly one JSON document (RFC 8259). Check how it is written, and that it is whole.",
    ReasonCode.WRONG_SHAPE: "The value is JSON, but not an object. Send one object per record, never a list of them.",
    ReasonCode.TOO_DEEP: "Objects or lists are nested too deeply. A notification needs no more than four levels.",
    ReasonCode.DUPLICATE_KEY: "The same name stands more than once in one object. Send each field once.",
    ReasonCode.UNSUPPORTED_VERSION: "Say which version the message follows: version must be the number 1, without quotes.",
    ReasonCode.UNKNOWN_FIELD: "The name is reserved, or almost a field's: other letter case, hyphens. Use the exact one.",
    ReasonCode.MISSING: "The field is not there, or null. It is mandatory here: send it.",
    ReasonCode.WRONG_TYPE: "The value has another JSON type than the schema says; nothing is converted.",
    ReasonCode.BAD_NUMBER: "Send an ordinary number: not NaN, Infinity, -0 or 1e400, and no whole number beyond 64 bits.",
    ReasonCode.BAD_TEXT: "The text holds NUL (U+0000) or half of a surrogate pair (U+D800 to U+DFFF). Take it out.",
    ReasonCode.BAD_DATE: "Send a day of the calendar as YYYY-MM-DD, for example 2026-03-02.",
    ReasonCode.BAD_TIME: "Send an instant with its time zone (RFC 3339).",
    ReasonCode.BAD_ID: "Send a UUID with hyphens, for example 7d1f2a90-3c4b-4e5d-8f60-000000000001.",
    ReasonCode.BAD_CPR: "Send a CPR number of ten digits, the first six a date as DDMMYY.",
    ReasonCode.BAD_CVR: "Send a CVR number of eight digits whose check digit is right.",
    ReasonCode.BAD_FORMAT: "The text has another form than the schema says.",
    ReasonCode.BLANK: "The text is empty or only spaces. Leave the field out if there is nothing to say.",
    ReasonCode.TOO_LONG: "The text is longer than the schema allows. Shorten it.",
    ReasonCode.TOO_MANY: "The list is longer than the schema allows.",
    ReasonCode.OUT_OF_RANGE: "The number is outside what the schema allows.",
    ReasonCode.UNKNOWN_CODE: "The code is not in the list. Codes are exact, in lower case.",
    ReasonCode.INCONSISTENT: "The field contradicts another one.",
    ReasonCode.IMPLAUSIBLE_DATE: "The day can't be right at the time the message was sent or received. Check it.",
    ReasonCode.TEST_CPR: "The CPR number is a replacement or test number (day + 60), which is not taken here.",
    ReasonCode.NOT_OURS: "No municipality has this code on that day. Send the code of the citizen's municipality.",
    ReasonCode.WITH_FUND: "Unemployed people stay with their fund for the first two weeks; report when it lasts longer.",
    ReasonCode.CONFLICT: "This notification id came before with another content. Send a change under an id of its own.",
    ReasonCode.REPEATED_ABSENCE: "This absence is known, and was told otherwise. Correct the first report, do not send a second.",
    ReasonCode.TOO_LATE: "The rules no longer allow this so long after the first absence day.",
    ReasonCode.NEVER_JOINED: "The absence this message refers to was never reported. Check the absence reference.",
    ReasonCode.NOT_YOURS: "The absence with this reference is another reporter's or another citizen's. Check it.",
    ReasonCode.WITHDRAWN: "The absence was withdrawn: nothing about it is taken any more. Report under a new reference.",
    ReasonCode.NOT_TAKEN_YET: "This kind of notification is not taken yet. Send it again once it is.",
}
"""What the reporter does about it, for every code; a reason's own text may be more exact."""

_LONGEST_PATH: Final = 200
WHOLE_MESSAGE: Final = ""
"""The `field` of a reason that concerns the message as a whole."""


class Reason(Part):
    """One thing that is wrong, at most one per field."""

    field: Annotated[str, Field(max_length=_LONGEST_PATH)] = Field(
        description="Path of the field, `citizen.address.city` or `citizen.address.lines[1]`; empty for the whole message"
    )
    code: ReasonCode = Field(
        description="What is wrong; the list grows, so treat a code you don't know as a rejection",
        json_schema_extra={"x-open-enum": True},
    )
    text: Annotated[str, Field(min_length=1, max_length=500)] = Field(description="What to do, in plain English")


def reason(field: str, code: ReasonCode, text: str | None = None) -> Reason:
    """A reason with the code's own advice, unless a more exact text is given."""
    return Reason(field=field[:_LONGEST_PATH], code=code, text=text or ADVICE[code])
