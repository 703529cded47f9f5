"""The audit trail, read by the person it is about."""

from collections.abc import AsyncIterator
from datetime import datetime
from uuid import UUID

from plumbing.postgres import Connection
from services.citizens.domain.sightings import Sighting


class Sightings:
    """Who saw or did what to a person's data."""

    async def of(
        self, connection: Connection, subject: UUID, *, since: datetime | None, until: datetime | None
    ) -> AsyncIterator[Sighting]:
        """Entries about a person, in the order written; `connection` is in a transaction, memory does not grow with them."""
        async for row in connection.cursor(_OF, subject, since, until, prefetch=500):
            yield Sighting(
                at=row["at"],
                actor=row["actor"],
                action=row["action"],
                disclosed=row["object_type"],
                purpose=row["purpose"],
                reference=row["object_id"],
            )


_OF = """
select at, actor, action, object_type, purpose, object_id
from audit_entry
where subject = $1 and ($2::timestamptz is null or at >= $2) and ($3::timestamptz is null or at < $3)
order by id
"""
