"""What was said about people, and which of it stands.

Invariants: of two cards the one said later stands; of two said at the same instant the one whose text is greater, so
that the order of arrival decides nothing (L12). What was said no later than a person's erasure is void: it neither
brings the person back nor attaches to whoever is made known under the same number afterwards (docs/decisions/0010).
A proposed card is a candidate: it stands only once it is confirmed (docs/decisions/0027).

CPR number and card are stored sealed under the citizen's own key.
"""

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from contracts.citizens.v1 import Card, Person
from plumbing import ids
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
class Asked:
    """One item of a request: a person, and the values under which the person is found by each lookup key."""

    lookups: tuple[bytes, ...] = field(repr=False)
    person: Person
    said: SaidCard | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Named:
    """One person as a whole request names them: once, with the newest of the cards told and every card proposed."""

    lookups: tuple[bytes, ...] = field(repr=False)
    cpr: str = field(repr=False)
    card: SaidCard | None = None
    proposed: frozenset[SaidCard] = frozenset()


@dataclass(frozen=True, kw_only=True, slots=True)
class Citizen:
    """Somebody the vault knows: the number, the card and the key, all of them sealed or wrapped."""

    citizen_id: UUID
    key: WrappedKey
    sealed_cpr: bytes = field(repr=False)
    sealed_card: bytes | None = field(repr=False)
    card_said_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class NewCitizen:
    """Somebody to be made known, with the data key and the values under which they would be found by each lookup key."""

    citizen: Citizen
    key: bytes = field(repr=False)
    lookups: tuple[bytes, ...] = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class DestroyedCitizen:
    """Somebody the vault knew: nothing is left but the id."""

    citizen_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class NewCard:
    """A card to put in place of an older one, or of `against`, the sealed card of the same instant that it stands against."""

    citizen_id: UUID
    sealed_card: bytes = field(repr=False)
    said_at: datetime
    against: bytes | None = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """A card that stands once it is confirmed, if it stands against what is there by then."""

    citizen_id: UUID
    candidate_id: UUID
    sealed_card: bytes = field(repr=False)
    said_at: datetime


def is_void(person: Person, erased_at: datetime | None) -> bool:
    """Whether this was said before, or just when, the person was erased."""
    return erased_at is not None and person.said_at <= erased_at


def asked(person: Person, lookups: tuple[bytes, ...]) -> Asked:
    """An item of a request, its card made text once."""
    return Asked(lookups=lookups, person=person, said=said_card(person))


def merge(people: Sequence[Asked], erasures: Mapping[bytes, datetime], *, propose: bool = False) -> dict[bytes, Named]:
    """The people of a request by their first lookup value, without what is void."""
    named: dict[bytes, Named] = {}
    for one in people:
        lookup, said = one.lookups[0], one.said
        if is_void(one.person, erasures.get(lookup)):
            continue
        before = named.get(lookup)
        card, proposed = (None, _NONE) if before is None else (before.card, before.proposed)
        if said is not None and propose:
            proposed |= {said}
        elif said is not None and (card is None or said.stands_against(card)):
            card = said
        named[lookup] = Named(lookups=one.lookups, cpr=one.person.cpr, card=card, proposed=proposed)
    return named


_NONE: frozenset[SaidCard] = frozenset()


def said_card(person: Person) -> SaidCard | None:
    """The card that was said of a person, if one was."""
    if person.card is None:
        return None
    return SaidCard(text=person.card.model_dump_json().encode(), said_at=person.said_at)


def stands(card: SaidCard, citizen: Citizen, key: bytes) -> bool:
    """Whether a card would replace the one that a citizen has."""
    if citizen.sealed_card is None or citizen.card_said_at is None:
        return True
    if card.said_at != citizen.card_said_at:  # a card is opened only where the times are equal
        return card.said_at > citizen.card_said_at
    held = open_card_text(key, citizen.citizen_id, citizen.sealed_card)
    return card.stands_against(SaidCard(text=held, said_at=citizen.card_said_at))


def candidate_id(key: bytes, card: SaidCard) -> UUID:
    """The name of a candidate: the same for the same card said at the same time, and telling nothing of either.

    So a request that is made again finds the candidate of the first one, and of two messages with one id and different
    contents each has its own.
    """
    told = f"card-candidate {card.said_at.astimezone(UTC).isoformat()} ".encode() + card.text
    return ids.of_hash(hmac.digest(key, told, "sha256"))


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
