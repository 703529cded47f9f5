"""U15 to U18, U77: names as clients declare them, and as they are shown.

Shown is a name in Unicode NFC, without control characters, without what turns the direction of text or has no width,
without what stands before its last slash or backslash, with white space folded and trimmed, of at most 200
characters and with its extension. What then is nothing, only an extension, or a device of Windows, is not accepted.
"""

from dataclasses import dataclass
from typing import Final

from tests.support.bad_uploads.case import PDF, TYPES, Uploads, refused, taken, type_of
from tests.support.bad_uploads.declared import GOOD

LONGEST: Final = 200
"""Characters that are shown."""


@dataclass(frozen=True, kw_only=True, slots=True)
class NameCase:
    """A name as it is declared; `shown` is None where it is not accepted."""

    row: str
    what: str
    name: str
    shown: str | None


def _of(row: str, what: str, name: str, shown: str | None) -> NameCase:
    return NameCase(row=row, what=what, name=name, shown=shown)


def _as_it_is(row: str, what: str, name: str) -> NameCase:
    return NameCase(row=row, what=what, name=name, shown=name)


_PATHS: Final = (
    _of("U15", "up", "../../etc/passwd.pdf", "passwd.pdf"),
    _of("U15", "up, with backslashes", "..\\..\\x.pdf", "x.pdf"),
    _of("U15", "up, hidden from who removes it once", "....//....//x.pdf", "x.pdf"),
    _of("U15", "from the root", "/abs.pdf", "abs.pdf"),
    _of("U15", "a drive", "C:\\x.pdf", "x.pdf"),
    _of("U15", "what old browsers send", "C:\\fakepath\\Lægeerklæring.pdf", "Lægeerklæring.pdf"),
    _of("U15", "a server", "\\\\server\\del\\x.pdf", "x.pdf"),
    _of("U15", "an address", "file:///x.pdf", "x.pdf"),
    _of("U15", "slashes of both kinds", "a/b\\c/d\\x.pdf", "x.pdf"),
    _as_it_is("U15", "percent signs are only that", "%2e%2e%2fx.pdf"),
    _of("U15", "only a path", "a/b/", None),
    _of("U15", "a path to an extension", "a/.pdf", None),
    _of("U15", "a path to a device", "a/con.pdf", None),
)
_DIRECTIONS: Final = (
    _of("U16", "right to left before an extension", "rapport\u202efdp.exe", "rapportfdp.exe"),
    _of("U16", "right to left before another", "rapport\u202egnp.pdf", "rapportgnp.pdf"),
    _of("U16", "left to right", "rap\u202dport\u202c.pdf", "rapport.pdf"),
    _of("U16", "isolated", "rap\u2066po\u2069rt\u2067\u2068\u2069.pdf", "rapport.pdf"),
    _of("U16", "embedded", "\u202arapport\u202b\u202c.pdf", "rapport.pdf"),
    _of("U16", "control characters", "rap\x07po\x1b[31mrt\x7f.pdf", "rappo[31mrt.pdf"),
    _of("U16", "control characters of eight bits", "rap\x85po\x9brt.pdf", "rapport.pdf"),
    _of("U16", "nothing else", "\u202e\u2066\u200b", None),
)
_LETTERS: Final = (
    _as_it_is("U17", "æøå", "Lægeerklæring på sygefravær Ø.pdf"),
    _of("U17", "æøå, taken apart (NFD)", "Pa\u030a O\u0308resund e\u0301.pdf", "På Öresund é.pdf"),
    _of("U17", "the sign for ångström", "\u212bben.pdf", "Åben.pdf"),
    _as_it_is("U17", "Greenlandic", "Napparsimaneq pillugu nalunaarut ĸ.pdf"),
    _as_it_is("U17", "Faroese", "Sjúkrameldingarváttan ð.pdf"),
    _as_it_is("U17", "Arabic", "تقرير طبي.pdf"),
    _as_it_is("U17", "Chinese", "病假证明.pdf"),
    _as_it_is("U17", "Polish", "Zaświadczenie lekarskie żółć.pdf"),
    _as_it_is("U17", "emoji", "syg \U0001f912.pdf"),
    _of("U17", "emoji that are joined", "\U0001f468\u200d\U0001f469.png", "\U0001f468\U0001f469.png"),
    _as_it_is("U17", "letters that look like others", "Lægе аttest.pdf"),
    _of("U17", "zero width", "a\u200bt\u200ct\u200de\ufeffs\u2060t.pdf", "attest.pdf"),
    _of("U17", "marks of direction", "\u200eattest\u200f.pdf", "attest.pdf"),
)
_LENGTHS: Final = (
    _as_it_is("U17", "200 characters", "a" * 196 + ".pdf"),
    _of("U17", "201 characters", "a" * 197 + ".pdf", "a" * 196 + ".pdf"),
    _of("U17", "255 bytes", "a" * 251 + ".pdf", "a" * 196 + ".pdf"),
    _as_it_is("U17", "256 bytes in 130 characters", "æ" * 126 + ".pdf"),
    _of("U17", "4,096 bytes", "a" * 4_092 + ".gif", "a" * 196 + ".gif"),
    _of("U17", "4,096 bytes of emoji", "\U0001f912" * 1_023 + ".png", "\U0001f912" * 196 + ".png"),
    _of("U17", "empty", "", None),
    _of("U17", "only spaces", "   ", None),
    _of("U17", "only spaces and an extension", "   .pdf", None),
    _of("U17", "only zero width and an extension", "\u200b\ufeff.pdf", None),
    _of("U17", "white space before and inside", "  min \u00a0 \u3000 attest.pdf", "min attest.pdf"),
    # a line break is a control character first, and white space only second
    _of("U17", "newline", "min\nattest.pdf", "minattest.pdf"),
    _of("U17", "tab, CR and LF", "min\t\r\nattest.pdf", "minattest.pdf"),
    _of("U17", "the separators of Unicode", "min\u2028attest\u2029nu.pdf", "min attest nu.pdf"),
)
_CODE: Final = (
    *(_as_it_is("U17", what, name) for what, name in (
        ("quote", 'min "attest".pdf'), ("apostrophe", "min 'attest'.pdf"),
        ("markup", "<img src=x onerror=alert(1)>.pdf"), ("shell, substituted", "$(id).pdf"),
        ("shell, in the old way", "`id`.pdf"), ("shell, a second command", ";rm -rf ~.pdf"),
        ("SQL", "'; DROP TABLE uploads; --.pdf"), ("a format of C", "%s%n%x.pdf"), ("a template", "{{7*7}}.pdf"),
        ("a header's parameter", "a.pdf; filename=b.pdf"), ("a sheet's formula", "=cmd|'calc'!A0.pdf"),
        ("like an option", "-rf.pdf"), ("percent signs", "100 %25.pdf"), ("a comma, a semicolon", "a,b;c.pdf"),
    )),
    _of("U17", "markup with a slash", "<script>alert(1)</script>.pdf", "script>.pdf"),
    _of("U17", "a lookup of a logger", "${jndi:ldap://x/a}.pdf", "a}.pdf"),
)  # fmt: skip
_PERSONAL: Final = (
    _as_it_is("U18", "a CPR number", "Attest 610390-1236.pdf"),
    _as_it_is("U18", "a CPR number without its dash", "6103901236.png"),
    _as_it_is("U18", "a diagnosis", "diagnose F32.2 svær depression.pdf"),
)
_IN_HEADERS: Final = (
    _as_it_is("U77", "all that a header must escape", "a\"b;c,d=e'f%20 æ€\U0001f912.pdf"),
    _of("U77", "a header of its own", "a.pdf\r\nSet-Cookie: b=c.pdf", "a.pdfSet-Cookie: b=c.pdf"),
    _as_it_is("U77", "the form of RFC 5987", "UTF-8''a%0d%0ab.pdf"),
)

NAMES: Final[tuple[NameCase, ...]] = (*_PATHS, *_DIRECTIONS, *_LETTERS, *_LENGTHS, *_CODE, *_PERSONAL, *_IN_HEADERS)


def cases() -> Uploads:
    """Good files under these names; those of U77 are about what comes back, not about what is taken."""
    by_type = {kind: build for _, kind, build in GOOD.values()}
    for case in NAMES:
        if case.row == "U77":
            continue
        kind = type_of(case.shown or "x.pdf")
        build = by_type.get(kind, by_type[PDF])
        declared = kind if kind in by_type else PDF
        if case.shown is None:
            yield refused(case.row, case.what, case.name, build, "name-not-accepted", content_type=declared)
        elif kind not in TYPES.values():
            yield refused(case.row, case.what, case.name, build, "extension-mismatch", content_type=declared)
        else:
            yield taken(case.row, case.what, case.name, build, content_type=declared)
