"""Identifiers. Derived ones: the same cause and step always give the same id, so a repeat can be recognised by everybody.

All are instances of the driver's subclass of UUID, as ids read from the database are; making, writing and sending one is done
in C.
"""

import os
from hashlib import sha1
from uuid import UUID

from asyncpg.pgproto import pgproto

_NAMESPACE = sha1(UUID("5f6d1c0e-6d1f-5a55-9a4c-3f1f6e3b7c21").bytes, usedforsecurity=False)
# versions and the variant, RFC 9562 § 4
_KEPT = 0xFFFFFFFF_FFFF_0FFF_3FFF_FFFFFFFFFFFF
_VERSION_4 = 0x00000000_0000_4000_8000_000000000000
_VERSION_5 = 0x00000000_0000_5000_8000_000000000000


def derive(*parts: object) -> UUID:
    """The id of what follows from `parts` (a cause's id and the name of the step), as UUIDv5 in a namespace of ours.

    The same as `uuid.uuid5`, which a test holds it to, at a fraction of the time: it is called several times a message.
    """
    hashed = _NAMESPACE.copy()
    hashed.update("\x1f".join([str(part) for part in parts]).encode())
    return of_hash(hashed.digest())


def of_hash(digest: bytes) -> UUID:
    """The first sixteen bytes of a hash as an id of version 5: for who has hashed by another rule."""
    return _made(digest[:16], _VERSION_5)


def fresh() -> UUID:
    """A random id, version 4."""
    return _made(os.urandom(16), _VERSION_4)


def _made(raw: bytes, version: int) -> UUID:
    made: UUID = pgproto.UUID((int.from_bytes(raw) & _KEPT | version).to_bytes(16))
    return made
