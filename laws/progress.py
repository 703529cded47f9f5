"""L10: when faults stop, everything that was under way comes to its end within the bound, and no partition stays stuck.

`Measure` is one look at all that may wait: records not yet acknowledged by the groups that read them, outbox rows, jobs,
audit entries not yet in the chain, letters whose end is not known, status messages the gateway still pushes; and what was
given up and waits for a person: parked keys and jobs.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from laws.verdict import Findings, Verdict

LAW = "L10 when faults stop everything comes to its end"


@dataclass(frozen=True, kw_only=True, slots=True)
class Measure:
    """One look. `under_way` and `given_up` are by name; `groups` is how many pairs of group and topic were looked at."""

    seconds: float
    under_way: Mapping[str, int]
    given_up: Mapping[str, int]
    groups: int

    @property
    def is_at_rest(self) -> bool:
        return not any(self.under_way.values())


def judge(last: Measure, bound: float) -> Verdict:
    """The verdict on the last look that was taken."""
    findings = Findings(law=LAW)
    findings.count("seconds to rest" if last.is_at_rest else "seconds waited", round(last.seconds))
    findings.count("groups", last.groups)
    for name, number in last.under_way.items():
        findings.demand(number == 0, f"still under way after {bound:g} s", name, number)
    for name, number in last.given_up.items():
        findings.demand(number == 0, "given up", name, number)
    return findings.verdict(judged=last.groups)
