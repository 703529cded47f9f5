"""The vault's tables, as statements.

Invariants: what comes in and goes out is wrapped, sealed or hashed: no number, name or address ever reaches SQL, so none
can stand in a database error. A batch is a handful of statements, whatever its size. Every statement is part of its
caller's transaction.
"""

from services.citizens.store.candidates import Candidates
from services.citizens.store.month_keys import MonthKeys
from services.citizens.store.outside_keys import OutsideKeys
from services.citizens.store.people import People
from services.citizens.store.sightings import Sightings

__all__ = ["Candidates", "MonthKeys", "OutsideKeys", "People", "Sightings"]
