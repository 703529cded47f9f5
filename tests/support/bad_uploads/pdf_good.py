"""U01, U39 to U42, U84, U86: PDFs that are taken, however odd."""

import zlib
from functools import cache, partial
from typing import Final

from tests.support.bad_uploads import colours, jpeg, pdf
from tests.support.bad_uploads.case import MAX_PAGES, Uploads, taken

PAGES_OF_A_SCAN: Final = 200
UPDATES: Final = 50
_XMP: Final = (
    b'<?xpacket begin="\xef\xbb\xbf" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
    b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about=""'
    b' xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/"><pdfaid:part>%d</pdfaid:part>'
    b'<pdfaid:conformance>B</pdfaid:conformance></rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="w"?>'
)
_RANGE: Final = b"/ByteRange [0 0000000000 0000000000 0000000000]"
_ID: Final = b"/ID [<00112233445566778899aabbccddeeff> <00112233445566778899aabbccddeeff>]"


def good() -> Uploads:
    """The small ones of these: valid PDFs of every kind."""
    yield taken("U01", "PDF 1.4", "brev.pdf", partial(pdf.letter, header=b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n"))
    yield taken("U01", "PDF 1.5 with object streams", "brev.pdf", lambda: pdf.packed(pdf.plain()))
    yield taken("U01", "PDF 1.7", "brev.pdf", pdf.plain)
    yield taken("U01", "PDF 2.0", "brev.pdf", partial(pdf.letter, header=b"%PDF-2.0\n%\xe2\xe3\xcf\xd3\n", trailer=_ID))
    yield taken("U01", "PDF/A-1b", "arkiv.pdf", partial(archived, 1))
    yield taken("U01", "PDF/A-3 without attachments", "arkiv.pdf", partial(archived, 3))
    yield taken("U01", "a page that was scanned", "scan.pdf", scanned)
    yield taken("U01", "a table of contents with links inside", "vejledning.pdf", linked)
    yield taken("U01", "three pages", "brev.pdf", partial(pdf.book, 3))
    yield taken("U01", "a title in UTF-16", "brev.pdf", titled)
    yield taken("U39", "linearized", "brev.pdf", lambda: pdf.linearized(pdf.book(5)))
    yield taken("U39", "50 incremental updates", "brev.pdf", updated)
    yield taken("U39", "changed after it was signed (shadow attack)", "brev.pdf", shadowed)
    yield taken("U39", "hidden layers", "brev.pdf", partial(layered, b"/OFF [7 0 R]"))
    yield taken("U40", "signed", "lægeerklæring.pdf", partial(signed, b""))
    yield taken("U40", "signed, changes forbidden", "lægeerklæring.pdf", partial(signed, certifying()))
    yield taken("U41", "a form that is filled in", "skema.pdf", filled)
    yield taken("U41", "a form with a box and a choice, without appearances", "skema.pdf", ticked)
    yield from _fonts()
    yield taken("U84", "a layer that shows other words on print", "brev.pdf", partial(layered, printed_otherwise()))


def cases() -> Uploads:
    yield from good()
    yield taken("U86", f"{PAGES_OF_A_SCAN} scanned pages, 19.9 MB", "journal.pdf", whole_journal, large=True)
    yield taken("U35", "as many pages as may be", "journal.pdf", partial(pdf.book, MAX_PAGES))


def archived(part: int) -> bytes:
    """By the rules of archives: no font that is not embedded (there is none), metadata, the colours' profile."""
    return pdf.written(
        {
            1: b"<< /Type /Catalog /Pages 2 0 R /Metadata 5 0 R /OutputIntents [<< /Type /OutputIntent /S /GTS_PDFA1"
            b" /OutputConditionIdentifier (sRGB) /DestOutputProfile 6 0 R >>] >>",
            2: b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            3: b"<< /Type /Page /Parent 2 0 R %b /Resources << >> /Contents 4 0 R >>" % pdf.A4,
            4: pdf.flate(b"0 0 1 rg 60 700 200 80 re f"),
            5: pdf.stream(_XMP % part, b"/Type /Metadata /Subtype /XML"),
            6: pdf.flate(colours.profile(), b"/N 3"),
        },
        header=b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n" if part == 1 else pdf.HEADER,
        trailer=_ID,
    )


def scanned() -> bytes:
    """One picture and no text."""
    return pdf.with_image(page_image())


@cache
def page_image() -> bytes:
    """A JPEG as an object of a PDF."""
    picture = jpeg.photo(320, 200)
    return pdf.image(picture, 320, 200, b"/ColorSpace /DeviceRGB /BitsPerComponent 8 /Filter /DCTDecode")


def linked() -> bytes:
    link = b"<< /Type /Annot /Subtype /Link /Rect [0 0 9 9] /Border [0 0 0] /A << /S /GoTo /D [3 0 R /Fit] >> >>"
    return pdf.letter(
        catalog=b"/Outlines 6 0 R /PageMode /UseOutlines",
        page=b"/Annots [%b]" % link,
        more={
            6: b"<< /Type /Outlines /First 7 0 R /Last 7 0 R /Count 1 >>",
            7: b"<< /Title (Indhold) /Parent 6 0 R /Dest [3 0 R /XYZ 0 842 0] >>",
        },
    )


def titled() -> bytes:
    title = "Lægeerklæring – sygefravær".encode("utf-16-be").hex().encode()
    return pdf.letter(
        trailer=b"/Info 6 0 R", more={6: b"<< /Title <feff%b> /CreationDate (D:20260301120000+01'00') >>" % title}
    )


def updated() -> bytes:
    data = pdf.plain()
    for nth in range(UPDATES):
        data = pdf.update(data, {pdf.CONTENT: pdf.stream(pdf.text(b"Udgave %d" % nth))})
    return data


def signed(reference: bytes) -> bytes:
    """As signing software leaves it: the byte range covers all but the signature, which stands here as zeros."""
    form = b"/AcroForm << /Fields [6 0 R] /SigFlags 3 >>"
    room = b"/Contents <" + b"30800000" + b"0" * 2_000 + b">"
    value = b"<< /Type /Sig /Filter /Adobe.PPKLite /SubFilter /ETSI.CAdES.detached %b %b %b >>" % (
        _RANGE,
        room,
        reference,
    )
    field = b"<< /FT /Sig /T (Underskrift) /Type /Annot /Subtype /Widget /Rect [0 0 0 0] /F 132 /P 3 0 R /V 7 0 R >>"
    before = pdf.letter(catalog=form, page=b"/Annots [6 0 R]", more={6: field, 7: value})
    start = before.index(b"<3080")
    end = start + len(room) - len(b"/Contents ")
    covered = b"/ByteRange [0 %d %d %d]" % (start, end, len(before) - end)
    # what is left of its place is blank, so that nothing moves
    return before.replace(_RANGE, covered.ljust(len(_RANGE)))


def certifying() -> bytes:
    """The signer allows no change."""
    only = b"/TransformParams << /Type /TransformParams /P 1 /V /1.2 >>"
    return b"/Reference [<< /Type /SigRef /TransformMethod /DocMDP %b >>]" % only


def shadowed() -> bytes:
    return pdf.update(signed(b""), {pdf.CONTENT: pdf.stream(pdf.text(b"Jeg er rask og har altid vaeret det."))})


def layered(shown: bytes) -> bytes:
    """Two layers; `shown` tells which of them are."""
    show = pdf.text(b"Det alle ser") + b" /OC /L1 BDC " + pdf.text(b"Det kun nogle ser") + b" EMC"
    return pdf.letter(
        catalog=b"/OCProperties << /OCGs [6 0 R 7 0 R] /D << /Order [6 0 R 7 0 R] %b >> >>" % shown,
        resources=b"/Properties << /L1 7 0 R >>",
        more={
            pdf.CONTENT: pdf.stream(show),
            6: b"<< /Type /OCG /Name (Brev) >>",
            7: b"<< /Type /OCG /Name (Skjult) /Usage << /Print << /PrintState /ON >> /View << /ViewState /OFF >> >> >>",
        },
    )


def printed_otherwise() -> bytes:
    return (
        b"/AS [<< /Event /Print /Category [/Print] /OCGs [7 0 R] >> << /Event /View /Category [/View] /OCGs [7 0 R] >>]"
    )


def filled() -> bytes:
    """A text field with what was typed, and how it looks."""
    looks = pdf.stream(
        b"/Tx BMC q BT /F1 12 Tf (Anna) Tj ET Q EMC", b"/Type /XObject /Subtype /Form /BBox [0 0 200 20]"
    )
    field = b"<< /FT /Tx /T (Navn) /V (Anna) /DA (/F1 12 Tf 0 g) /Type /Annot /Subtype /Widget /Rect [60 60 260 80]"
    return pdf.letter(
        catalog=b"/AcroForm << /Fields [6 0 R] /DR << /Font << /F1 4 0 R >> >> /DA (/F1 12 Tf 0 g) >>",
        page=b"/Annots [6 0 R]",
        more={6: field + b" /AP << /N 7 0 R >> >>", 7: looks},
    )


def ticked() -> bytes:
    widget = b"/Type /Annot /Subtype /Widget /Rect [60 60 80 80]"
    return pdf.letter(
        catalog=b"/AcroForm << /Fields [6 0 R 7 0 R] /NeedAppearances true >>",
        page=b"/Annots [6 0 R 7 0 R]",
        more={
            6: b"<< /FT /Btn /T (Enig) /V /Ja /AS /Ja %b >>" % widget,
            7: b"<< /FT /Ch /T (Grund) /Opt [(Sygdom) (Andet)] /V (Sygdom) %b >>" % widget,
        },
    )


def _fonts() -> Uploads:
    noise = zlib.compress(pdf.text(*pdf.LINES))
    yield taken("U42", "a font that is noise", "brev.pdf", partial(with_font_file, noise))
    yield taken("U42", "a font whose tables lie outside", "brev.pdf", partial(with_font_file, lying_font()))
    yield taken("U42", "a Type 3 font that draws with itself", "brev.pdf", looping_font)
    yield taken(
        "U42", "a Type 1 font with lengths that lie", "brev.pdf", partial(with_font_file, noise, b"/Length1 99999")
    )


def with_font_file(data: bytes, lengths: bytes = b"") -> bytes:
    kind = (b"/TrueType", b"/FontFile2") if not lengths else (b"/Type1", b"/FontFile")
    widths = b" ".join([b"500"] * 224)
    return pdf.letter(
        more={
            pdf.FONT: b"<< /Type /Font /Subtype %b /BaseFont /ABCDEF+Egen /FirstChar 32 /LastChar 255 /Widths [%b]"
            b" /FontDescriptor 6 0 R /Encoding /WinAnsiEncoding >>" % (kind[0], widths),
            6: b"<< /Type /FontDescriptor /FontName /ABCDEF+Egen /Flags 32 /FontBBox [0 0 1000 1000] /ItalicAngle 0"
            b" /Ascent 800 /Descent -200 /CapHeight 700 /StemV 80 %b 7 0 R >>" % kind[1],
            7: pdf.flate(data, lengths or b"/Length1 %d" % len(data)),
        }
    )


def lying_font() -> bytes:
    """A TrueType header that promises 4 tables behind the end."""
    table = b"%b\0\0\0\0\xff\xff\xff\xf0\xff\xff\xff\xff"
    return b"\0\x01\0\0\0\x04\0\x40\0\x02\0\0" + b"".join(table % name for name in (b"glyf", b"head", b"loca", b"maxp"))


def looping_font() -> bytes:
    glyph = pdf.stream(b"1000 0 0 0 750 750 d1 BT /F1 12 Tf (a) Tj ET")
    return pdf.letter(
        more={
            pdf.FONT: b"<< /Type /Font /Subtype /Type3 /FontBBox [0 0 750 750] /FontMatrix [.001 0 0 .001 0 0]"
            b" /CharProcs << /a 6 0 R >> /Encoding << /Type /Encoding /Differences [97 /a] >> /FirstChar 97"
            b" /LastChar 97 /Widths [1000] /Resources << /Font << /F1 4 0 R >> >> >>",
            6: glyph,
        }
    )


def whole_journal() -> bytes:
    """What a citizen's scanner makes of a thick file: 200 pictures, of which each is a page."""
    first = 3
    grey = b"/ColorSpace /DeviceGray /BitsPerComponent 8 /Filter /DCTDecode"
    objects = {1: b"<< /Type /Catalog /Pages 2 0 R >>", 2: b""}
    kids = []
    for nth in range(PAGES_OF_A_SCAN):
        number = first + 3 * nth
        kids.append(b"%d 0 R" % number)
        objects[number] = (
            b"<< /Type /Page /Parent 2 0 R %b /Resources << /XObject << /Im1 %d 0 R >> >> /Contents %d 0 R >>"
            % (pdf.A4, number + 1, number + 2)
        )
        picture = jpeg.noisy(nth % 8)
        objects[number + 1] = pdf.image(jpeg.with_comment(picture, b"side %d" % nth), *jpeg.NOISY_SIZE, grey)
        objects[number + 2] = pdf.stream(b"q 595 0 0 842 0 0 cm /Im1 Do Q")
    objects[2] = b"<< /Type /Pages /Kids [%b] /Count %d >>" % (b" ".join(kids), PAGES_OF_A_SCAN)
    return pdf.written(objects)
