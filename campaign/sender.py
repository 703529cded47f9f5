"""The reporters: NemRefusion traffic as a process of its own, at a bounded rate, until it is told that it is enough.

A sender that gives up because the broker is away for too long is started again with traffic of its own; what it had
sent without an answer is unknown, and the law of the sender knows what that means.
"""

import json
import sys
from pathlib import Path
from threading import Event

from campaign.journal import Journal
from stack.processes import Process

AS_OF = "2027-03-25"
"""The day on which it is all received, three days before summer time begins: deadlines span the change."""
TURNED_TO = "2027-03-25T22:56:00+00:00"
"""Four minutes to Danish midnight on that day."""
_RUN_LENGTH = 100_000


class Reporters:
    """`ledger` is their history; `run` keeps them at work until `enough` is set."""

    def __init__(
        self,
        bootstrap: str,
        ledger: Path,
        *,
        seed: int,
        rate: float,
        odd: float,
        attached: float,
        late: float,
        log: Path,
        journal: Journal,
    ) -> None:
        self._bootstrap = bootstrap
        self._ledger = ledger
        self._seed = seed
        self._rate = rate
        self._odd = odd
        self._attached = attached
        self._late = late
        self._log = log
        self._journal = journal

    def run(self, enough: Event) -> None:
        """Send until it is enough; ends when all that was sent has its answer."""
        run = 0
        while not enough.is_set():
            process = self._process(self._seed + 1_000 * run)
            process.start()
            while process.is_alive and not enough.wait(0.5):
                pass
            code = process.stop(timeout=90)
            if code:
                self._journal.note("sender gave up", "reporters", code=code)
            run += 1

    @property
    def acknowledged(self) -> int:
        """Records that are surely in the log."""
        if not self._ledger.exists():
            return 0
        with self._ledger.open(encoding="utf-8") as lines:
            return sum('"type": "ok"' in line for line in lines)

    def told(self) -> dict[str, int]:
        """How many records of what kind were begun, and how their attempts ended."""
        found: dict[str, int] = {}
        with self._ledger.open(encoding="utf-8") as lines:
            for line in lines:
                if line.endswith("\n"):
                    entry = json.loads(line)
                    kind = entry["type"] if entry["type"] != "invoke" else f"expected {entry['expected']}"
                    found[kind] = found.get(kind, 0) + 1
        return found

    def _process(self, seed: int) -> Process:
        arguments = {
            "--seed": seed,
            "--count": _RUN_LENGTH,
            "--as-of": AS_OF,
            "--rate": self._rate,
            "--odd": self._odd,
            "--attached": self._attached,
            "--late": self._late,
            "--ledger": self._ledger,
            "--bootstrap-servers": self._bootstrap,
        }
        words = [str(word) for pair in arguments.items() for word in pair]
        return Process(
            "reporters",
            (sys.executable, "-m", "simulators.nemrefusion", "send", *words),
            log_path=self._log,
        )
