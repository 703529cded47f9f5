"""Traffic: a stream of records, each with what is expected of it. Pure: the same arguments give the same records, byte
for byte.

What is expected holds for a notification id, however the records are interleaved: of a good one and its repeats
exactly one is accepted and the others are duplicates. A conflict comes after its original under the same key, so that
Kafka keeps them in that order.
"""

from collections import deque
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import date
from random import Random
from typing import Final
from uuid import UUID

from simulators.nemrefusion.badness import BADNESSES, Badness, written
from simulators.nemrefusion.oddities import ODDITIES, Headers, Oddity, reserialised
from simulators.nemrefusion.people import EMPLOYERS, employer, person
from simulators.nemrefusion.reports import Report, Reporters

CITIZEN_KINDS: Final = {"employee": 80, "unemployed": 15, "self_employed": 5}
_REMEMBERED: Final = 500
_BADNESS_WEIGHTS: Final = tuple(each.weight for each in BADNESSES)
_ODDITY_WEIGHTS: Final = tuple(each.weight for each in ODDITIES)


@dataclass(frozen=True, kw_only=True, slots=True)
class Accepted:
    """Accepted, with effect once."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DuplicateOf:
    """A repeat of that notification: no effect, the original's receipt id again."""

    notification_id: UUID


@dataclass(frozen=True, kw_only=True, slots=True)
class Rejected:
    """Rejected; the codes of its reasons are among these."""

    codes: frozenset[str]


Expected = Accepted | DuplicateOf | Rejected


@dataclass(frozen=True, kw_only=True, slots=True)
class Mix:
    """How much of what. `conflicts` and `second_employers` are shares of the repeats and of the employees."""

    bad: float = 0.05
    duplicates: float = 0.05
    odd: float = 0.1
    conflicts: float = 0.1
    second_employers: float = 0.05


@dataclass(frozen=True, kw_only=True, slots=True)
class Sent:
    """One record to send. The ids are None where nobody could tell them from the value."""

    sequence: int
    what: str
    """Which kind of good, odd, bad or repeated record it is, in words."""
    row: str | None
    """Its row in the catalogue of bad inputs, where it has one."""
    key: bytes | None
    headers: Headers
    value: bytes | None = field(repr=False)
    notification_id: UUID | None
    absence_reference: UUID | None
    expected: Expected


def generate(*, seed: int, count: int, as_of: date, mix: Mix | None = None) -> Iterator[Sent]:
    """`count` records as of a day. Each seed has its own people, as long as it needs fewer than a million."""
    yield from _Traffic(seed=seed, as_of=as_of, mix=mix or Mix()).records(count)


class _Traffic:
    def __init__(self, *, seed: int, as_of: date, mix: Mix) -> None:
        self._dice = Random(seed)
        self._reporters = Reporters(self._dice, as_of)
        self._mix = mix
        self._next_person = seed * 1_000_003
        self._earlier: deque[Report] = deque(maxlen=_REMEMBERED)
        self._in_two_jobs: set[int] = set()

    def records(self, count: int) -> Iterator[Sent]:
        for sequence in range(count):
            chance = self._dice.random()
            if chance < self._mix.bad:
                yield self._bad(sequence)
            elif chance < self._mix.bad + self._mix.duplicates and self._earlier:
                yield self._repeat(sequence)
            else:
                yield self._good(sequence)

    def _good(self, sequence: int) -> Sent:
        if self._earlier and self._dice.random() < self._mix.second_employers * CITIZEN_KINDS["employee"] / 100:
            report, what = self._second_employer()
        else:
            (kind,) = self._dice.choices(tuple(CITIZEN_KINDS), tuple(CITIZEN_KINDS.values()))
            report, what = self._new_report(kind), kind
        if self._dice.random() < self._mix.odd:
            return self._odd(sequence, report, self._dice.choices(ODDITIES, _ODDITY_WEIGHTS)[0])
        self._earlier.append(report)
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
        report = self._dice.choice(self._earlier)
        if self._dice.random() < self._mix.conflicts:
            document = report.document | {
                "cause": "illness" if report.document["cause"] != "illness" else "work_injury"
            }
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
        report = self._reporters.report(first.person, "employee")
        document = deepcopy(first.document)
        for name in ("notification_id", "absence_reference", "sent_at"):
            document[name] = report.document[name]
        document["reporter"] = employer((int(first.document["reporter"]["production_unit"][1:]) + 1) % EMPLOYERS)
        return replace(report, document=document), "a second employer"


def _bad(sequence: int, report: Report, badness: Badness) -> Sent:
    value = badness.spoil(report.document)
    sent = _sent(sequence, report, badness.name, value, Rejected(codes=badness.codes), row=badness.row)
    return sent if badness.readable else replace(sent, notification_id=None, absence_reference=None)


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
        what=what,
        row=row,
        key=str(report.absence_reference).encode() if has_key else None,
        headers=headers,
        value=value,
        notification_id=report.notification_id,
        absence_reference=report.absence_reference,
        expected=expected,
    )
