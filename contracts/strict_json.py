"""Strict reading of one JSON object, shared by everything that takes JSON from outside.

`read_object` gives a dict of plain values or raises `BadJson`, whatever the bytes hold; it raises nothing else.
Refused are: what is not UTF-8 or not one JSON document, a top level other than an object, a name twice in one object,
nesting or size beyond the limits, numbers no two readers agree on (NaN, Infinity, 1e400, -0, whole numbers beyond 64
bits), and texts no database takes (lone surrogates, NUL). A leading byte order mark is passed over: .NET writers add
one, and it says nothing (RFC 8259, section 8.1).

The fast path is the C scanner with hooks that only notice. Where one of them notices something, the same bytes are
read once more, slowly, by `strict_json_faults`, which says where.
"""

import json
import re
from collections.abc import Callable
from typing import Any, Final, Literal

JsonFault = Literal[
    "empty", "too-large", "not-utf8", "not-json", "wrong-shape", "too-deep", "duplicate-key", "bad-number", "bad-text"
]
Path = tuple[str | int, ...]
Pairs = list[tuple[str, Any]]

LARGEST_INTEGER: Final = 2**63 - 1
SMALLEST_INTEGER: Final = -(2**63)
_LONGEST_INTEGER: Final = len(str(SMALLEST_INTEGER))
_BOM: Final = b"\xef\xbb\xbf"
# Where one of these escapes stands, a text may hold NUL or half a surrogate pair; whole pairs match too and are
# looked at again.
_SUSPECT_ESCAPE: Final = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")


class BadJson(Exception):
    """Why the bytes are no object we take. Paths hold names from the input: mask them before showing or logging."""

    def __init__(
        self,
        code: JsonFault,
        places: tuple[tuple[JsonFault, Path], ...] = (),
        *,
        line: int | None = None,
        column: int | None = None,
    ) -> None:
        super().__init__(code)
        self.code = code
        self.places = places or ((code, ()),)
        """Each fault with where it stands; the same path never twice."""
        self.line = line
        self.column = column


class Noticed(Exception):
    """A hook saw something wrong and can't say where."""

    def __init__(self, code: JsonFault) -> None:
        super().__init__(code)
        self.code = code


def read_object(raw: bytes | None, *, max_bytes: int, max_depth: int, drop_nulls: bool = False) -> dict[str, Any]:
    """The object that `raw` holds. With `drop_nulls` a field that is null counts as left out. Raises only `BadJson`."""
    if not raw:
        raise BadJson("empty")
    if len(raw) > max_bytes:
        raise BadJson("too-large")
    raw = raw.removeprefix(_BOM)
    text = _decoded(raw)
    value = _scanned(text, _DROPPING if drop_nulls else _KEEPING)
    if type(value) is not dict:
        raise BadJson("wrong-shape")
    # Each level of nesting needs an opening bracket, so few brackets can't be too deep.
    if raw.count(b"{") + raw.count(b"[") > max_depth:
        _refuse_depth(value, max_depth)
    if b"\\u" in raw and _SUSPECT_ESCAPE.search(raw):
        _refuse_bad_text(value)
    return value


def bad_text(text: str) -> bool:
    """Whether a text holds what neither UTF-8 nor PostgreSQL takes: NUL, or half a surrogate pair."""
    if "\0" in text:
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False


def whole_number(digits: str) -> int:
    """A JSON integer within 64 bits. Raises `Noticed`; length comes first, so that a million digits cost nothing."""
    if len(digits) > _LONGEST_INTEGER or digits == "-0":
        raise Noticed("bad-number")
    number = int(digits)
    if not SMALLEST_INTEGER <= number <= LARGEST_INTEGER:
        raise Noticed("bad-number")
    return number


def decimal_number(digits: str) -> float:
    """A JSON number with point or exponent, finite and not -0. Raises `Noticed`."""
    number = float(digits)
    if number in (float("inf"), float("-inf")) or (number == 0 and digits.startswith("-")):
        raise Noticed("bad-number")
    return number


def _no_constant(_name: str) -> float:
    raise Noticed("bad-number")


def _object(pairs: Pairs) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Noticed("duplicate-key")
    return found


def _object_without_nulls(pairs: Pairs) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Noticed("duplicate-key")
    if None in found.values():
        return {name: value for name, value in found.items() if value is not None}
    return found


def _decoder(make_object: Callable[[Pairs], dict[str, Any]]) -> json.JSONDecoder:
    return json.JSONDecoder(
        object_pairs_hook=make_object, parse_int=whole_number, parse_float=decimal_number, parse_constant=_no_constant
    )


_KEEPING: Final = _decoder(_object)
_DROPPING: Final = _decoder(_object_without_nulls)


def _decoded(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise BadJson("not-utf8") from None


def _scanned(text: str, decoder: json.JSONDecoder) -> Any:
    try:
        return decoder.decode(text)
    except json.JSONDecodeError as error:
        if not text.strip():
            raise BadJson("empty") from None
        # ASCII in UTF-16 or UTF-32 is valid UTF-8 with a NUL beside each letter.
        if "\0" in text[:4]:
            raise BadJson("not-utf8") from None
        raise BadJson("not-json", line=error.lineno, column=error.colno) from None
    except RecursionError:
        raise BadJson("too-deep") from None
    except Noticed as noticed:
        from contracts.strict_json_faults import locate

        raise BadJson(noticed.code, locate(text)) from None


def _refuse_depth(value: dict[str, Any], max_depth: int) -> None:
    level: list[Any] = [value]
    for _ in range(max_depth):
        level = [
            child
            for each in level
            for child in (each.values() if type(each) is dict else each)
            if type(child) is dict or type(child) is list
        ]
        if not level:
            return
    raise BadJson("too-deep")


def _refuse_bad_text(value: dict[str, Any]) -> None:
    from contracts.strict_json_faults import bad_texts

    places = bad_texts(value)
    if places:
        raise BadJson("bad-text", places)
