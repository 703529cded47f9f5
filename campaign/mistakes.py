"""The campaign of mistakes with topics: everything doubled, shuffled, read again, skipped, deleted; judged after each step.

    F160  every record of every topic once more, in another order
    F161  every topic read again from the beginning (F058)
    F059  offsets set to the end past what was not read: the law on gaps has to see the hole; then it is mended
    F057  the input topic deleted and made anew
    F164  notifications of every kind in no order
    F166  bad ones in a row while the broker is away
    F168  no value, the same header twice, a thousand headers; F169 a transaction taken back

Conflicts and repeats under other ids (F162, F163), poison between good ones (F165) and notifications too large (F167) are part of
the traffic. No service is killed here: that is what the other campaign is for.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from pathlib import Path
from random import Random

from campaign import admin, shuffle
from campaign.admin import Where
from campaign.journal import Journal
from campaign.say import say
from campaign.sender import AS_OF
from campaign.site import Site, open_site
from laws import gaps, names
from laws.evidence import LogRecord
from laws.judging import gathered, judged, wait_for_rest
from laws.reading.kafka import read_log
from laws.verdict import Verdict
from simulators.nemrefusion.traffic import Either, Mix, Rejected, Sent, generate

LONGEST_REST_SECONDS = 150.0
SETTLING_SECONDS = 6.0
BROKER_AWAY_SECONDS = 3.0
MANY_HEADERS = 1_000


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

    def steps(self) -> Mapping[str, Callable[[], str]]:
        """The steps in their order; each says what it should have seen and did not, or nothing."""
        return {
            "F164 every kind in no order, some twice": self.in_no_order,
            "F168 F169 odd records, a transaction taken back": self.odd_records,
            "F166 bad ones in a row while the broker is away": self.poison_in_a_row,
            "F160 every record of every topic once more": self.everything_twice,
            "F058 F161 every topic from the beginning": self.everything_again,
            "F059 the input's offsets set to the end": lambda: self.passed_over("intake", names.NOTIFICATION),
            "F059 the absences' offsets set to the end": lambda: self.passed_over("tasks", names.ABSENCE),
            "F057 the input topic deleted and made anew": self.made_anew,
            "F058 F161 every topic from the beginning once more": self.everything_again,
        }

    def run(self, only: str = "") -> list[Outcome]:
        found = []
        for step, take in self.steps().items():
            if only not in step:
                continue
            say(step)
            began = time.monotonic()
            if not self._sent:
                self.in_no_order()  # a mistake with nothing shows nothing
            missed = take()
            verdicts = asyncio.run(judged(self.site.sources(), within=LONGEST_REST_SECONDS, former=self.former))
            found.append(Outcome(step=step, seconds=time.monotonic() - began, verdicts=verdicts, missed=missed))
            if not found[-1].is_clean:
                break  # what follows would only repeat it
        return found

    # the steps ----------------------------------------------------------------------------------------------------------------

    def in_no_order(self) -> str:
        self._send(shuffle.traffic(seed=self._next_seed(), count=self.records, as_of=_as_of()))
        return ""

    def odd_records(self) -> str:
        [whole] = generate(seed=self._next_seed(), count=1, as_of=_as_of(), mix=Mix(bad=0, duplicates=0, odd=0))
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
        self._send(shuffle.poison(seed=self._next_seed(), count=self.records, as_of=_as_of()))
        self.site.stack.server("kafka").kill()
        time.sleep(BROKER_AWAY_SECONDS)
        self.site.stack.start_server("kafka")
        return self.in_no_order()

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
        bootstrap = self.site.stack.kafka_bootstrap
        self.former = {names.NOTIFICATION: asyncio.run(read_log(bootstrap))[names.NOTIFICATION]}
        asyncio.run(admin.delete_topic(bootstrap, names.NOTIFICATION))
        self.site.stack.create_topics()
        # By itself a reader that lost its topic looks for it at its next look at the metadata only, up to five minutes later.
        self._while_away("intake", lambda: time.sleep(SETTLING_SECONDS))
        return self.in_no_order()

    # their parts --------------------------------------------------------------------------------------------------------------

    def _send(self, records: Sequence[Sent]) -> None:
        shuffle.send(self.site.stack.kafka_bootstrap, self.site.ledger, records)
        self._sent += len(records)

    def _next_seed(self) -> int:
        self.seed += 1
        return self.seed

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

    def _rest_of_others(self, topic: str) -> None:
        """Until what leads up to the topic has come there."""
        if topic != names.NOTIFICATION:
            time.sleep(SETTLING_SECONDS)


def run(run_dir: Path, *, seed: int, records: int, only: str = "") -> list[Outcome]:
    """From nothing to the outcomes; servers and processes are gone when it returns."""
    with open_site(run_dir, seed=seed, journal=Journal(run_dir / "history.jsonl")) as site:
        return Mistakes(site=site, seed=seed * 100, records=records).run(only)


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
