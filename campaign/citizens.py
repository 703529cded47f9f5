"""The citizens: those who send documents, as a process of its own, until it is told that it is enough."""

import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from threading import Event

from campaign.journal import Journal
from campaign.sender import WITHOUT_END
from laws.reading.store import read_lines
from stack.processes import Process
from stack.settings import TEST_SIGNATURE

_PATIENCE_SECONDS = 60.0
"""As long as a person tries."""


class Citizens:
    """`ledger` is their history; `signing_key` is what the portal signs their tokens with."""

    def __init__(
        self,
        bootstrap: str,
        uploads: str,
        ledger: Path,
        *,
        signing_key: str,
        seed: int,
        rate: float,
        log: Path,
        journal: Journal,
    ) -> None:
        self._bootstrap = bootstrap
        self._uploads = uploads
        self._ledger = ledger
        self._signing_key = signing_key
        self._seed = seed
        self._rate = rate
        self._log = log
        self._journal = journal
        ledger.parent.mkdir(exist_ok=True)
        ledger.touch()  # from now on documents are judged, also those that nobody got round to sending

    def run(self, enough: Event) -> None:
        """Send until it is enough; ends when each who has begun has an end."""
        run = 0
        while not enough.is_set():
            process = self._process(self._seed + run)
            process.start()
            while process.is_alive and not enough.wait(0.5):
                pass
            code = process.stop(timeout=_PATIENCE_SECONDS + 60)
            if code:
                self._journal.note("citizens gave up", "citizens", code=code)
            run += 1

    @property
    def answered(self) -> int:
        """Submissions of which a citizen was told what became of them."""
        return sum(one["verb"] == "send" and one["type"] == "ok" for one in read_lines(self._ledger))

    def told(self) -> Mapping[str, int]:
        """How many requests of which kind got which answer."""
        lines = read_lines(self._ledger)
        answers = Counter(f"{one['verb']} {one['status']}" for one in lines if one["type"] == "ok")
        return answers + Counter(f"{one['verb']} unanswered" for one in lines if one["type"] == "info")

    def _process(self, seed: int) -> Process:
        arguments = {
            "--seed": seed,
            "--count": WITHOUT_END,
            "--rate": self._rate,
            "--patience": _PATIENCE_SECONDS,
            "--uploads": self._uploads,
            "--ledger": self._ledger,
            "--bootstrap-servers": self._bootstrap,
            "--signature": TEST_SIGNATURE.decode(),
        }
        words = [str(word) for pair in arguments.items() for word in pair]
        process = Process(
            "citizens who send",
            (sys.executable, "-m", "simulators.documents", "send", *words),
            log_path=self._log,
        )
        process.env["PORTAL_SIGNING_KEY"] = self._signing_key
        return process
