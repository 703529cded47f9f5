"""From sources to verdicts: wait for rest, take the evidence once, ask every checker."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from laws import (
    audit,
    conservation,
    deadlines,
    documents,
    effects,
    events,
    gaps,
    letters,
    links,
    names,
    order,
    privacy,
    progress,
    senders,
    stored,
)
from laws.evidence import Evidence, LogRecord
from laws.progress import Measure
from laws.reading.kafka import committed_offsets, group_lags, read_log
from laws.reading.simulators import read_gateway, read_sent, read_texts, statuses_waiting
from laws.reading.store import read_documents
from laws.reading.tables import read_tables, waiting_and_given_up
from laws.sources import Sources
from laws.verdict import Verdict

POLL_SECONDS = 1.0

CHECKERS: tuple[Callable[[Evidence], Verdict], ...] = (
    senders.check,
    conservation.check,
    effects.check,
    order.check,
    links.check,
    gaps.check,
    events.check,
    letters.check,
    deadlines.check,
    audit.check,
    privacy.check,
)

OF_DOCUMENTS: tuple[Callable[[Evidence], Verdict], ...] = (documents.check, stored.check)
"""Asked where citizens sent some."""

Log = Mapping[str, Sequence[LogRecord]]


async def judged(sources: Sources, *, within: float, former: Log | None = None) -> list[Verdict]:
    """Every law's verdict, that on progress first. `former`: what stood in topics that were deleted and made anew."""
    rest = progress.judge(await wait_for_rest(sources, within=within), within)
    return [rest, *examined(await gathered(sources, former=former))]


def examined(evidence: Evidence) -> list[Verdict]:
    """The verdicts on evidence that is at hand."""
    asked = CHECKERS if evidence.documents is None else CHECKERS + OF_DOCUMENTS
    return [check(evidence) for check in asked]


async def wait_for_rest(sources: Sources, *, within: float) -> Measure:
    """Looks until all that was under way has ended, twice in a row, or until the time is over: the last look."""
    began = time.monotonic()
    at_rest_before = False
    while True:
        measure = await _measure(sources, began)
        if (measure.is_at_rest and at_rest_before) or measure.seconds > within:
            return measure
        at_rest_before = measure.is_at_rest
        await asyncio.sleep(POLL_SECONDS)


async def _measure(sources: Sources, began: float) -> Measure:
    lags = await group_lags(sources.kafka)
    under_way = {f"records for {name}": lag for name, lag in lags.items()}
    given_up: dict[str, int] = {}
    for service in names.SERVICES:
        waiting, parked = await waiting_and_given_up(sources.database(service))
        under_way |= {f"{name} of {service}": number for name, number in waiting.items()}
        given_up |= {f"{name} of {service}": number for name, number in parked.items()}
    under_way["statuses at the gateway"] = await asyncio.to_thread(statuses_waiting, sources.gateway)
    return Measure(seconds=time.monotonic() - began, under_way=under_way, given_up=given_up, groups=len(lags))


async def gathered(sources: Sources, *, former: Log | None = None) -> Evidence:
    """All the evidence, taken once."""
    services: Sequence[str] = names.SERVICES
    return Evidence(
        log=after(former or {}, await read_log(sources.kafka)),
        rows={service: await read_tables(sources.database(service)) for service in services},
        gateway=await asyncio.to_thread(read_gateway, sources.gateway),
        sent=read_sent(sources.sent),
        texts=await asyncio.to_thread(read_texts, sources.logs, sources.ops_urls, services),
        committed=await committed_offsets(sources.kafka),
        documents=await asyncio.to_thread(read_documents, sources.documents) if sources.documents else None,
    )


def after(former: Log, log: Log) -> Log:
    """The log behind what stood in topics of the same names before they were deleted; `former` names only those."""
    found = dict(log)
    for topic, records in former.items():
        generation = 1 + max((record.generation for record in records), default=0)
        found[topic] = [*records, *(replace(record, generation=generation) for record in log.get(topic, ()))]
    return found
