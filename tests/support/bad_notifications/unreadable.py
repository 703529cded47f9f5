"""N01 to N10, N20, N21, N45, N46: bytes that are no JSON object of a size that is read."""

from contracts.topics import NEMREFUSION_NOTIFICATION
from tests.support.bad_notifications.case import UNSEEN, Cases, Way
from tests.support.bad_notifications.making import Maker, refused, single, taken

MIB = 1024 * 1024
LARGEST_THAT_ARRIVES = NEMREFUSION_NOTIFICATION.max_message_bytes - 74
"""The broker counts the record's batch: a value this long alone in one, without key and headers, is exactly at its limit."""
CUTS = 20
HTML = b"<!doctype html><html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"
XML = b'<?xml version="1.0" encoding="UTF-8"?><Anmeldelse><Cpr>6103901236</Cpr></Anmeldelse>'
EXTERNAL_ENTITY = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>'
LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
BILLION_LAUGHS = f'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY l0 "ha">{LAUGHS}]><a>&l9;</a>'.encode()


def cases(make: Maker) -> Cases:
    yield refused("N01", "tombstone", None, "empty")
    yield refused("N01", "tombstone with a key", None, "empty", key=make.id().encode())
    yield refused("N02", "zero bytes", b"", "empty")
    yield refused("N02", "zero bytes with headers", b"", "empty", headers=(("content-type", b"application/json"),))
    for name, blank in (
        ("spaces", b"    "),
        ("newlines", b"\n\r\n\n"),
        ("tabs and spaces", b" \t\n "),
        ("a mark", b"\xef\xbb\xbf"),
    ):
        yield refused("N03", f"only {name}", blank, "empty")
    yield refused("N04", "HTML error page", HTML, "not-json")
    yield refused("N04", "plain words", b"Service Unavailable", "not-json")
    yield refused("N04", "form data", b"kind=absence_reported&version=1", "not-json")
    yield refused("N04", "YAML", b"version: 1\nkind: absence_reported\n", "not-json")
    yield refused("N04", "a Python literal", b"{'version': 1, 'kind': None}", "not-json")
    yield refused("N04", "EDIFACT", b"UNB+UNOC:3+5790000000000:14+5790000000001:14'", "not-json")
    yield refused("N04", "only random bytes that are UTF-8", b"\x01\x02\x03\x1f\x7f", "not-json")
    yield from _cut(make)
    good = make.report()
    yield refused("N06", "two documents", good + good, "not-json")
    yield refused("N06", "one a line", good + b"\n" + good, "not-json")
    yield refused("N06", "a bracket too many", good + b"}", "not-json")
    yield refused("N06", "a semicolon behind", good + b";", "not-json")
    yield refused("N07", "comment before", b"/* payroll */" + good, "not-json")
    yield refused("N07", "comment inside", make.replaced('"version"', '// v1\n"version"'), "not-json")
    yield refused("N07", "trailing comma", good[:-1] + b",}", "not-json")
    yield refused("N07", "trailing comma in a list", make.replaced('tv."', 'tv.",'), "not-json")
    yield refused("N07", "single quotes", good.replace(b'"', b"'"), "not-json")
    yield refused("N07", "names without quotes", make.replaced('"kind"', "kind"), "not-json")
    yield refused("N07", "a line break inside a text", make.replaced('"wage"', '"wa\nge"'), "not-json")
    yield refused("N07", "an escape that JSON has not", make.replaced('"wage"', '"\\x77age"'), "not-json")
    yield from _other_shapes(good)
    yield taken("N09", "byte order mark", b"\xef\xbb\xbf" + make.report())
    yield refused("N09", "two byte order marks", b"\xef\xbb\xbf" * 2 + make.report(), "not-json")
    yield from _other_encodings(make)
    yield from _deep(make)
    yield refused("N21", "a million elements", make.spliced('"x": [' + "0," * 1_000_000 + "0]"), "too-large")
    yield taken(
        "N21", "a hundred thousand elements in an unknown field", make.spliced('"x": [' + "0," * 100_000 + "0]")
    )
    yield refused(
        "N21",
        "ten thousand address lines",
        make.report(citizen__address__lines=["a"] * 10_000),
        {"citizen.address.lines": "too-many"},
    )
    yield refused("N45", "XML", XML, "not-json")
    yield refused("N45", "external entity", EXTERNAL_ENTITY, "not-json")
    yield refused("N45", "billion laughs", BILLION_LAUGHS, "not-json")
    yield refused("N45", "a SOAP fault", b"<s:Envelope><s:Body><s:Fault/></s:Body></s:Envelope>", "not-json")
    yield from _large(make)


