"""Resolve: CPR numbers become citizen ids and keys; people not known yet are made known (spec N8).

Invariants: one citizen per number, however many requests name it at once; the newest card stands; what was said before an
erasure is answered `destroyed`, what was said after it makes a new citizen with no link to the old one (N60).
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from contracts.citizens.v1 import Destroyed, KnownCitizen, Person, ResolveAnswer
from plumbing import audit, ids
from plumbing.clock import Clock
from plumbing.errors import Unavailable
from plumbing.faults import faultpoint
from plumbing.postgres import Connection, Database
from plumbing.sealing import new_key
from services.citizens.domain.keyring import Keyring, Lookups
from services.citizens.domain.people import (
    Asked,
    Candidate,
    Citizen,
    DestroyedCitizen,
    Named,
    NewCard,
    NewCitizen,
    SaidCard,
    asked,
    candidate_id,
    is_void,
    merge,
    seal_card,
    seal_cpr,
    stands,
)
from services.citizens.domain.rights import Asking
from services.citizens.usecases.trail import Trail

# A rival that made the same person known wins once; to lose again, the person must have been erased in between.
_ATTEMPTS = 3


class People(Protocol):
    """What resolving needs to read and keep."""

    async def find(self, connection: Connection, lookups: Collection[bytes]) -> dict[bytes, Citizen]: ...

    async def erasures(self, connection: Connection, lookups: Collection[bytes]) -> dict[bytes, datetime]: ...

    async def get(
        self, connection: Connection, citizen_ids: Collection[UUID]
    ) -> dict[UUID, Citizen | DestroyedCitizen]: ...

    async def add(
        self, connection: Connection, citizens: Sequence[NewCitizen], lookup_key_ids: Sequence[str], now: datetime
    ) -> set[UUID]: ...

    async def replace_cards(self, connection: Connection, cards: Sequence[NewCard]) -> set[UUID]: ...


class Candidates(Protocol):
    """Where cards wait to be confirmed."""

    async def add(self, connection: Connection, candidates: Sequence[Candidate], now: datetime) -> set[UUID]: ...


class MasterKeys(Protocol):
    """The record of which master keys are needed."""

    async def hold_master(self, connection: Connection, key_id: str, now: datetime) -> None: ...


class Resolve:
    """Answers who people are, in the order asked."""

    def __init__(
        self,
        *,
        database: Database,
        people: People,
        candidates: Candidates,
        master_keys: MasterKeys,
        keyring: Keyring,
        lookups: Lookups,
        clock: Clock,
    ) -> None:
        self._database = database
        self._people = people
        self._candidates = candidates
        self._master_keys = master_keys
        self._keyring = keyring
        self._lookups = lookups
        self._clock = clock

    async def __call__(
        self, asking: Asking, people: Sequence[Person], *, propose_cards: bool = False
    ) -> list[ResolveAnswer]:
        now = self._clock.now()
        items = [asked(person, self._lookups.of(person.cpr)) for person in people]
        async with self._database.transaction() as connection:
            erasures, named, known, created = await self._know(connection, items, now, propose=propose_cards)
            keys = {one.citizen_id: created.get(one.citizen_id) or self._unwrap(one) for one in known.values()}
            replaced = await self._replace_cards(connection, named, known, keys)
            proposed = await self._propose(connection, named, known, keys, now)
            trail = Trail(asking, now)
            entries = [trail.entry(_action(one, created, replaced, proposed), one, "key") for one in keys]
            await audit.put(connection, entries)
            faultpoint("citizens.before_resolve_commit")
        faultpoint("citizens.after_resolve_commit")

        def answer(item: Asked) -> ResolveAnswer:
            lookup = item.lookups[0]
            if is_void(item.person, erasures.get(lookup)):
                return Destroyed()
            citizen_id = known[lookup].citizen_id
            names = proposed.get(citizen_id)
            name = names.get(item.said) if names is not None and item.said is not None else None
            return KnownCitizen(citizen_id=citizen_id, key=keys[citizen_id], card_candidate=name)

        return [answer(item) for item in items]

    async def _know(
        self,
        connection: Connection,
        items: Sequence[Asked],
        now: datetime,
        *,
        propose: bool,
    ) -> tuple[dict[bytes, datetime], dict[bytes, Named], dict[bytes, Citizen], dict[UUID, bytes]]:
        """By first lookup value: erasures, who is named, the citizens they are; and the keys of those created just now."""
        first = {one: item.lookups[0] for item in items for one in item.lookups}
        created: dict[UUID, bytes] = {}
        for _ in range(_ATTEMPTS):
            # People first: whoever is found erased has their erasure in what is read next.
            found = {
                first[one]: citizen for one, citizen in (await self._people.find(connection, sorted(first))).items()
            }
            erasures: dict[bytes, datetime] = {}
            for one, erased_at in (await self._people.erasures(connection, sorted(first))).items():
                erasures[first[one]] = max(erased_at, erasures.get(first[one], erased_at))
            # And whoever was erased between the two reads is still in the first.
            if not await self._are_still_there(connection, found, found.keys() & erasures.keys()):
                continue
            named = merge(items, erasures, propose=propose)
            missing = [self._make(one) for lookup, one in named.items() if lookup not in found]
            if missing:
                added = await self._people.add(connection, missing, self._lookups.ids, now)
                made = [one for one in missing if one.citizen.citizen_id in added]
                created |= {one.citizen.citizen_id: one.key for one in made}
                found |= {one.lookups[0]: one.citizen for one in made}
            if all(lookup in found for lookup in named):
                return erasures, named, {lookup: found[lookup] for lookup in named}, created
            # A rival was quicker; or the master key was released, while this process wraps by it still.
            await self._master_keys.hold_master(connection, self._keyring.newest_id, now)
        # Or this process was not given the lookup key under which people are made known by now.
        raise Unavailable("database", "people change faster than they can be read")

    async def _are_still_there(
        self, connection: Connection, found: Mapping[bytes, Citizen], returned: Collection[bytes]
    ) -> bool:
        """Whether those who were found, and were erased once, are who was made known since."""
        if not returned:
            return True
        asked_for = {found[one].citizen_id for one in returned}
        held = await self._people.get(connection, asked_for)
        return all(isinstance(held.get(one), Citizen) for one in asked_for)

    def _make(self, named: Named) -> NewCitizen:
        citizen_id, key = ids.fresh(), new_key()
        citizen = Citizen(
            citizen_id=citizen_id,
            key=self._keyring.wrap(key, owner=str(citizen_id)),
            sealed_cpr=seal_cpr(key, citizen_id, named.cpr),
            sealed_card=None if named.card is None else seal_card(key, citizen_id, named.card.text),
            card_said_at=None if named.card is None else named.card.said_at,
        )
        return NewCitizen(citizen=citizen, key=key, lookups=named.lookups)

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
            if one.card is not None and stands(one.card, citizen, key):
                cards.append(
                    NewCard(
                        citizen_id=citizen.citizen_id,
                        sealed_card=seal_card(key, citizen.citizen_id, one.card.text),
                        said_at=one.card.said_at,
                        against=citizen.sealed_card if one.card.said_at == citizen.card_said_at else None,
                    )
                )
        return await self._people.replace_cards(connection, cards) if cards else set()

    async def _propose(
        self,
        connection: Connection,
        named: Mapping[bytes, Named],
        known: Mapping[bytes, Citizen],
        keys: Mapping[UUID, bytes],
        now: datetime,
    ) -> dict[UUID, dict[SaidCard, UUID]]:
        """The names of the candidates that were kept: of each citizen, and of the card as it was said."""
        proposed: dict[UUID, dict[SaidCard, UUID]] = {}
        candidates = []
        for lookup, one in named.items():
            citizen = known[lookup]
            key = keys[citizen.citizen_id]
            for said in one.proposed:
                if stands(said, citizen, key):
                    name = candidate_id(key, said)
                    proposed.setdefault(citizen.citizen_id, {})[said] = name
                    sealed = seal_card(key, citizen.citizen_id, said.text)
                    candidates.append(
                        Candidate(
                            citizen_id=citizen.citizen_id, candidate_id=name, sealed_card=sealed, said_at=said.said_at
                        )
                    )
        if candidates:
            # Who was destroyed since is left out: nobody can confirm anything about them.
            await self._candidates.add(connection, candidates, now)
        return proposed


def _action(citizen_id: UUID, created: Collection[UUID], replaced: Collection[UUID], proposed: Collection[UUID]) -> str:
    if citizen_id in created:
        return "citizen.created"
    if citizen_id in replaced:
        return "card.replaced"
    return "card.proposed" if citizen_id in proposed else "citizen.resolved"
