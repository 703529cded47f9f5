"""One visible line per step, on standard error, so that standard output stays a command's answer."""

import sys


def say(line: str) -> None:
    print(f"stack: {line}", file=sys.stderr, flush=True)
