"""What the gateway told of letters."""

import json
from collections.abc import Sequence
from uuid import UUID

from plumbing.postgres import Connection
from plumbing.postgres.columns import shared, sparse
from services.notifier import domain
from services.notifier.domain import HeardStatus, LetterName, Status
from services.notifier.store.names import columns_of, name_of


class Statuses:
    """Every status message once, whatever it did."""

    async def add(self, connection: Connection, heard: Sequence[HeardStatus]) -> set[UUID]:
        """Keep statuses; the messages that were not there yet."""
        ordered = sorted(heard, key=lambda one: one.status.besked_id)
        names = [one.name for one in ordered]
        rows = await connection.fetch(
            _ADD_STATUSES,
            [one.status.besked_id for one in ordered],
            [one.status.message_uuid for one in ordered],
            [name.letter_id if name else None for name in names],
            [name.version if name else None for name in names],
            [one.status.transmission_id for one in ordered],
            shared([one.status.status_code for one in ordered]),
            sparse([one.status.error_code for one in ordered]),
            [one.status.at for one in ordered],
            shared([one.hearing.value for one in ordered]),
            sparse([one.status.dispatch_id for one in ordered]),
            sparse([one.status.channel for one in ordered]),
            shared([_told_events(one.status) for one in ordered]),
        )
        return {row["besked_id"] for row in rows}

    async def known(self, connection: Connection, besked_ids: Sequence[UUID]) -> set[UUID]:
        """Those of the messages that came before."""
        rows = await connection.fetch(
            "select besked_id from letter_status where besked_id = any ($1::uuid[])", list(besked_ids)
        )
        return {row["besked_id"] for row in rows}

    async def told_proven(self, connection: Connection, names: Sequence[LetterName]) -> set[LetterName]:
        """Those of the letters of which a status proved a sending that had been told to have failed, whatever it moved."""
        rows = await connection.fetch(_TOLD_PROVEN, *columns_of(names), list(domain.PROOF_STATUSES))
        return {name_of(row) for row in rows}


def _told_events(status: Status) -> str:
    """As JSON, since unnest would flatten arrays of arrays."""
    if not status.events:
        return "[]"
    return json.dumps([[event.code, None if event.at is None else event.at.isoformat()] for event in status.events])


_ADD_STATUSES = """
insert into letter_status (besked_id, message_uuid, letter_id, version, transmission_id, status_code, error_code, at, hearing,
                           dispatch_id, channel, event_codes, event_times)
select besked_id, message_uuid, letter_id, version, transmission_id, coalesce(status_code, $6[1]), error_code, at,
       coalesce(hearing, $9[1]), dispatch_id, channel,
       array(select event ->> 0 from jsonb_array_elements(coalesce(events, $12[1])::jsonb) as event),
       array(select (event ->> 1)::timestamptz from jsonb_array_elements(coalesce(events, $12[1])::jsonb) as event)
from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::integer[], $5::text[], $6::text[], $7::text[], $8::timestamptz[],
            $9::text[], $10::text[], $11::text[], $12::text[]) with ordinality
     as heard (besked_id, message_uuid, letter_id, version, transmission_id, status_code, error_code, at, hearing, dispatch_id,
               channel, events, nth)
order by nth
on conflict (besked_id) do nothing
returning besked_id
"""

_TOLD_PROVEN = """
select letter_id, version
from letter_status join unnest($1::uuid[], $2::integer[]) as wanted (letter_id, version) using (letter_id, version)
where hearing = 'contradiction' and status_code = any ($3::text[])
"""
