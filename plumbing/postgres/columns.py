"""Columns of many rows as they are sent: the driver takes its time over each value of an array, so what is the same in every row
is sent once and what is nowhere not at all. `unnest` fills up with null whatever is shorter than the longest.
"""

from collections.abc import Sequence
from typing import TypeVar

Value = TypeVar("Value")


def shared(values: list[Value]) -> list[Value]:
    """For columns that are never null: the one value where all are equal. The statement says `coalesce(column, $n[1])`."""
    return values[:1] if values.count(values[0]) == len(values) else values


def sparse(values: Sequence[Value | None]) -> Sequence[Value | None]:
    """For columns that may be null: nothing where all are."""
    return () if values.count(None) == len(values) else values
