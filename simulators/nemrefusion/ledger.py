"""The sender's own history, append-only, one JSON object a line: what was sent, and what is known of it.

After Jepsen's discipline every attempt begins with `invoke`, written before anything leaves, and ends with `ok`
(acknowledged by all in-sync replicas, with partition and offset), `fail` (surely not in the log) or `info` (nobody can
say: it may or may not be). An `invoke` without end is an `info`. No line holds a CPR number, a name or anything else
of the value but its size and hash.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from simulators.nemrefusion.sent import Accepted, DuplicateOf, Either, Expected, Rejected, Sent, Waiting


@dataclass(frozen=True, kw_only=True, slots=True)
class Acknowledged:
    """Where the log has it."""

    partition: int
    offset: int


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

    def run(self, **settings: object) -> None:
        """A run begins; with the same settings it can be had again."""
        self._write({"type": "run", **settings})

    def invoke(self, sent: Sent, attempt: int) -> None:
        value = sent.value
        self._write(
            {
                "type": "invoke",
                "sequence": sent.sequence,
                "attempt": attempt,
                "what": sent.what,
                "kind": sent.kind,
                "row": sent.row,
                "notification_id": str(sent.notification_id) if sent.notification_id else None,
                "absence_reference": str(sent.absence_reference) if sent.absence_reference else None,
                **_expected(sent.expected),
                "bytes": None if value is None else len(value),
                "sha256": None if value is None else sha256(value).hexdigest(),
            }
        )

    def ok(self, sent: Sent, attempt: int, where: Acknowledged) -> None:
        self._end("ok", sent, attempt, partition=where.partition, offset=where.offset)

    def fail(self, sent: Sent, attempt: int, error: str) -> None:
        self._end("fail", sent, attempt, error=error)

    def info(self, sent: Sent, attempt: int, error: str) -> None:
        self._end("info", sent, attempt, error=error)

    def _end(self, outcome: str, sent: Sent, attempt: int, **known: object) -> None:
        self._write({"type": outcome, "sequence": sent.sequence, "attempt": attempt, **known})

    def _write(self, line: dict[str, Any]) -> None:
        self._file.write(json.dumps(line | {"at": datetime.now(UTC).isoformat()}, default=str) + "\n")


def _expected(expected: Expected) -> dict[str, Any]:
    match expected:
        case Accepted():
            return {"expected": "accepted"}
        case Waiting():
            return {"expected": "waiting"}
        case DuplicateOf():
            return {"expected": "duplicate"}
        case Rejected():
            return {"expected": "rejected", "codes": sorted(expected.codes)}
        case Either():
            return {"expected": "either", "codes": sorted(expected.codes)}
