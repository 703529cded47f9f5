"""What reporters remember of an absence: what they told about it so far, and so what they expect to hear next.

It follows the published rules as a reporter reads them: amendments and refund requests wait for the report, recoveries and
withdrawals for the report or a request for early action, and after a withdrawal nothing more is taken. Expectations hold
as long as records about one absence arrive in the order in which they are sent.
"""

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final

from simulators.nemrefusion.reports import Document, Report
from simulators.nemrefusion.sent import Accepted, Either, Expected, Rejected, Waiting

_FAST_TRACK_DAYS: Final = 34
_UNTIL_REPORTED: Final = frozenset({"amended", "refund_requested"})


@dataclass(kw_only=True, slots=True)
class Absence:
    """An absence as it was told of. `told`: the report as the last amendment has it."""

    report: Report = field(repr=False)
    told: Document = field(repr=False)
    is_reported: bool = False
    is_preliminary: bool = False
    is_withdrawn: bool = False
    """The withdrawal had its effect."""
    has_withdrawal: bool = False
    """A withdrawal was sent, which may wait."""
    has_waiting: bool = False
    """Something else waits."""
    refunded_until: date | None = None
    last_refund: Document | None = field(default=None, repr=False)

    @property
    def is_known(self) -> bool:
        return self.is_reported or self.is_preliminary

    @property
    def first_day(self) -> date:
        return date.fromisoformat(self.told["first_absence_day"])

    @property
    def is_an_employees(self) -> bool:
        return bool(self.told["citizen_kind"] == "employee")

    def expected(self, kind: str, *, by_stranger: bool = False) -> Expected:
        """What to expect for a notification that is right in itself and repeats none."""
        if self.is_withdrawn:
            return Rejected(codes=frozenset({"withdrawn", "not-yours"} if by_stranger else {"withdrawn"}))
        if self._waits(kind):
            if by_stranger:
                return Either(codes=frozenset({"not-yours", "withdrawn"}))
            return Either(codes=frozenset({"withdrawn"})) if self.has_withdrawal else Waiting()
        return Rejected(codes=frozenset({"not-yours"})) if by_stranger else Accepted()

    def remember(self, document: Document, expected: Expected) -> None:
        """It was sent, by the absence's own reporter."""
        if isinstance(expected, Rejected):
            return
        match document["kind"]:
            case "absence_reported":
                self.is_reported, self.has_waiting = True, False
                self.is_withdrawn = self.has_withdrawal
            case "fast_track_requested":
                self.is_preliminary = True
                self.is_withdrawn = self.has_withdrawal
            case "withdrawn":
                self.has_withdrawal = True
                self.is_withdrawn = self.is_known
            case kind:
                self.has_waiting |= self._waits(kind)
                if kind == "amended":
                    self.told = document | {"kind": "absence_reported"}
                if kind == "refund_requested":
                    self.refunded_until = date.fromisoformat(document["period"]["last_day"])
                    self.last_refund = document if isinstance(expected, Accepted) else None

    def may_be_withdrawn(self) -> bool:
        """Not where that would bury what waits and was told to be accepted: then a repeat of it could not be foretold."""
        if self.is_withdrawn:
            return True
        return self.is_reported or not (self.has_waiting or self.has_withdrawal)

    def is_too_late_for_fast_track(self, day: date) -> bool:
        return day > self.first_day + timedelta(days=_FAST_TRACK_DAYS)

    def _waits(self, kind: str) -> bool:
        if kind in _UNTIL_REPORTED:
            return not self.is_reported
        return kind in {"recovered", "withdrawn"} and not self.is_known
