"""Where in a document the faults are that `strict_json` noticed: the slow second reading, for documents that are
refused anyway.

Marks are put where a bad number or an object with a repeated name stands, then the document is walked without
recursion.
"""

import json
from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

from contracts.strict_json import JsonFault, Noticed, Pairs, Path, bad_text, decimal_number, whole_number

Places = tuple[tuple[JsonFault, Path], ...]

MOST_PLACES: Final = 100


class _BadNumber:
    """Stands where a number was that no two readers agree on."""


class _Repeating(dict[str, Any]):
    """An object some of whose names came more than once."""

    __slots__ = ("repeated",)

    def __init__(self, pairs: Pairs) -> None:
        super().__init__(pairs)
        seen: set[str] = set()
        self.repeated: set[str] = {name for name, _ in pairs if name in seen or seen.add(name)}  # type: ignore[func-returns-value]


def locate(text: str) -> Places:
    """Every repeated name, bad number and bad text of a document known to be JSON otherwise; none if it isn't."""
    try:
        document = _MARKING.decode(text)
    except (ValueError, RecursionError):
        return ()
    return _distinct(_faults(document))


def bad_texts(document: dict[str, Any]) -> Places:
    """Every text, names included, that holds NUL or half a surrogate pair."""
    return _distinct(_faults(document))


def _faults(document: Any) -> Iterator[tuple[JsonFault, Path]]:
    pending: list[tuple[Path, Any]] = [((), document)]
    while pending:
        path, value = pending.pop()
        match value:
            case _BadNumber():
                yield "bad-number", path
            case str():
                if bad_text(value):
                    yield "bad-text", path
            case dict():
                if isinstance(value, _Repeating):
                    yield from (("duplicate-key", (*path, name)) for name in sorted(value.repeated))
                yield from (("bad-text", (*path, name)) for name in value if bad_text(name))
                pending.extend(((*path, name), child) for name, child in reversed(value.items()))
            case list():
                pending.extend(((*path, index), child) for index, child in reversed(list(enumerate(value))))
            case _:
                pass


def _distinct(faults: Iterator[tuple[JsonFault, Path]]) -> Places:
    first_by_path: dict[Path, JsonFault] = {}
    for code, path in islice(faults, MOST_PLACES):
        first_by_path.setdefault(path, code)
    return tuple((code, path) for path, code in first_by_path.items())


def _mark_whole(digits: str) -> int | _BadNumber:
    try:
        return whole_number(digits)
    except Noticed:
        return _BadNumber()


def _mark_decimal(digits: str) -> float | _BadNumber:
    try:
        return decimal_number(digits)
    except Noticed:
        return _BadNumber()


def _mark_constant(_name: str) -> _BadNumber:
    return _BadNumber()


_MARKING: Final = json.JSONDecoder(
    object_pairs_hook=_Repeating,
    parse_int=_mark_whole,
    parse_float=_mark_decimal,
    parse_constant=_mark_constant,
)
