"""Month keys: under which callers seal what belongs to nobody in particular, and how long they live.

Invariants: each caller has its own key for a purpose and month; it is destroyed 30 days after the month's end, and a
month that is over by then never gets another; a month that has not begun gets none.
"""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

from services.citizens.domain.rights import Caller

KEPT_AFTER_MONTH: Final = timedelta(days=30)
# A caller's clock may be a little ahead of the vault's when a month begins.
_AHEAD: Final = timedelta(hours=1)


class MonthState(StrEnum):
    """Where a month stands."""

    TO_COME = "to-come"
    OPEN = "open"
    OVER = "over"


def key_id(caller: Caller, purpose: str, month: str) -> str:
    """The key's name, which is also the owner that its seals are bound to."""
    return f"{purpose}/{caller.value}/{month}"


def ends_at(month: str) -> datetime:
    """When the key of a month (`2026-11`, in UTC) is destroyed."""
    begin = _begin(month)
    following = begin.replace(year=begin.year + begin.month // 12, month=begin.month % 12 + 1)
    return following + KEPT_AFTER_MONTH


def state_of(month: str, now: datetime) -> MonthState:
    """Whether the month's key may be had now."""
    if now < _begin(month) - _AHEAD:
        return MonthState.TO_COME
    return MonthState.OPEN if now < ends_at(month) else MonthState.OVER


def _begin(month: str) -> datetime:
    return datetime(int(month[:4]), int(month[5:]), 1, tzinfo=UTC)
