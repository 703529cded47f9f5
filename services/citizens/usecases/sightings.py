"""Seen by: who saw a person's data, for the person who asks (O4). Looking it up is itself written down.

A person is named by citizen id, or by CPR number; under a number stand only the living: an erased person's trail is found by id.
"""

from collections.abc import AsyncIterator, Collection
from datetime import datetime
from typing import Protocol
from uuid import UUID, uuid4

from plumbing import audit
from plumbing.audit import Entry
from plumbing.clock import Clock
from plumbing.postgres import Connection, Database
from services.citizens.domain.keyring import Lookups
from services.citizens.domain.people import Citizen
from services.citizens.domain.sightings import Sighting


class People(Protocol):
    """Who is behind a number."""

    async def find(self, connection: Connection, lookups: Collection[bytes]) -> dict[bytes, Citizen]: ...


class Trail(Protocol):
    """What was written about a person."""

    def of(
        self, connection: Connection, subject: UUID, *, since: datetime | None, until: datetime | None
    ) -> AsyncIterator[Sighting]: ...


class SeenBy:
    """Tells who saw or did what to a person's data."""

    def __init__(self, database: Database, people: People, trail: Trail, lookups: Lookups, clock: Clock) -> None:
        self._database = database
        self._people = people
        self._trail = trail
        self._lookups = lookups
        self._clock = clock

    async def citizen_of(self, cpr: str) -> UUID | None:
        """Whose number this is; None where nobody living is known under it."""
        async with self._database.acquire() as connection:
            found = await self._people.find(connection, self._lookups.of(cpr))
        return next((one.citizen_id for one in found.values()), None)

    async def __call__(
        self, citizen_id: UUID, *, actor: str, since: datetime | None = None, until: datetime | None = None
    ) -> AsyncIterator[Sighting]:
        """The entries between two instants, oldest first; not told before it is written down that `actor` reads them."""
        async with self._database.transaction() as connection:
            await audit.put(connection, [self._read(citizen_id, actor)])
        async with self._database.transaction() as connection:
            async for one in self._trail.of(connection, citizen_id, since=since, until=until):
                yield one

    def _read(self, citizen_id: UUID, actor: str) -> Entry:
        return Entry(
            actor=actor,
            action="trail.read",
            subject=citizen_id,
            object_type="nothing",
            object_id=str(uuid4()),
            purpose="tell-who-saw",
            at=self._clock.now(),
        )
