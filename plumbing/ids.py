"""Derived identifiers: the same cause and step always give the same id, so a repeat can be recognised by everybody."""

from hashlib import sha1
from uuid import UUID

from asyncpg.pgproto import pgproto

_NAMESPACE = sha1(UUID("5f6d1c0e-6d1f-5a55-9a4c-3f1f6e3b7c21").bytes, usedforsecurity=False)
# version 5 and the variant, RFC 9562 § 5.5
_KEPT = 0xFFFFFFFF_FFFF_0FFF_3FFF_FFFFFFFFFFFF
_SET = 0x00000000_0000_5000_8000_000000000000


def derive(*parts: object) -> UUID:
    """The id of what follows from `parts` (a cause's id and the name of the step), as UUIDv5 in a namespace of ours.

    The same as `uuid.uuid5`, which a test holds it to, at a fraction of the time: it is called several times a message. It is
    an instance of the driver's subclass, as ids read from the database are; making, writing and sending one is done in C.
    """
    hashed = _NAMESPACE.copy()
    hashed.update("\x1f".join([str(part) for part in parts]).encode())
    number = int.from_bytes(hashed.digest()[:16]) & _KEPT | _SET
    derived: UUID = pgproto.UUID(number.to_bytes(16))
    return derived
