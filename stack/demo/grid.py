"""Counts by two names as a table of plain text, with sums."""

from collections.abc import Iterable, Iterator, Mapping

_COLUMN = 11


def grid(
    title: str, counts: Mapping[tuple[str, str], int], *, rows: Mapping[str, str], columns: Mapping[str, str]
) -> Iterator[str]:
    """Every row and column that is named, with the words for it, and whatever else was counted under its own name."""
    rows, columns = (
        _with_strangers(rows, (row for row, _ in counts)),
        _with_strangers(columns, (one for _, one in counts)),
    )
    width = max(len(words) for words in [*rows.values(), "all"])
    yield f"  {title}"
    yield f"    {'':{width}}{''.join(f'{words:>{_COLUMN}}' for words in [*columns.values(), 'all'])}"
    for row, words in rows.items():
        yield _line(words, width, [counts.get((row, column), 0) for column in columns])
    if len(rows) > 1:
        yield _line("all", width, [sum(counts.get((row, column), 0) for row in rows) for column in columns])
    yield ""


def _line(words: str, width: int, numbers: list[int]) -> str:
    told = "".join(f"{number or '·':>{_COLUMN}}" for number in [*numbers, sum(numbers)])
    return f"    {words:{width}}{told}"


def _with_strangers(words: Mapping[str, str], counted: Iterable[str]) -> dict[str, str]:
    return {**words, **{name: name for name in sorted({*counted}) if name not in words}}
