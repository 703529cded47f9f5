"""What is attached to absences: which absence, by whom, how early or late, and what to expect of it.

Something early comes before the report of its absence, which follows some records later or never. It all goes under the key
of its absence, so that Kafka keeps the order that the expectations rely on.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from heapq import heappop, heappush
from random import Random
from typing import Final
from uuid import UUID

from simulators.nemrefusion.absences import Absence
from simulators.nemrefusion.attachments import Attachments
from simulators.nemrefusion.mix import Mix
from simulators.nemrefusion.people import Person
from simulators.nemrefusion.reports import CITIZEN_KINDS, Document, Report, Reporters
from simulators.nemrefusion.sent import Either, Expected, Rejected

NewReport = Callable[[str], Report]
"""A report of a citizen kind, about somebody nobody has heard of."""

_REMEMBERED: Final = 500
_TRIES: Final = 20
_LATEST_REPORT: Final = 300
"""Records until an early notification's report comes, at most."""
_TOO_LATE: Final = 0.1
_WITHDRAWN_AGAIN: Final = 0.1
_UNDER_ANOTHER_REFERENCE: Final = 0.3
"""Of second reports that say the same."""
_EMPLOYEES_ONLY: Final = frozenset({"refund_requested", "fast_track_requested"})
_WORDS: Final = {
    "absence_reported": "a second report",
    "amended": "an amendment",
    "refund_requested": "a refund request",
    "fast_track_requested": "a request for early action",
    "recovered": "a recovery",
    "withdrawn": "a withdrawal",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Attached:
    """A notification of any kind with what to expect of it; `is_repeatable`: once more, it is a duplicate of itself."""

    message: Report
    what: str
    expected: Expected
    row: str | None = None
    is_repeatable: bool = True


class Attaching:
    """Knows the latest absences. `new_report` makes people for those whose report is held back."""

    def __init__(self, dice: Random, reporters: Reporters, mix: Mix, new_report: NewReport) -> None:
        self._dice = dice
        self._reporters = reporters
        self._mix = mix
        self._new_report = new_report
        self._attachments = Attachments(dice, reporters)
        self._absences: deque[Absence] = deque(maxlen=_REMEMBERED)
        self._held: list[tuple[int, UUID, Absence]] = []

    def kind(self, chance: float) -> str | None:
        """What a number of 0 to 1 stands for by the shares; None: nothing is attached."""
        for kind, share in self._mix.by_kind():
            if 0 <= chance < share:
                return kind
            chance -= share
        return None

    def reported(self, report: Report) -> None:
        """A report was sent in its time: from now on others may follow it."""
        self._absences.append(Absence(report=report, told=report.document, is_reported=True))

    def held_report(self, sequence: int) -> Attached | None:
        """The report that was held back until now, if there is one."""
        if not self._held or self._held[0][0] > sequence:
            return None
        _, _, absence = heappop(self._held)
        expected = absence.expected("absence_reported")
        absence.remember(absence.report.document, expected)
        what = "a report after what is attached to it"
        return Attached(
            message=absence.report, what=what, expected=expected, is_repeatable=not isinstance(expected, Rejected)
        )

    def attach(self, sequence: int, kind: str) -> Attached | None:
        """Something of that kind; None if no absence is fit for it."""
        may_be_early = kind != "absence_reported"
        if may_be_early and self._dice.random() < self._mix.early:
            absence: Absence | None = self._unreported(sequence, kind)
        else:
            absence = self._fit(kind)
        if absence is None:
            return None
        if kind == "refund_requested" and absence.last_refund and self._dice.random() < 0.05:
            return self._refund_once_more(absence, absence.last_refund)
        document = self._attachments.write(kind, absence)
        if (kind != "fast_track_requested" or absence.is_known) and self._dice.random() < self._mix.strangers:
            return self._strangers(absence, document)
        return self._own(absence, document)

    def _own(self, absence: Absence, document: Document) -> Attached:
        expected, what, row = self._of(absence, document)
        absence.remember(document, expected)
        is_repeatable = not isinstance(expected, Rejected | Either)
        return Attached(
            message=_message(absence, document), what=what, expected=expected, row=row, is_repeatable=is_repeatable
        )

    def _of(self, absence: Absence, document: Document) -> tuple[Expected, str, str | None]:
        kind = document["kind"]
        what = _WORDS[kind]
        if kind == "fast_track_requested" and absence.is_too_late_for_fast_track(self._reporters.sent_day):
            codes = {"too-late", "withdrawn"} if absence.is_withdrawn else {"too-late"}
            return Rejected(codes=frozenset(codes)), f"{what}, too late", None
        if absence.is_withdrawn:
            if kind == "withdrawn":
                return Either(), f"{what}, once more", "N40"
            return absence.expected(kind), f"{what}, after the withdrawal", None
        if kind == "absence_reported":
            return self._second_report(document)
        if not absence.is_reported:
            return absence.expected(kind), f"{what} before its report", "N39"
        return absence.expected(kind), "the final refund request" if document.get("final") else what, None

    def _second_report(self, document: Document) -> tuple[Expected, str, str | None]:
        if self._dice.random() < 0.5:
            if self._dice.random() < _UNDER_ANOTHER_REFERENCE:
                # a repeat of the first, or what stands once that is withdrawn; nobody says any more about it
                document["absence_reference"] = str(self._reporters.new_id())
                return Either(), "a second report under another reference", "N38"
            return Either(), "a second report that says the same", "N38"
        document["cause"] = "illness" if document["cause"] != "illness" else "work_injury"
        return Rejected(codes=frozenset({"repeated-absence"})), "a second report that says otherwise", "N38"

    def _refund_once_more(self, absence: Absence, last: Document) -> Attached:
        document = self._attachments.once_more(last)
        expected = Rejected(codes=frozenset({"withdrawn"})) if absence.is_withdrawn else Either()
        return Attached(
            message=_message(absence, document),
            what="a refund request, once more",
            expected=expected,
            is_repeatable=False,
        )

    def _strangers(self, absence: Absence, document: Document) -> Attached:
        other = self._new_report("employee").person
        document = self._attachments.strangers(document, other)
        expected = absence.expected(document["kind"], by_stranger=True)
        if document["kind"] == "absence_reported" and absence.is_reported and not absence.is_withdrawn:
            expected = Rejected(codes=frozenset({"repeated-absence", "not-yours"}))
        if document["kind"] == "fast_track_requested" and absence.is_too_late_for_fast_track(self._reporters.sent_day):
            expected = Rejected(codes=frozenset({"too-late"}))
        what = f"{_WORDS[document['kind']]} by a stranger"
        return Attached(message=_message(absence, document, other), what=what, expected=expected, is_repeatable=False)

    def _fit(self, kind: str) -> Absence | None:
        if kind == "withdrawn" and self._dice.random() < _WITHDRAWN_AGAIN:
            over = [absence for absence in self._absences if absence.is_withdrawn]
            return self._dice.choice(over) if over else None
        for _ in range(_TRIES if self._absences else 0):
            absence = self._dice.choice(self._absences)
            if absence.first_day <= self._reporters.sent_day and self._is_fit(kind, absence):
                return absence
        return None

    def _is_fit(self, kind: str, absence: Absence) -> bool:
        match kind:
            case "refund_requested":
                return self._attachments.may_ask_for_refund(absence)
            case "fast_track_requested":
                is_over = "last_absence_day" in absence.told
                too_late = absence.is_too_late_for_fast_track(self._reporters.sent_day)
                return absence.is_an_employees and not is_over and (not too_late or self._dice.random() < _TOO_LATE)
            case "withdrawn":
                return absence.may_be_withdrawn()
            case "absence_reported":
                return absence.is_reported
            case _:
                return True

    def _unreported(self, sequence: int, kind: str) -> Absence:
        """An absence nobody has heard of; its report comes later, or never."""
        (citizen_kind,) = self._dice.choices(tuple(CITIZEN_KINDS), tuple(CITIZEN_KINDS.values()))
        report = self._new_report("employee" if kind in _EMPLOYEES_ONLY else citizen_kind)
        if kind == "refund_requested" and report.document["pay"]["kind"] == "nothing":
            report = replace(report, document=report.document | {"pay": {"kind": "wage"}})
        absence = Absence(report=report, told=report.document)
        self._absences.append(absence)
        if self._dice.random() >= self._mix.orphans:
            due = sequence + self._dice.randint(1, _LATEST_REPORT)
            heappush(self._held, (due, report.notification_id, absence))
        return absence


def _message(absence: Absence, document: Document, person: Person | None = None) -> Report:
    return Report(
        document=document,
        notification_id=UUID(document["notification_id"]),
        absence_reference=absence.report.absence_reference,
        person=person or absence.report.person,
    )
