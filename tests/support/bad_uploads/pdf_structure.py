"""U35 to U38, U44: PDFs whose structure is wrong: loops, lengths and references that lie, cuts, pages that are none."""

from collections.abc import Mapping
from functools import partial
from typing import Final

from tests.support.bad_uploads import pdf
from tests.support.bad_uploads.case import MAX_PAGES, Build, OneOf, Uploads, changed, refused, single
from tests.support.bad_uploads.inflating import deflated
from tests.support.bad_uploads.pdf import CATALOG, CONTENT, MORE, PAGE, PAGES

MANY: Final = 10_000_000
_PAGE: Final = b"<< /Type /Page /Parent 2 0 R %b /Resources << >> %b >>"


def cases() -> Uploads:
    yield from _many()
    yield from _loops()
    for what, build in _lengths().items():
        yield refused("U36", what, "brev.pdf", build, "malformed")
    for what, build in _references().items():
        yield refused("U36", what, "brev.pdf", build, "malformed")
    # valid by the standard; the row asks only that our writer can save it again
    yield single("U36", "hybrid references", "brev.pdf", hybrid, OneOf("clean", "malformed"))
    # what readers of old and of today see is not the same: refused for either reason
    both = OneOf("active-content", "malformed")
    yield single("U36", "hybrid references that hide a script", "brev.pdf", partial(hybrid, hides=True), both)
    yield from _cuts()
    yield from _pages()
    yield from _headers()


def _many() -> Uploads:
    """Numbers that bring down whoever counts by making lists."""
    few = OneOf("malformed", "decompression-limit")
    yield single("U35", "10 million objects", "brev.pdf", many_objects, few, large=True)
    yield single("U35", "10 million objects in one object stream", "brev.pdf", many_in_one, few, large=True)
    # the same page again and again is wrong, and too much
    pages = OneOf("malformed", "too-many-pages")
    yield single(
        "U35", "a million pages, all the same", "brev.pdf", partial(repeated_page, 1_000_000), pages, large=True
    )
    yield single("U35", "a billion pages by branches that are shared", "brev.pdf", shared_branches, pages)
    yield single("U35", "says a million pages, has one", "brev.pdf", partial(counted, b"1000000"), pages)
    yield refused("U35", "says -1 pages", "brev.pdf", partial(counted, b"-1"), "malformed")
    yield refused("U35", "a page too many", "journal.pdf", partial(pdf.book, MAX_PAGES + 1), "too-many-pages")
    yield refused("U35", "10,000 pages", "journal.pdf", partial(pdf.book, 10_000), "too-many-pages", large=True)


def many_objects() -> bytes:
    """Cross-references that say of 10 million objects that each lies in the same object stream."""
    objects = pdf.letter_objects() | {MORE: pdf.contained({8: b"null"})}
    table = deflated(MANY, of=pdf.IN_STREAM_6, before=pdf.entries_of(objects))
    return pdf.written_with_stream(objects, entries=b"/Size %d /W [1 3 0]" % (MANY + MORE + 2), table=table)


def many_in_one() -> bytes:
    """An object stream of 40 MB, with one object that is needed, which says that it holds 10 million."""
    head = b"<< /Type /ObjStm /N %d /First %d /Filter /FlateDecode /Length %d >>\nstream\n%b\nendstream"
    data = deflated(MANY - 1, of=b"9 0 ", before=b"8 0 ", then=b"(da)")
    stream = head % (MANY, 4 * MANY, len(data), data)
    objects = pdf.letter_objects(catalog=b"/Lang 8 0 R") | {MORE: stream}
    table = deflated(0, then=pdf.entries_of(objects) + pdf.IN_STREAM_6)
    return pdf.written_with_stream(objects, entries=b"/Size 9 /W [1 3 0]", table=table)


def repeated_page(times: int) -> bytes:
    kids = b"3 0 R " * times
    return pdf.letter(more={PAGES: b"<< /Type /Pages /Kids [%b] /Count %d >>" % (kids, times)})


def shared_branches() -> bytes:
    """Nine storeys of ten branches, which are one and the same."""
    storeys = 9
    more = {}
    for nth in range(storeys):
        above = MORE + nth - 1 if nth else PAGES
        below = MORE + nth + 1 if nth < storeys - 1 else PAGE
        entries = (above, b"%d 0 R " % below * 10, 10 ** (storeys - nth))
        more[MORE + nth] = b"<< /Type /Pages /Parent %d 0 R /Kids [%b] /Count %d >>" % entries
    return pdf.letter(more={PAGES: b"<< /Type /Pages /Kids [6 0 R] /Count 1000000000 >>", **more})


