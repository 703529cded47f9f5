"""Traffic: a stream of records, each with what is expected of it. Pure: the same arguments give the same records, byte
for byte.

What is expected holds for a notification id, however the records are interleaved: of a good one and its repeats
exactly one is accepted and the others are duplicates. A conflict comes after its original under the same key, so that
Kafka keeps them in that order; so does all that is attached to an absence, whose expectations rely on that order.
"""

from collections import deque
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from datetime import date, timedelta
from random import Random
from typing import Final
from uuid import UUID

from simulators.nemrefusion.attaching import Attached, Attaching
from simulators.nemrefusion.badness import BADNESSES, Badness, written
from simulators.nemrefusion.mix import MONTH, Mix
from simulators.nemrefusion.oddities import ODDITIES, Headers, Oddity, reserialised
from simulators.nemrefusion.people import EMPLOYERS, employer, person
from simulators.nemrefusion.reports import CITIZEN_KINDS, Document, Report, Reporters
from simulators.nemrefusion.sent import Accepted, DuplicateOf, Either, Expected, Rejected, Sent, Waiting

__all__ = ["MONTH", "Accepted", "DuplicateOf", "Either", "Expected", "Mix", "Rejected", "Sent", "Waiting", "generate"]

_REMEMBERED: Final = 500
_LATEST_DAYS: Final = 12
_BADNESS_WEIGHTS: Final = tuple(each.weight for each in BADNESSES)
_ODDITY_WEIGHTS: Final = tuple(each.weight for each in ODDITIES)
_KEYED_ODDITIES: Final = tuple(each for each in ODDITIES if each.has_key)


def generate(*, seed: int, count: int, as_of: date, mix: Mix | None = None, days: int = 1) -> Iterator[Sent]:
    """`count` records received on a day, or spread evenly over the `days` up to it. Each seed has its own people, as long as
    it needs fewer than a million.
    """
    yield from _Traffic(seed=seed, as_of=as_of, mix=mix or Mix()).records(count, days)


