"""What stands on the pages of a letter, read back from its PDF by another program than the one that made it."""

from dataclasses import dataclass

import pypdfium2

_POINTS_PER_MM = 72 / 25.4


@dataclass(frozen=True, kw_only=True, slots=True)
class Area:
    """A rectangle of a page in millimetres from its left upper corner."""

    left: float
    top: float
    right: float
    bottom: float


def pages_of(pdf: bytes) -> list[str]:
    """The text of each page, in reading order, with single spaces for whatever parts words."""
    with pypdfium2.PdfDocument(pdf) as document:
        return [" ".join(page.get_textpage().get_text_range().split()) for page in document]


def text_in(pdf: bytes, area: Area) -> list[str]:
    """The lines of the first page that lie in the area, or reach into it."""
    with pypdfium2.PdfDocument(pdf) as document:
        page = document[0]
        height = page.get_height()
        found = page.get_textpage().get_text_bounded(
            left=area.left * _POINTS_PER_MM,
            top=height - area.top * _POINTS_PER_MM,
            right=area.right * _POINTS_PER_MM,
            bottom=height - area.bottom * _POINTS_PER_MM,
        )
        return [line.strip() for line in found.splitlines() if line.strip()]
