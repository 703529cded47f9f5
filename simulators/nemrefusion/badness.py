"""What goes wrong at reporters: each kind of bad notification, made from a good one, with the reasons it is to be
answered with.

The rows are those of the catalogue of bad inputs for NemRefusion messages. Each spoils one thing, so that one reason
is right; where two rules may name the same fault, both codes stand.
"""

import json
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final

from simulators.nemrefusion.reports import Document

Spoil = Callable[[Document], bytes | None]
Rewrite = Callable[[Document], bytes]

LARGEST: Final = 1_048_576
"""What a notification may weigh, in bytes."""
LARGE: Final = 0.02
"""The weight of kinds whose records are of that size, so that they don't fill the topic."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Badness:
    """One kind. `codes`: the reasons are among these. `readable`: the notification's ids can still be told from the bytes."""

    name: str
    row: str
    codes: frozenset[str]
    spoil: Spoil
    readable: bool
    needs: str = "employee"
    """The kind of citizen the spoilt report is about."""
    weight: float = 1.0


def written(document: Document) -> bytes:
    """A document as most reporters write it."""
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def _with(**fields: object) -> Rewrite:
    """Sets fields (`a__b` is b inside a; `...` removes it) and writes the document."""

    def spoil(document: Document) -> bytes:
        spoilt = deepcopy(document)
        for path, value in fields.items():
            *parents, name = path.split("__")
            target = spoilt
            for parent in parents:
                target = target[parent]
            if value is ...:
                del target[name]
            else:
                target[name] = value
        return written(spoilt)

    return spoil


def _replaced(old: str, new: str) -> Spoil:
    """Writes the document and replaces the first `old` by `new`, for what no JSON writer would write."""
    return lambda document: written(document).replace(old.encode(), new.encode(), 1)


def _shifted_last_day(days: int) -> Spoil:
    def spoil(document: Document) -> bytes:
        first = date.fromisoformat(document["first_absence_day"])
        return written(document | {"last_absence_day": (first + timedelta(days=days)).isoformat()})

    return spoil


def _absent_from(day: str) -> Rewrite:
    """Another first day, without the days that would contradict it."""
    return _with(first_absence_day=day, last_absence_day=None, pay__until=None, employment__start_day=None)


def _first_after_sent(document: Document) -> bytes:
    sent = date.fromisoformat(document["sent_at"][:10])
    return _with(first_absence_day=(sent + timedelta(days=1)).isoformat(), last_absence_day=None, pay__until=None)(
        document
    )


def _renamed(document: Document) -> bytes:
    citizen = dict(document["citizen"])
    citizen["CPR"] = citizen.pop("cpr")
    return written(document | {"citizen": citizen})


def _nested(document: Document) -> bytes:
    return written(document)[:-1] + b',"note":' + b"[" * 10_000 + b"]" * 10_000 + b"}"