def _cut(make: Maker) -> Cases:
    for nth in range(1, CUTS):
        good = make.report()
        yield refused("N05", f"cut at {nth}/{CUTS}", good[: len(good) * nth // CUTS], "not-json")
    yield refused("N05", "cut by one", make.report()[:-1], "not-json")
    yield refused("N05", "its beginning is missing", make.report()[1:], "not-json")
    yield refused("N05", "cut inside a letter", make.replaced("Lager", "Lagerø").split(b"\xb8")[0], "not-utf8")


def _other_shapes(good: bytes) -> Cases:
    for name, value in (
        ("array", b"[" + good + b"]"), ("empty array", b"[]"), ("string", b'"absence"'), ("number", b"42"), ("null", b"null"),
        ("true", b"true"), ("document in a string", b'"{\\"version\\": 1}"'),
    ):  # fmt: skip
        yield refused("N08", name, value, "wrong-shape")
    yield refused("N08", "empty object", b"{}", {"version": "unsupported-version"})


def _other_encodings(make: Maker) -> Cases:
    text = make.report().decode()
    danish = make.document()
    yield refused("N10", "UTF-16", text.encode("utf-16"), "not-utf8")
    yield refused("N10", "UTF-16 without mark", text.encode("utf-16-be"), "not-utf8")
    yield refused("N10", "UTF-16, the other way round", text.encode("utf-16-le"), "not-utf8")
    yield refused("N10", "UTF-32", text.encode("utf-32"), "not-utf8")
    for encoding in ("latin-1", "cp1252", "cp865"):
        yield refused("N10", encoding, make.replaced("Lager", "Læger").decode().encode(encoding), "not-utf8")
    yield refused("N10", "an overlong slash", make.report().replace(b"Lager", b"\xc0\xaf"), "not-utf8")
    yield refused("N10", "half a surrogate pair as bytes", make.report().replace(b"Lager", b"\xed\xa0\x80"), "not-utf8")
    assert danish["citizen"]["name"] == "Åse Ønskeby Sørensen"


def _deep(make: Maker) -> Cases:
    yield refused("N20", "10 000 arrays", make.spliced('"x": ' + "[" * 10_000 + "]" * 10_000), "too-deep")
    yield refused("N20", "10 000 objects", make.spliced('"x": ' + '{"x":' * 10_000 + "1" + "}" * 10_000), "too-deep")
    yield refused("N20", "100 000 arrays that never end", b"[" * 100_000, "too-deep")
    yield refused("N20", "17 levels", make.spliced('"x": ' + "[" * 16 + "]" * 16), "too-deep")
    yield refused("N20", "deep in a field of ours", make.replaced('"wage"', "[" * 20 + "]" * 20), "too-deep")
    yield taken("N20", "16 levels in an unknown field", make.spliced('"x": ' + "[" * 15 + "]" * 15))


def _large(make: Maker) -> Cases:
    yield taken("N46", "1 MiB minus 1", make.report().ljust(MIB - 1))
    yield taken("N46", "1 MiB", make.report().ljust(MIB))
    good = make.report()
    yield taken("N46", "1 MiB in an unknown field", good[:-1] + b', "x": "' + b"A" * (MIB - len(good) - 9) + b'"}')
    yield refused("N46", "1 MiB + 1", make.report().ljust(MIB + 1), "too-large")
    yield refused("N46", "1 MiB + 1 of nothing", b" " * (MIB + 1), "too-large")
    yield refused("N46", "all that the broker takes", make.report().ljust(LARGEST_THAT_ARRIVES), "too-large")
    too_large = make.report().ljust(LARGEST_THAT_ARRIVES + 1)
    yield single("N46", "a byte more than the broker takes", too_large, UNSEEN, way=Way.REFUSED)
    yield refused("N46", "10 MiB of text", make.report(citizen__name="A" * 10 * MIB), "too-large")
    yield refused(
        "N46",
        "free text of 1 MB",
        make.report(retention_answers__affected_for="x" * 1_000_000),
        {"retention_answers.affected_for": "too-long"},
    )
