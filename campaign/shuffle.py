"""Traffic in no order at all: shuffled, some of it doubled, spread over all partitions (F160, F164).

Without keys nothing keeps the notifications of one absence in order. What each deserves is what it deserves in order, unless the
order decides: then it may be taken in, or rejected for a reason that comes from the order. What the state has to be in the end,
law L12 knows without any order.
"""

import asyncio
import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from random import Random
from typing import Final
from uuid import UUID

from laws.names import NOTIFICATION
from simulators.nemrefusion.badness import written
from simulators.nemrefusion.ledger import Ledger
from simulators.nemrefusion.sending import Sender, kafka_producer
from simulators.nemrefusion.traffic import Either, Expected, Mix, Rejected, Sent, generate

BY_ORDER: Final = frozenset({"conflict", "repeated-absence", "not-yours", "withdrawn"})
"""Why something may be rejected only because of what came before it."""
ATTACHED: Final = 0.6
DOUBLED: Final = 0.3


def shuffled(records: Iterable[Sent], dice: Random) -> list[Sent]:
    """All of them in an order that is drawn, some twice, without keys (but those without a value: no client sends nothing)."""
    known = list(records)
    twice = [one for one in known if dice.random() < DOUBLED]
    found = [*known, *twice]
    dice.shuffle(found)
    return [
        replace(one, sequence=sequence, key=one.key if one.value is None else None, expected=loosened(one.expected))
        for sequence, one in enumerate(found)
    ]


def loosened(expected: Expected) -> Expected:
    """What a record deserves whatever came before it."""
    if isinstance(expected, Rejected) and expected.codes.isdisjoint(BY_ORDER):
        return expected
    codes = expected.codes if isinstance(expected, Rejected | Either) else frozenset()
    return Either(codes=codes | BY_ORDER)


def traffic(*, seed: int, count: int, as_of: date) -> list[Sent]:
    """Many notifications of every kind about few absences, shuffled."""
    mix = Mix().with_attached(ATTACHED)
    return shuffled(generate(seed=seed, count=count, as_of=as_of, mix=mix), Random(seed))


def poison(*, seed: int, count: int, as_of: date) -> list[Sent]:
    """Bad ones in a row (F166)."""
    return list(generate(seed=seed, count=count, as_of=as_of, mix=Mix(bad=1.0, duplicates=0)))


def reports(*, seed: int, count: int, as_of: date) -> list[Sent]:
    """First reports of absences, all good and none twice."""
    mix = Mix(bad=0, duplicates=0, odd=0, second_employers=0)
    return list(generate(seed=seed, count=count, as_of=as_of, mix=mix))


def under_another_id(report: Sent, dice: Random) -> Sent:
    """The same told once more as if it were new (F162): to be taken for a repeat."""
    own = UUID(int=dice.getrandbits(128), version=4)
    document = json.loads(report.value or b"") | {"notification_id": str(own)}
    return replace(report, value=written(document), notification_id=own, expected=Either())


def told_otherwise(report: Sent) -> Sent:
    """Something else under the same id (F163): a conflict."""
    document = json.loads(report.value or b"")
    document["cause"] = "illness" if document["cause"] != "illness" else "work_injury"
    return replace(report, value=written(document), expected=Rejected(codes=frozenset({"conflict"})))


def sized(report: Sent, size: int, expected: Expected) -> Sent:
    """The same in so many bytes (F167)."""
    return replace(report, value=(report.value or b"").ljust(size), expected=expected)


def send(bootstrap: str, ledger: Path, records: Sequence[Sent], *, rate: float = 0) -> int:
    """Sends them and writes the sender's history; how many were acknowledged."""
    with Ledger(ledger) as book:
        book.run(shuffled=len(records))
        return asyncio.run(
            _send(Sender(kafka_producer(bootstrap), topic=NOTIFICATION, ledger=book, rate=rate), records)
        )


async def _send(sender: Sender, records: Sequence[Sent]) -> int:
    async with sender:
        return (await sender.send_all(records)).ok
