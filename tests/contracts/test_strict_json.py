"""Strict reading: what is taken, what is refused and where the fault is said to be."""

import json
import time
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from contracts.strict_json import BadJson, read_object


def read(raw: bytes | None, **options: Any) -> dict[str, Any]:
    return read_object(raw, **({"max_bytes": 10_000, "max_depth": 5} | options))


def refused(raw: bytes | None, **options: Any) -> BadJson:
    with pytest.raises(BadJson) as bad:
        read(raw, **options)
    return bad.value


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b"{}", {}),
        (b' {"a": [1, -2, 0, 1.5, 1e3, true, null, "\\u00e5"]} \n', {"a": [1, -2, 0, 1.5, 1000.0, True, None, "å"]}),
        (b'{"a": 9223372036854775807, "b": -9223372036854775808}', {"a": 2**63 - 1, "b": -(2**63)}),
        (b'{"a": "\\ud83d\\ude00"}', {"a": "😀"}),
        (b"\xef\xbb\xbf{}", {}),
        ('{"Åse": "e\u0301"}'.encode(), {"Åse": "e\u0301"}),
    ],
)
def test_what_two_readers_agree_on_is_taken(raw: bytes, value: dict[str, Any]) -> None:
    assert read(raw) == value


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (None, "empty"),
        (b"", "empty"),
        (b" \r\n\t", "empty"),
        (b"<html></html>", "not-json"),
        (b"{}{}", "not-json"),
        (b'{"a":1,}', "not-json"),
        (b'{"a":1} // note', "not-json"),
        (b"{'a':1}", "not-json"),
        (b'{"a":"\n"}', "not-json"),
        (b'{"a":01}', "not-json"),
        (b'{"a":+1}', "not-json"),
        (b'{"a":"\\ud8"}', "not-json"),
        (b"[]", "wrong-shape"),
        (b'"a"', "wrong-shape"),
        (b"1", "wrong-shape"),
        (b"null", "wrong-shape"),
        ('{"a":"ø"}'.encode("latin-1"), "not-utf8"),
        (b'{"a":1}'.decode().encode("utf-16"), "not-utf8"),
        (b'{"a":1}'.decode().encode("utf-16-le"), "not-utf8"),
        (b'{"a":1}'.decode().encode("utf-32-be"), "not-utf8"),
        (b'{"a":"\xed\xa0\x80"}', "not-utf8"),
        (b" " * 10_001, "too-large"),
        (b'{"a":' * 5 + b"1" + b"}" * 5, None),
        (b'{"a":' * 6 + b"1" + b"}" * 6, "too-deep"),
        (b'{"a":' + b"[" * 4_000 + b"]" * 4_000 + b"}", "too-deep"),
        (b"[" * 9_999, "too-deep"),
        (b'{"a":{},"b":{},"c":{},"d":{},"e":[{}],"f":[[]]}', None),
    ],
)
def test_each_fault_has_its_code(raw: bytes | None, code: str | None) -> None:
    if code is None:
        read(raw)
    else:
        assert refused(raw).code == code


@pytest.mark.parametrize(
    ("raw", "places"),
    [
        (b'{"a":1,"a":1}', {("a",): "duplicate-key"}),
        (b'{"a":{"b":[0,{"c":1,"c":2}]}}', {("a", "b", 1, "c"): "duplicate-key"}),
        (b'{"a":NaN,"b":[Infinity,-Infinity]}', {("a",): "bad-number", ("b", 0): "bad-number", ("b", 1): "bad-number"}),
        (b'{"a":1e400,"b":-1e400,"c":-0,"d":-0.0}', {(name,): "bad-number" for name in "abcd"}),
        (b'{"a":9223372036854775808}', {("a",): "bad-number"}),
        (b'{"a":' + b"1" * 9_000 + b"}", {("a",): "bad-number"}),
        (b'{"a":"\\ud800","b":["x","\\u0000"]}', {("a",): "bad-text", ("b", 1): "bad-text"}),
        (b'{"\\udfff":1}', {("\udfff",): "bad-text"}),
        (b'{"a":1,"a":NaN}', {("a",): "duplicate-key"}),
    ],
)
def test_every_place_of_a_fault_is_told_once(raw: bytes, places: dict[tuple[str | int, ...], str]) -> None:
    assert {path: code for code, path in refused(raw).places} == places


def test_where_reading_stopped_is_told() -> None:
    bad = refused(b'{"a": 1,\n"b": x}')

    assert (bad.line, bad.column) == (2, 6)


def test_nulls_may_count_as_left_out() -> None:
    assert read(b'{"a":null,"b":{"c":null,"d":[null]}}', drop_nulls=True) == {"b": {"d": [None]}}


def test_a_name_twice_is_refused_also_where_one_of_them_is_null() -> None:
    assert refused(b'{"a":null,"a":1}', drop_nulls=True).code == "duplicate-key"


def test_many_faults_are_not_told_without_end() -> None:
    raw = b'{"a":[' + b",".join([b"NaN"] * 2_000) + b"]}"

    assert len(refused(raw).places) <= 100


@pytest.mark.parametrize(
    "raw",
    [
        b'{"a":' + b"9" * 1_000_000 + b"}",
        b'{"a":1e' + b"9" * 1_000_000 + b"}",
        b'{"a":"' + b"\\u0000" * 170_000 + b'"}',
        b'{"a":[' + b"0," * 500_000 + b"0]}",
        b"{" + b",".join(b'"%d":0' % number for number in range(90_000)) + b"}",
        b'{"a":' + b"[" * 500_000,
        b'{"a":"\\ud83d' + b"\\ud83d" * 150_000 + b'"}',
    ],
)
def test_a_mebibyte_of_trouble_costs_less_than_a_second(raw: bytes) -> None:
    began = time.process_time()
    with suppress(BadJson):
        read_object(raw, max_bytes=1024 * 1024, max_depth=16)

    assert time.process_time() - began < 1


@given(st.binary(max_size=200))
def test_reading_bytes_raises_nothing_else(raw: bytes) -> None:
    with suppress(BadJson):
        read(raw)


JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(min_value=-(2**63), max_value=2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False).filter(lambda number: str(number) != "-0.0")
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def holds_nul(value: Any) -> bool:
    match value:
        case str():
            return "\0" in value
        case list():
            return any(map(holds_nul, value))
        case dict():
            return any(map(holds_nul, [*value, *value.values()]))
        case _:
            return False


@given(st.dictionaries(st.text(), JSON_VALUES, max_size=5), st.booleans())
@example({"\\u0000": None}, False)  # spells the escape, and is none
def test_what_any_writer_writes_is_read_as_it_was_unless_a_text_holds_nul(
    document: dict[str, Any], ascii_only: bool
) -> None:
    raw = json.dumps(document, ensure_ascii=ascii_only).encode()

    if holds_nul(document):
        assert refused(raw, max_depth=64).code == "bad-text"
    else:
        assert read(raw, max_depth=64) == document
