"""What was done, in order: one JSON object a line in the run directory, and the counts of the account."""

import json
import threading
import time
from collections import Counter
from pathlib import Path

from campaign.say import say


class Journal:
    """Safe to write from several threads; each line is on disk before the next thing is done."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", encoding="utf-8", buffering=1)
        self._lock = threading.Lock()
        self._began = time.monotonic()
        self._counts: Counter[str] = Counter()
        self.is_loud = False

    def note(self, what: str, who: str, **more: object) -> None:
        """Something happened to somebody."""
        with self._lock:
            seconds = round(time.monotonic() - self._began, 3)
            self._counts[what] += 1
            self._file.write(json.dumps({"seconds": seconds, "what": what, "who": who, **more}, default=str) + "\n")
            if self.is_loud:
                say(f"{seconds:7.1f} s  {who}: {what} {' '.join(map(str, more.values()))}".rstrip())

    def count(self, *what: str) -> int:
        with self._lock:
            return sum(self._counts[one] for one in what)

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._began

    def close(self) -> None:
        self._file.close()