def counted(count: bytes) -> bytes:
    return pdf.letter(more={PAGES: b"<< /Type /Pages /Kids [3 0 R] /Count %b >>" % count})


def _loops() -> Uploads:
    kids = b"<< /Type /Pages /Kids [%b] /Count 1 >>"
    node = b"<< /Type /Pages /Parent %d 0 R /Kids [%b] /Count 1 >>"
    loops: Mapping[str, Build] = {
        "a page tree that holds itself": partial(pdf.letter, more={PAGES: kids % b"3 0 R 2 0 R"}),
        "only /Kids to itself": partial(pdf.letter, more={PAGES: kids % b"2 0 R"}),
        "a page tree whose branch holds its root": partial(
            pdf.letter, more={PAGES: kids % b"6 0 R", MORE: node % (2, b"3 0 R 2 0 R")}
        ),
        "two branches that hold each other": partial(
            pdf.letter, more={PAGES: kids % b"6 0 R", 6: node % (2, b"7 0 R"), 7: node % (6, b"6 0 R")}
        ),
        "a page that is its own parent": partial(pdf.letter, more={PAGE: page_under(3)}),
        "parents in a ring": partial(
            pdf.letter,
            more={
                PAGES: b"<< /Type /Pages /Kids [3 0 R] /Count 1 /Parent 6 0 R >>",
                MORE: b"<< /Type /Pages /Kids [2 0 R] /Count 1 /Parent 2 0 R >>",
            },
        ),
        "/Prev to itself": prev_to_itself,
        "/Prev in a ring of two": prev_in_a_ring,
        "cross-references as a stream, /Prev to itself": stream_to_itself,
        "an object stream that lies in itself": stream_in_itself,
        "a reference to itself": partial(pdf.letter, catalog=b"/Names 6 0 R", more={MORE: b"6 0 R"}),
        "10,000 storeys of pages": deep_pages,
        "100,000 arrays in each other": partial(pdf.letter, more={MORE: b"[" * 100_000 + b"]" * 100_000}),
        "100,000 arrays that never end": partial(pdf.letter, more={MORE: b"[" * 100_000}),
        "100,000 dictionaries in each other": partial(
            pdf.letter, more={MORE: b"<</A " * 100_000 + b"null" + b">>" * 100_000}
        ),
    }
    for what, build in loops.items():
        yield refused("U35", what, "brev.pdf", build, "malformed")


def page_under(parent: int) -> bytes:
    return pdf.letter_objects()[PAGE].replace(b"/Parent 2 0 R", b"/Parent %d 0 R" % parent)


def prev_to_itself() -> bytes:
    start = pdf.start_of_references(pdf.plain())
    return changed(pdf.plain(), b"/Root 1 0 R", b"/Root 1 0 R /Prev %d" % start)


def prev_in_a_ring() -> bytes:
    """The first revision's table names the second's as the one before it."""
    first = pdf.letter(trailer=b"/Prev 00000000")
    second = pdf.update(first, {CONTENT: pdf.stream(pdf.text(b"ny"))})
    return changed(second, b"/Prev 00000000", b"/Prev %08d" % pdf.start_of_references(second))


def stream_to_itself() -> bytes:
    objects = pdf.letter_objects()
    entries = b"/Size 7 /W [1 3 0] /Prev %d" % pdf.offsets_of(objects)[MORE]
    return pdf.written_with_stream(objects, entries=entries, table=deflated(0, then=pdf.entries_of(objects)))


def stream_in_itself() -> bytes:
    """The cross-references say that object 6, an object stream, lies in object 6."""
    objects = pdf.letter_objects(catalog=b"/Lang 8 0 R") | {MORE: pdf.contained({8: b"(da)"})}
    known = pdf.entries_of(objects)
    table = known[: 4 * MORE] + pdf.IN_STREAM_6 + known[4 * MORE + 4 :] + pdf.IN_STREAM_6
    return pdf.written_with_stream(objects, entries=b"/Size 9 /W [1 3 0]", table=deflated(0, then=table))


def deep_pages() -> bytes:
    storeys = 10_000
    more = {}
    for nth in range(storeys):
        above = MORE + nth - 1 if nth else PAGES
        below = MORE + nth + 1 if nth < storeys - 1 else PAGE
        more[MORE + nth] = b"<< /Type /Pages /Parent %d 0 R /Kids [%d 0 R] /Count 1 >>" % (above, below)
    lowest = {PAGE: page_under(MORE + storeys - 1), PAGES: b"<< /Type /Pages /Kids [6 0 R] /Count 1 >>"}
    return pdf.letter(more={**lowest, **more})


