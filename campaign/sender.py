"""The reporters: NemRefusion traffic as a process of its own, at a bounded rate, until it is told that it is enough.

They send in portions, each of a seed of its own, and wait before the next one while the house is behind. A sender that
gives up because the broker is away for too long is started again with traffic of its own; what it had sent without an
answer is unknown, and the law of the sender knows what that means.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from threading import Event

from campaign.journal import Journal
from stack.processes import Process

AS_OF = "2027-03-25"
"""The day on which it is all received, three days before summer time begins: deadlines span the change."""
TURNED_TO = "2027-03-25T22:56:00+00:00"
"""Four minutes to Danish midnight on that day."""
WITHOUT_END = 100_000
_LOOKS_AGAIN_SECONDS = 2.0


class Reporters:
    """`ledger` is their history; `run` keeps them at work until `enough` is set, `portion` records at a time."""

    def __init__(
        self,
        bootstrap: str,
        ledger: Path,
        *,
        seed: int,
        rate: float,
        odd: float,
        attached: float,
        strangers: float,
        late: float,
        portion: int = WITHOUT_END,
        log: Path,
        journal: Journal,
    ) -> None:
        self._bootstrap = bootstrap
        self._ledger = ledger
        self._seed = seed
        self._rate = rate
        self._odd = odd
        self._attached = attached
        self._strangers = strangers
        self._late = late
        self._portion = portion
        self._log = log
        self._journal = journal
        self._read = 0
        self._acknowledged = 0

    def run(self, enough: Event, is_behind: Callable[[], bool] = lambda: False) -> None:
        """Send until it is enough; ends when all that was sent has its answer."""
        run = 0
        while not enough.is_set():
            if is_behind():
                self._journal.note("reporters wait", "reporters")
                enough.wait(_LOOKS_AGAIN_SECONDS)
                continue
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
        """Records that are surely in the log; each call reads on from the one before."""
        if self._ledger.exists():
            with self._ledger.open("rb") as ledger:
                ledger.seek(self._read)
                for line in ledger:
                    if not line.endswith(b"\n"):
                        break  # it is being written
                    self._read += len(line)
                    self._acknowledged += b'"type": "ok"' in line
        return self._acknowledged

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
            "--count": self._portion,
            "--as-of": AS_OF,
            "--rate": self._rate,
            "--odd": self._odd,
            "--attached": self._attached,
            "--strangers": self._strangers,
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
