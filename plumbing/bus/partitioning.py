"""Which partition a key goes to: CRC-32 of the key, modulo the number of partitions, as librdkafka's `consistent` does.

The Java client's murmur2 exists in Python only as Python, and took a twentieth of a stage's CPU time; CRC-32 is in C. A
topic of ours has one writer, so all that matters is that everybody who writes it agrees; a writer in another language sets
`partitioner=consistent` (or `consistent_random`, librdkafka's default).
"""

import random
from collections.abc import Sequence
from zlib import crc32


def by_crc32(key: bytes | None, partitions: Sequence[int], available: Sequence[int]) -> int:
    """The partition of a record with this key; a record without one goes anywhere that can take it."""
    if key is None:
        return random.choice(available or partitions)
    return partitions[crc32(key) % len(partitions)]
