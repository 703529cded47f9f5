"""`python -m simulators.documents send|show`: citizens who send documents, reproducible by seed.

send: to `uploads`, with a ledger, as the portal does; PORTAL_SIGNING_KEY is what the portal signs citizens' tokens with (base64).
show: the files of a seed, by what they have to come to, without any server.
"""

import argparse
import asyncio
import base64
import os
import signal
import sys
from pathlib import Path
from random import Random

from contracts.citizen_token.v1 import Issuer
from simulators.documents.files import KINDS, make
from simulators.documents.ledger import Ledger
from simulators.documents.people import Absences
from simulators.documents.sending import Sender, Tally

EX_OK, EX_USAGE = 0, 64


def main() -> int:
    arguments = _parser().parse_args()
    signature = arguments.signature.encode()
    if arguments.command == "show":
        for kind in KINDS:
            made = make(kind, Random(f"{arguments.seed}:{kind}"), signature)
            print(f"{kind:14} {made.name:18} {len(made.data):8} bytes  {made.expected:11} {made.code or ''}")
        return EX_OK
    seed = os.environ.get("PORTAL_SIGNING_KEY")
    if not seed:
        print("PORTAL_SIGNING_KEY is missing: the key that the portal signs citizens' tokens with", file=sys.stderr)
        return EX_USAGE
    with Ledger(arguments.ledger) as ledger:
        absences = Absences(arguments.bootstrap_servers)
        sender = Sender(
            url=arguments.uploads,
            issuer=Issuer.from_seed(base64.b64decode(seed)),
            ledger=ledger,
            absences=absences,
            seed=arguments.seed,
            rate=arguments.rate,
            signature=signature,
            patience_seconds=arguments.patience,
        )
        tally = asyncio.run(_send(sender, absences, arguments.count))
    told = ", ".join(f"{number} {course}" for course, number in sorted(tally.courses.items()))
    print(f"submissions: {told or 'none'}; given up without an answer: {tally.unanswered}")
    return EX_OK


async def _send(sender: Sender, absences: Absences, count: int) -> Tally:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, stopping.set)
    following = asyncio.create_task(absences.follow())
    try:
        return await sender.send(count, stopping)
    finally:
        following.cancel()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m simulators.documents", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    send = commands.add_parser("send", help="send to uploads")
    show = commands.add_parser("show", help="print the files and what is expected of each")
    for each in (send, show):
        each.add_argument("--seed", type=int, default=1)
        each.add_argument("--signature", required=True, help="what the scanner finds")
    send.add_argument("--uploads", required=True, help="address of uploads")
    send.add_argument("--count", type=int, default=100, help="submissions")
    send.add_argument("--rate", type=float, default=1.0, help="submissions a second")
    send.add_argument(
        "--patience", type=float, default=120.0, help="seconds until a request without an answer is given up"
    )
    send.add_argument("--ledger", type=Path, required=True, help="file that the history is appended to")
    send.add_argument("--bootstrap-servers", default=os.environ.get("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:9092"))
    return parser


if __name__ == "__main__":
    sys.exit(main())
