"""The Danish calendar as the law counts it: a second, separate reckoning.

Days are counted as ordinals, never as hours. The end of a day is the midnight that begins the next one in Copenhagen,
told in UTC.
"""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

COPENHAGEN = ZoneInfo("Europe/Copenhagen")


def day_of(instant: datetime) -> date:
    """The day on a calendar in Copenhagen at that instant."""
    local = instant.astimezone(COPENHAGEN)
    return date(local.year, local.month, local.day)


def day_after(day: date, number: int) -> date:
    return date.fromordinal(day.toordinal() + number)


def end_of(day: date) -> datetime:
    """The first instant after the day."""
    following = day_after(day, 1)
    return datetime(following.year, following.month, following.day, tzinfo=COPENHAGEN).astimezone(UTC)


def instant(text: str) -> datetime:
    """An instant as our events and the gateway's ledger spell it; raises ValueError without a time zone."""
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError("an instant without time zone")
    return found.astimezone(UTC)
