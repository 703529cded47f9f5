"""The calendar and the clocks of letters."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.tasks.domain.clocks import Letter, LetterState, civil_day, dispatched, end_of_day, failed


def letter(planned: date = date(2026, 3, 28)) -> Letter:
    return Letter(
        letter_id=UUID(int=1),
        absence_id=UUID(int=2),
        citizen_id=UUID(int=3),
        planned_deadline_day=planned,
        state=LetterState.REQUESTED,
        deadline=None,
    )


@pytest.mark.rule("T2")
@pytest.mark.parametrize(
    ("sent", "day", "ends"),
    [
        # ordinary winter and summer days
        (datetime(2026, 1, 5, 12, tzinfo=UTC), date(2026, 1, 13), datetime(2026, 1, 13, 23, tzinfo=UTC)),
        (datetime(2026, 7, 6, 12, tzinfo=UTC), date(2026, 7, 14), datetime(2026, 7, 14, 22, tzinfo=UTC)),
        # summer time begins on 29 March 2026 and ends on 25 October 2026, inside the eight days
        (datetime(2026, 3, 24, 12, tzinfo=UTC), date(2026, 4, 1), datetime(2026, 4, 1, 22, tzinfo=UTC)),
        (datetime(2026, 10, 20, 12, tzinfo=UTC), date(2026, 10, 28), datetime(2026, 10, 28, 23, tzinfo=UTC)),
        # the deadline is the very day on which the clock changes
        (datetime(2026, 3, 21, 12, tzinfo=UTC), date(2026, 3, 29), datetime(2026, 3, 29, 22, tzinfo=UTC)),
        (datetime(2026, 10, 17, 12, tzinfo=UTC), date(2026, 10, 25), datetime(2026, 10, 25, 23, tzinfo=UTC)),
        # leap day, year's end
        (datetime(2028, 2, 21, 12, tzinfo=UTC), date(2028, 2, 29), datetime(2028, 2, 29, 23, tzinfo=UTC)),
        (datetime(2028, 2, 25, 12, tzinfo=UTC), date(2028, 3, 4), datetime(2028, 3, 4, 23, tzinfo=UTC)),
        (datetime(2026, 12, 28, 12, tzinfo=UTC), date(2027, 1, 5), datetime(2027, 1, 5, 23, tzinfo=UTC)),
        # late in the evening it is already tomorrow in Denmark
        (datetime(2026, 1, 5, 23, 30, tzinfo=UTC), date(2026, 1, 14), datetime(2026, 1, 14, 23, tzinfo=UTC)),
        (datetime(2026, 7, 6, 22, 0, tzinfo=UTC), date(2026, 7, 15), datetime(2026, 7, 15, 22, tzinfo=UTC)),
        (
            datetime(2026, 7, 6, 21, 59, 59, 999999, tzinfo=UTC),
            date(2026, 7, 14),
            datetime(2026, 7, 14, 22, tzinfo=UTC),
        ),
    ],
)
def test_the_deadline_is_the_end_of_the_eighth_calendar_day_in_denmark(
    sent: datetime, day: date, ends: datetime
) -> None:
    deadline = dispatched(letter(planned=date(2020, 1, 1)), sent).deadline
    assert deadline is not None
    assert (deadline.day, deadline.at) == (day, ends)


@pytest.mark.rule("T2")
@given(st.timedeltas(min_value=timedelta(), max_value=timedelta(days=12 * 366)))
def test_the_last_instant_of_a_day_belongs_to_it_and_the_next_one_does_not(after: timedelta) -> None:
    instant = datetime(2024, 1, 1, tzinfo=UTC) + after
    day = civil_day(instant)
    assert civil_day(end_of_day(day)) == day + timedelta(days=1)
    assert civil_day(end_of_day(day) - timedelta(microseconds=1)) == day
    assert instant < end_of_day(day)


@pytest.mark.rule("T2")
def test_the_binding_deadline_is_never_earlier_than_the_one_the_letter_printed() -> None:
    sent = dispatched(letter(planned=date(2026, 4, 2)), datetime(2026, 3, 20, 12, tzinfo=UTC))
    assert sent.deadline is not None
    assert sent.deadline.day == date(2026, 4, 2)


@pytest.mark.rule("T2", "M3")
def test_of_two_proofs_the_later_deadline_stays() -> None:
    first = dispatched(letter(), datetime(2026, 3, 25, 12, tzinfo=UTC))
    assert dispatched(first, datetime(2026, 3, 21, 12, tzinfo=UTC)).deadline == first.deadline
    later = dispatched(first, datetime(2026, 3, 27, 12, tzinfo=UTC)).deadline
    assert later is not None
    assert later.day == date(2026, 4, 4)


@pytest.mark.rule("T2")
def test_a_letter_that_failed_never_starts_the_deadline() -> None:
    assert failed(letter()).deadline is None


@pytest.mark.rule("T2", "M3")
def test_a_failure_takes_nothing_back_from_a_letter_that_was_proven_out() -> None:
    sent = dispatched(letter(), datetime(2026, 3, 20, 12, tzinfo=UTC))
    assert failed(sent) == sent


def test_an_instant_without_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        civil_day(datetime(2026, 1, 1))  # noqa: DTZ001
