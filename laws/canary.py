"""The canary: somebody made up, planted in each kind of place in each spelling, whom the search for L9 must find before
it may say that nobody is there.

Day + 60 makes the CPR number nobody's. Each piece of evidence that `planted` gives holds the canary once and nothing else.
"""

import base64
import gzip
import json
from collections.abc import Callable, Iterator, Mapping
from hashlib import md5, sha1, sha256
from typing import Any, Final
from urllib.parse import quote
from uuid import UUID

from laws import names
from laws.evidence import Evidence, LogRecord

CPR: Final = "6101990042"
NAME: Final = "Kanariefugl Gulfjer Sangsen"
NOTIFICATION: Final[dict[str, Any]] = {
    "citizen": {"cpr": CPR, "name": NAME, "address": {"lines": ["Fuglebursvænget 17"]}},
    "workplace_contact": {"name": "Burvogter Næb", "phone": "+45 00 11 22 33", "email": "bur@fugl.example"},
    "retention_answers": {"affected_job_functions": "Kan ikke synge de høje toner.\nFlyver skævt mod vest."},
}
_NOBODY: Final = "2026-11-23 nothing 6101990043, Kanariefugl Gulfjer, Fuglebursvænget 18, +45 00 11 22 34"

Planting = Callable[[bytes], Evidence]


def planted() -> Iterator[tuple[str, str, Evidence]]:
    """Place, spelling, and the evidence with the canary in it."""
    for place, plant in _PLACES.items():
        for spelling, raw in _spellings():
            yield place, spelling, plant(raw)


def at_home() -> Iterator[tuple[str, Evidence]]:
    """Where the canary may be: the input and the vault; and somebody who only looks like it."""
    whole = json.dumps(NOTIFICATION).encode()
    yield "the input", _in_log(names.NOTIFICATION, value=whole)
    yield "the vault", _evidence(rows={names.VAULT: {"person": [{"card": whole}]}})
    yield "a log about somebody else", _evidence(texts={"log": _NOBODY})


def spellings() -> dict[str, bytes]:
    """Everything the canary can be told by, however it is written."""
    return dict(_spellings())


def _spellings() -> Iterator[tuple[str, bytes]]:
    hyphenated = f"{CPR[:6]}-{CPR[6:]}"
    sentence = f"citizen {CPR} of"
    plain = {
        "CPR number": CPR,
        "with a hyphen": hyphenated,
        "with a space": hyphenated.replace("-", " "),
        "year first": f"{CPR[4:6]}{CPR[2:4]}{CPR[:2]}{CPR[6:]}",
        "name": NAME,
        "address": "bor Fuglebursvænget 17, 2. tv.",
        "free text": "skrev: Kan ikke synge de høje toner.",
        "second line of a free text": "Flyver skævt mod vest.",
        "contact's telephone": "ring +45 00 11 22 33",
        "contact's mail": "til bur@fugl.example.",
        "contact's name": "spørg Burvogter Næb",
        "address in JSON": json.dumps({"line": "Fuglebursvænget 17"}),
        "name in a URL": quote(NAME),
        "hex": CPR.encode().hex(),
        "hex behind a digit": "0" + sentence.encode().hex(),
        "bytea as text": "\\x" + sentence.encode().hex(),
        "JSON in JSON": json.dumps(json.dumps({"line": "Fuglebursvænget 17"})),
        "base64 of base64": base64.b64encode(base64.b64encode(sentence.encode())).decode(),
        "base64 of hex": base64.b64encode(sentence.encode().hex().encode()).decode(),
        "base64 for URLs": base64.urlsafe_b64encode(f"ÿþ>?{sentence}".encode()).decode(),
        "base64 of gzip": base64.b64encode(gzip.compress(sentence.encode(), mtime=0)).decode(),
    }
    for spelling, text in plain.items():
        yield spelling, text.encode()
    for algorithm in (md5, sha1, sha256):
        name = algorithm.__name__.removeprefix("openssl_")
        for digits in (CPR, hyphenated):
            yield f"{name} of {len(digits)} characters", algorithm(digits.encode()).hexdigest().encode()
    for shift in range(3):
        yield f"base64, shifted by {shift}", base64.b64encode(f"{' ' * shift}{sentence}".encode())
    for before in ("/v1/x/", "id_", "a/b/c/"):
        yield f"base64 behind {before}", before.encode() + base64.b64encode(sentence.encode())
    yield "UTF-16", CPR.encode("utf-16-le")
    yield "UTF-16, other end first", CPR.encode("utf-16-be")


def _evidence(
    *,
    log: Mapping[str, list[LogRecord]] | None = None,
    rows: Mapping[str, Mapping[str, list[Mapping[str, Any]]]] | None = None,
    texts: Mapping[str, str] | None = None,
) -> Evidence:
    return Evidence(log=log or {}, rows=rows or {}, gateway={}, sent=(), texts=texts or {})


def _in_log(topic: str, **told: Any) -> Evidence:
    whole = {"topic": topic, "partition": 0, "offset": 0, "key": None, "value": None, "headers": (), **told}
    return _evidence(log={topic: [LogRecord(**whole)]})


def _in_cell(value: object) -> Evidence:
    return _evidence(rows={"tasks": {"task": [{"task_id": UUID(int=1), "cell": value}]}})


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


_DLQ: Final = names.dead_letters("intake", names.NOTIFICATION)
_PLACES: Final[Mapping[str, Planting]] = {
    "a key": lambda raw: _in_log(names.TASK, key=raw),
    "a header": lambda raw: _in_log(names.ABSENCE, headers=(("ce_id", b"1"), ("h", raw))),
    "the name of a header": lambda raw: _in_log(names.ABSENCE, headers=((_text(raw), None),)),
    "a body": lambda raw: _in_log(names.ABSENCE, value=b'{"a": "' + raw + b'"}'),
    "a receipt": lambda raw: _in_log(names.RECEIPT, value=raw),
    "a dead letter": lambda raw: _in_log(_DLQ, value=raw),
    "a compressed body": lambda raw: _in_log(names.TASK, value=gzip.compress(raw, mtime=0)),
    "the name of a topic": lambda raw: _evidence(log={_text(raw): []}),
    "the name of a table": lambda raw: _evidence(rows={"tasks": {_text(raw): []}}),
    "a column of text": lambda raw: _in_cell(_text(raw)),
    "a column of bytes": _in_cell,
    "a column of compressed bytes": lambda raw: _in_cell(gzip.compress(raw, mtime=0)),
    "a column of texts": lambda raw: _in_cell(["x", _text(raw)]),
    "a column of byte strings": lambda raw: _in_cell([b"x", raw]),
    "a column of JSON": lambda raw: _in_cell({"deep": {"deeper": [_text(raw)]}}),
    "a line of a log": lambda raw: _evidence(texts={"tasks.log:1": f'{{"event": "x", "who": "{_text(raw)}"}}'}),
    "a server's log": lambda raw: _evidence(texts={"postgres.log:1": f"DETAIL: Key (a)=({_text(raw)}) exists."}),
    "a metric": lambda raw: _evidence(texts={"metrics of intake": f'records_total{{who="{_text(raw)}"}} 1.0'}),
}
