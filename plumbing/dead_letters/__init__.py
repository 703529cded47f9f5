"""Dead letters: a record that can never be worked is kept, sealed, with the reasons; it can be found, opened and replayed.

A running service needs the undertaker alone; `plumbing.dead_letters.desk` is what people on duty use.
"""

from plumbing.dead_letters.ledger import REPLAY_SCHEMA
from plumbing.dead_letters.undertaker import (
    FIELD,
    SCHEMA,
    KeyDestroyed,
    KeyNotFetched,
    MonthKey,
    Reason,
    Undertaker,
    Write,
    unpack,
)

__all__ = [
    "FIELD",
    "REPLAY_SCHEMA",
    "SCHEMA",
    "KeyDestroyed",
    "KeyNotFetched",
    "MonthKey",
    "Reason",
    "Undertaker",
    "Write",
    "unpack",
]
