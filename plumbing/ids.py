"""Derived identifiers: the same cause and step always give the same id, so a repeat can be recognised by everybody."""

from hashlib import sha1
from uuid import UUID

from asyncpg.pgproto import pgproto

_NAMESPACE = UUID("5f6d1c0e-6d1f-5a55-9a4c-3f1f6e3b7c21").bytes


def derive(*parts: object) -> UUID:
    """The id of what follows from `parts` (a cause's id and the name of the step), as UUIDv5 in a namespace of ours.

    The same as `uuid.uuid5`, which a test holds it to, at a fraction of the time: it is called several times a message. It is
    an instance of the driver's subclass, as ids read from the database are; making, writing and sending one is done in C.
    """
    name = "\x1f".join(map(str, parts)).encode()
    digest = bytearray(sha1(_NAMESPACE + name, usedforsecurity=False).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x50  # version 5 and the variant, RFC 9562 § 5.5
    digest[8] = digest[8] & 0x3F | 0x80
    derived: UUID = pgproto.UUID(bytes(digest))
    return derived
