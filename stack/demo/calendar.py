"""When the demonstration plays: around the next change of the clock in Denmark, where counting hours would show."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

COPENHAGEN = ZoneInfo("Europe/Copenhagen")


def next_clock_change(after: date) -> date:
    """The next day on which summer time begins or ends."""
    day = after
    while _offset(day) == _offset(day + timedelta(days=1)):
        day += timedelta(days=1)
    return day


def morning(day: date) -> datetime:
    """Nine o'clock in Denmark on that day, in UTC."""
    return datetime.combine(day, time(9), COPENHAGEN).astimezone(UTC)


def _offset(day: date) -> timedelta | None:
    """The offset from UTC at the beginning of that day."""
    return datetime.combine(day, time(), COPENHAGEN).utcoffset()
