"""The numbers of the list of faults that this campaign plays, and what shows that one was played.

A number is shown by faults that struck at points of the code, and by what the journal says happened.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Final

from campaign.gateway import met

ON_PAPER: Final = "letter on paper"
"""The journal's entry for each letter that the gateway took over as paper."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Fault:
    """Shown by a fault that struck at one of `points`, by an entry of the journal, by the gateway met in one of `modes`; or
    `not_here` says why no campaign plays it."""

    what: str
    points: tuple[str, ...] = ()
    entries: tuple[str, ...] = ()
    modes: tuple[str, ...] = ()
    is_quick: bool = False
    not_here: str = ""

    def times(self, visits: Collection[str], count: Callable[..., int]) -> int:
        """How often it was played: `visits` are faults that struck, as `point:action`; `count` counts entries of the journal."""
        struck = sum(visit.rpartition(":")[0] in self.points for visit in visits)
        return struck + count(*self.entries, *map(met, self.modes))


FAULTS: Final[Mapping[str, Fault]] = {
    "F026": Fault(
        what="the notifier after it claimed a job, before the call",
        points=("notifier.after_claim", "notifier.after_render_stored", "notifier.before_call"),
        is_quick=True,
    ),
    "F027": Fault(
        what="a request sent, its reply lost",
        points=("notifier.after_call",),
        modes=("accept_then_drop", "accept_then_hang", "accept_then_500", "accept_then_html"),
        is_quick=True,
    ),
    "F028": Fault(
        what="accepted, before it is stored",
        points=("notifier.before_result", "jobs.before_result", "jobs.before_result_commit"),
        is_quick=True,
    ),
    "F029": Fault(
        what="paper decided on, before the call",
        points=("notifier.fallback_planned",),
    ),
    "F030": Fault(what="NemSMS after a letter", not_here="nothing asks for one"),
    "F050": Fault(what="broker killed", entries=("broker killed",), is_quick=True),
    "F051": Fault(what="broker frozen", entries=("broker frozen",), is_quick=True),
    "F052": Fault(what="broker away for half an hour", not_here="as long as a campaign"),
    "F053": Fault(what="records taken, the reply lost", entries=("produce answer lost",), is_quick=True),
    "F054": Fault(what="the leader moves", not_here="there is one broker"),
    "F055": Fault(what="reset at the offset commit", entries=("offset commit request lost",), is_quick=True),
    "F070": Fault(
        what="database killed or stopped at once",
        entries=("database killed", "database stopped at once"),
        is_quick=True,
    ),
    "F071": Fault(what="database frozen", entries=("database frozen",), is_quick=True),
    "F072": Fault(what="back ends ended, commits among them", entries=("connections cut",), is_quick=True),
    "F073": Fault(what="the reply to a commit lost", entries=("commit answer lost",), is_quick=True),
    "F130": Fault(what="no answer after acceptance", modes=("accept_then_hang", "accept_then_drop")),
    "F131": Fault(what="exempt from Digital Post", entries=(ON_PAPER,)),
    "F132": Fault(what="exempt between the first try and the second", modes=("exempt_between",)),
    "F133": Fault(
        what="classes of errors",
        modes=("refuse", "fail_status", "error500", "error503", "error429", "odd_code", "print_refuses"),
    ),
    "F134": Fault(
        what="statuses late, twice, contradicting, of nobody",
        modes=(
            "late_status",
            "status_twice",
            "received_first",
            "contradict_status",
            "odd_status",
            "fail_then_delivered",
            "unmatched_status",
            "received_forever",
        ),
    ),
    "F170": Fault(what="rebalance", entries=("rebalance",), is_quick=True),
    "F171": Fault(what="one to eight members and back", entries=("crowd",)),
    "F172": Fault(what="a batch that takes longer than a session", entries=("batch held up",)),
    "F173": Fault(what="an event loop that stands still for 15 s", entries=("frozen",)),
}
"""By number. What is quick has to show in the short form too."""


def planned(*, is_whole: bool) -> list[str]:
    """The numbers that a campaign has to have played in the end."""
    return [number for number, fault in FAULTS.items() if not fault.not_here and (is_whole or fault.is_quick)]
