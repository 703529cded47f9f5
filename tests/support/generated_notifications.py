"""Hypothesis strategies: notifications of all six kinds, good ones and ones that something happened to.

Whatever could be told again from a message carries `MARK`, so that a text that holds it has quoted its input.
"""

import json
from collections.abc import Callable
from copy import deepcopy
from datetime import date, timedelta
from typing import Any, Final

from hypothesis import strategies as st

from tests.contracts.notifications import Document

MARK: Final = "Qz7"
"""Stands in every text, name and number of a generated message that is not one of ours."""
FIRST_DAY: Final = date(2026, 3, 2)

Path = tuple[str | int, ...]
_NASTY_ENDS: Final = (
    "", " ", "\0", "\ud800", "\udfff", "\n", "\r\n", "\u2028", "\u202e", "\u200d", "\ufeff", "\uffff",
    "\U0001f468\u200d\U0001f469", "ß", "ﬁ", "İ",
    "\u0301" * 30, "'; DROP TABLE absence; --", "<script>", "{{7*7}}", "%s%n", "{0.__class__}", "=1+1", "\\", '"', "/*",
    "x" * 201, "å" * 2_001,
)  # fmt: skip
NASTY_TEXTS: Final = tuple(f"{MARK}{end}" for end in _NASTY_ENDS)
NASTY_VALUES: Final[tuple[Any, ...]] = (
    None, True, False, 0, 1, -1, 2**53 + 1, 2**63 - 1, -(2**63), 2**63, 10**40, 1.5, -0.0, 1e308, float("inf"),
    float("nan"), "", " ", [], {},
    [[]], [None], {"kind": None}, {"kind": "employer"}, {"kind": f"{MARK}"}, {f"{MARK}": f"{MARK}"}, f"{MARK}", "1",
    "true", "null", "2026-03-02",
    "2026-02-30", "2026-03-20T08:15:00Z", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00", "6101900001",
    "610190-0001", "0000000000",
    "99990007", "0751", "7d1f2a90-3c4b-4e5d-8f60-000000000001", "employee", "illness", "wage", "absence_reported",
    "withdrawn",
)  # fmt: skip
_RENAMINGS: Final[tuple[Callable[[str], str], ...]] = (
    str.upper,
    str.title,
    lambda name: name.replace("_", "-"),
    lambda name: name.replace("_", ""),
    lambda name: f"_{name}",
    lambda name: f"${name}",
    lambda name: f"model_{name}",
    lambda name: f"{name}{MARK}",
    lambda name: f"{name}\u200b",
    lambda name: name.replace("s", "\u017f"),
    lambda _: "",
    lambda _: "__proto__",
    lambda _: "\ud800",
)


def _day(earliest: int, latest: int) -> st.SearchStrategy[str]:
    return st.integers(earliest, latest).map(lambda days: (FIRST_DAY + timedelta(days=days)).isoformat())


