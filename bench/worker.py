"""`python -m bench.worker bare|stage|letters|letters-alone|statuses|statuses-alone|absences|tasks|vault`: one measured run.

The task comes as JSON on standard input, the result goes to output.
"""

import json
import sys
from collections.abc import Callable, Coroutine
from dataclasses import asdict
from typing import Any

import uvloop

from bench.child import Measured, Task
from plumbing.telemetry import logs


def main() -> None:
    """Run and tell."""
    task = Task(**json.load(sys.stdin))
    logs.configure("bench", "ERROR")
    print(json.dumps(asdict(uvloop.run(_side(sys.argv[1])(task)))))


def _side(name: str) -> Callable[[Task], Coroutine[Any, Any, Measured]]:
    if name == "bare":  # each side imports its own: memory is compared as well
        from bench import bare

        return bare.run
    if name == "stage":
        from bench import stage

        return stage.run
    if name in ("absences", "tasks"):
        from bench import tasks

        return tasks.working(letters=name == "tasks")
    if name == "vault":
        from bench import vault

        return vault.run
    from bench import letters

    side = letters.sending if name.startswith("letters") else letters.telling
    return side(together=not name.endswith("-alone"))


if __name__ == "__main__":
    main()
