"""How much of what is sent. Reports fill whatever the other shares leave."""

from dataclasses import dataclass, replace
from typing import Final


@dataclass(frozen=True, kw_only=True, slots=True)
class Mix:
    """Shares of all records; 0 turns each off. Without `attached` ones only reports are sent, all in time and in order.

    `conflicts` is a share of the repeats, `second_employers` of the employees, `odd` of the good ones, `late` of reports and what
    is attached to them. `early` and `strangers` are shares of what is attached, and `orphans` of what is early.
    """

    bad: float = 0.05
    duplicates: float = 0.05
    odd: float = 0.1
    conflicts: float = 0.1
    second_employers: float = 0.05

    amendments: float = 0
    refunds: float = 0
    fast_tracks: float = 0
    recoveries: float = 0
    withdrawals: float = 0
    reported_again: float = 0
    """An absence reported once more under another id; as before, or otherwise."""

    late: float = 0
    """Sent days before it is received."""
    early: float = 0.2
    """Received before the report of its absence."""
    orphans: float = 0.15
    """The report never comes."""
    strangers: float = 0.15
    """By another reporter, or about another citizen, than the report."""

    @property
    def attached(self) -> float:
        """The share of everything that is about an absence and not its first report."""
        return sum(share for _, share in self.by_kind())

    def by_kind(self) -> tuple[tuple[str, float], ...]:
        """The shares of what is attached, by kind of notification; a second report is one, too."""
        return (
            ("amended", self.amendments),
            ("refund_requested", self.refunds),
            ("fast_track_requested", self.fast_tracks),
            ("recovered", self.recoveries),
            ("withdrawn", self.withdrawals),
            ("absence_reported", self.reported_again),
        )

    def with_attached(self, share: float) -> "Mix":
        """The same with this share of everything but first reports, split among the kinds as in a month."""
        part = share / MONTH.attached
        return replace(
            self,
            amendments=part * MONTH.amendments,
            refunds=part * MONTH.refunds,
            fast_tracks=part * MONTH.fast_tracks,
            recoveries=part * MONTH.recoveries,
            withdrawals=part * MONTH.withdrawals,
            reported_again=part * MONTH.reported_again,
        )


MONTH: Final = Mix(
    conflicts=0.2,
    amendments=0.1,
    refunds=0.14,
    fast_tracks=0.05,
    recoveries=0.1,
    withdrawals=0.03,
    reported_again=0.01,
    late=0.1,
)
"""A month of everything."""