_line = st.sampled_from([f"{MARK} Åse", f"{MARK} A\u030ase", f"{MARK} <b>{{}}</b>", f"{MARK} \u202eÅse\u200d"])
_free = st.sampled_from([f"{MARK} Løft.", f"{MARK}\r\nto linjer\ttre", f"{MARK} =1+1", f"{MARK} se 610190-1234"])
_cpr = st.integers(0, 9_999).map(lambda number: f"610190{number:04d}")
_id = st.uuids().map(str)
_sent = _day(0, 17).map(lambda day: f"{day}T08:15:00+01:00")
_address = st.fixed_dictionaries(
    {"lines": st.lists(_line, min_size=1, max_size=5), "postal_code": st.just("8000"), "city": _line},
    optional={"country": st.just("DK")},
)
_citizen = st.fixed_dictionaries(
    {"cpr": _cpr, "name": _line, "address": _address, "has_address_protection": st.booleans()}
)
_number_only = st.fixed_dictionaries({"cpr": _cpr})
_employer = st.fixed_dictionaries(
    {
        "kind": st.just("employer"),
        "cvr": st.sampled_from(["99990007", "99990015"]),
        "production_unit": st.just("9000000017"),
        "name": _line,
    }
)
_fund = st.fixed_dictionaries({"kind": st.just("unemployment_fund"), "fund_number": st.just("98"), "name": _line})
_self = st.fixed_dictionaries({"kind": st.just("self_employed"), "cvr": st.just("99990015")}, optional={"name": _line})
_employment = st.fixed_dictionaries(
    {},
    optional={
        "start_day": _day(-4_000, 0),
        "weekly_hours": st.sampled_from([0, 37, 18.5, 168]),
        "job_title": _line,
        "employment_number": _line,
        "is_flexjob": st.booleans(),
        "has_section_56_agreement": st.booleans(),
    },
)
_answers = st.fixed_dictionaries(
    {},
    optional={
        "affected_job_functions": _free,
        "affected_for": _free,
        "work_adapted": st.booleans(),
        "work_adaptation": _free,
    },
)
_pay = st.fixed_dictionaries(
    {"kind": st.sampled_from(["wage", "sickness_benefit", "nothing"])}, optional={"until": _day(0, 300)}
)
_contact = st.fixed_dictionaries(
    {"name": _line}, optional={"phone": st.just("12 34 56 78"), "email": st.just("a@b.dk")}
)
_cause = st.sampled_from(["illness", "work_injury", "liable_third_party"])


def _kind(name: str, more: dict[str, Any], optional: dict[str, Any] | None = None) -> st.SearchStrategy[Document]:
    head = {
        "version": st.just(1),
        "kind": st.just(name),
        "notification_id": _id,
        "sent_at": _sent,
        "absence_reference": _id,
    }
    return st.fixed_dictionaries(head | more, optional=optional or {})


def _report(kind: str) -> st.SearchStrategy[Document]:
    everybody = {
        "citizen": _citizen,
        "municipality_code": st.sampled_from(["0751", "0101"]),
        "first_absence_day": st.just(FIRST_DAY.isoformat()),
        "cause": _cause,
    }
    back = {"last_absence_day": _day(20, 300)}
    employee = {"reporter": _employer, "citizen_kind": st.just("employee"), "pay": _pay, "employment": _employment}
    asked = {"workplace_contact": _contact, "retention_answers": _answers}
    return st.one_of(
        _kind(kind, everybody | employee, back | asked),
        _kind(kind, everybody | {"reporter": _fund, "citizen_kind": st.just("unemployed")}, back),
        _kind(kind, everybody | {"reporter": _self, "citizen_kind": st.just("self_employed")}, back),
    )


_anybody = st.one_of(_employer, _fund, _self)
good: Final[st.SearchStrategy[Document]] = st.one_of(
    _report("absence_reported"),
    _report("amended"),
    _kind(
        "refund_requested",
        {
            "reporter": _employer,
            "citizen": _number_only,
            "period": st.fixed_dictionaries({"first_day": _day(0, 5), "last_day": _day(5, 16)}),
        },
        {"final": st.fixed_dictionaries({"absence_continues": st.booleans()}, optional={"unpaid_from": _day(6, 30)})},
    ),
    _kind(
        "fast_track_requested",
        {
            "reporter": _employer,
            "citizen": _citizen,
            "municipality_code": st.just("0751"),
            "first_absence_day": st.just(FIRST_DAY.isoformat()),
            "employment": _employment,
        },
        {"workplace_contact": _contact, "retention_answers": _answers},
    ),
    _kind("recovered", {"reporter": _anybody, "citizen": _number_only, "last_absence_day": _day(0, 17)}),
    _kind("withdrawn", {"reporter": _anybody, "citizen": _number_only}),
)
"""Notifications that are right by themselves, and plausible on 20 March 2026."""


def places(document: Any, path: Path = ()) -> list[Path]:
    """Every place where something could be changed."""
    inside = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    return [path] * bool(path) + [each for name, child in inside for each in places(child, (*path, name))]


