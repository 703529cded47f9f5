"""Confirm: proposed cards become the ones that letters read, once the messages that told them were accepted.

Invariants: of all confirmed cards of a person the one said last stands (L12), in whatever order they are proposed and
confirmed; a card that nobody confirms changes nothing. Every request may be made again: what was done before is `gone`.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from contracts.citizens.v1 import CardToConfirm, ConfirmAnswer
from plumbing import audit
from plumbing.clock import Clock
from plumbing.faults import faultpoint
from plumbing.postgres import Connection, Database
from services.citizens.domain.keyring import Keyring
from services.citizens.domain.people import (
    Candidate,
    Citizen,
    DestroyedCitizen,
    NewCard,
    SaidCard,
    open_card_text,
    stands,
)
from services.citizens.domain.rights import Asking
from services.citizens.usecases.trail import Trail

_Name = tuple[UUID, UUID]


class People(Protocol):
    """The citizens and their cards."""

    async def lock(
        self, connection: Connection, citizen_ids: Collection[UUID]
    ) -> dict[UUID, Citizen | DestroyedCitizen]: ...

    async def replace_cards(self, connection: Connection, cards: Sequence[NewCard]) -> set[UUID]: ...


class Candidates(Protocol):
    """The proposed cards."""

    async def get(self, connection: Connection, wanted: Sequence[_Name]) -> dict[_Name, Candidate]: ...

    async def remove(
        self, connection: Connection, confirmed: Sequence[_Name], older_than: Mapping[UUID, datetime]
    ) -> None: ...


class ConfirmCards:
    """Answers what became of each candidate, in the order asked."""

    def __init__(
        self, database: Database, people: People, candidates: Candidates, keyring: Keyring, clock: Clock
    ) -> None:
        self._database = database
        self._people = people
        self._candidates = candidates
        self._keyring = keyring
        self._clock = clock

    async def __call__(self, asking: Asking, cards: Sequence[CardToConfirm]) -> list[ConfirmAnswer]:
        names = list(dict.fromkeys((one.citizen_id, one.candidate) for one in cards))
        async with self._database.transaction() as connection:
            held = await self._people.lock(connection, {citizen_id for citizen_id, _ in names})
            found = await self._candidates.get(connection, names)
            best = self._best(held, found)
            if best:
                await self._people.replace_cards(
                    connection, [_new_card(held[one.citizen_id], one) for one in best.values()]
                )
            if found:
                standing = {citizen_id: one.said_at for citizen_id, one in best.items()}
                await self._candidates.remove(connection, list(found), standing)
            trail = Trail(asking, self._clock.now())
            confirmed = dict.fromkeys(citizen_id for citizen_id, _ in found)
            await audit.put(connection, [trail.entry("card.confirmed", one, "nothing") for one in confirmed])
            faultpoint("citizens.before_confirm_commit")

        def answer(name: _Name) -> ConfirmAnswer:
            if isinstance(held.get(name[0]), DestroyedCitizen):
                return ConfirmAnswer(state="destroyed")
            if name not in found:
                return ConfirmAnswer(state="gone")
            is_current = name[0] in best and best[name[0]].candidate_id == name[1]
            return ConfirmAnswer(state="current" if is_current else "older")

        return [answer((one.citizen_id, one.candidate)) for one in cards]

    def _best(
        self, held: Mapping[UUID, Citizen | DestroyedCitizen], found: Mapping[_Name, Candidate]
    ) -> dict[UUID, Candidate]:
        """For each citizen the candidate that stands against the card there is and against the other candidates."""
        best: dict[UUID, Candidate] = {}
        told: dict[UUID, SaidCard] = {}
        for one in found.values():
            citizen = held[one.citizen_id]
            if isinstance(citizen, DestroyedCitizen):
                continue
            key = self._keyring.unwrap(citizen.key, owner=str(citizen.citizen_id))
            text = open_card_text(key, citizen.citizen_id, one.sealed_card)
            said = SaidCard(text=text, said_at=one.said_at)
            rival = told.get(one.citizen_id)
            if stands(said, citizen, key) and (rival is None or said.stands_against(rival)):
                best[one.citizen_id], told[one.citizen_id] = one, said
        return best


def _new_card(citizen: Citizen | DestroyedCitizen, candidate: Candidate) -> NewCard:
    assert isinstance(citizen, Citizen)
    return NewCard(
        citizen_id=candidate.citizen_id,
        sealed_card=candidate.sealed_card,
        said_at=candidate.said_at,
        against=citizen.sealed_card,  # locked: nothing else can stand there by now
    )
