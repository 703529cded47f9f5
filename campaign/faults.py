"""The numbers of the list of faults that this campaign plays, and what shows that one was played.

A number is shown by faults that struck at points of the code, and by what the journal says happened.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Final

from campaign.gateway import met

ON_PAPER: Final = "letter on paper"
"""The journal's entry for each letter that the gateway took over as paper."""


_SCANNER_TESTS: Final = "tests/integration/uploads/test_scanner_away.py"
_SERVER_TESTS: Final = "tests/plumbing/test_scanner_server.py"
_CLIENT_TESTS: Final = "tests/plumbing/test_clamd.py"
_OBJECTS_TESTS: Final = "tests/plumbing/test_objects.py"
_BUCKETS_TESTS: Final = "tests/plumbing/test_object_server.py"


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
    "F017": Fault(
        what="on record that a file comes, before it is stored", points=("uploads.before_store",), is_quick=True
    ),
    "F018": Fault(what="in the middle of a PUT", entries=("store killed", "store frozen"), is_quick=True),
    "F019": Fault(
        what="stored, before it is on record",
        points=("objects.after_put", "uploads.after_store", "uploads.before_commit"),
        is_quick=True,
    ),
    "F020": Fault(what="while the scanner reads", entries=("scanner killed", "scanner frozen"), is_quick=True),
    "F021": Fault(
        what="the verdict is there, and not written",
        points=("clamd.after_stream", "uploads.after_scan", "uploads.after_check"),
        is_quick=True,
    ),
    "F022": Fault(
        what="verdict written, before the copy", not_here="the copy comes first, and both are one by its key"
    ),
    "F023": Fault(
        what="copied, before what was set aside is deleted",
        points=("uploads.before_check_commit", "objects.after_delete"),
    ),
    "F024": Fault(what="refused, before it is told", points=("uploads.before_send_commit",), is_quick=True),
    "F025": Fault(what="replaced between scan and copy", not_here="what is stored is the very file that was scanned"),
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
    "F090": Fault(what="scanner killed", entries=("scanner killed",), is_quick=True),
    "F091": Fault(what="scanner frozen", entries=("scanner frozen",), is_quick=True),
    "F092": Fault(what="signatures loaded again under load", entries=("scanner reloaded",), is_quick=True),
    **{
        number: Fault(what=what, not_here=f"played by {where}")
        for number, what, where in (
            ("F093", "a damaged signature file", _SERVER_TESTS),
            ("F094", "no signatures at the start", _SERVER_TESTS),
            ("F095", "old signatures", _SCANNER_TESTS),
            ("F096", "answers that are none", _CLIENT_TESTS),
            ("F097", "found, without a name", _CLIENT_TESTS),
            ("F098", "the scanner's limit below ours", _SCANNER_TESTS),
            ("F099", "the scanner's time is over", _CLIENT_TESTS),
            ("F100", "no room where the scanner works", _CLIENT_TESTS),
            ("F101", "more scans than it takes", _CLIENT_TESTS),
            ("F102", "a slow link to the scanner", _CLIENT_TESTS),
            ("F103", "another program answers", _SCANNER_TESTS),
            ("F104", "scanner away for a night", _SCANNER_TESTS),
        )
    },
    "F110": Fault(what="object store killed, frozen", entries=("store killed", "store frozen"), is_quick=True),
    "F111": Fault(what="a PUT done, its reply lost", points=("objects.after_put",), is_quick=True),
    **{
        number: Fault(what=what, not_here=f"played by {where}")
        for number, what, where in (
            ("F112", "odd answers of the store", _OBJECTS_TESTS),
            ("F113", "the store is full", _OBJECTS_TESTS),
            ("F114", "a rule removes what waits", _BUCKETS_TESTS),
            ("F115", "an object vanishes from the clean store", _SCANNER_TESTS),
        )
    },
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
