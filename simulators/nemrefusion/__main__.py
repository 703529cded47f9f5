"""`python -m simulators.nemrefusion send|show`: reporters at work, reproducible by seed.

send: to Kafka, with a ledger. show: to the screen, without any server.
"""

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

from aiokafka.errors import KafkaError

from simulators.nemrefusion.ledger import Ledger
from simulators.nemrefusion.mix import Mix
from simulators.nemrefusion.sending import Sender, Tally, Undeliverable, kafka_producer
from simulators.nemrefusion.sent import Sent
from simulators.nemrefusion.traffic import generate

EX_OK, EX_UNAVAILABLE = 0, 69


def main() -> int:
    arguments = _parser().parse_args()
    mix = Mix(bad=arguments.bad, duplicates=arguments.duplicates, odd=arguments.odd, late=arguments.late)
    mix = replace(mix.with_attached(arguments.attached), strangers=arguments.strangers)
    records = generate(seed=arguments.seed, count=arguments.count, as_of=arguments.as_of, mix=mix, days=arguments.days)
    if arguments.command == "show":
        for sent in records:
            text = "null" if sent.value is None else sent.value[:2_000].decode(errors="backslashreplace")
            print(f"# {sent.sequence} {sent.what}: {sent.expected}\n{text}")
        return EX_OK
    with Ledger(arguments.ledger) as ledger:
        ledger.run(
            seed=arguments.seed,
            count=arguments.count,
            as_of=arguments.as_of,
            bad=mix.bad,
            duplicates=mix.duplicates,
            odd=mix.odd,
            attached=mix.attached,
            strangers=mix.strangers,
            late=mix.late,
            days=arguments.days,
        )
        sender = Sender(
            kafka_producer(arguments.bootstrap_servers),
            topic=arguments.topic,
            ledger=ledger,
            attempts=arguments.attempts,
            rate=arguments.rate,
        )
        try:
            tally = asyncio.run(_send(sender, records))
        except (KafkaError, Undeliverable) as error:
            print(f"not delivered: {error or type(error).__name__}", file=sys.stderr)
            return EX_UNAVAILABLE
    print(_summary(tally))
    return EX_UNAVAILABLE if tally.refused else EX_OK


async def _send(sender: Sender, records: Iterator[Sent]) -> Tally:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, stopping.set)
    async with sender:
        return await sender.send_all(records, stopping=stopping)


def _summary(tally: Tally) -> str:
    expected = ", ".join(f"{name} {number}" for name, number in sorted(tally.by_expected.items()))
    refused = f"; {tally.refused} too large for the topic" if tally.refused else ""
    return f"sent {tally.ok} ({expected}); attempts with unknown outcome: {tally.unknown}{refused}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m simulators.nemrefusion", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    send = commands.add_parser("send", help="send to Kafka")
    show = commands.add_parser("show", help="print the records and what is expected of each")
    for each in (send, show):
        each.add_argument("--seed", type=int, default=1)
        each.add_argument("--count", type=int, default=1_000)
        each.add_argument(
            "--as-of", type=date.fromisoformat, required=True, help="the day they are received, YYYY-MM-DD"
        )
        each.add_argument("--bad", type=float, default=0.05, help="share of bad ones")
        each.add_argument(
            "--duplicates", type=float, default=0.05, help="share of repeats, a tenth of them in conflict"
        )
        each.add_argument("--odd", type=float, default=0.1, help="share of the good ones that look unusual")
        each.add_argument("--attached", type=float, default=0, help="share of everything but first reports")
        each.add_argument("--strangers", type=float, default=Mix().strangers, help="share of those, by somebody else")
        each.add_argument("--late", type=float, default=0, help="share sent days before it is received")
        each.add_argument("--days", type=int, default=1, help="spread over so many days up to the one of --as-of")
    send.add_argument("--rate", type=float, default=0, help="records a second; 0 is as fast as it goes")
    send.add_argument("--ledger", type=Path, required=True, help="file that the history is appended to")
    send.add_argument("--topic", default="nemrefusion.notification.v1")
    send.add_argument("--attempts", type=int, default=20, help="how often a record without an answer is sent")
    send.add_argument("--bootstrap-servers", default=os.environ.get("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:9092"))
    return parser


if __name__ == "__main__":
    sys.exit(main())
