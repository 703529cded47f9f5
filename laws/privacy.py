"""L9: no CPR number, name or address stands unsealed in any topic of ours, any table outside the vault, any log or
metric.

Searched are keys, headers and values of every topic but the input, every table of every service but the vault, and
the texts of logs and metrics. Before it says that nothing is there, the checker must find a canary planted in each
kind of place, in each spelling.
"""

import base64
import json
from collections.abc import Iterator
from hashlib import sha256
from urllib.parse import quote

from laws import names
from laws.evidence import Evidence, LogRecord
from laws.secrets_told import gathered
from laws.told import reported
from laws.verdict import Findings, Verdict

LAW = "L9 nobody can be told from what lies outside the vault"

_CANARY = {
    "citizen": {
        "cpr": "6101990042",
        "name": "Kanariefugl Gulfjer Sangsen",
        "address": {"lines": ["Fuglebursvænget 17"]},
    }
}


def check(evidence: Evidence) -> Verdict:
    findings = Findings(law=LAW)
    told = [document for record in evidence.records(names.NOTIFICATION) if (document := reported(record.value))]
    secrets = gathered([dict(document) for document in told])
    findings.count("secrets", secrets.number)
    findings.demand(_finds_the_canary(), "blind: the planted canary was not found", LAW)
    texts = 0
    for where, text in _texts(evidence):
        texts += 1
        for kind in sorted(secrets.found_in(text)):
            findings.offence(f"{kind} in the open", where)
    findings.count("texts searched", texts)
    return findings.verdict(judged=min(texts, secrets.number))


def _texts(evidence: Evidence) -> Iterator[tuple[str, str]]:
    for topic, records in evidence.log.items():
        if topic == names.NOTIFICATION:
            continue
        for record in records:
            yield str(record), _of_record(record)
    for service, tables in evidence.rows.items():
        if service == names.VAULT:
            continue
        for table, rows in tables.items():
            for number, row in enumerate(rows):
                yield f"{service}.{table} row {number}", "\n".join(_spelt(value) for value in row.values())
    yield from evidence.texts.items()


def _of_record(record: LogRecord) -> str:
    headers = "\n".join(f"{name}\n{_spelt(value)}" for name, value in record.headers)
    return f"{_spelt(record.key)}\n{headers}\n{_spelt(record.value)}"


def _spelt(value: object) -> str:
    match value:
        case bytes():
            return value.decode("utf-8", "replace")
        case _:
            return str(value)


def _finds_the_canary() -> bool:
    secrets = gathered([_CANARY])
    return all(secrets.found_in(text) for text in _planted()) and not secrets.found_in("2026-11-23 nothing 6101990043")


def _planted() -> Iterator[str]:
    """The canary in each kind of place and each spelling."""
    citizen = _CANARY["citizen"]
    cpr, name = str(citizen["cpr"]), str(citizen["name"])
    hyphenated = f"{cpr[:6]}-{cpr[6:]}"
    spellings = [cpr, hyphenated, hyphenated.replace("-", " "), name, "bor Fuglebursvænget 17, 2. tv."]
    spellings += [f"{cpr[4:6]}{cpr[2:4]}{cpr[:2]}{cpr[6:]}", sha256(cpr.encode()).hexdigest()]
    spellings += [json.dumps({"line": "Fuglebursvænget 17"}), quote(name), cpr.encode().hex()]
    spellings += [cpr.encode("utf-16").decode("latin-1")]
    spellings += [base64.b64encode(f"{' ' * shift}citizen {cpr} of".encode()).decode() for shift in range(3)]
    for spelling in spellings:
        raw = spelling.encode()
        yield _of_record(LogRecord(topic="t", partition=0, offset=0, key=raw, value=b"", headers=()))
        yield _of_record(LogRecord(topic="t", partition=0, offset=0, key=None, value=raw, headers=()))
        yield _of_record(LogRecord(topic="t", partition=0, offset=0, key=None, value=None, headers=(("h", raw),)))
        yield f'{{"event": "INFO", "who": "{spelling}"}}'
