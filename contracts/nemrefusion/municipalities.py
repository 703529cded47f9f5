"""Denmark's municipalities, as dated data: code (kommunekode, four digits), name, first day, last day and successor.

The 98 of the structural reform of 2007; those that were there before it begin with it here too.
When two join, the new one is added with its first day, and the old ones get a last day, both counted, and the new one's code as
successor. Christiansø (0411) belongs to no municipality and has no sickness-benefit office: not in the list.
"""

import csv
from datetime import date
from importlib import resources
from typing import Final, NamedTuple


class Municipality(NamedTuple):
    """A municipality under one code. `last_day` and `successor` (a code) are empty while it is there."""

    code: str
    name: str
    first_day: date
    last_day: date | None
    successor: str | None


def _read() -> dict[str, Municipality]:
    text = resources.files("contracts.nemrefusion").joinpath("municipalities.csv").read_text(encoding="utf-8")
    return {
        row["code"]: Municipality(
            code=row["code"],
            name=row["name"],
            first_day=date.fromisoformat(row["first_day"]),
            last_day=date.fromisoformat(row["last_day"]) if row["last_day"] else None,
            successor=row["successor"] or None,
        )
        for row in csv.DictReader(text.splitlines())
    }


REGISTER: Final = _read()
"""Every municipality by its code."""


def is_municipality(code: str, on: date) -> bool:
    """Whether a municipality had this code on that day."""
    known = REGISTER.get(code)
    return known is not None and known.first_day <= on and (known.last_day is None or on <= known.last_day)


def codes() -> frozenset[str]:
    """Every code in the register."""
    return frozenset(REGISTER)
