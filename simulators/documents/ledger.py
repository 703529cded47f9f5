"""The citizens' own history, append-only, one JSON object a line: what they asked of `uploads`, and what they were answered.

Every request begins with `invoke`, written before anything leaves, and ends with `ok` (an answer that says what became of
it), or with `info` (nobody can say); an `invoke` without end is an `info`. Of a file its hash and what it has to come to are
written down, never a byte of it.
"""

import json
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self


class Ledger:
    """Appends to a file; each line is handed to the operating system before the next thing happens."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("a", encoding="utf-8", buffering=1)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def invoke(self, verb: str, key: str, **asked: object) -> None:
        """`key` names the request for all its repeats."""
        self._write("invoke", verb, key, asked)

    def ok(self, verb: str, key: str, **answered: object) -> None:
        self._write("ok", verb, key, answered)

    def info(self, verb: str, key: str, **known: object) -> None:
        self._write("info", verb, key, known)

    def _write(self, what: str, verb: str, key: str, more: dict[str, object]) -> None:
        line = {"type": what, "verb": verb, "key": key, **more, "at": datetime.now(UTC).isoformat()}
        self._file.write(json.dumps(line, default=str) + "\n")
