"""The campaign of mistakes with topics: everything doubled, shuffled, read again, skipped, deleted; judged after each step.

    F164  notifications of every kind in no order
    F162  the same told under another id; F163 something else under the same id
    F167  a notification of exactly the limit, and one of a byte more
    F168  no value, the same header twice, a thousand headers; F169 a transaction taken back
    F166  a thousand bad ones in a row while the broker is away, and while the topic of dead letters is gone
    F160  every record of every topic once more, in another order
    F161  every topic read again from the beginning (F058)
    F059  offsets set to the end past what was not read: the law on gaps has to see the hole; then it is mended
    F057  the input topic deleted and made anew: its reader has to find that out by itself, and to say so

Poison between good ones (F165) is part of the traffic. No service is killed here: that is what the other campaign is for.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import asyncpg

from campaign import admin, shuffle
from campaign.admin import Where
from campaign.journal import Journal
from campaign.provoke import database_of
from campaign.say import say
from campaign.sender import AS_OF
from campaign.site import Site, open_site
from laws import gaps, names
from laws.evidence import LogRecord
from laws.judging import after, gathered, judged, wait_for_rest
from laws.reading.kafka import group_lags, read_log
from laws.reading.simulators import read_metrics
from laws.verdict import Verdict
from simulators.nemrefusion.badness import LARGEST
from simulators.nemrefusion.traffic import Accepted, Either, Rejected, Sent, generate

LONGEST_REST_SECONDS = 150.0
SETTLING_SECONDS = 6.0
BROKER_AWAY_SECONDS = 3.0
ANSWERED_WITHIN_SECONDS = 40.0
MANY_HEADERS = 1_000
BAD_IN_A_ROW = 1_000
DEAD_LETTERS = names.dead_letters("intake", names.NOTIFICATION)


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """`take` says what it should have seen and did not, or nothing. `is_short`: also part of the short form."""

    name: str
    take: Callable[[], str]
    is_short: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """What came of a step: broken rules as law and rule, or what should have been seen and was not."""

    step: str
    seconds: float
    verdicts: Sequence[Verdict]
    missed: str = ""

    @property
    def is_clean(self) -> bool:
        return not self.missed and all(verdict.holds for verdict in self.verdicts)


@dataclass(kw_only=True, slots=True)
class Mistakes:
    """One run, on a site that stands. `records`: how many notifications each step sends."""

    site: Site
    seed: int
    records: int
    former: Mapping[str, Sequence[LogRecord]] = field(default_factory=dict)
    _sent: int = 0

    def steps(self) -> Sequence[Step]:
        """All of them, in their order."""
        return (
            Step(name="F164 every kind in no order, some twice", take=self.in_no_order, is_short=True),
            Step(
                name="F162 F163 the same under another id, another under the same id",
                take=self.told_again,
                is_short=True,
            ),
            Step(name="F167 as large as may be, and a byte more", take=self.large_ones),
            Step(name="F168 F169 odd records, a transaction taken back", take=self.odd_records),
            Step(name="F166 bad ones in a row while the broker is away", take=self.poison_in_a_row),
            Step(name="F166 bad ones in a row while the topic of dead letters is gone", take=self.poison_without_grave),
            Step(name="F160 every record of every topic once more", take=self.everything_twice, is_short=True),
            Step(name="F058 F161 every topic from the beginning", take=self.everything_again, is_short=True),
            Step(
                name="F059 the input's offsets set to the end",
                take=lambda: self.passed_over("intake", names.NOTIFICATION),
            ),
            Step(
                name="F059 the absences' offsets set to the end",
                take=lambda: self.passed_over("tasks", names.ABSENCE),
            ),
            Step(name="F057 the input topic deleted and made anew", take=self.made_anew),
            Step(name="F058 F161 every topic from the beginning once more", take=self.everything_again),
        )

    def run(self, steps: Sequence[Step]) -> list[Outcome]:
        found = []
        for step in steps:
            say(step.name)
            began = time.monotonic()
            if not self._sent:
                self.in_no_order()  # a mistake with nothing shows nothing
            missed = step.take()
            verdicts = asyncio.run(judged(self.site.sources(), within=LONGEST_REST_SECONDS, former=self.former))
            seconds = time.monotonic() - began
            found.append(Outcome(step=step.name, seconds=seconds, verdicts=verdicts, missed=missed))
            if not found[-1].is_clean:
                break  # what follows would only repeat it
        return found

    # the steps ----------------------------------------------------------------------------------------------------------------

    def in_no_order(self) -> str:
        self._send(shuffle.traffic(seed=self._next_seed(), count=self.records, as_of=_as_of()))
        return ""

    def told_again(self) -> str:
        """Neither has an effect: one is a repeat, the other a conflict, which is counted so that somebody can be alarmed."""
        reports = shuffle.reports(seed=self._next_seed(), count=max(5, self.records // 5), as_of=_as_of())
        self._send(reports)
        self._rest()
        before, conflicts = self._fates(), self._conflicts()
        dice = Random(self._next_seed())
        again = [shuffle.under_another_id(one, dice) for one in reports] + list(map(shuffle.told_otherwise, reports))
        self._send([replace(one, sequence=number) for number, one in enumerate(again)])
        self._rest()
        came_to = self._fates() - before
        if came_to != Counter({("duplicate", None): len(reports), ("rejected", "conflict"): len(reports)}):
            return f"{len(reports)} told under another id, and otherwise under the same, came to {dict(came_to)}"
        return "" if self._conflicts() - conflicts == len(reports) else "conflicts are not counted"

    def large_ones(self) -> str:
        fits, one_more = shuffle.reports(seed=self._next_seed(), count=2, as_of=_as_of())
        too_large = shuffle.sized(one_more, LARGEST + 1, Rejected(codes=frozenset({"too-large"})))
        unreadable = replace(too_large, kind=None, notification_id=None, absence_reference=None)
        self._send([shuffle.sized(fits, LARGEST, Accepted()), unreadable])
        return ""

    def odd_records(self) -> str:
        [whole] = shuffle.reports(seed=self._next_seed(), count=1, as_of=_as_of())
        many = tuple((f"h{number}", b"x") for number in range(MANY_HEADERS))
        twice = (("ce_id", b"\xff\x00"), ("ce_id", None), ("", b""))
        empty = Rejected(codes=frozenset({"empty"}))
        odd = [
            replace(whole, headers=many, expected=Either(codes=shuffle.BY_ORDER)),
            replace(whole, headers=twice, key=None, expected=Either(codes=shuffle.BY_ORDER)),
            replace(whole, value=None, key=b"\x00", headers=twice, notification_id=None, expected=empty),
            replace(whole, value=b"", key=None, notification_id=None, expected=empty),
        ]
        taken_back = generate(seed=self._next_seed(), count=20, as_of=_as_of())
        values = [one.value for one in taken_back if one.value is not None]
        asyncio.run(admin.begin_and_abort(self.site.stack.kafka_bootstrap, names.NOTIFICATION, values))
        self._send([replace(one, sequence=number) for number, one in enumerate(odd)])
        return self.in_no_order()  # behind the aborted ones on every partition

    def poison_in_a_row(self) -> str:
        self._send(shuffle.poison(seed=self._next_seed(), count=BAD_IN_A_ROW, as_of=_as_of()))
        self.site.stack.server("kafka").kill()
        time.sleep(BROKER_AWAY_SECONDS)
        self.site.stack.start_server("kafka")
        self.in_no_order()
        self._rest()
        return "a broker that was away is taken for a topic made anew" if self._alarms() else ""

    def poison_without_grave(self) -> str:
        """Everything is settled and answered meanwhile; the dead letters, and nothing else, wait until their topic is back."""
        self._rest()
        self._delete(DEAD_LETTERS)
        self._send(shuffle.poison(seed=self._next_seed(), count=BAD_IN_A_ROW, as_of=_as_of()))
        self.in_no_order()
        until = time.monotonic() + ANSWERED_WITHIN_SECONDS
        while (waiting := self._waiting_of_intake()).keys() != {DEAD_LETTERS} and time.monotonic() < until:
            time.sleep(1)
        self.site.stack.create_topics()
        if waiting.keys() != {DEAD_LETTERS}:
            return f"still waiting after {ANSWERED_WITHIN_SECONDS:g} s: {waiting}"
        say(f"{waiting[DEAD_LETTERS]} dead letters waited, and nothing else")
        return "" if waiting[DEAD_LETTERS] >= BAD_IN_A_ROW else "dead letters were lost"

    def everything_twice(self) -> str:
        self._rest()
        bootstrap = self.site.stack.kafka_bootstrap
        log = asyncio.run(read_log(bootstrap))
        for topic, _ in names.CONSUMERS:
            asyncio.run(admin.say_again(bootstrap, log[topic], Random(self._next_seed())))
        return ""

    def everything_again(self) -> str:
        self._rest()
        for service in dict.fromkeys(service for _, service in names.CONSUMERS):
            self._while_away(service, partial(self._to_the_beginning, service))
        return ""

    def passed_over(self, service: str, topic: str) -> str:
        """The hole has to be seen while lag is nought, and is mended by reading again from the beginning."""
        self._rest()

        def skip() -> None:
            self.in_no_order()
            self._rest_of_others(topic)
            self._move(service, [topic], Where.END)

        self._while_away(service, skip)
        self._rest()
        seen = gaps.check(asyncio.run(gathered(self.site.sources(), former=self.former)))
        self._while_away(service, lambda: self._move(service, [topic], Where.BEGINNING))
        holes = seen.offences.get(gaps.PASSED_OVER, 0)
        say(f"the law on gaps sees {holes} holes")
        return "" if holes else f"nobody noticed that {service} passed over records of {topic}"

    def made_anew(self) -> str:
        self._rest()
        self._delete(names.NOTIFICATION)
        self.site.stack.create_topics()
        self.in_no_order()
        self._rest()
        return "" if self._alarms() else "intake did not notice that its topic was made anew"

    # their parts --------------------------------------------------------------------------------------------------------------

    def _send(self, records: Sequence[Sent]) -> None:
        shuffle.send(self.site.stack.kafka_bootstrap, self.site.ledger, records)
        self._sent += len(records)

    def _next_seed(self) -> int:
        self.seed += 1
        return self.seed

    def _delete(self, topic: str) -> None:
        """What stood there is kept for the laws."""
        bootstrap = self.site.stack.kafka_bootstrap
        stood = after(self.former, asyncio.run(read_log(bootstrap)))[topic]
        self.former = {**self.former, topic: stood}
        asyncio.run(admin.delete_topic(bootstrap, topic))
        self.site.journal.note("topic deleted", "administrator", topic=topic)

    def _move(self, service: str, topics: Sequence[str], where: Where) -> None:
        for topic in topics:
            asyncio.run(admin.move_group(self.site.stack.kafka_bootstrap, service, topic, where))
            self.site.journal.note(f"offsets to the {where}", service, topic=topic)

    def _to_the_beginning(self, service: str) -> None:
        self._move(service, [topic for topic, reader in names.CONSUMERS if reader == service], Where.BEGINNING)

    def _while_away(self, service: str, mistake: Callable[[], None]) -> None:
        process = self.site.house.process(service)
        process.stop(timeout=40)
        mistake()
        process.start()
        self.site.house.wait_ready([service])

    def _rest(self) -> None:
        asyncio.run(wait_for_rest(self.site.sources(), within=LONGEST_REST_SECONDS))

    def _fates(self) -> Counter[tuple[str, str | None]]:
        """How many notifications ended how, and why."""
        rows = self._ask_intake("select fate, reason, count(*) from inbox_record group by fate, reason")
        return Counter({(fate, reason): number for fate, reason, number in rows})

    def _conflicts(self) -> float:
        return self._metric("intake", "mitsyg_refused_records_total", topic=names.NOTIFICATION, reason="conflict")

    def _alarms(self) -> float:
        return self._metric("intake", "mitsyg_topic_went_back_total", topic=names.NOTIFICATION)

    def _waiting_of_intake(self) -> Mapping[str, int]:
        """Records intake has not read, and messages of its outbox, by topic."""
        lags = asyncio.run(group_lags(self.site.stack.kafka_bootstrap))
        unread = lags[f"intake on {names.NOTIFICATION}"]
        rows = self._ask_intake("select aggregatetype, count(*) from outbox group by 1")
        return dict(rows) | ({names.NOTIFICATION: unread} if unread else {})

    def _ask_intake(self, sql: str) -> Sequence[tuple[Any, ...]]:
        async def ask() -> Sequence[tuple[Any, ...]]:
            connection = await asyncpg.connect(database_of(self.site.stack, "intake"))
            try:
                return [tuple(row) for row in await connection.fetch(sql)]
            finally:
                await connection.close()

        return asyncio.run(ask())

    def _metric(self, service: str, name: str, **labels: str) -> float:
        """As the process tells it; nought where it has not counted anything yet."""
        told = ",".join(f'{label}="{value}"' for label, value in sorted(labels.items()))
        lines = read_metrics(self.site.house.ops_url(service)).splitlines()
        return sum(float(line.split()[-1]) for line in lines if line.startswith(f"{name}{{{told}}}"))

    def _rest_of_others(self, topic: str) -> None:
        """Until what leads up to the topic has come there."""
        if topic != names.NOTIFICATION:
            time.sleep(SETTLING_SECONDS)


def run(run_dir: Path, *, seed: int, records: int, only: str = "", is_short: bool = False) -> list[Outcome]:
    """From nothing to the outcomes; servers and processes are gone when it returns."""
    with open_site(run_dir, seed=seed, journal=Journal(run_dir / "history.jsonl")) as site:
        mistakes = Mistakes(site=site, seed=seed * 100, records=records)
        return mistakes.run([one for one in mistakes.steps() if only in one.name and is_short <= one.is_short])


def lines(outcomes: Sequence[Outcome]) -> list[str]:
    """For a person to read: all verdicts of what is not clean, and of the last step."""
    told = []
    for one in outcomes:
        told.append(f"{'ok    ' if one.is_clean else 'FAILED'} {one.seconds:4.0f} s  {one.step} {one.missed}".rstrip())
        if not one.is_clean or one is outcomes[-1]:
            told += [line for verdict in one.verdicts for line in verdict.lines()]
    clean = bool(outcomes) and all(one.is_clean for one in outcomes)
    return [*told, "clean: nothing lost, nothing doubled, every gap seen" if clean else "NOT CLEAN"]


def _as_of() -> date:
    return date.fromisoformat(AS_OF)
