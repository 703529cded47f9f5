"""Destroy: a citizen's key, number, card and candidates go, for good; with the key goes whatever is sealed
under it, wherever it lies."""

from collections.abc import Collection
from datetime import datetime
from typing import Protocol
from uuid import UUID

from contracts.citizens.v1 import DestroyReason, DestroyResponse
from plumbing import audit
from plumbing.clock import Clock
from plumbing.postgres import Connection, Database
from services.citizens.domain.people import Citizen, DestroyedCitizen
from services.citizens.domain.rights import Asking
from services.citizens.usecases.trail import Trail


class People(Protocol):
    """What destroying needs to read and change."""

    async def lock(
        self, connection: Connection, citizen_ids: Collection[UUID]
    ) -> dict[UUID, Citizen | DestroyedCitizen]: ...

    async def destroy(self, connection: Connection, citizen: Citizen, now: datetime) -> None: ...


class Destroy:
    """Destroys one citizen; done twice it is done once, and audited twice."""

    def __init__(self, database: Database, people: People, clock: Clock) -> None:
        self._database = database
        self._people = people
        self._clock = clock

    async def __call__(self, asking: Asking, citizen_id: UUID, reason: DestroyReason) -> DestroyResponse:
        now = self._clock.now()
        async with self._database.transaction() as connection:
            held = (await self._people.lock(connection, [citizen_id])).get(citizen_id)
            if held is None:
                return DestroyResponse(state="unknown")
            if isinstance(held, Citizen):
                await self._people.destroy(connection, held, now)
            action = "citizen.destroyed" if isinstance(held, Citizen) else "citizen.destroyed-before"
            await audit.put(connection, [Trail(asking, now).entry(f"{action}.{reason}", citizen_id, "nothing")])
        return DestroyResponse(state="destroyed")
