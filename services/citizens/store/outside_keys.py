"""`outside_key`: by id, the keys outside the database that something inside depends on."""

from datetime import datetime
from typing import Literal

from plumbing.postgres import Connection

Purpose = Literal["lookup", "master"]


class OutsideKeys:
    """What this database cannot be read without."""

    async def ids(self, connection: Connection, purpose: Purpose) -> set[str]:
        """The keys that something depends on."""
        rows = await connection.fetch("select key_id from outside_key where purpose = $1", purpose)
        return {row["key_id"] for row in rows}

    async def note(self, connection: Connection, purpose: Purpose, key_id: str, now: datetime) -> None:
        """From now on something may depend on this key. Only one lookup key is ever noted."""
        await connection.execute(_NOTE, purpose, key_id, now)

    async def release_master_keys(self, connection: Connection, *, but: str) -> list[str]:
        """Forget the master keys, but this one, that wrap nothing any more; their ids. Reads every citizen."""
        return [row["key_id"] for row in await connection.fetch(_RELEASE_MASTER_KEYS, but)]


_NOTE = "insert into outside_key (purpose, key_id, since) values ($1, $2, $3) on conflict do nothing"

_RELEASE_MASTER_KEYS = """
delete from outside_key
where purpose = 'master' and key_id <> $1
  and not exists (select from citizen where citizen.master_key_id = outside_key.key_id)
  and not exists (select from month_key where month_key.master_key_id = outside_key.key_id)
returning key_id
"""
