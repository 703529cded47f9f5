"""A letter's name, as columns."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg

from services.notifier.domain import LetterName


def columns_of(names: Sequence[LetterName]) -> tuple[list[UUID], list[int]]:
    return [name.letter_id for name in names], [name.version for name in names]


def name_of(row: asyncpg.Record) -> LetterName:
    return LetterName(letter_id=row["letter_id"], version=row["version"])
