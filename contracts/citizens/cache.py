"""Keys in memory: a bounded number of them, for minutes.

Invariants: nothing outlives `seconds`, by monotonic time; past `most` the one put in first goes; a destroyed citizen's key is
forgotten at once and is not put back by an answer that was under way meanwhile; a cache can't be pickled or copied, so nothing
that writes objects down writes keys down.
"""

import time
from collections.abc import Callable
from typing import Final, NoReturn
from uuid import UUID

from typing_extensions import override

from contracts.citizens.v1 import Destroyed, KnownKey

LONGEST_SECONDS: Final = 900.0
"""An erased person's key can be in somebody's memory for so long at most."""
MOST_KEYS: Final = 100_000

_Kept = tuple[float, KnownKey | Destroyed]


class KeyCache:
    """Remembers keys, and that a citizen is destroyed."""

    def __init__(
        self, *, seconds: float = 300.0, most: int = 20_000, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        if not (0 < seconds <= LONGEST_SECONDS and 0 <= most <= MOST_KEYS):
            raise ValueError("keys stay in memory for minutes, in a bounded number")
        self._seconds: Final = seconds
        self._most: Final = most
        self._monotonic = monotonic
        self._kept: dict[UUID, _Kept] = {}

    @override
    def __reduce__(self) -> NoReturn:
        raise TypeError("keys are kept in memory only")

    @override
    def __repr__(self) -> str:
        return f"KeyCache({len(self._kept)})"

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, citizen_id: UUID) -> KnownKey | Destroyed | None:
        """What is remembered and still fresh."""
        kept = self._kept.get(citizen_id)
        if kept is None:
            return None
        until, answer = kept
        if self._monotonic() < until:
            return answer
        del self._kept[citizen_id]
        return None

    def put(self, citizen_id: UUID, answer: KnownKey | Destroyed) -> None:
        """Remember an answer of the vault's."""
        if isinstance(answer, KnownKey) and isinstance(self.get(citizen_id), Destroyed):
            return
        self._kept.pop(citizen_id, None)
        self._kept[citizen_id] = (self._monotonic() + self._seconds, answer)
        self._forget_surplus()

    def clear(self) -> None:
        """Forget everything."""
        self._kept.clear()

    def _forget_surplus(self) -> None:
        # Every entry lives equally long, so the order of insertion is the order of expiry.
        now = self._monotonic()
        while self._kept:
            oldest = next(iter(self._kept))
            if len(self._kept) <= self._most and now < self._kept[oldest][0]:
                return
            del self._kept[oldest]
