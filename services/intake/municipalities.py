"""Denmark's municipalities, as dated data: code (kommunekode, four digits), name, first day.

The 98 of the structural reform of 2007; when two join, the new one is added with its first day and the old ones get a
last day. Christiansø (0411) belongs to no municipality and has no sickness-benefit office: not in the list.
"""

import csv
from datetime import date
from importlib import resources


def _read() -> dict[str, date]:
    text = resources.files("services.intake").joinpath("municipalities.csv").read_text(encoding="utf-8")
    return {row["code"]: date.fromisoformat(row["from"]) for row in csv.DictReader(text.splitlines())}


_FIRST_DAY = _read()


def is_municipality(code: str, on: date) -> bool:
    """Whether a municipality had this code on that day."""
    first = _FIRST_DAY.get(code)
    return first is not None and first <= on


def codes() -> frozenset[str]:
    """Every code in the register."""
    return frozenset(_FIRST_DAY)
