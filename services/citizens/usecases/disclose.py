"""Disclose: citizens' keys, and their cards at the moment of sending.

Invariants: whatever is handed out was written to the audit trail in the same transaction; `destroyed` is final.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import ClassVar, Generic, Protocol, TypeVar
from uuid import UUID

from typing_extensions import override

from contracts.citizens.v1 import Destroyed, KnownCard, KnownKey, Unknown
from plumbing import audit
from plumbing.clock import Clock
from plumbing.postgres import Connection, Database
from services.citizens.domain.keyring import Keyring
from services.citizens.domain.people import Citizen, DestroyedCitizen, open_card_text, open_cpr, read_card
from services.citizens.domain.rights import Asking
from services.citizens.usecases.trail import Trail

Answer = TypeVar("Answer", KnownKey, KnownCard)


class People(Protocol):
    """What disclosing needs to read."""

    async def get(
        self, connection: Connection, citizen_ids: Collection[UUID]
    ) -> dict[UUID, Citizen | DestroyedCitizen]: ...


class Candidates(Protocol):
    """Cards that were proposed and not confirmed yet."""

    async def newest(self, connection: Connection, citizen_ids: Sequence[UUID]) -> dict[UUID, bytes]: ...


class _Disclosure(ABC, Generic[Answer]):
    """Reads citizens, writes who was told what of them, and only then tells it."""

    action: ClassVar[str]
    disclosed: ClassVar[str]

    def __init__(self, database: Database, people: People, keyring: Keyring, clock: Clock) -> None:
        self._database = database
        self._people = people
        self._keyring = keyring
        self._clock = clock

    async def __call__(self, asking: Asking, citizen_ids: Sequence[UUID]) -> list[Answer | Destroyed | Unknown]:
        now = self._clock.now()
        async with self._database.transaction() as connection:
            held = await self._read(connection, citizen_ids)
            answers = {one.citizen_id: self._answer(one) for one in held.values()}
            trail = Trail(asking, now)
            entries = [trail.entry(self.action, one, self._class_of(answer)) for one, answer in answers.items()]
            await audit.put(connection, entries)
        return [answers.get(citizen_id, Unknown()) for citizen_id in citizen_ids]

    async def _read(
        self, connection: Connection, citizen_ids: Collection[UUID]
    ) -> dict[UUID, Citizen | DestroyedCitizen]:
        return await self._people.get(connection, set(citizen_ids))

    def _answer(self, one: Citizen | DestroyedCitizen) -> Answer | Destroyed | Unknown:
        if isinstance(one, DestroyedCitizen):
            return Destroyed()
        return self._open(one, self._keyring.unwrap(one.key, owner=str(one.citizen_id)))

    @abstractmethod
    def _open(self, citizen: Citizen, key: bytes) -> Answer | Unknown:
        """What is told of a citizen that is held."""

    def _class_of(self, answer: Answer | Destroyed | Unknown) -> str:
        return "nothing" if isinstance(answer, Destroyed | Unknown) else self.disclosed


class DiscloseKeys(_Disclosure[KnownKey]):
    """Answers what the citizens' keys are, in the order asked."""

    action = "key.read"
    disclosed = "key"

    @override
    def _open(self, citizen: Citizen, key: bytes) -> KnownKey:
        return KnownKey(key=key)


class DiscloseCards(_Disclosure[KnownCard]):
    """Answers what letters to the citizens need, in the order asked; `unknown` where nobody ever told a name.

    Where no card was confirmed yet the candidate said last is told: a letter is asked for only because a message was accepted,
    and its confirmation is on the way.
    """

    action = "card.read"
    disclosed = "card"

    def __init__(
        self, database: Database, people: People, candidates: Candidates, keyring: Keyring, clock: Clock
    ) -> None:
        super().__init__(database, people, keyring, clock)
        self._candidates = candidates

    @override
    async def _read(
        self, connection: Connection, citizen_ids: Collection[UUID]
    ) -> dict[UUID, Citizen | DestroyedCitizen]:
        held = await super()._read(connection, citizen_ids)
        bare = {one.citizen_id: one for one in held.values() if isinstance(one, Citizen) and one.sealed_card is None}
        if bare:
            newest = await self._candidates.newest(connection, list(bare))
            held |= {citizen_id: replace(bare[citizen_id], sealed_card=card) for citizen_id, card in newest.items()}
            # Confirmed between the two statements: no candidate any more, and a card by now.
            if without := bare.keys() - newest.keys():
                held |= await super()._read(connection, without)
        return held

    @override
    def _open(self, citizen: Citizen, key: bytes) -> KnownCard | Unknown:
        if citizen.sealed_card is None:
            return Unknown()
        card = read_card(open_card_text(key, citizen.citizen_id, citizen.sealed_card))
        return KnownCard(
            cpr=open_cpr(key, citizen.citizen_id, citizen.sealed_cpr),
            name=card.name,
            address=card.address,
            address_protection=card.address_protection,
            key=key,
        )
