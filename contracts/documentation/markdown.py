"""Pieces of a page in Markdown."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

GENERATED: Final = "<!-- made by `python -m contracts docs`: change the contracts, not this page -->\n\n"


def table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    def lines() -> Iterator[str]:
        yield f"| {' | '.join(head)} |"
        yield f"|{' --- |' * len(head)}"
        for row in rows:
            yield f"| {' | '.join(_cell(each) for each in row)} |"

    return "\n".join(lines()) + "\n"


def paragraph(text: str | None) -> str:
    return f"{text}\n\n" if text else ""


def folded(summary: str, code: str, language: str = "json") -> str:
    """Code that is shown on a click."""
    return f"<details><summary>{summary}</summary>\n\n```{language}\n{code}```\n\n</details>\n"


def _cell(text: str) -> str:
    return re.sub(r"\s+", " ", text).replace("|", "\\|")
