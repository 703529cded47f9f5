"""From a record's value to a notification, or to reasons: never an exception, whatever the bytes are (spec N3).

Structure, form and contradictions are judged here. What needs a clock, a register or a setting (plausible days, test
numbers, the municipality, the fund's two weeks) is judged by `plausibility`, repeats by whoever keeps what came before.
Intake and the reporters' own check use both.
"""

import hashlib
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, get_args
from uuid import UUID

from pydantic import ValidationError

from contracts.nemrefusion.v1.consistency import contradictions
from contracts.nemrefusion.v1.fields import uuid_or_none
from contracts.nemrefusion.v1.notification import (
    AnyNotification,
)
from contracts.nemrefusion.v1.reasons import Reason, ReasonCode, reason
from contracts.nemrefusion.v1.refusals import from_json_fault, from_strangers, from_validation, one_per_field
from contracts.nemrefusion.v1.shapes import Shape, shape_of, strangers_in
from contracts.strict_json import BadJson, read_object
from contracts.topics import LARGEST_NOTIFICATION_BYTES

VERSION: Final = 1
DEEPEST: Final = 16

_MODELS: Final[dict[str, type[AnyNotification]]] = {
    get_args(model.model_fields["kind"].annotation)[0]: model for model in get_args(AnyNotification)
}
KINDS: Final = tuple(_MODELS)
"""The kinds of notification, as they are spelt in a message."""
_SHAPES: Final[dict[type[AnyNotification], Shape]] = {model: shape_of(model) for model in _MODELS.values()}


class Parsed(NamedTuple):
    """A notification that is right as far as it can be told from itself."""

    notification: AnyNotification
    ignored_fields: int

    def fingerprint(self) -> bytes:
        """SHA-256 of what was understood: the same for other whitespace, order of fields, spelling of Å, nulls and
        ignored fields.

        Fields at their default count as left out, so that the fingerprint of an old message outlives new optional
        fields.
        """
        told = self.notification.__pydantic_serializer__.to_json(self.notification, exclude_defaults=True)
        return hashlib.sha256(told).digest()


@dataclass(frozen=True, kw_only=True, slots=True)
class Rejection:
    """Why there is no notification, one reason per field; and its ids, as far as they could be read, for the answer."""

    reasons: tuple[Reason, ...]
    notification_id: UUID | None = None
    absence_reference: UUID | None = None


def parse_notification(raw: bytes | None) -> Parsed | Rejection:
    """Reads one notification. Raises nothing."""
    try:
        document = read_object(raw, max_bytes=LARGEST_NOTIFICATION_BYTES, max_depth=DEEPEST, drop_nulls=True)
    except BadJson as fault:
        return Rejection(reasons=from_json_fault(fault, _SHAPES.values()))
    if _version_of(document) != VERSION:
        return _rejected(document, [reason("version", ReasonCode.UNSUPPORTED_VERSION)])
    kind = document.get("kind")
    model = _MODELS.get(kind) if isinstance(kind, str) else None
    if model is None:
        return _rejected(document, [_no_kind(kind)])
    shape = _SHAPES[model]
    strangers = strangers_in(document, shape)
    try:
        notification = model.model_validate(document)
    except ValidationError as error:
        return _rejected(document, [*from_strangers(strangers), *from_validation(error, shape)])
    reasons = [*from_strangers(strangers), *contradictions(notification)]
    if reasons:
        return _rejected(document, reasons)
    return Parsed(notification=notification, ignored_fields=strangers.ignored)


def _version_of(document: dict[str, Any]) -> int | None:
    version = document.get("version")
    return version if type(version) is int else None


def _no_kind(kind: object) -> Reason:
    if kind is None:
        return reason("kind", ReasonCode.MISSING)
    if not isinstance(kind, str):
        return reason("kind", ReasonCode.WRONG_TYPE, "Send one of the codes, as text.")
    return reason("kind", ReasonCode.UNKNOWN_CODE, f"Send one of these codes: {', '.join(_MODELS)}.")


def _rejected(document: dict[str, Any], reasons: list[Reason]) -> Rejection:
    return Rejection(
        reasons=one_per_field(reasons),
        notification_id=uuid_or_none(document.get("notification_id")),
        absence_reference=uuid_or_none(document.get("absence_reference")),
    )
