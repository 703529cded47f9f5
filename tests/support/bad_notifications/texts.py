"""N11 to N15, N53, N54, N57, N58: what stands in texts, and how long they are."""

import unicodedata
from typing import Literal

from tests.support.bad_notifications.case import ACCEPTED, DUPLICATE, Case, Cases, Message
from tests.support.bad_notifications.making import Maker, again, refused, spelt, taken

AFFECTED_FOR = "retention_answers.affected_for"
EMOJI_FAMILY = "\u200d".join("👨👩👧👦👶👨👩👧👦👶👨👩👧")
INJECTIONS = (
    "'; DROP TABLE absence; --", "<script>alert(1)</script>", "{{7*7}}", "%s%n%x", "{0.__class__}", "${jndi:ldap://x}",
    "<!--#exec cmd='ls'-->", "$(reboot)", "`reboot`", "../../etc/passwd", "\\\\server\\share", "]]>", "#set($x=1)",
    "javascript:alert(1)",
    "{% raw %}", "\\input{/etc/passwd}", "#import \"x\"", "*/ --", "' OR 1=1 --", "&lt;b&gt;",
)  # fmt: skip


def cases(make: Maker) -> Cases:
    yield from _halves(make)
    yield from _nul(make)
    yield from _marks(make)
    yield from _forms(make)
    yield from _lengths(make)
    for text in INJECTIONS:
        value = make.report(citizen__name=text, reporter__name=text, retention_answers__affected_job_functions=text)
        yield taken("N53", f"everywhere: {text}", value)
    for start in ("=1+1", "+1+1", "-1+1", "@SUM(A1)", "\t=1+1", '=cmd|"/c calc"!A1'):
        yield taken("N54", f"a name that begins with {start!r}", make.report(citizen__name=start))
    yield from _line_breaks(make)
    for text in ("Se også 610190-1234.", "610190 1234 og 6101901235", "Hustru: 6201901234"):
        yield taken("N58", text, make.report(retention_answers__affected_for=text))
    yield taken("N58", "in the name of an employer", make.report(reporter__name="v/ 610190-1234"))


def _halves(make: Maker) -> Cases:
    bad = "bad-text"
    yield refused(
        "N11", "lone surrogate in a name", make.replaced('"name": "', '"name": "\\ud800'), {"reporter.name": bad}
    )
    yield refused("N11", "lone low half", make.replaced('"name": "', '"name": "\\udfff'), {"reporter.name": bad})
    yield refused("N11", "halves the wrong way round", make.report(citizen__name="\udc00\ud800"), {"citizen.name": bad})
    yield refused("N11", "in an unknown field", make.spliced('"x": "\\ud800"'), {"?": bad})
    yield refused("N11", "in an unknown name", make.spliced('"\\ud800": 1'), {"?": bad})
    yield refused(
        "N11",
        "in an address line",
        make.report(citizen__address__lines=["a", "\ud83d"]),
        {"citizen.address.lines[1]": bad},
    )
    yield refused("N11", "instead of a code", make.report(cause="\ud800"), {"cause": bad})
    yield refused("N11", "instead of the CPR number", make.report(citizen__cpr="\ud800"), {"citizen.cpr": bad})
    yield taken("N11", "both halves of a pair", make.replaced('"name": "', '"name": "\\ud83d\\ude00'))


def _nul(make: Maker) -> Cases:
    bad = "bad-text"
    yield refused("N12", "in a name", make.report(citizen__name="Å\0se"), {"citizen.name": bad})
    yield refused("N12", "in free text", make.report(retention_answers__affected_for="\0"), {AFFECTED_FOR: bad})
    yield refused("N12", "in an unknown field", make.spliced('"x": ["\\u0000"]'), {"?": bad})
    yield refused(
        "N12",
        "in a telephone number",
        make.report(workplace_contact__phone="12\0 34"),
        {"workplace_contact.phone": bad},
    )
    yield refused("N12", "in the notification id", make.report(notification_id="\0"), {"notification_id": bad})
    yield refused("N12", "as a byte of its own", make.report().replace(b"Lager", b"La\0er"), "not-json")


