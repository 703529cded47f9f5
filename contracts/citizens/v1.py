"""The vault's HTTP interface, version 1: who a person is, asked in batches and answered in the order asked.

Every request is a POST with `authorization: Bearer <service token>` and at most `BATCH` items; the answer has one item for
each, at the same place. A state says what there is: `known`; `destroyed`, which is final; `unknown`, which may change.
Refusals are problem+json (`Problem`) with a code and a reference, and never hold anything of the request.

Fields that tell who somebody is, and keys, stay out of `repr`, and validation errors do not quote what they refuse.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Final, Literal
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, StringConstraints

from contracts.events import Instant

BATCH: Final = 500
"""Most items in one request."""
KEY_BYTES: Final = 32

RESOLVE_PATH: Final = "/v1/resolve"
CONFIRM_PATH: Final = "/v1/confirm"
KEYS_PATH: Final = "/v1/keys"
CARDS_PATH: Final = "/v1/cards"
MONTH_KEYS_PATH: Final = "/v1/month-keys"
DESTROY_PATH: Final = "/v1/destroy"
REQUEST_ID_HEADER: Final = "x-request-id"
"""A UUID that the vault's audit entries and refusals name as their reference; made by the vault where it is missing."""


_RFC3339: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)", re.ASCII)


class Part(BaseModel):
    """Immutable, without lax coercion; fields added later are passed over, and errors never quote the input."""

    model_config = ConfigDict(frozen=True, strict=True, extra="ignore", hide_input_in_errors=True)


def _read_key(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        key = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("not base64") from None
    if len(key) != KEY_BYTES:
        raise ValueError("not a key's length")
    return key


def _write_key(key: bytes) -> str:
    return base64.b64encode(key).decode()


Key = Annotated[
    bytes, BeforeValidator(_read_key, json_schema_input_type=str), PlainSerializer(_write_key), Field(repr=False)
]
"""A 256-bit key, base64 in JSON."""
Cpr = Annotated[str, StringConstraints(pattern=r"^[0-9]{10}$"), Field(repr=False)]
"""Ten digits, without hyphen; whether the date is one and test numbers are allowed is for whoever received it to judge."""
Month = Annotated[str, StringConstraints(pattern=r"^20[0-9]{2}-(0[1-9]|1[0-2])$")]
"""A calendar month in UTC, `2026-11`."""


def _read_instant(value: object) -> object:
    if not isinstance(value, str):
        return value
    # pydantic itself would take a text of digits for seconds since 1970.
    if _RFC3339.fullmatch(value):
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            pass
    raise ValueError("not an instant")


SaidAt = Annotated[Instant, BeforeValidator(_read_instant, json_schema_input_type=datetime)]


def _text(longest: int, shortest: int = 1) -> StringConstraints:
    return StringConstraints(min_length=shortest, max_length=longest)


class Address(Part):
    """Where a person lives, as the reporter told it."""

    lines: Annotated[tuple[Annotated[str, _text(200)], ...], Field(min_length=1, max_length=5, repr=False)] = Field(
        description="Street, number, floor; c/o and place name where there are any"
    )
    postal_code: Annotated[str, _text(20), Field(repr=False)]
    city: Annotated[str, _text(200), Field(repr=False)]
    country: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")] = Field(
        default="DK", description="ISO 3166-1 alpha-2"
    )


class Card(Part):
    """What a letter to a person needs."""

    name: Annotated[str, _text(400), Field(repr=False)]
    address: Address | None = Field(default=None, description="None where the reporter told none")
    address_protection: bool = Field(
        description="Adressebeskyttelse: the address is shown to nobody who need not have it"
    )


class Person(Part):
    """Somebody named in a message."""

    cpr: Cpr
    said_at: SaidAt = Field(
        description="When it was said: the message's sent time, for a login the present. Of two cards the later said one stays; "
        "what was said before a person was destroyed does not bring the person back"
    )
    card: Card | None = Field(default=None, description="None where the message tells no name and address")


class ResolveRequest(Part):
    """Who are these people? Those not known yet are made known."""

    people: Annotated[tuple[Person, ...], Field(min_length=1, max_length=BATCH)]
    propose_cards: bool = Field(
        default=False,
        description="True where the messages may still be refused: a card then changes nothing until it is confirmed. "
        "False: a card that was said last stands at once",
    )


class Destroyed(Part):
    """The person's data and key are destroyed. Final: the same question gets the same answer for ever."""

    state: Literal["destroyed"] = "destroyed"


class Unknown(Part):
    """Nothing is held under this id."""

    state: Literal["unknown"] = "unknown"


