"""Resolve: CPR numbers become citizen ids and keys; people not known yet are made known (spec N8).

Invariants: one citizen per number, however many requests name it at once; the newest card stands; what was said before an
erasure is answered `destroyed`, what was said after it makes a new citizen with no link to the old one (N60).
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID, uuid4

from contracts.citizens.v1 import Destroyed, KnownCitizen, Person, ResolveAnswer
from plumbing import audit
from plumbing.clock import Clock
from plumbing.errors import Unavailable
from plumbing.faults import faultpoint
from plumbing.postgres import Connection, Database
from plumbing.sealing import new_key
from services.citizens.domain.keyring import Keyring, Lookup
from services.citizens.domain.people import (
    Citizen,
    Named,
    NewCard,
    SaidCard,
    is_void,
    merge,
    open_card_text,
    seal_card,
    seal_cpr,
)
from services.citizens.domain.rights import Asking
from services.citizens.usecases.trail import Trail

# A rival that made the same person known wins once; to lose again, the person must have been erased in between.
_ATTEMPTS = 3


class People(Protocol):
    """What resolving needs to read and keep."""

    async def find(self, connection: Connection, lookups: Collection[bytes]) -> dict[bytes, Citizen]: ...

    async def erasures(self, connection: Connection, lookups: Collection[bytes]) -> dict[bytes, datetime]: ...

    async def add(self, connection: Connection, citizens: Sequence[Citizen], now: datetime) -> set[UUID]: ...

    async def replace_cards(self, connection: Connection, cards: Sequence[NewCard]) -> set[UUID]: ...


class Resolve:
    """Answers who people are, in the order asked."""

    def __init__(self, database: Database, people: People, keyring: Keyring, lookup: Lookup, clock: Clock) -> None:
        self._database = database
        self._people = people
        self._keyring = keyring
        self._lookup = lookup
        self._clock = clock

    async def __call__(self, asking: Asking, people: Sequence[Person]) -> list[ResolveAnswer]:
        now = self._clock.now()
        asked = [(self._lookup.of(person.cpr), person) for person in people]
        async with self._database.transaction() as connection:
            erasures, named, known, created = await self._know(connection, asked, now)
            keys = {one.citizen_id: self._unwrap(one) for one in known.values()}
            replaced = await self._replace_cards(connection, named, known, keys)
            trail = Trail(asking, now)
            await audit.put(connection, [trail.entry(_action(one, created, replaced), one, "key") for one in keys])
            faultpoint("citizens.before_resolve_commit")
        faultpoint("citizens.after_resolve_commit")

        def answer(lookup: bytes, person: Person) -> ResolveAnswer:
            if is_void(person, erasures.get(lookup)):
                return Destroyed()
            citizen_id = known[lookup].citizen_id
            return KnownCitizen(citizen_id=citizen_id, key=keys[citizen_id])

        return [answer(lookup, person) for lookup, person in asked]

    async def _know(
        self, connection: Connection, asked: Sequence[tuple[bytes, Person]], now: datetime
    ) -> tuple[dict[bytes, datetime], dict[bytes, Named], dict[bytes, Citizen], set[UUID]]:
        """Erasures, who is named, the citizens they are, and which of those were created just now."""
        lookups = sorted({lookup for lookup, _ in asked})
        created: set[UUID] = set()
        for _ in range(_ATTEMPTS):
            # People first: whoever is found erased has their erasure in what is read next.
            found = await self._people.find(connection, lookups)
            erasures = await self._people.erasures(connection, lookups)
            named = merge(asked, erasures)
            missing = [self._make(one) for lookup, one in named.items() if lookup not in found]
            if missing:
                added = await self._people.add(connection, missing, now)
                created |= added
                found |= {one.lookup: one for one in missing if one.citizen_id in added}
            if all(lookup in found for lookup in named):
                return erasures, named, {lookup: found[lookup] for lookup in named}, created
        raise Unavailable("database", "people change faster than they can be read")

    def _make(self, named: Named) -> Citizen:
        citizen_id, key = uuid4(), new_key()
        return Citizen(
            citizen_id=citizen_id,
            lookup=named.lookup,
            key=self._keyring.wrap(key, owner=str(citizen_id)),
            sealed_cpr=seal_cpr(key, citizen_id, named.cpr),
            sealed_card=None if named.card is None else seal_card(key, citizen_id, named.card.text),
            card_said_at=None if named.card is None else named.card.said_at,
        )

    def _unwrap(self, citizen: Citizen) -> bytes:
        return self._keyring.unwrap(citizen.key, owner=str(citizen.citizen_id))

    async def _replace_cards(
        self,
        connection: Connection,
        named: Mapping[bytes, Named],
        known: Mapping[bytes, Citizen],
        keys: Mapping[UUID, bytes],
    ) -> set[UUID]:
        cards = []
        for lookup, one in named.items():
            citizen = known[lookup]
            key = keys[citizen.citizen_id]
            if one.card is not None and _stands(one.card, citizen, key):
                cards.append(
                    NewCard(
                        citizen_id=citizen.citizen_id,
                        lookup=lookup,
                        sealed_card=seal_card(key, citizen.citizen_id, one.card.text),
                        said_at=one.card.said_at,
                        against=citizen.sealed_card if one.card.said_at == citizen.card_said_at else None,
                    )
                )
        return await self._people.replace_cards(connection, cards) if cards else set()


def _stands(card: SaidCard, citizen: Citizen, key: bytes) -> bool:
    if citizen.sealed_card is None or citizen.card_said_at is None:
        return True
    if card.said_at != citizen.card_said_at:  # a card is opened only where the times are equal
        return card.said_at > citizen.card_said_at
    held = open_card_text(key, citizen.citizen_id, citizen.sealed_card)
    return card.stands_against(SaidCard(text=held, said_at=citizen.card_said_at))


def _action(citizen_id: UUID, created: set[UUID], replaced: set[UUID]) -> str:
    if citizen_id in created:
        return "citizen.created"
    return "card.replaced" if citizen_id in replaced else "citizen.resolved"