def _marks(make: Maker) -> Cases:
    for name, text in (
        ("bell", "Å\x07se"), ("escape sequence", "\x1b[31mÅse\x1b[0m"), ("backspace", "Åse\b\b"), ("delete", "Å\x7fse"),
        ("C1 control", "Å\x9fse"), ("right-to-left override", "Åse \u202egnos"), ("isolates", "\u2067Åse\u2069"),
        ("zero-width joiner", "Å\u200dse"), ("zero-width space", "Å\u200bse"), ("soft hyphen", "Å\xadse"),
        ("mark inside", "Å\ufeffse"), ("tag letters", "Åse\U000e0041"), ("no-break space", "Åse\xa0Ø"),
        ("not a character", "Åse\uffff"),
        ("private use", "Åse\ue000"),
    ):  # fmt: skip
        yield taken("N13", name, make.report(citizen__name=text))
    yield refused("N13", "only what cannot be seen", make.report(citizen__name="\x07\x08"), {"citizen.name": "blank"})


def _forms(make: Maker) -> Cases:
    forms: tuple[Literal["NFD", "NFKD"], ...] = ("NFD", "NFKD")
    for form in forms:
        first = make.document()
        name_in_form = unicodedata.normalize(form, first["citizen"]["name"])
        second = again(first, citizen__name=name_in_form)
        yield Case(
            row="N14",
            name=f"NFC, then {form} of the same name",
            messages=(Message(value=spelt(first), expected=ACCEPTED), Message(value=spelt(second), expected=DUPLICATE)),
        )
    escaped, plain = make.document(), make.document()
    yield Case(
        row="N14",
        name="letters, then escapes for the same letters",
        messages=(
            Message(value=spelt(plain), expected=ACCEPTED),
            Message(value=again_in_ascii(plain), expected=DUPLICATE),
        ),
    )
    yield taken("N14", "the Ångström sign for Å", spelt(again(escaped, citizen__name="\u212bse")))


def again_in_ascii(document: dict[str, object]) -> bytes:
    return spelt(document).decode().encode("ascii", "backslashreplace").replace(b"\\x", b"\\u00")


def _lengths(make: Maker) -> Cases:
    yield refused("N15", "10 000 letters", make.report(citizen__name="a" * 10_000), {"citizen.name": "too-long"})
    yield refused("N15", "10 000 Å", make.report(citizen__name="Å" * 10_000), {"citizen.name": "too-long"})
    marks = "a" + "\u0301\u0323" * 80_000
    yield refused("N15", "160 000 combining marks", make.report(citizen__name=marks), {"citizen.name": "too-long"})
    yield refused("N15", "201 letters", make.report(citizen__name="Å" * 201), {"citizen.name": "too-long"})
    yield refused(
        "N15", "2 001 letters", make.report(retention_answers__affected_for="x" * 2_001), {AFFECTED_FOR: "too-long"}
    )
    yield refused(
        "N15",
        "an e-mail of 300",
        make.report(workplace_contact__email="a@" + "b" * 300),
        {"workplace_contact.email": "too-long"},
    )
    yield taken("N15", "emoji family of 25 code points", make.report(citizen__name=EMOJI_FAMILY))
    yield taken("N15", "200 letters", make.report(citizen__name="Å" * 200))
    yield taken("N15", "200 letters in NFD", make.report(citizen__name="A\u030a" * 200))
    yield taken("N15", "one letter", make.report(citizen__name="Ø"))
    yield taken("N15", "2 000 letters", make.report(retention_answers__affected_for="x" * 2_000))


def _line_breaks(make: Maker) -> Cases:
    for name, mark in (
        ("line feed", "\n"), ("carriage return", "\r"), ("both", "\r\n"), ("vertical tab", "\v"), ("form feed", "\f"),
        ("next line", "\x85"), ("line separator", "\u2028"), ("paragraph separator", "\u2029"), ("record separator", "\x1e"),
    ):  # fmt: skip
        forged = f"Kommunen{mark}Falskgade 1{mark}9999 Nirgendwo"
        yield refused(
            "N57", f"{name} in an employer's name", make.report(reporter__name=forged), {"reporter.name": "bad-text"}
        )
    yield refused(
        "N57", "in a job title", make.report(employment__job_title="a\vb"), {"employment.job_title": "bad-text"}
    )
    yield refused(
        "N57", "in a city", make.report(citizen__address__city="By\n0000 X"), {"citizen.address.city": "bad-text"}
    )
    yield taken("N57", "lines in free text", make.report(retention_answers__affected_for="en\r\nto\u2028tre"))