class KnownCitizen(Part):
    """The person's id, and the key under which whatever is sensitive about the person is sealed."""

    state: Literal["known"] = "known"
    citizen_id: UUID
    key: Key
    card_candidate: UUID | None = Field(
        default=None,
        description="The proposed card's name, to be confirmed when its message is accepted. The same card said at the same "
        "time has the same name. None where there is nothing to confirm: no card, or one that could not replace the current one",
    )


class KnownKey(Part):
    """A citizen's data key: keep it in memory, for minutes."""

    state: Literal["known"] = "known"
    key: Key


class KnownCard(Part):
    """What a letter needs: use it at once, keep it nowhere."""

    state: Literal["known"] = "known"
    cpr: Cpr
    name: Annotated[str, Field(repr=False)]
    address: Address | None
    address_protection: bool
    key: Key


ResolveAnswer = Annotated[KnownCitizen | Destroyed, Field(discriminator="state")]
KeyAnswer = Annotated[KnownKey | Destroyed | Unknown, Field(discriminator="state")]
CardAnswer = Annotated[KnownCard | Destroyed | Unknown, Field(discriminator="state")]
"""`unknown` also for a citizen of whom nobody ever told a name."""


class ResolveResponse(Part):
    citizens: tuple[ResolveAnswer, ...]


class CardToConfirm(Part):
    """A proposed card whose message was accepted."""

    citizen_id: UUID
    candidate: UUID


class ConfirmRequest(Part):
    """The messages that proposed these cards are accepted: from now on letters read the one of each person that was said last."""

    cards: Annotated[tuple[CardToConfirm, ...], Field(min_length=1, max_length=BATCH)]


class ConfirmAnswer(Part):
    """Each state ends the matter. `current`: this card stands now; `older`: it was confirmed, and one said later stands; `gone`:
    there is no such candidate any more: it was confirmed before, one said later was, or its 90 days are over."""

    state: Literal["current", "older", "gone", "destroyed"]


class ConfirmResponse(Part):
    cards: tuple[ConfirmAnswer, ...]


class CitizensRequest(Part):
    """Asks for the keys or the cards of citizens."""

    citizen_ids: Annotated[tuple[UUID, ...], Field(min_length=1, max_length=BATCH)]


class KeysResponse(Part):
    keys: tuple[KeyAnswer, ...]


class CardsResponse(Part):
    cards: tuple[CardAnswer, ...]


MonthKeyPurpose = Literal["dead-letter"]


class MonthKeyRequest(Part):
    """Asks for the caller's own key of a month; it is made when it is first asked for."""

    purpose: MonthKeyPurpose
    month: Month


class MonthKey(Part):
    """A key that belongs to nobody in particular; destroyed 30 days after its month's end."""

    state: Literal["known"] = "known"
    key_id: Annotated[str, StringConstraints(pattern=r"^[a-z0-9./_-]{1,100}$")] = Field(
        description="Owner of whatever is sealed with it"
    )
    key: Key


MonthKeyAnswer = Annotated[MonthKey | Destroyed, Field(discriminator="state")]
DestroyReason = Literal["erasure-request", "retention-ended", "test"]


class DestroyRequest(Part):
    """Destroys a citizen's key, CPR number, name and address, for good."""

    citizen_id: UUID
    reason: DestroyReason


class DestroyResponse(Part):
    state: Literal["destroyed", "unknown"]


ProblemCode = Literal[
    "unauthorized",
    "forbidden",
    "not-found",
    "method-not-allowed",
    "too-slow",
    "too-large",
    "unsupported-media-type",
    "invalid",
    "implausible-month",
    "unavailable",
    "internal",
]

PROBLEMS: Final[Mapping[ProblemCode, tuple[int, str]]] = {
    "unauthorized": (401, "A known service token is needed."),
    "forbidden": (403, "This caller may not ask this."),
    "not-found": (404, "There is nothing at this address."),
    "method-not-allowed": (405, "Only POST is answered here."),
    "too-slow": (408, "The request took too long to arrive."),
    "too-large": (413, "The request is larger than the vault reads."),
    "unsupported-media-type": (415, "Only plain application/json is read."),
    "invalid": (422, "The request is not what this address takes."),
    "implausible-month": (422, "This month has not begun."),
    "internal": (500, "Something went wrong inside; the log tells more under this reference."),
    "unavailable": (503, "Not now; the same request may be made again."),
}
"""Status and title of each refusal."""


class InvalidField(Part):
    """A field at fault, by its place in the request, and the kind of fault."""

    field: str
    code: str


class Problem(Part):
    """RFC 9457 problem details; what a code means stands in `PROBLEMS`, and `reference` is the request id, which
    the vault's log has too."""

    type: str = "about:blank"
    title: str
    status: int
    code: ProblemCode
    reference: str
    fields: tuple[InvalidField, ...] = ()
