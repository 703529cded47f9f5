"""The tables of `notifier`: letters and their sendings, the statuses told of them, the guard's counts and gates. All the SQL of
this service.

Invariants: a letter is read `for update` before anything about it is decided; rows are inserted and locked in the order of their
ids, a status in that of its message's; requests, look-ups and statuses are only ever added. A letter's row holds the sending
that is under way, those before it have rows of their own. `awaiting_since`, and the guard's hours, are real time, by the
database's clock. Every call is inside the caller's transaction, except where it says otherwise.
"""

from services.notifier.store.gates import Gate, Gates
from services.notifier.store.letters import Letters, Open
from services.notifier.store.statuses import Statuses

__all__ = ["Gate", "Gates", "Letters", "Open", "Statuses"]
