"""Every bad notification, in one table: the rows N01 to N62 of the catalogue (N3, N7: what the rules say beside it) as concrete
messages, each with what is to become of it.

The table is code: a module per group of rows, each message made from a good report of its own. It is read by the tests of the
contract, of intake's reading, and of the running service on a real broker.
"""

from tests.support.bad_notifications import around, kinds, names, people, repeats, texts, times, unreadable, values
from tests.support.bad_notifications.case import (
    ACCEPTED,
    DUPLICATE,
    UNSEEN,
    WAITING,
    Case,
    Expected,
    Message,
    Way,
)
from tests.support.bad_notifications.making import NOW, TEXTS_OF_SOMEBODY, Maker

__all__ = [
    "ACCEPTED",
    "DUPLICATE",
    "NOW",
    "ROWS",
    "TEXTS_OF_SOMEBODY",
    "UNSEEN",
    "WAITING",
    "Case",
    "Expected",
    "Maker",
    "Message",
    "Way",
    "table",
]

GROUPS = (unreadable, texts, names, values, times, people, repeats, kinds, around)
ROWS = tuple(f"N{number:02d}" for number in range(1, 63))


def table(make: Maker) -> tuple[Case, ...]:
    """All of it; the numbers of everybody in it are in `make.numbers` afterwards."""
    return tuple(case for group in GROUPS for case in group.cases(make))
