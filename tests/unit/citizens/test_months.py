"""How long a month's key lives."""

from datetime import UTC, datetime, timedelta

import pytest

from services.citizens.domain.months import MonthState, ends_at, key_id, state_of
from services.citizens.domain.rights import Caller


@pytest.mark.parametrize(
    ("month", "end"),
    [
        ("2026-11", datetime(2026, 12, 31, tzinfo=UTC)),
        ("2026-12", datetime(2027, 1, 31, tzinfo=UTC)),
        ("2027-01", datetime(2027, 3, 3, tzinfo=UTC)),
        ("2028-01", datetime(2028, 3, 2, tzinfo=UTC)),  # a leap year
        ("2028-02", datetime(2028, 3, 31, tzinfo=UTC)),
    ],
)
def test_a_key_is_destroyed_thirty_days_after_its_month(month: str, end: datetime) -> None:
    assert ends_at(month) == end


@pytest.mark.parametrize(
    ("now", "state"),
    [
        (datetime(2026, 10, 31, 22, 59, 59, tzinfo=UTC), MonthState.TO_COME),
        (datetime(2026, 10, 31, 23, 0, tzinfo=UTC), MonthState.OPEN),  # a caller's clock may be ahead
        (datetime(2026, 11, 15, tzinfo=UTC), MonthState.OPEN),
        (datetime(2026, 12, 31, tzinfo=UTC) - timedelta(microseconds=1), MonthState.OPEN),
        (datetime(2026, 12, 31, tzinfo=UTC), MonthState.OVER),
    ],
)
def test_a_months_key_is_to_be_had_from_its_beginning_to_its_end(now: datetime, state: MonthState) -> None:
    assert state_of("2026-11", now) is state


def test_the_name_of_a_key_tells_purpose_caller_and_month() -> None:
    assert key_id(Caller.TASKS, "dead-letter", "2026-11") == "dead-letter/tasks/2026-11"
