"""What is found out about a file: a closed list of ends, each with its code.

Five ends are true to what happened and are never mixed up: *clean*, *infected*, *refused* (wrong or forbidden content),
*unreadable* (encrypted, damaged), and *pending* (not looked at yet, which is no end at all). That nobody could look is never
"clean" (D4).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Code(StrEnum):
    """Why a file is not taken. Machine-readable, part of the HTTP interface and of events."""

    EMPTY = "empty"
    TOO_LARGE = "too-large"
    NAME_NOT_ACCEPTED = "name-not-accepted"
    TYPE_NOT_ACCEPTED = "type-not-accepted"
    CONTENT_TYPE_MISMATCH = "content-type-mismatch"
    EXTENSION_MISMATCH = "extension-mismatch"
    HASH_MISMATCH = "hash-mismatch"

    INFECTED = "infected"

    MALFORMED = "malformed"
    ENCRYPTED = "encrypted"

    ACTIVE_CONTENT = "active-content"
    EMBEDDED_FILE = "embedded-file"
    TRAILING_DATA = "trailing-data"
    SECOND_FORMAT = "second-format"
    DECOMPRESSION_LIMIT = "decompression-limit"
    TOO_MANY_PIXELS = "too-many-pixels"
    TOO_MANY_PAGES = "too-many-pages"
    TOO_MANY_FRAMES = "too-many-frames"


class End(StrEnum):
    """What a file came to."""

    PENDING = "pending"
    CLEAN = "clean"
    INFECTED = "infected"
    REFUSED = "refused"
    UNREADABLE = "unreadable"


END_OF: Final[Mapping[Code, End]] = {
    **dict.fromkeys(Code, End.REFUSED),
    Code.INFECTED: End.INFECTED,
    Code.MALFORMED: End.UNREADABLE,
    Code.ENCRYPTED: End.UNREADABLE,
}
"""Which end a code belongs to."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """A file that can never be taken as it is."""

    code: Code

    @property
    def end(self) -> End:
        return END_OF[self.code]
