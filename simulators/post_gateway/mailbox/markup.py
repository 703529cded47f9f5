"""HTML put together from pieces.

Invariants: whatever is no `Html` is text, and is escaped; only this module makes `Html` out of strings. So what senders wrote,
which is all over these pages, cannot become markup by being forgotten.
"""

from dataclasses import dataclass
from html import escape
from typing import Final

_WITHOUT_END: Final = frozenset({"img", "input", "link", "meta"})


@dataclass(frozen=True, slots=True)
class Html:
    """A piece of a page that is markup already."""

    text: str


Piece = Html | str | None


def tag(name: str, /, *inside: Piece, **attributes: str | int | bool | None) -> Html:
    """An element. Of attributes, `class_` is `class` and `aria_label` is `aria-label`; None and False leave one out."""
    told = "".join(_attribute(key, value) for key, value in attributes.items())
    if name in _WITHOUT_END:
        return Html(f"<{name}{told}>")
    return Html(f"<{name}{told}>{together(*inside).text}</{name}>")


def together(*pieces: Piece) -> Html:
    """One after the other; None is nothing."""
    return Html("".join(piece.text if isinstance(piece, Html) else escape(piece or "") for piece in pieces))


def document(title: str, *, style: str, body: Html) -> str:
    """A whole page in Danish, with a style sheet at the address `style`."""
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("title", title),
        tag("link", rel="stylesheet", href=style),
    )
    return f"<!DOCTYPE html>\n{tag('html', head, body, lang='da').text}\n"


def _attribute(key: str, value: str | int | bool | None) -> str:
    name = key.rstrip("_").replace("_", "-")
    if value is None or value is False:
        return ""
    return f" {name}" if value is True else f' {name}="{escape(str(value))}"'
