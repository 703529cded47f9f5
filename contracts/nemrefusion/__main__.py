"""`python -m contracts.nemrefusion check FILE...`: what would become of notifications, before they are sent.

A file holds one notification as a JSON object, or one on each line (JSON Lines: told by the suffix .jsonl or .ndjson, or by the
look of it); `-` is standard input. The answer is 0 if all would be taken, 1 if any would be rejected, 2 if a file could not be
read, 141 if whoever read the answer had enough of it (`| head`). Needs no server and no network.
"""

import argparse
import json
import os
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from contracts.nemrefusion.checking import LINE_SUFFIXES, Checker, Finding, in_total
from contracts.nemrefusion.municipalities import is_municipality
from contracts.nemrefusion.v1 import Outcome
from contracts.nemrefusion.v1.plausibility import Rules

STANDARD_INPUT = "-"
NOBODY_READS_ON = 141
"""What a shell calls the end of a command that wrote into a closed pipe."""


def main() -> int:
    arguments = _parser().parse_args()
    try:
        answer = _check(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        # what is still buffered goes nowhere, or it would be written once more, and fail, when the interpreter ends
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return NOBODY_READS_ON
    return answer


def _check(arguments: argparse.Namespace) -> int:
    rules = Rules(accept_test_cpr=arguments.test_numbers, is_municipality=is_municipality)
    checker = Checker(at=arguments.at or datetime.now(UTC), rules=rules)
    counts: Counter[Outcome] = Counter()
    unread = 0
    for name in arguments.files:
        try:
            content = sys.stdin.buffer.read() if name == STANDARD_INPUT else Path(name).read_bytes()
        except OSError as error:
            sys.stderr.write(f"{_shown(name)}: {error.strerror}\n")
            unread += 1
            continue
        for finding in checker.check(content, by_lines=arguments.lines or name.endswith(LINE_SUFFIXES)):
            counts[finding.outcome] += 1
            print(_as_json(name, finding) if arguments.json else finding.in_words(_shown(name)))
    if not arguments.json:
        print(in_total(counts))
    return 2 if unread else int(counts[Outcome.REJECTED] > 0)


def _as_json(name: str, finding: Finding) -> str:
    return json.dumps({"file": name, **finding.as_json()})


def _shown(name: str) -> str:
    """A file's name as any terminal can show it."""
    return name.encode(errors="backslashreplace").decode()


def _instant(text: str) -> datetime:
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError("an instant without time zone")
    return instant


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m contracts.nemrefusion", description=__doc__)
    check = parser.add_subparsers(required=True, metavar="check").add_parser(
        "check", help="say what would become of notifications", description=__doc__
    )
    check.add_argument("files", nargs="+", metavar="FILE", help="a file, or - for standard input")
    check.add_argument("--json", action="store_true", help="one JSON object per notification, for programs")
    check.add_argument(
        "--lines", action="store_true", help="one notification on each line, whatever the file looks like"
    )
    check.add_argument(
        "--at", type=_instant, metavar="INSTANT", help="judge as if received then (RFC 3339); now if left out"
    )
    check.add_argument("--test-numbers", action="store_true", help="take CPR numbers with day + 60, as test systems do")
    return parser


if __name__ == "__main__":
    sys.exit(main())
