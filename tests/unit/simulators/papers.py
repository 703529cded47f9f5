"""Letters on paper as a print house gets them: PDFs with lines of text at known places, and requests that hold them."""

from collections.abc import Sequence
from dataclasses import dataclass

from python_serviceplatformen.models import physical_mail as oio
from xsdata.formats.dataclass.serializers import XmlSerializer

A4 = (595, 842)
NAME = "Kirsten Sorensen"
ADDRESS = (NAME, "Engvej 12, 3. th.", "8000 Aarhus C")
_POINTS_PER_MM = 72 / 25.4


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """Text that begins `left` and stands `top` millimetres from the page's left upper corner."""

    text: str
    left: float
    top: float


def in_window(*lines: str, left: float = 24, top: float = 52) -> list[Line]:
    """Lines below each other, the first ones where a window shows them."""
    return [Line(text=text, left=left, top=top + 5 * nth) for nth, text in enumerate(lines)]


def pdf(lines: Sequence[Line] = (), *, pages: int = 1, size: tuple[int, int] = A4) -> bytes:
    """A PDF with those lines on its first page, set in Helvetica of 10 points."""
    shown = [
        f"BT /F 10 Tf {one.left * _POINTS_PER_MM:.2f} {size[1] - one.top * _POINTS_PER_MM:.2f} Td ({_escaped(one.text)}) Tj ET"
        for one in lines
    ]
    first = "\n".join(shown)
    page = f"/Type /Page /Parent 2 0 R /MediaBox [0 0 {size[0]} {size[1]}] /Resources << /Font << /F 3 0 R >> >>"
    kids = " ".join(f"{5 + nth} 0 R" for nth in range(pages))
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Count {pages} /Kids [{kids}] >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        f"<< /Length {len(first)} >>\nstream\n{first}\nendstream",
        *(f"<< {page} {'/Contents 4 0 R' if nth == 0 else ''} >>" for nth in range(pages)),
    ]
    written, places = b"%PDF-1.7\n", []
    for nth, one in enumerate(objects, start=1):
        places.append(len(written))
        written += f"{nth} 0 obj\n{one}\nendobj\n".encode()
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    count = len(objects) + 1
    end = f"trailer << /Size {count} /Root 1 0 R >>\nstartxref\n{len(written)}\n%%EOF\n"
    return written + f"xref\n0 {count}\n0000000000 65535 f \n{table}{end}".encode()


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")


LETTER = pdf(in_window(*ADDRESS))


def paper(dispatch_id: str, document: bytes = LETTER) -> bytes:
    """The request that hands a paper letter in."""
    made = oio.create_physical_mail(265, document)
    made.afsendelse_identifikator = oio.AfsendelseIdentifikator(value=dispatch_id)
    request = oio.KombiRequest(
        kombi_valg_kode="Fysisk Post", forsendelse_i_samling=oio.ForsendelseISamling(forsendelse_i=made)
    )
    return str(XmlSerializer().render(request)).encode()
