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
from services.citizens.domain.people import Candidate, Citizen, DestroyedCitizen, open_card_text
from services.citizens.domain.rights import Asking
from services.citizens.usecases.trail import Trail

_Name = tuple[UUID, UUID]
_CURRENT, _OLDER = ConfirmAnswer(state="current"), ConfirmAnswer(state="older")
_GONE, _DESTROYED = ConfirmAnswer(state="gone"), ConfirmAnswer(state="destroyed")


class People(Protocol):
    """The citizens and their cards."""

    async def lock(
        self, connection: Connection, citizen_ids: Collection[UUID]
    ) -> dict[UUID, Citizen | DestroyedCitizen]: ...


class Candidates(Protocol):
    """The proposed cards."""

    async def get(self, connection: Connection, wanted: Sequence[_Name]) -> dict[_Name, Candidate]: ...

    async def put_in_place(self, connection: Connection, chosen: Sequence[_Name]) -> None: ...

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
                chosen = [(one.citizen_id, one.candidate_id) for one in best.values()]
                await self._candidates.put_in_place(connection, chosen)
            if found:
                standing = {citizen_id: one.said_at for citizen_id, one in best.items()}
                await self._candidates.remove(connection, list(found), standing)
            trail = Trail(asking, self._clock.now())
            confirmed = dict.fromkeys(citizen_id for citizen_id, _ in found)
            await audit.put(connection, [trail.entry("card.confirmed", one, "nothing") for one in confirmed])
            faultpoint("citizens.before_confirm_commit")

        def answer(name: _Name) -> ConfirmAnswer:
            if isinstance(held.get(name[0]), DestroyedCitizen):
                return _DESTROYED
            if name not in found:
                return _GONE
            return _CURRENT if name[0] in best and best[name[0]].candidate_id == name[1] else _OLDER

        return [answer((one.citizen_id, one.candidate)) for one in cards]

    def _best(
        self, held: Mapping[UUID, Citizen | DestroyedCitizen], found: Mapping[_Name, Candidate]
    ) -> dict[UUID, Candidate]:
        """For each citizen the candidate that stands against the card there is and against the other candidates."""
        best: dict[UUID, Candidate] = {}
        for one in found.values():
            citizen = held[one.citizen_id]
            if isinstance(citizen, DestroyedCitizen):
                continue
            rival = best.get(one.citizen_id)
            if self._replaces(one, citizen.sealed_card, citizen.card_said_at, citizen) and (
                rival is None or self._replaces(one, rival.sealed_card, rival.said_at, citizen)
            ):
                best[one.citizen_id] = one
        return best

    def _replaces(self, one: Candidate, sealed_card: bytes | None, said_at: datetime | None, citizen: Citizen) -> bool:
        """Whether a candidate stands against another card of the citizen, if there is one. Most were said at different times,
        and then neither is opened."""
        if sealed_card is None or said_at is None:
            return True
        if one.said_at != said_at:
            return one.said_at > said_at
        key = self._keyring.unwrap(citizen.key, owner=str(citizen.citizen_id))
        mine, other = (open_card_text(key, citizen.citizen_id, card) for card in (one.sealed_card, sealed_card))
        return mine > other
