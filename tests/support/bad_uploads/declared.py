"""U10 to U14: the right bytes, declared as something else: by content type, by extension, by name."""

from collections.abc import Mapping
from typing import Final

from tests.support.bad_uploads import gif, jpeg, pdf, png
from tests.support.bad_uploads.case import (
    GIF,
    JPEG,
    KIB,
    PDF,
    PNG,
    Build,
    OneOf,
    Uploads,
    refused,
    single,
    taken,
)

GOOD: Final[Mapping[str, tuple[str, str, Build]]] = {
    "PDF": ("brev.pdf", PDF, pdf.plain),
    "PNG": ("skærm.png", PNG, png.picture),
    "JPEG": ("IMG_0001.jpg", JPEG, jpeg.photo),
    "GIF": ("tegning.gif", GIF, gif.still),
}
"""A good file of each type, as it should be declared."""


def cases() -> Uploads:
    yield from _wrong_types()
    yield from _odd_types()
    yield from _wrong_extensions()
    yield from _two_extensions()
    yield from _hardly_names()


def _wrong_types() -> Uploads:
    for kind, (name, own, build) in GOOD.items():
        for other in (PDF, PNG, JPEG, GIF):
            if other != own:
                yield refused("U10", f"{kind} as {other}", name, build, "content-type-mismatch", content_type=other)
    for other in ("text/html", "image/heic"):
        yield refused("U10", f"PNG as {other}", "skærm.png", png.picture, "content-type-mismatch", content_type=other)


def _odd_types() -> Uploads:
    for kind, (name, _, build) in GOOD.items():
        yield taken("U11", f"{kind} without a type", name, build, content_type="")
        yield taken("U11", f"{kind} as application/octet-stream", name, build, content_type="application/octet-stream")
        # a PDF as image/* is left out: it is told by content, and declared as something else all the same
        if kind != "PDF":
            yield taken("U11", f"{kind} as image/*", name, build, content_type="image/*")
    # types have no small and large letters, and may have parameters (RFC 9110, 8.3.1)
    for what, said in (("in large letters", "IMAGE/PNG"), ("with a parameter", "image/png; charset=binary")):
        yield taken("U11", f"PNG, its type {what}", "skærm.png", png.picture, content_type=said)
    # what older browsers and Android call it
    yield taken("U11", "JPEG as image/jpg", "IMG_0001.jpg", jpeg.photo, content_type="image/jpg")
    for what, said in (
        ("5 kB long", "image/" + "p" * 5 * KIB),
        ("that is right, with a parameter of 5 kB", "image/png; a=" + "b" * 5 * KIB),
        ("with a newline", "image/png\nX-Header: 1"),
        ("with a zero byte", "image/png\0"),
        ("of one word", "png"),
        ("without its half", "image/"),
        ("of two types", "image/png, application/pdf"),
        ("of letters that it may not have", "image/pñg"),
        ("with markup", "<script>alert(1)</script>"),
    ):
        yield refused("U11", f"a type {what}", "skærm.png", png.picture, "content-type-mismatch", content_type=said)
    # on the wire that is the right type, and a header of the part's own that nobody reads: the content decides
    decided = OneOf("clean", "content-type-mismatch")
    said = "image/png\r\nSet-Cookie: a=b"
    yield single("U11", "a type with CR and LF", "skærm.png", png.picture, decided, content_type=said)


def _wrong_extensions() -> Uploads:
    for kind, (_, own, build) in GOOD.items():
        for name in ("a.pdf", "a.png", "a.jpg", "a.gif"):
            if name[2:] != kind.lower() and (kind, name) != ("JPEG", "a.jpg"):
                yield refused("U12", f"{name} is {kind}", name, build, "extension-mismatch", content_type=own)
        yield refused("U12", f"a.txt is {kind}", "a.txt", build, "extension-mismatch", content_type=own)
    # two things are wrong: which is told is the order of the checks
    both = OneOf("content-type-mismatch", "extension-mismatch")
    yield single("U12", "a.pdf is PNG, and is declared as PDF", "a.pdf", png.picture, both)
    yield taken("U12", "a.jpeg is JPEG", "a.jpeg", jpeg.photo)
    yield taken("U12", "A.JPG is JPEG", "A.JPG", jpeg.photo)


def _two_extensions() -> Uploads:
    refusals = (
        "report.pdf.exe", "report.exe.pdf", "report.pdf ", "report.pdf.", "report.pdf%00.exe", "report.pdf\0.exe",
        "report.exe\0.pdf", "report.EXE.pdf", "report.html.pdf", "report.js.pdf", "report.pdf::$DATA", "report.pdf.lnk",
        "report.php.pdf",
    )  # fmt: skip
    # what is shown would be trimmed; but an extension with a blank or a dot behind it is another one
    for name in refusals:
        yield refused("U13", repr(name), name, pdf.plain, "extension-mismatch", content_type=PDF)
    for name in (
        "report.PDF",
        "Report.Pdf",
        "brev 2026.03.01.pdf",
        "Dr. Hansen.pdf",
        "IMG_0001.jpg.pdf",
        "report.pdf.pdf",
    ):
        yield taken("U13", repr(name), name, pdf.plain)


def _hardly_names() -> Uploads:
    # the row says that it is the name; a name without an extension has none that fits, too
    bare = OneOf("name-not-accepted", "extension-mismatch")
    yield single("U14", "no extension", "report", pdf.plain, bare, content_type=PDF)
    hardly = (
        ".pdf", ".htaccess", "con.pdf", "aux.png", "CON.PDF", "nul.gif", "prn.jpg", "com1.pdf", "LPT9.pdf",
        "nul.brev.pdf", "..", "",
    )  # fmt: skip
    for name in hardly:
        _, kind, build = _of(name)
        yield refused("U14", repr(name), name, build, "name-not-accepted", content_type=kind)
    for name in ("conrad.pdf", "com10.pdf", "auxiliær.png", "kontrol.gif"):
        _, kind, build = _of(name)
        yield taken("U14", repr(name), name, build, content_type=kind)


def _of(name: str) -> tuple[str, str, Build]:
    """A good file of the type that the name tells, or a PDF."""
    kinds = {"png": "PNG", "jpg": "JPEG", "gif": "GIF"}
    return GOOD[kinds.get(name.lower().rpartition(".")[2], "PDF")]