def _lengths() -> Mapping[str, Build]:
    words = pdf.text(*pdf.LINES)
    length = b"<< /Length %b >>\nstream\n%b\nendstream"
    whole = pdf.plain()
    return {
        "/Length too small": partial(worded, length % (b"100", words)),
        "/Length too small by one": partial(worded, length % (b"%d" % (len(words) - 1), words)),
        "/Length too large": partial(worded, length % (b"%d" % (len(words) + 300), words)),
        "/Length behind the end": partial(worded, length % (b"9999999", words)),
        "/Length negative": partial(worded, length % (b"-1", words)),
        "/Length of 2^63": partial(worded, length % (b"9223372036854775808", words)),
        "/Length a name": partial(worded, length % (b"/Lang", words)),
        "/Length missing": partial(worded, b"<< >>\nstream\n%b\nendstream" % words),
        "/Length in itself": partial(worded, length % (b"5 0 R", words)),
        "/Length in nothing": partial(worded, length % (b"99 0 R", words)),
        "no endstream": partial(worded, b"<< /Length %d >>\nstream\n%b\n" % (len(words), words)),
        "no endobj": lambda: changed(whole, b"endstream\nendobj", b"endstream\n      "),
        "no stream": partial(worded, b"<< /Length %d >>\n%b\nendstream" % (len(words), words)),
        "a filter that there is not": partial(worded, pdf.stream(words, b"/Filter /EgenDecode")),
        "a stream that does not inflate": partial(worded, pdf.stream(words, b"/Filter /FlateDecode")),
        "a stream that is cut before it is packed out": cut_stream,
    }


def worded(words: bytes) -> bytes:
    return pdf.letter(more={CONTENT: words})


