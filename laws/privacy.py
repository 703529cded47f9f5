"""L9: no CPR number, name, address, contact or free text of a reporter stands unsealed in any topic of ours, any table
outside the vault, any log or metric, nor in what they are called.

Searched are keys, header names, headers and values of every topic but the input, the names of topics and tables, every column of
every table of every service but the vault, every line of every file of logs, and the metrics. Before it says that nothing is
there, the checker must find a canary planted in each kind of place in each spelling (`canary`), by the very search that it then
makes; and must not cry where the canary is at home.
"""

from collections.abc import Iterator, Mapping, Sequence

from laws import canary, names
from laws.evidence import Evidence, LogRecord
from laws.secrets_told import Secrets, gathered, inflated, legible
from laws.told import reported
from laws.verdict import Findings, Verdict

LAW = "L9 nobody can be told from what lies outside the vault"


def check(evidence: Evidence) -> Verdict:
    findings = Findings(law=LAW)
    told = [document for record in evidence.records(names.NOTIFICATION) if (document := reported(record.value))]
    secrets = gathered([dict(document) for document in told]).with_phrases(_words_of_citizens(evidence))
    findings.count("secrets", secrets.number)
    findings.count("canaries", _finds_the_canary(findings))
    texts = 0
    for where, text in _texts(evidence):
        texts += 1
        for kind in sorted(secrets.found_in(text)):
            findings.offence(f"{kind} in the open", where)
    findings.count("texts searched", texts)
    return findings.verdict(judged=min(texts, secrets.number))


def _words_of_citizens(evidence: Evidence) -> dict[str, str]:
    """What citizens called their documents: it says what ails them, often enough."""
    asked = evidence.documents.asked if evidence.documents else ()
    return {str(one[name]): f"a document's {name}" for one in asked for name in ("title", "name") if one.get(name)}


def found(evidence: Evidence, secrets: Secrets) -> dict[str, set[str]]:
    """What is given away, by where it stands."""
    given_away = {where: secrets.found_in(text) for where, text in _texts(evidence)}
    return {where: kinds for where, kinds in given_away.items() if kinds}


def _finds_the_canary(findings: Findings) -> int:
    """Looks for the canary where it was planted; how often it had to be found."""
    secrets = gathered([canary.NOTIFICATION])
    wanted = 0
    for place, spelling, evidence in canary.planted():
        wanted += 1
        findings.demand(bool(found(evidence, secrets)), "blind: the planted canary was not found", place, spelling)
    for place, evidence in canary.at_home():
        findings.demand(not found(evidence, secrets), "cries where nothing is given away", place)
    return wanted


def _texts(evidence: Evidence) -> Iterator[tuple[str, str]]:
    for topic, records in evidence.log.items():
        yield f"the name of topic {_shortened(topic)}", topic
        if topic == names.NOTIFICATION:
            continue
        for record in records:
            yield str(record), _of_record(record)
    for service, tables in evidence.rows.items():
        if service == names.VAULT:
            continue
        for table, rows in tables.items():
            yield f"the name of a table of {service}", table
            for number, row in enumerate(rows):
                yield f"{service}.{table} row {number}", "\n".join(_spelt(value) for value in row.values())
    yield from evidence.texts.items()


def _shortened(topic: str) -> str:
    """Enough to find it by: the name may be what gives somebody away."""
    return f"{topic[:12]}…"


def _of_record(record: LogRecord) -> str:
    headers = "\n".join(f"{name}\n{_spelt(value)}" for name, value in record.headers)
    return f"{_spelt(record.key)}\n{headers}\n{_spelt(record.value)}"


def _spelt(value: object) -> str:
    match value:
        case bytes() | bytearray() | memoryview():
            raw = bytes(value)
            try:
                plain = raw.decode()
            except UnicodeDecodeError:  # ciphertext, mostly
                plain = "\n".join(legible(raw))
            return "\n".join(filter(None, (plain, inflated(raw))))
        case str():
            return value
        case Mapping():
            return "\n".join(f"{_spelt(name)}\n{_spelt(each)}" for name, each in value.items())
        case Sequence():
            return "\n".join(map(_spelt, value))
        case _:
            return str(value)
