"""N47 to N52, N55, N56: what stands around a good message, and how it got there. None of it changes what the message says."""

from tests.support.bad_notifications.case import ACCEPTED, UNSEEN, Case, Cases, Headers, Message, Way, rejected
from tests.support.bad_notifications.making import Maker, again, refused, single, spelt, taken

MIB = 1024 * 1024
UNREAD = rejected({"": "too-large"})
CORRELATION = "correlation_id"
CONTENT_TYPES = (
    b"application/msgpack", b"application/x-python-pickle", b"text/xml",
    b"application/json; charset=latin-1", b"", b"avro/binary",
)  # fmt: skip
PICKLE = b"\x80\x04\x95\x1b\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x94\x8c\x06system\x94\x93\x94\x8c\x02id\x94\x85\x94R\x94."


def cases(make: Maker) -> Cases:
    yield from _codecs(make)
    yield from _keys(make)
    yield from _headers(make)
    yield taken("N50", "10 MB", make.report(), headers=((CORRELATION, b"c" * 10_000_000),))
    yield refused("N50", "10 MB beside what is no JSON", b"<", "not-json", headers=((CORRELATION, b"c" * 10_000_000),))
    for name, value in (
        ("a line break", b'a\n{"level": "error"}'),
        ("an escape sequence", b"\x1b[2J"),
        ("of another", b"0" * 32),
        ("none", b""),
    ):
        yield taken(
            "N50",
            name,
            make.report(),
            headers=((CORRELATION, value), ("x-correlation-id", value), ("traceparent", value)),
        )
    for name, at in (
        ("1970", 0),
        ("one millisecond after", 1),
        ("2001", 1_000_000_000_000),
        ("before 1970", -1_000),
        ("year 1", -62_135_596_800_000),
    ):
        yield taken("N51", name, make.report(), timestamp_ms=at)
    yield single("N51", "in the year 3000", make.report(), UNSEEN, timestamp_ms=32_503_680_000_000, way=Way.REFUSED)
    for topic in (b"sygefravaer.absence.v1", b"nemrefusion.receipt.v1", b"nemrefusion.notification.v1", b"\xff"):
        yield taken("N52", repr(topic), make.report(), headers=(("reply_to", topic),))
    yield refused(
        "N52", "beside what is rejected", b"[]", "wrong-shape", headers=(("reply_to", b"sygefravaer.absence.v1"),)
    )
    for kind in CONTENT_TYPES:
        yield taken("N55", kind.decode() or "none", make.report(), headers=(("content-type", kind),))
    yield refused(
        "N55", "a pickle that says so", PICKLE, "not-utf8", headers=(("content-type", b"application/x-python-pickle"),)
    )
    yield refused(
        "N55",
        "msgpack that says so",
        b"\x82\xa7version\x01\xa4kind\xa1a",
        "not-utf8",
        headers=(("content-type", b"application/msgpack"),),
    )
    yield from _transactions(make)


def _codecs(make: Maker) -> Cases:
    for way in (Way.GZIP, Way.SNAPPY, Way.LZ4, Way.ZSTD):
        good = tuple(Message(value=make.report(), expected=ACCEPTED, way=way) for _ in range(5))
        bad = refused("N47", "", b'{"version": 1', "not-json", way=way).messages
        yield Case(row="N47", name=f"{way.value}: a bad one among good ones", messages=(*good[:3], *bad, *good[3:]))
        bomb = tuple(Message(value=make.report().ljust(MIB), expected=ACCEPTED, way=way) for _ in range(16))
        yield Case(row="N47", name=f"{way.value}: 16 MiB of mostly spaces", messages=bomb)
        yield refused("N47", f"{way.value}: 10 MiB of one letter", b"A" * 10 * MIB, "too-large", way=way)
    inside = tuple(Message(value=make.report().ljust(MIB), expected=ACCEPTED, way=Way.ZSTD) for _ in range(31))
    # a batch tells what is in it only as far as it is unpacked; alone each of them would be right
    too_deep = tuple(
        Message(value=make.report().ljust(MIB), expected=UNREAD, way=Way.ZSTD, by_history=True) for _ in range(9)
    )
    yield Case(row="N47", name="40 MiB of mostly spaces: what is unpacked is taken", messages=(*inside, *too_deep))


def _keys(make: Maker) -> Cases:
    body = make.document()
    yield taken("N48", "none", make.report(), key=None)
    yield taken("N48", "empty", make.report(), key=b"")
    yield taken("N48", "the CPR number", spelt(body), key=body["citizen"]["cpr"].encode())
    body = make.document()
    yield taken(
        "N48", "the CPR number with a hyphen, in words", spelt(body), key=b"cpr:" + hyphened(body["citizen"]["cpr"])
    )
    yield refused("N48", "the CPR number of what is rejected", b"{", "not-json", key=make.cpr().encode())
    yield taken("N48", "1 MiB", make.report(), key=b"k" * MIB)
    yield refused("N48", "1 MiB, of what is rejected", b"{", "not-json", key=b"k" * MIB)
    yield taken("N48", "not UTF-8", make.report(), key=b"\xff\xfe\0")
    yield taken("N48", "of another absence", spelt(again(make.document())), key=make.id().encode())


def hyphened(cpr: str) -> bytes:
    return f"{cpr[:6]}-{cpr[6:]}".encode()


def _headers(make: Maker) -> Cases:
    sets: tuple[tuple[str, Headers], ...] = (
        ("a null value", (("x-payroll", None),)),
        ("a null content type", (("content-type", None), ("ce_id", None))),
        ("a value that is not UTF-8", (("x-payroll", b"L\xf8n"),)),
        ("an empty name", (("", b"x"),)),
        ("the same twice", (("x-payroll", b"1"), ("x-payroll", b"2"))),
        ("1 000", tuple((f"x-{nth}", b"x") for nth in range(1_000))),
        ("a name of 10 000 letters", (("x" * 10_000, b"x"),)),
        ("a name with a line break", (("x\ny", b"z"),)),
        ("those of CloudEvents, told wrong", (("ce_type", b"dk.mitsygefravaer.absence.reported.v1"), ("ce_id", b"no id"))),
        ("a CPR number", (("x-cpr", b"6101900001"),)),
        ("an encoding", (("content-encoding", b"gzip"),)),
    )  # fmt: skip
    for name, headers in sets:
        yield taken("N49", name, make.report(), headers=headers)
        yield refused(
            "N49", f"{name}, beside what is rejected", b"{}", {"version": "unsupported-version"}, headers=headers
        )
    yield taken("N49", "a name that is not UTF-8", make.report(), way=Way.RAW_HEADER_NAME)
    yield refused("N49", "a name that is not UTF-8, beside what is rejected", b"{", "not-json", way=Way.RAW_HEADER_NAME)


def _transactions(make: Maker) -> Cases:
    yield single("N56", "aborted", make.report(), UNSEEN, way=Way.ABORTED)
    yield single("N56", "what is bad, aborted", b"{", UNSEEN, way=Way.ABORTED)
    yield single("N56", "committed", make.report(), ACCEPTED, way=Way.COMMITTED)
    body = spelt(make.document())
    again_committed = (
        Message(value=body, expected=UNSEEN, way=Way.ABORTED),
        Message(value=body, expected=ACCEPTED, way=Way.COMMITTED),
    )
    yield Case(row="N56", name="aborted, then sent again and committed", messages=again_committed)