def cut_stream() -> bytes:
    packed = deflated(0, then=pdf.text(*pdf.LINES))
    return worded(pdf.stream(packed[: len(packed) // 2], b"/Filter /FlateDecode"))


def _references() -> Mapping[str, Build]:
    whole = pdf.plain()
    start = pdf.start_of_references(whole)
    said = b"startxref\n%d\n"
    table = whole[whole.index(b"xref\n0 ") : whole.index(b"trailer")]
    return {
        "cross-references off by one": partial(moved, 1),
        "cross-references off by 20": partial(moved, 20),
        "startxref off by one": lambda: changed(whole, said % start, said % (start + 1)),
        "startxref behind the end": lambda: changed(whole, said % start, said % 999_999),
        "startxref 0": lambda: changed(whole, said % start, said % 0),
        "startxref negative": lambda: changed(whole, said % start, said % -5),
        "no startxref": lambda: changed(whole, said % start, b""),
        "no cross-references": lambda: changed(whole, table, b""),
        "no trailer": lambda: changed(whole, whole[whole.index(b"trailer") : whole.index(b"startxref")], b""),
        "nothing behind the objects": lambda: whole[:start],
        "no /Root": partial(pdf.written, pdf.letter_objects(), root=b""),
        "/Root to nothing": partial(pdf.written, pdf.letter_objects(), root=b"/Root 99 0 R"),
        "/Root to a font": partial(pdf.written, pdf.letter_objects(), root=b"/Root 4 0 R"),
        "an object with another number": lambda: changed(whole, b"5 0 obj", b"7 0 obj"),
        "more objects than /Size": lambda: changed(whole, b"/Size 6", b"/Size 3"),
    }


def moved(by: int) -> bytes:
    """Every offset tells a little too much."""
    whole = pdf.plain()
    head, table = whole[: whole.index(b"0000000000 65535")], whole[whole.index(b"0000000000 65535") :]
    first, *entries = table.split(b" n \n")
    lines = [first, *entries[:-1]]
    shifted = [line[:-16] + b"%010d 00000" % (int(line[-16:-6]) + by) for line in lines]
    return head + b" n \n".join([*shifted, entries[-1]])


def hybrid(*, hides: bool = False) -> bytes:
    """A table for readers of old, and a stream of references that tells readers of today of two more objects."""
    hidden = b"<< /S /JavaScript /JS (app.alert\\(1\\)) >>" if hides else b"(da)"
    catalog = b"/OpenAction 7 0 R" if hides else b"/Lang 7 0 R"
    base = pdf.written(pdf.letter_objects(catalog=catalog) | {MORE: pdf.contained({7: hidden})})
    start = pdf.start_of_references(base)
    said = b"/Type /XRef /Size 9 /Index [7 2] /W [1 3 0] /Root 1 0 R /Filter /FlateDecode"
    table = deflated(0, then=pdf.IN_STREAM_6 + b"\x01" + start.to_bytes(3, "big"))
    stream = b"8 0 obj\n%b\nendobj\n" % pdf.stream(table, said)
    end = base[start:]
    for old, new in (
        (b"0 7\n", b"0 9\n"),
        (b"trailer", b"0000000000 65535 f \n" * 2 + b"trailer"),
        (b"/Size 7", b"/Size 9 /XRefStm %d" % start),
        (b"startxref\n%d" % start, b"startxref\n%d" % (start + len(stream))),
    ):
        end = changed(end, old, new)
    return base[:start] + stream + end


def _cuts() -> Uploads:
    seeds: Mapping[str, Build] = {"a letter": pdf.plain, "object streams": lambda: pdf.packed(pdf.book(12))}
    for of, build in seeds.items():
        for percent in (10, 50, 90, 99):
            yield refused("U37", f"{of} cut at {percent} %", "brev.pdf", partial(_first, build, percent), "malformed")
    yield refused("U37", "its last 1,024 bytes are missing", "brev.pdf", lambda: pdf.book(40)[:-1_024], "malformed")
    yield refused("U37", "cut inside its last words", "brev.pdf", lambda: pdf.plain()[:-4], "malformed")
    without_beginning = OneOf("type-not-accepted", "malformed")
    yield single("U37", "its first 100 bytes are missing", "brev.pdf", lambda: pdf.plain()[100:], without_beginning)
    yield refused("U37", "zeros where its page was", "brev.pdf", holed, "malformed")


def holed() -> bytes:
    whole = pdf.plain()
    return whole[:100] + bytes(200) + whole[300:]


def _first(build: Build, percent: int) -> bytes:
    whole = build()
    return whole[: len(whole) * percent // 100]


def _pages() -> Uploads:
    none = b"<< /Type /Pages /Kids [] /Count 0 >>"
    boxed = {
        "page size 0": b"/MediaBox [0 0 0 0]",
        "page size 10^9": b"/MediaBox [0 0 1000000000 1000000000]",
        "page size of no numbers": b"/MediaBox [(a) (b) (c) (d)]",
        "no page size": b"",
    }
    damaged: Mapping[str, Build] = {
        "0 pages": partial(pdf.letter, more={PAGES: none}),
        "no page tree": partial(pdf.letter, more={CATALOG: b"<< /Type /Catalog >>"}),
        "a page tree that is a number": partial(pdf.letter, more={PAGES: b"7"}),
        "a page that is not there": partial(
            pdf.letter, more={PAGES: none.replace(b"[] /Count 0", b"[99 0 R] /Count 1")}
        ),
        # no reason fits better: the file is whole, but there is no document in it
        "a blank page only": partial(pdf.letter, more={PAGE: _PAGE % (pdf.A4, b"")}),
        "a blank page only, with empty contents": partial(pdf.letter, more={CONTENT: pdf.stream(b"")}),
    }
    for what, build in damaged.items():
        yield refused("U38", what, "brev.pdf", build, "malformed")
    for what, box in boxed.items():
        # an enormous page may be told as too many pixels
        expected = OneOf("malformed", "too-many-pixels") if "10^9" in what else OneOf("malformed")
        page = _PAGE % (box, b"/Contents 5 0 R")
        yield single("U38", what, "brev.pdf", partial(pdf.letter, more={PAGE: page}), expected)


def _headers() -> Uploads:
    for version in (b"9.9", b"0.1", b"1.", b""):
        build = partial(pdf.letter, header=b"%PDF-" + version + b"\n%\xe2\xe3\xcf\xd3\n")
        yield refused("U44", f"version '{version.decode()}'", "brev.pdf", build, "malformed")
    # the standard takes a carriage return for an end of line; the row wants a rule, whichever
    only_return = partial(pdf.letter, header=b"%PDF-1.4\r%\xe2\xe3\xcf\xd3\r")
    yield single(
        "U44", "a carriage return alone behind the version", "brev.pdf", only_return, OneOf("clean", "malformed")
    )
    small = partial(pdf.letter, header=b"%pdf-1.4\n%\xe2\xe3\xcf\xd3\n")
    yield refused("U44", "small letters", "brev.pdf", small, "type-not-accepted")
