"""Derived identifiers: the same cause and step always give the same id, so a repeat can be recognised by everybody."""

from uuid import UUID, uuid5

_NAMESPACE = UUID("5f6d1c0e-6d1f-5a55-9a4c-3f1f6e3b7c21")


def derive(*parts: object) -> UUID:
    """The id of what follows from `parts` (a cause's id and the name of the step), as UUIDv5."""
    return uuid5(_NAMESPACE, "\x1f".join(map(str, parts)))
