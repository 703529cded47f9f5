"""What would become of a file's notifications: judged as intake judges them, as far as it can be told before they are sent.

A file holds one notification, or one on each line (JSON Lines). What depends on what was sent before is not known here: whether
an absence is known, is somebody else's or was withdrawn. No I/O, no clock: `at` is the instant of receipt to judge by.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID

from contracts.nemrefusion.v1 import Outcome, Parsed, Reason, ReasonCode, parse_notification, reason
from contracts.nemrefusion.v1.plausibility import Rules, objections

LINE_SUFFIXES: Final = (".jsonl", ".ndjson")
# json's own white space; bytes.split() would take more
_BLANK: Final = b" \t\r\n"


class Finding(NamedTuple):
    """What would become of the notification that begins on `line` (from 1): accepted, duplicate or rejected, with reasons."""

    line: int
    outcome: Outcome
    kind: str | None
    notification_id: UUID | None
    ignored_fields: int
    reasons: tuple[Reason, ...]

    def in_words(self, file: str) -> str:
        """One line, and one more for each reason."""
        head = f"{file}:{self.line}: {self.outcome.value}"
        if self.kind:
            head += f" {self.kind}"
        if self.notification_id:
            head += f" {self.notification_id}"
        if self.ignored_fields:
            head += f" (unknown fields passed over: {self.ignored_fields})"
        reasons = (f"    {each.field or 'the whole message'}: {each.code.value}: {each.text}" for each in self.reasons)
        return "\n".join((head, *reasons))

    def as_json(self) -> dict[str, Any]:
        """Named as in a receipt."""
        return {
            "line": self.line,
            "outcome": self.outcome.value,
            "kind": self.kind,
            "notification_id": str(self.notification_id) if self.notification_id else None,
            "ignored_fields": self.ignored_fields,
            "reasons": [each.model_dump(mode="json") for each in self.reasons],
        }


class Checker:
    """Checks notifications in the order in which they would be sent; remembers their ids, as intake does (N4)."""

    def __init__(self, *, at: datetime, rules: Rules) -> None:
        self._at = at
        self._rules = rules
        self._fingerprints: dict[UUID, bytes] = {}

    def check(self, content: bytes, *, by_lines: bool) -> Iterator[Finding]:
        """A finding for each notification of a file. Raises nothing."""
        for line, raw in notifications(content, by_lines=by_lines):
            yield self._judge(line, raw)

    def _judge(self, line: int, raw: bytes) -> Finding:
        parsed = parse_notification(raw)
        if not isinstance(parsed, Parsed):
            return Finding(line, Outcome.REJECTED, None, parsed.notification_id, 0, parsed.reasons)
        notification = parsed.notification
        outcome, reasons = self._outcome(parsed)
        return Finding(
            line, outcome, notification.kind, notification.notification_id, parsed.ignored_fields, tuple(reasons)
        )

    def _outcome(self, parsed: Parsed) -> tuple[Outcome, list[Reason]]:
        if found := objections(parsed.notification, self._at, self._rules):
            return Outcome.REJECTED, found
        told = parsed.fingerprint()
        before = self._fingerprints.setdefault(parsed.notification.notification_id, told)
        if before != told:
            return Outcome.REJECTED, [reason("notification_id", ReasonCode.CONFLICT)]
        return (Outcome.ACCEPTED if before is told else Outcome.DUPLICATE), []


def in_total(counts: Mapping[Outcome, int]) -> str:
    """How many came out how."""
    shown = (Outcome.ACCEPTED, Outcome.DUPLICATE, Outcome.REJECTED)
    return ", ".join(
        f"{counts.get(one, 0)} {one.value}" for one in shown if counts.get(one) or one is not Outcome.DUPLICATE
    )


def notifications(content: bytes, *, by_lines: bool) -> Iterator[tuple[int, bytes]]:
    """Each notification of a file with the line on which it begins. Blank lines are passed over."""
    if not by_lines and not looks_like_lines(content):
        yield 1, content
        return
    for number, line in enumerate(content.split(b"\n"), 1):
        if line.strip(_BLANK):
            yield number, line


def looks_like_lines(content: bytes) -> bool:
    """Whether it is JSON Lines: several lines, of which most begin an object; in one object over several lines few do."""
    if content.lstrip(_BLANK).startswith(b"["):
        return False
    lines = [line for line in content.split(b"\n") if line.strip(_BLANK)]
    return len(lines) > 1 and 2 * sum(line.startswith(b"{") for line in lines) > len(lines)
