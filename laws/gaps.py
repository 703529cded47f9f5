"""L1, the gaps: no group has gone past a record that its service has not settled (F057, F059).

What a group has committed says that all before it is done. Where offsets were set to the end by mistake, or a topic was deleted
and made anew and grew past the old position before anybody looked, records are passed over in silence: lag is nought and
nothing waits. Here the log is laid beside the fates and the commits, and each such hole is named by its first and last offset. A
group that stands beyond the end of its topic is told too: what comes next would be passed over.
"""

from collections.abc import Iterator, Sequence

from laws import names
from laws.evidence import Evidence, LogRecord
from laws.settled import fates_of
from laws.verdict import Findings, Verdict

LAW = "L1 no group has gone past what its service has not settled"
PASSED_OVER = "records passed over unread"


def check(evidence: Evidence) -> Verdict:
    findings = Findings(law=LAW)
    looked_at = holes = 0
    for topic, service in names.CONSUMERS:
        records = evidence.records(topic)
        living = max((record.generation for record in records), default=0)
        rows = [row for row in evidence.table(service, "inbox_record") if row["topic"] == topic]
        settled = fates_of(records, rows, Findings(law=LAW), nothing="")
        for partition, committed in sorted(evidence.committed.get((topic, service), {}).items()):
            looked_at += 1
            standing = [one for one in records if one.partition == partition and one.generation == living]
            passed = [one for one in standing if one.offset < committed and one.position not in settled]
            for first, last in _runs(passed):
                holes += 1
                findings.offence(PASSED_OVER, service, first, f"to {last.offset}")
            end = max((one.offset + 1 for one in standing), default=0)
            beyond = living > 0 and committed > end
            findings.demand(
                not beyond, "a group beyond the end of its topic", service, topic, partition, committed, end
            )
    findings.count("partitions of groups", looked_at)
    findings.count("holes", holes)
    return findings.verdict(judged=looked_at)


def _runs(passed: Sequence[LogRecord]) -> Iterator[tuple[LogRecord, LogRecord]]:
    """First and last of each run of neighbouring offsets."""
    first = before = None
    for one in passed:
        if before is not None and first is not None and one.offset != before.offset + 1:
            yield first, before
            first = one
        first, before = first or one, one
    if first is not None and before is not None:
        yield first, before