@st.composite
def spoilt(draw: st.DrawFn) -> Document:
    """A good notification in which one to four things were dropped, renamed, retyped, moved or made odd."""
    document = deepcopy(draw(good))
    for _ in range(draw(st.integers(1, 4))):
        if where := places(document):
            _spoil(draw, document, draw(st.sampled_from(where)))
    return document


def _spoil(draw: st.DrawFn, document: Document, path: Path) -> None:
    *parents, last = path
    target: Any = document
    for parent in parents:
        target = target[parent]
    match draw(st.integers(0, 7)):
        case 0:
            del target[last]
        case 1 if isinstance(target, dict):
            target[draw(st.sampled_from(_RENAMINGS))(str(last))] = target.pop(last)
        case 2 if isinstance(target, dict):
            target[draw(st.sampled_from(_RENAMINGS))(str(last))] = deepcopy(target[last])
        case 3:
            target[last] = draw(st.sampled_from(NASTY_TEXTS))
        case 4 if isinstance(target[last], str):
            text = target[last]
            cut = draw(st.integers(0, len(text)))
            target[last] = text[:cut] + draw(st.sampled_from(NASTY_TEXTS)) + text[cut:]
        case 5:
            target[last] = [target[last]] * draw(st.integers(1, 7))
        case 6:
            target[last] = {MARK: target[last]}
        case _:
            target[last] = deepcopy(draw(st.sampled_from(NASTY_VALUES)))


def compact(document: Any) -> bytes:
    """As a thrifty writer puts it: ASCII only."""
    return json.dumps(document, separators=(",", ":")).encode()


def roomy(document: Any) -> bytes:
    """The same from another writer: the other way round, indented, letters as they are; half pairs as escapes all the same."""
    text = json.dumps(_turned(document), indent=2, ensure_ascii=False)
    return "".join(f"\\u{ord(each):04x}" if 0xD800 <= ord(each) <= 0xDFFF else each for each in text).encode()


def _turned(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _turned(each) for name, each in reversed(value.items())}
    return [_turned(each) for each in value] if isinstance(value, list) else value


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """The bytes of a notification after an accident on the way: cut, spliced, repeated, overwritten, encoded otherwise."""
    raw = compact(draw(st.one_of(good, spoilt())))
    for _ in range(draw(st.integers(1, 3))):
        begin, end = sorted((draw(st.integers(0, len(raw))), draw(st.integers(0, len(raw)))))
        match draw(st.integers(0, 6)):
            case 0:
                raw = raw[:begin]
            case 1:
                raw = raw[:begin] + raw[end:]
            case 2:
                raw = raw[:end] + raw[begin:end] * draw(st.integers(1, 3)) + raw[end:]
            case 3:
                raw = raw[:begin] + draw(st.binary(min_size=1, max_size=4)) + raw[begin:]
            case 4:
                raw = raw[:begin] + draw(st.sampled_from(_SPLICES)) + raw[begin:]
            case 5:
                encoding = draw(st.sampled_from(["utf-16", "utf-16-le", "utf-32", "cp037", "utf-7"]))
                raw = raw.decode("utf-8", "replace").encode(encoding, "replace")
            case _:
                raw = draw(st.sampled_from([b"\xef\xbb\xbf", b"\n\t ", b"[", b'"', b"\0"])) + raw
    return raw


_SPLICES: Final = (
    b"NaN", b"-Infinity", b"1e999", b"-0", b"9" * 400, b"\\ud800", b"\\u0000", b"\0", b"\xff", b"\xed\xa0\x80", b"[" * 50,
    b'{"a":' * 50, b'"',
    b"\\", b",", b":", b"}{", b'"kind":"withdrawn",', b'"__proto__":{},', b"/**/", b"<?xml?>", b"\xe2\x80\xa8", b"null",
    b"1E+2",
)  # fmt: skip
