"""Opening a dead letter's seal: the original comes back as it was, or there is a reason why it never will.

Invariants: a key is asked for once a month and command (the vault writes down each time) and kept nowhere; an original is in
memory only, and shows nothing of itself when it is printed by accident.
"""

import re
from dataclasses import dataclass, field
from enum import StrEnum

from plumbing.dead_letters.archive import Archive
from plumbing.dead_letters.letters import DeadLetter
from plumbing.dead_letters.undertaker import FIELD, FetchKey, KeyDestroyed, MonthKey, unpack
from plumbing.postgres import Database
from plumbing.sealing import SealBroken, open_sealed

_MONTH = re.compile(r"20\d\d-(?:0[1-9]|1[0-2])$", re.ASCII)


class Why(StrEnum):
    """Why an original cannot be had any more."""

    KEY_DESTROYED = "key-destroyed"
    ORIGINAL_MISSING = "original-missing"
    SEAL_BROKEN = "seal-broken"
    NO_ORIGINAL = "no-original"


class Gone(Exception):
    """The original cannot be had, now or ever."""

    def __init__(self, why: Why) -> None:
        super().__init__(why.value)
        self.why = why


@dataclass(frozen=True, kw_only=True, slots=True)
class Original:
    """The record that could not be worked."""

    key: bytes | None = field(repr=False)
    value: bytes | None = field(repr=False)
    headers: list[tuple[str, bytes]] = field(repr=False)


class Opener:
    """Opens the letters of an archive."""

    def __init__(self, archive: Archive, database: Database, fetch_key: FetchKey) -> None:
        self._archive = archive
        self._database = database
        self._fetch_key = fetch_key
        self._keys: dict[str, MonthKey | None] = {}

    async def open(self, letter: DeadLetter) -> Original:
        """Raises Gone, and Unavailable while vault, Kafka or database are away."""
        if letter.key_id is None:
            raise Gone(Why.NO_ORIGINAL)
        key = await self._key(letter.key_id)
        if key is None:
            raise Gone(Why.KEY_DESTROYED)
        sealed = await self._sealed(letter)
        if sealed is None:
            raise Gone(Why.ORIGINAL_MISSING)
        try:
            packed = open_sealed(key.key, sealed, owner=letter.key_id, field=FIELD)
        except SealBroken:
            raise Gone(Why.SEAL_BROKEN) from None
        key_, value, headers = unpack(packed)
        return Original(key=key_, value=value, headers=headers)

    async def _key(self, key_id: str) -> MonthKey | None:
        """The key of this name, None where it is destroyed; its name ends in the month it was made for."""
        month = _MONTH.search(key_id)
        if month is None:
            raise Gone(Why.SEAL_BROKEN)
        if key_id not in self._keys:
            try:
                self._keys[key_id] = await self._fetch_key(month[0])
            except KeyDestroyed:
                self._keys[key_id] = None
        return self._keys[key_id]

    async def _sealed(self, letter: DeadLetter) -> bytes | None:
        if letter.kept_as is None:
            return await self._archive.sealed(letter)
        async with self._database.acquire() as connection:
            sealed: bytes | None = await connection.fetchval(_KEPT, letter.kept_as)
        return sealed


_KEPT = "select sealed from dead_letter_original where id = $1"
