"""What was said about people, and which of it stands.

Invariants: of two cards the one said later stands; of two said at the same instant the one whose text is greater, so
that the order of arrival decides nothing (L12). What was said no later than a person's erasure is void: it neither
brings the person back nor attaches to whoever is made known under the same number afterwards (docs/decisions/0010).

CPR number and card are stored sealed under the citizen's own key.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from contracts.citizens.v1 import Card, Person
from plumbing.sealing import open_sealed, seal
from services.citizens.domain.keyring import WrappedKey

CPR_FIELD = "citizen.cpr"
CARD_FIELD = "citizen.card"


@dataclass(frozen=True, kw_only=True, slots=True)
class SaidCard:
    """A card as text, with the time it was said."""

    text: bytes = field(repr=False)
    said_at: datetime

    def stands_against(self, other: "SaidCard") -> bool:
        """Whether this card replaces the other one."""
        return (self.said_at, self.text) > (other.said_at, other.text)


@dataclass(frozen=True, kw_only=True, slots=True)
class Named:
    """One person as a whole request names them: once, with the card that stands."""

    lookup: bytes = field(repr=False)
    cpr: str = field(repr=False)
    card: SaidCard | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Citizen:
    """Somebody the vault knows: the number, the card and the key, all of them sealed, wrapped or hashed."""

    citizen_id: UUID
    lookup: bytes = field(repr=False)
    key: WrappedKey
    sealed_cpr: bytes = field(repr=False)
    sealed_card: bytes | None = field(repr=False)
    card_said_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class DestroyedCitizen:
    """Somebody the vault knew: nothing is left but the id."""

    citizen_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class NewCard:
    """A card to put in place of an older one, or of `against`, the sealed card of the same instant that it stands against."""

    citizen_id: UUID
    lookup: bytes = field(repr=False)
    sealed_card: bytes = field(repr=False)
    said_at: datetime
    against: bytes | None = field(repr=False)


def is_void(person: Person, erased_at: datetime | None) -> bool:
    """Whether this was said before, or just when, the person was erased."""
    return erased_at is not None and person.said_at <= erased_at


def merge(people: Sequence[tuple[bytes, Person]], erasures: Mapping[bytes, datetime]) -> dict[bytes, Named]:
    """The people of a request by lookup, without what is void."""
    named: dict[bytes, Named] = {}
    for lookup, person in people:
        if is_void(person, erasures.get(lookup)):
            continue
        said = None
        if person.card is not None:
            said = SaidCard(text=person.card.model_dump_json().encode(), said_at=person.said_at)
        before = named.get(lookup)
        if before is not None and before.card is not None and (said is None or not said.stands_against(before.card)):
            said = before.card
        named[lookup] = Named(lookup=lookup, cpr=person.cpr, card=said)
    return named


def seal_cpr(key: bytes, citizen_id: UUID, cpr: str) -> bytes:
    return seal(key, cpr.encode(), owner=str(citizen_id), field=CPR_FIELD)


def open_cpr(key: bytes, citizen_id: UUID, sealed: bytes) -> str:
    return open_sealed(key, sealed, owner=str(citizen_id), field=CPR_FIELD).decode()


def seal_card(key: bytes, citizen_id: UUID, text: bytes) -> bytes:
    return seal(key, text, owner=str(citizen_id), field=CARD_FIELD)


def open_card_text(key: bytes, citizen_id: UUID, sealed: bytes) -> bytes:
    return open_sealed(key, sealed, owner=str(citizen_id), field=CARD_FIELD)


def read_card(text: bytes) -> Card:
    return Card.model_validate_json(text)