def _cut(document: Document) -> bytes:
    whole = written(document)
    return whole[: len(whole) * 2 // 3].decode(errors="ignore").encode()


def _padded(document: Document) -> bytes:
    return written(document).ljust(LARGEST + 1)


def _wrong_check_digit(document: Document) -> bytes:
    cvr = document["reporter"]["cvr"]
    return _with(reporter__cvr=f"{cvr[:-1]}{(int(cvr[-1]) + 1) % 10}")(document)


def _with_number(number: str) -> Spoil:
    return lambda document: written(document)[:-1] + f',"headcount":{number}}}'.encode()


def _kind(name: str, row: str, codes: str, spoil: Spoil, *, readable: bool = True, needs: str = "employee") -> Badness:
    return Badness(name=name, row=row, codes=frozenset(codes.split()), spoil=spoil, readable=readable, needs=needs)


def _unreadable(name: str, row: str, codes: str, spoil: Spoil) -> Badness:
    return _kind(name, row, codes, spoil, readable=False)


BADNESSES: Final[tuple[Badness, ...]] = (
    _unreadable("tombstone", "N01", "empty", lambda _: None),
    _unreadable("zero bytes", "N02", "empty", lambda _: b""),
    _unreadable("only white space", "N03", "empty", lambda _: b" \r\n\t "),
    _unreadable("an HTML error page", "N04", "not-json", lambda _: b"<html><h1>502 Bad Gateway</h1></html>"),
    _unreadable(
        "cut off",
        "N05",
        "not-json",
        lambda document: written(document)[: len(written(document)) * 2 // 3].rstrip(b"\xc3\xc2"),
    ),
    _unreadable("two documents", "N06", "not-json", lambda document: written(document) * 2),
    _unreadable("a trailing comma", "N07", "not-json", lambda document: written(document)[:-1] + b",}"),
    _unreadable("a list of notifications", "N08", "wrong-shape", lambda document: b"[" + written(document) + b"]"),
    _unreadable("UTF-16", "N10", "not-utf8", lambda document: written(document).decode().encode("utf-16")),
    _unreadable(
        "Latin-1", "N10", "not-utf8", lambda document: written(document | {"note": "æøå"}).decode().encode("latin-1")
    ),
    _unreadable("half a surrogate pair", "N11", "bad-text", _replaced('"name":"', '"name":"\\ud800')),
    _unreadable("a NUL in a name", "N12", "bad-text", _replaced('"name":"', '"name":"\\u0000')),
    _kind("a name of 10 000 letters", "N15", "too-long", _with(citizen__name="Å" * 10_000)),
    _unreadable("a field twice", "N16", "duplicate-key", _replaced('"cause":', '"cause":"illness","cause":')),
    _kind("a field in capitals", "N17", "unknown-field", _renamed),
    _kind("a reserved name", "N19", "unknown-field", _with(**{"$ref": "#/citizen"})),
    _unreadable("10 000 levels", "N20", "too-deep", _nested),
    _unreadable("a number beyond all", "N22", "bad-number", _with_number("1e400")),
    _unreadable("NaN", "N22", "bad-number", _with_number("NaN")),
    _kind("a boolean as text", "N23", "wrong-type", _with(citizen__has_address_protection="true")),
    _kind("a day as seconds", "N24", "wrong-type", _with(first_absence_day=1_767_225_600)),
    _kind("30 February", "N25", "bad-date", _with(first_absence_day="2026-02-30")),
    _kind("a day the Danish way", "N25", "bad-date", _with(first_absence_day="02-01-2026")),
    _kind("a time without zone", "N26", "bad-time", _with(sent_at="2026-01-02T12:00:00")),
    _kind(
        "absent since 1900",
        "N27",
        "implausible-date",
        _with(first_absence_day="1900-01-01", pay__until=None, employment__start_day=None, last_absence_day=None),
    ),
    _kind(
        "absent from 2099",
        "N27",
        "implausible-date inconsistent",
        _with(first_absence_day="2099-01-01", pay__until=None, last_absence_day=None),
    ),
    _kind("absent from after it was sent", "N28", "inconsistent implausible-date", _first_after_sent),
    _kind("back before absent", "N29", "inconsistent", _shifted_last_day(-1)),
    _kind("a CPR number of nine digits", "N30", "bad-cpr", _with(citizen__cpr="610190123")),
    _kind("a CPR number in Arabic digits", "N30", "bad-cpr", _with(citizen__cpr="٦١٠١٩٠١٢٣٤")),
    _kind("a CPR number without a day", "N31", "bad-cpr", _with(citizen__cpr="9902901234")),
    _kind("a wrong check digit", "N34", "bad-cvr", _wrong_check_digit),
    _kind("a foreign employer", "N34", "bad-cvr", _with(reporter__cvr="DE811569869")),
    _kind("no such municipality", "N42", "not-ours", _with(municipality_code="0999")),
    _kind("version 99", "N43", "unsupported-version", _with(version=99)),
    _kind("no version", "N44", "unsupported-version", _with(version=...)),
    _unreadable("XML", "N45", "not-json", lambda _: b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "b">]><a>&b;</a>'),
    replace(_unreadable("a byte more than 1 MiB", "N46", "too-large", _padded), weight=LARGE),
    _kind(
        "a name that forges an address",
        "N57",
        "bad-text",
        _with(reporter__name="Kommunen\nFalskgade 1\n9999 Nirgendwo"),
    ),
    _kind("an unknown code", "N3", "unknown-code", _with(cause="influenza")),
    _kind("no municipality", "N3", "missing", _with(municipality_code=...)),
    _kind("pay of an unemployed person", "N3", "inconsistent", _with(pay={"kind": "wage"}), needs="unemployed"),
    _kind("back within the fund's two weeks", "N7", "with-fund", _shifted_last_day(13), needs="unemployed"),
)
