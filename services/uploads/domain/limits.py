"""How much of what is taken: one table, which the HTTP interface's documentation is made of too (ASVS 5.1.1)."""

from dataclasses import dataclass
from typing import Final

MIB: Final = 1024 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """Bytes, pixels and numbers; times in seconds. Inflated: all that a file's compressed parts come to."""

    file_bytes: int = 20 * MIB
    files: int = 10
    day_bytes: int = 100 * MIB
    pages: int = 200
    inflated_bytes: int = 200 * MIB
    unsuspicious_bytes: int = 64 * MIB
    ratio: int = 50
    pixels: int = 50_000_000
    side: int = 20_000
    frames: int = 100
    objects: int = 300_000
    references: int = 500_000
    padding: int = 64


DEFAULT: Final = Limits()
