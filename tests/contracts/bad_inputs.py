"""The catalogue of bad inputs as far as the message itself tells (N01 to N58), each row as concrete messages with its answer.

`WHOLE`: one reason for the message as a whole. `FIELDS`: reasons by field. `TAKEN`: odd, but right.
"""

from tests.contracts.notifications import LEFT_OUT, employee, golden, written

GOOD = employee()
GOOD_TEXT = GOOD.decode()
LARGEST = 1024 * 1024
POSTAL_CODE = "citizen.address.postal_code"
AFFECTED_FOR = "retention_answers.affected_for"
EMOJI_FAMILY = "\u200d".join("👨👩👧👦👶👨👩👧👦👶👨👩👧")


def spliced(extra: str) -> bytes:
    """The good report with more behind its last field."""
    return f"{GOOD_TEXT[:-1]}, {extra}}}".encode()


def replaced(old: str, new: str) -> bytes:
    assert old in GOOD_TEXT
    return GOOD_TEXT.replace(old, new, 1).encode()


WHOLE: list[tuple[str, bytes | None, str]] = [
    ("N01 tombstone", None, "empty"),
    ("N02 zero bytes", b"", "empty"),
    ("N03 white space", b" \n\t\r\n", "empty"),
    ("N04 HTML", b"<!doctype html><title>502</title>", "not-json"),
    *[(f"N05 cut at {cut}/20", GOOD[: len(GOOD) * cut // 20], "not-json") for cut in range(1, 20)],
    ("N05 cut by one", GOOD[:-1], "not-json"),
    ("N06 two documents", GOOD + GOOD, "not-json"),
    ("N06 one a line", GOOD + b"\n" + GOOD, "not-json"),
    ("N07 comment", b"/* payroll */" + GOOD, "not-json"),
    ("N07 trailing comma", GOOD[:-1] + b",}", "not-json"),
    ("N08 array", b"[" + GOOD + b"]", "wrong-shape"),
    ("N08 string", b'"absence"', "wrong-shape"),
    ("N08 number", b"42", "wrong-shape"),
    ("N08 null", b"null", "wrong-shape"),
    ("N10 UTF-16", GOOD_TEXT.encode("utf-16"), "not-utf8"),
    ("N10 UTF-16 without mark", GOOD_TEXT.encode("utf-16-be"), "not-utf8"),
    ("N10 Latin-1", written(golden("absence_reported.employee")).decode().encode("latin-1"), "not-utf8"),
    ("N20 10 000 arrays", spliced('"x": ' + "[" * 10_000 + "]" * 10_000), "too-deep"),
    ("N20 10 000 objects", spliced('"x": ' + '{"x":' * 10_000 + "1" + "}" * 10_000), "too-deep"),
    ("N20 17 levels", spliced('"x": ' + "[" * 16 + "]" * 16), "too-deep"),
    ("N21 a million elements", spliced('"x": [' + "0," * 1_000_000 + "0]"), "too-large"),
    ("N45 XML", b'<?xml version="1.0"?><Anmeldelse/>', "not-json"),
    ("N45 external entity", b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>', "not-json"),
    ("N45 billion laughs", b'<!DOCTYPE a [<!ENTITY b "ha"><!ENTITY c "&b;&b;&b;">]><a>&c;</a>', "not-json"),
    ("N46 1 MiB + 1", GOOD.ljust(LARGEST + 1), "too-large"),
    ("N46 10 MiB", employee(citizen__name="A" * 10 * LARGEST), "too-large"),
]

FIELDS: list[tuple[str, bytes, dict[str, str]]] = [
    ("N11 lone surrogate in a name", replaced('"name": "', '"name": "\\ud800'), {"reporter.name": "bad-text"}),
    ("N11 halves the wrong way round", employee(citizen__name="\udc00\ud800"), {"citizen.name": "bad-text"}),
    ("N12 NUL in a name", employee(citizen__name="Å\0se"), {"citizen.name": "bad-text"}),
    ("N12 NUL in free text", employee(retention_answers__affected_for="\0"), {AFFECTED_FOR: "bad-text"}),
    ("N15 10 000 letters", employee(citizen__name="a" * 10_000), {"citizen.name": "too-long"}),
    ("N15 10 000 Å", employee(citizen__name="Å" * 10_000), {"citizen.name": "too-long"}),
    ("N15 500 000 combining marks", employee(citizen__name="a" + "\u0301\u0323" * 80_000), {"citizen.name": "too-long"}),
    ("N16 same key twice", spliced('"cause": "work_injury"'), {"cause": "duplicate-key"}),
    ("N16 same key and value twice", spliced('"cause": "illness"'), {"cause": "duplicate-key"}),
    ("N16 twice inside", replaced('"cpr":', '"cpr": "6103901236", "cpr":'), {"citizen.cpr": "duplicate-key"}),
    ("N16 an unknown key twice", spliced('"610190-1234": 1, "610190-1234": 2'), {"?": "duplicate-key"}),
    ("N17 CPR", replaced('"cpr":', '"CPR":'), {"citizen.cpr": "unknown-field"}),
    ("N17 Cpr beside cpr", employee(citizen__Cpr="6103901236"), {"citizen.cpr": "unknown-field"}),
    ("N17 camel case", employee(lastAbsenceDay="2026-03-03"), {"last_absence_day": "unknown-field"}),
    ("N17 in a variant", employee(reporter__CVR="1"), {"reporter.cvr": "unknown-field"}),
    ("N19 __proto__", spliced('"__proto__": {}'), {"?": "unknown-field"}),
    ("N19 __class__", spliced('"__class__": "x"'), {"?": "unknown-field"}),
    ("N19 $ref", spliced('"$ref": "#"'), {"?": "unknown-field"}),
    ("N19 model_config", spliced('"model_config": {}'), {"?": "unknown-field"}),
    ("N19 inside", replaced('"cpr":', '"__init__": 1, "cpr":'), {"citizen.?": "unknown-field"}),
    ("N22 1e400", replaced("37", "1e400"), {"employment.weekly_hours": "bad-number"}),
    ("N22 NaN", replaced("37", "NaN"), {"employment.weekly_hours": "bad-number"}),
    ("N22 Infinity", replaced("37", "Infinity"), {"employment.weekly_hours": "bad-number"}),
    ("N22 -Infinity", replaced("37", "-Infinity"), {"employment.weekly_hours": "bad-number"}),
    ("N22 -0", replaced("37", "-0"), {"employment.weekly_hours": "bad-number"}),
    ("N22 -0.0", replaced("37", "-0.0"), {"employment.weekly_hours": "bad-number"}),
    ("N22 2^63", replaced("37", str(2**63)), {"employment.weekly_hours": "bad-number"}),
    ("N22 40 digits", replaced("37", "1" * 40), {"employment.weekly_hours": "bad-number"}),
    ("N22 NaN in an unknown field", spliced('"x": NaN'), {"?": "bad-number"}),
    ("N22 more hours than a week has", employee(employment__weekly_hours=169), {"employment.weekly_hours": "out-of-range"}),
    ("N22 fewer than none", employee(employment__weekly_hours=-1), {"employment.weekly_hours": "out-of-range"}),
    ("N23 boolean as text", employee(citizen__has_address_protection="true"), {"citizen.has_address_protection": "wrong-type"}),
    ("N23 boolean as number", employee(citizen__has_address_protection=1), {"citizen.has_address_protection": "wrong-type"}),
    ("N23 number as text", employee(employment__weekly_hours="37"), {"employment.weekly_hours": "wrong-type"}),
    ("N23 number as boolean", employee(employment__weekly_hours=True), {"employment.weekly_hours": "wrong-type"}),
    ("N23 version as boolean", employee(version=True), {"version": "unsupported-version"}),
    ("N23 CPR as number", employee(citizen__cpr=6103901236), {"citizen.cpr": "wrong-type"}),
    ("N23 CVR as number", employee(reporter__cvr=99990017), {"reporter.cvr": "wrong-type"}),
    ("N23 text as number", employee(citizen__name=1), {"citizen.name": "wrong-type"}),
    ("N23 code as number", employee(cause=1), {"cause": "wrong-type"}),
    ("N23 object as text", employee(citizen="6103901236"), {"citizen": "wrong-type"}),
    ("N23 object as list", employee(pay=[]), {"pay": "wrong-type"}),
    ("N23 list as text", employee(citizen__address__lines="Vej 1"), {"citizen.address.lines": "wrong-type"}),
    ("N23 list as object", employee(citizen__address__lines={"0": "Vej 1"}), {"citizen.address.lines": "wrong-type"}),
    ("N23 null in a list", employee(citizen__address__lines=["a", None]), {"citizen.address.lines[1]": "wrong-type"}),
    ("N23 id as number", employee(notification_id=1), {"notification_id": "wrong-type"}),
    ("N23 variant as number", employee(reporter__kind=1), {"reporter.kind": "wrong-type"}),
    ("N24 epoch", employee(first_absence_day=1767225600), {"first_absence_day": "wrong-type"}),
    ("N24 epoch as text", employee(first_absence_day="1767225600"), {"first_absence_day": "bad-date"}),
    ("N24 epoch time", employee(sent_at=1767225600), {"sent_at": "wrong-type"}),
    *[
        (f"N25 {day}", employee(first_absence_day=day), {"first_absence_day": "bad-date"})
        for day in (
            "2026-02-30", "2026-02-29", "0000-00-00", "26-01-02", "2026-1-2", "02-01-2026", "2026/01/02", "20260102",
            "2026-W01-1", "2026-01-02T00:00:00Z", " 2026-01-02", "２０２６-01-02", "2026-13-01", "", "today",
        )
    ],
    *[
        (f"N26 {sent}", employee(sent_at=sent), {"sent_at": "bad-time"})
        for sent in (
            "2026-03-20T08:15:00", "2026-03-20T24:00:00Z", "2026-03-20T08:15:60Z", "2026-03-20T08:15Z",
            "2026-03-20 08:15:00Z", "2026-03-20", "2026-03-20T08:15:00+0100", "2026-03-20T08:15:00+01",
            "2026-03-20T08:15:00 CET", "0001-01-01T00:00:00+23:59",
        )
    ],
    ("N29 back before absent", employee(last_absence_day="2026-03-01"), {"last_absence_day": "inconsistent"}),
    *[
        (f"N30 {name}", employee(citizen__cpr=cpr), {"citizen.cpr": "bad-cpr"})
        for name, cpr in (
            ("nine digits", "610390123"), ("eleven digits", "61039012360"), ("letters", "61039O1236"),
            ("Arabic digits", "٦١٠٣٩٠١٢٣٦"), ("full-width digits", "６１０３９０１２３６"), ("space", "610390 1236"),
            ("hyphen elsewhere", "6103-901236"), ("two hyphens", "610390--1236"), ("spaces around", " 6103901236 "),
            ("empty", ""), ("superscript", "610390123²"),
        )
    ],
    *[
        (f"N31 {cpr}", employee(citizen__cpr=cpr), {"citizen.cpr": "bad-cpr"})
        for cpr in ("3002900123", "0013900123", "0000000000", "9901900123", "9202900123", "3202900123", "6000900123")
    ],
    *[
        (f"N34 {name}", employee(reporter__cvr=cvr), {"reporter.cvr": "bad-cvr"})
        for name, cvr in (
            ("wrong check digit", "99990018"), ("seven digits", "9999001"), ("nine digits", "999900170"),
            ("foreign", "DE811569869"), ("with prefix", "DK99990017"), ("leading 0", "09990017"),
            ("Arabic digits", "٩٩٩٩٠٠١٧"), ("empty", ""),
        )
    ],
    ("N43 version 99", employee(version=99), {"version": "unsupported-version"}),
    ("N43 version as text", employee(version="1"), {"version": "unsupported-version"}),
    ("N43 version 1.0", employee(version=1.0), {"version": "unsupported-version"}),
    ("N44 version missing", employee(version=LEFT_OUT), {"version": "unsupported-version"}),
    ("N44 version null", employee(version=None), {"version": "unsupported-version"}),
    ("N57 line break", employee(reporter__name="Æ\nFalskgade 1"), {"reporter.name": "bad-text"}),
    ("N57 carriage return", employee(reporter__name="Æ\rFalskgade 1"), {"reporter.name": "bad-text"}),
    ("N57 line separator", employee(reporter__name="Æ\u2028Falskgade 1"), {"reporter.name": "bad-text"}),
    ("N57 next line", employee(citizen__address__lines=["Vej 1", "Æ\x85B"]), {"citizen.address.lines[1]": "bad-text"}),
    ("N57 in a job title", employee(employment__job_title="a\vb"), {"employment.job_title": "bad-text"}),
    ("N3 unknown code", employee(cause="influenza"), {"cause": "unknown-code"}),
    ("N3 code in capitals", employee(cause="ILLNESS"), {"cause": "unknown-code"}),
    ("N3 code with a space", employee(pay__kind="wage "), {"pay.kind": "unknown-code"}),
    ("N3 unknown kind", employee(kind="reported"), {"kind": "unknown-code"}),
    ("N3 kind missing", employee(kind=LEFT_OUT), {"kind": "missing"}),
    ("N3 kind as number", employee(kind=1), {"kind": "wrong-type"}),
    ("N3 unknown reporter", employee(reporter__kind="union"), {"reporter.kind": "unknown-code"}),
    ("N3 reporter without kind", employee(reporter__kind=LEFT_OUT), {"reporter.kind": "missing"}),
    ("N3 mandatory field missing", employee(municipality_code=LEFT_OUT), {"municipality_code": "missing"}),
    ("N3 mandatory field null", employee(citizen__address=None), {"citizen.address": "missing"}),
    ("N3 blank name", employee(citizen__name=" \t "), {"citizen.name": "blank"}),
    ("N3 no address lines", employee(citizen__address__lines=[]), {"citizen.address.lines": "missing"}),
    ("N3 six address lines", employee(citizen__address__lines=["a"] * 6), {"citizen.address.lines": "too-many"}),
    ("N3 blank address line", employee(citizen__address__lines=["a", ""]), {"citizen.address.lines[1]": "blank"}),
    ("N3 municipality of three digits", employee(municipality_code="751"), {"municipality_code": "bad-format"}),
    ("N3 municipality by name", employee(municipality_code="Aarhus"), {"municipality_code": "bad-format"}),
    ("N3 postal code of three digits", employee(citizen__address__postal_code="800"), {POSTAL_CODE: "bad-format"}),
    ("N3 country by name", employee(citizen__address__country="Danmark"), {"citizen.address.country": "bad-format"}),
    ("N3 production unit", employee(reporter__production_unit="12"), {"reporter.production_unit": "bad-format"}),
    ("N3 e-mail", employee(workplace_contact__email="jb at example.dk"), {"workplace_contact.email": "bad-format"}),
    ("N3 telephone", employee(workplace_contact__phone="ring"), {"workplace_contact.phone": "bad-format"}),
    ("N3 id without hyphens", employee(notification_id="7d1f2a903c4b4e5d8f60000000000001"), {"notification_id": "bad-id"}),
    ("N3 id in braces", employee(absence_reference="{7d1f2a90-3c4b-4e5d-8f60-000000000001}"), {"absence_reference": "bad-id"}),
    ("N3 2 001 letters", employee(retention_answers__affected_for="x" * 2_001), {AFFECTED_FOR: "too-long"}),
]  # fmt: skip

TAKEN: list[tuple[str, bytes]] = [
    ("N09 byte order mark", b"\xef\xbb\xbf" + GOOD),
    ("N13 bell in a name", employee(citizen__name="Å\x07se")),
    ("N13 right-to-left override", employee(citizen__name="Åse \u202egnos")),
    ("N13 zero-width joiner", employee(citizen__name="Å\u200dse")),
    ("N15 emoji family", employee(citizen__name=EMOJI_FAMILY)),
    ("N15 200 letters", employee(citizen__name="Å" * 200)),
    ("N15 200 letters in NFD", employee(citizen__name="A\u030a" * 200)),
    ("N18 unknown field", employee(shoe_size=42)),
    ("N18 unknown object", employee(shoe={"CPR": "x", "__proto__": 1})),
    ("N26 zone -12:00", employee(sent_at="2026-03-20T08:15:00-12:00")),
    ("N26 nanoseconds", employee(sent_at="2026-03-20T08:15:00.123456789Z")),
    ("N30 hyphen", employee(citizen__cpr="610390-1236")),
    ("N31 day + 60", employee(citizen__cpr="6103901236")),
    ("N31 day 31 + 60", employee(citizen__cpr="9112991234")),
    ("N32 modulus 11 fails", employee(citizen__cpr="6103901237")),
    ("N33 a child", employee(citizen__cpr="6103194236")),
    ("N46 1 MiB - 1", GOOD.ljust(LARGEST - 1)),
    ("N46 1 MiB", GOOD.ljust(LARGEST)),
    ("N46 1 MiB in an unknown field", spliced('"x": "' + "A" * (LARGEST - len(GOOD) - 9) + '"')),
    *[
        (f"N53 {text}", employee(citizen__name=text, retention_answers__affected_job_functions=text))
        for text in (
            "'; DROP TABLE absence; --", "<script>alert(1)</script>", "{{7*7}}", "%s%n%x", "{0.__class__}", "${jndi:ldap://x}",
        )
    ],
    *[(f"N54 {start}", employee(citizen__name=f"{start}1+1")) for start in "=+@-"],
    ("N58 somebody else's number", employee(retention_answers__affected_for="se 610190-1234")),
]  # fmt: skip