class _Traffic:
    def __init__(self, *, seed: int, as_of: date, mix: Mix) -> None:
        self._dice = Random(seed)
        self._as_of = self._day = as_of
        self._reporters = Reporters(self._dice, as_of)
        self._mix = mix
        self._next_person = seed * 1_000_003
        self._earlier: deque[Report] = deque(maxlen=_REMEMBERED)
        self._repeatable: deque[Report] = deque(maxlen=_REMEMBERED)
        self._attaching = Attaching(self._dice, self._reporters, mix, self._new_report)
        self._in_two_jobs: set[int] = set()

    def records(self, count: int, days: int) -> Iterator[Sent]:
        for sequence in range(count):
            self._day = self._as_of - timedelta(days=days - 1 - sequence * days // count)
            yield replace(self._record(sequence), day=self._day)

    def _record(self, sequence: int) -> Sent:
        self._reporters.received_on(self._day)
        if held := self._attaching.held_report(sequence):
            return self._attached(sequence, held)
        chance = self._dice.random()
        if chance < self._mix.bad:
            return self._bad(sequence)
        if chance < self._mix.bad + self._mix.duplicates and self._repeatable:
            return self._repeat(sequence)
        self._maybe_late()
        kind = self._attaching.kind(chance - self._mix.bad - self._mix.duplicates)
        attached = self._attaching.attach(sequence, kind) if kind else None
        return self._attached(sequence, attached) if attached else self._good(sequence)

    def _maybe_late(self) -> None:
        if self._mix.late and self._dice.random() < self._mix.late:
            self._reporters.received_on(self._day, days_late=self._dice.randint(1, _LATEST_DAYS))

    def _attached(self, sequence: int, one: Attached) -> Sent:
        document = one.message.document
        if self._dice.random() < self._mix.odd:
            # an odd name is another content: a report would no longer be the one that a second one repeats
            has_name = "name" in document["citizen"] and document["kind"] != "absence_reported"
            oddity = self._dice.choice([each for each in _KEYED_ODDITIES if has_name or not each.needs_name])
            value, headers, row = oddity.write(document), oddity.headers, one.row or oddity.row
            return _sent(sequence, one.message, one.what, value, one.expected, row=row, headers=headers)
        if one.is_repeatable:
            self._repeatable.append(one.message)
        return _sent(sequence, one.message, one.what, written(document), one.expected, row=one.row)

    def _good(self, sequence: int) -> Sent:
        if self._earlier and self._dice.random() < self._mix.second_employers * CITIZEN_KINDS["employee"] / 100:
            report, what = self._second_employer()
        else:
            (kind,) = self._dice.choices(tuple(CITIZEN_KINDS), tuple(CITIZEN_KINDS.values()))
            report, what = self._new_report(kind), kind
        if self._dice.random() < self._mix.odd:
            return self._odd(sequence, report, self._dice.choices(ODDITIES, _ODDITY_WEIGHTS)[0])
        self._earlier.append(report)
        self._repeatable.append(report)
        self._attaching.reported(report)
        return _sent(sequence, report, what, written(report.document), Accepted())

    def _odd(self, sequence: int, report: Report, oddity: Oddity) -> Sent:
        return _sent(
            sequence,
            report,
            oddity.name,
            oddity.write(report.document),
            Accepted(),
            row=oddity.row,
            headers=oddity.headers,
            has_key=oddity.has_key,
        )

    def _bad(self, sequence: int) -> Sent:
        (badness,) = self._dice.choices(BADNESSES, _BADNESS_WEIGHTS)
        report = self._new_report(badness.needs)
        return _bad(sequence, report, badness)

    def _repeat(self, sequence: int) -> Sent:
        report = self._dice.choice(self._repeatable)
        if self._dice.random() < self._mix.conflicts:
            document = _told_otherwise(report.document)
            expected = Rejected(codes=frozenset({"conflict"}))
            return _sent(sequence, report, "the same id with another content", written(document), expected, row="N37")
        duplicate = DuplicateOf(notification_id=report.notification_id)
        if self._dice.random() < 0.5:
            return _sent(sequence, report, "the same once more", written(report.document), duplicate, row="N36")
        return _sent(
            sequence, report, "the same from another writer", reserialised(report.document), duplicate, row="N36"
        )

    def _new_report(self, citizen_kind: str) -> Report:
        self._next_person += 1
        return self._reporters.report(person(self._next_person), citizen_kind)

    def _second_employer(self) -> tuple[Report, str]:
        """The person of an earlier report, absent from a second employment on the same day."""
        first = self._dice.choice(self._earlier)
        if first.document["citizen_kind"] != "employee" or first.person.number in self._in_two_jobs:
            return self._new_report("employee"), "employee"
        self._in_two_jobs.add(first.person.number)
        self._reporters.received_on(self._day)
        report = self._reporters.report(first.person, "employee")
        document = deepcopy(first.document)
        for name in ("notification_id", "absence_reference", "sent_at"):
            document[name] = report.document[name]
        document["reporter"] = employer((int(first.document["reporter"]["production_unit"][1:]) + 1) % EMPLOYERS)
        return replace(report, document=document), "a second employer"


def _told_otherwise(document: Document) -> Document:
    if document["kind"] in {"absence_reported", "amended"}:
        return document | {"cause": "illness" if document["cause"] != "illness" else "work_injury"}
    return document | {"reporter": document["reporter"] | {"name": "Omdøbt A/S"}}


def _bad(sequence: int, report: Report, badness: Badness) -> Sent:
    value = badness.spoil(report.document)
    sent = _sent(sequence, report, badness.name, value, Rejected(codes=badness.codes), row=badness.row)
    return sent if badness.readable else replace(sent, kind=None, notification_id=None, absence_reference=None)


def _sent(
    sequence: int,
    report: Report,
    what: str,
    value: bytes | None,
    expected: Expected,
    *,
    row: str | None = None,
    headers: Headers = (),
    has_key: bool = True,
) -> Sent:
    return Sent(
        sequence=sequence,
        day=date.max,
        what=what,
        kind=report.document["kind"],
        row=row,
        key=str(report.absence_reference).encode() if has_key else None,
        headers=headers,
        value=value,
        notification_id=report.notification_id,
        absence_reference=UUID(report.document["absence_reference"]),
        expected=expected,
    )
