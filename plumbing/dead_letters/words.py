"""How dead letters are told to people. Whatever came from outside is made printable first."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from plumbing.dead_letters.ledger import Replay
from plumbing.dead_letters.letters import DeadLetter
from plumbing.dead_letters.opening import Original, Why
from plumbing.dead_letters.replaying import Outcome, Verdict

_CPR_LIKE: Final = re.compile(r"(?<!\d)\d{6}[- ]?\d{4}(?!\d)", re.ASCII)
WHY: Final[Mapping[str, str]] = {
    Why.KEY_DESTROYED: "its month's key is destroyed, and with it the original",
    Why.ORIGINAL_MISSING: "it is no longer where it was kept",
    Why.SEAL_BROKEN: "the seal is broken: it was changed, or another key sealed it",
    Why.NO_ORIGINAL: "the record had neither key, headers nor value",
}
_TOTALS: Final[Mapping[Verdict, str]] = {
    Verdict.TO_SEND: "would be sent",
    Verdict.TO_MEND: "sent by a run that broke off",
    Verdict.SENT: "sent",
    Verdict.MENDED: "sent by a run that broke off, written down now",
    Verdict.ALREADY: "replayed already",
    Verdict.CANNOT_TELL: "begun and unclear",
    Verdict.GONE: "gone for good",
    Verdict.REFUSED: "refused by Kafka",
}


def line(letter: DeadLetter, *, is_replayed: bool) -> str:
    """One letter in a list."""
    field, code = letter.reasons[0]
    more = f" (+{len(letter.reasons) - 1})" if len(letter.reasons) > 1 else ""
    mark = "  replayed" if is_replayed else ""
    return f"{_time(letter.failed_at)}  {letter.id}  {letter.record}  {printable(code)}  {_field(field) or '-'}{more}{mark}"


def as_json(letter: DeadLetter, *, is_replayed: bool) -> dict[str, object]:
    """The same for programs."""
    return {
        "id": str(letter.id),
        "failed_at": _time(letter.failed_at),
        "group": letter.group,
        "record": str(letter.record),
        "reasons": [{"field": _field(field), "code": code} for field, code in letter.reasons],
        "size_bytes": letter.size_bytes,
        "is_replayed": is_replayed,
    }


def paragraph(letter: DeadLetter, replays: Sequence[Replay]) -> str:
    """Everything about a letter but what its record held."""
    kept = "kept in the database" if letter.kept_as is not None else "in the letter"
    told = [
        ("dead letter", f"{letter.id} ({letter.filed})"),
        ("failed at", _time(letter.failed_at)),
        ("group", printable(letter.group)),
        ("record", printable(str(letter.record))),
        *(("reason", f"{printable(code)}  {_field(field) or '-'}") for field, code in letter.reasons),
        ("original", f"{letter.size_bytes} bytes, {kept}, sealed under {printable(letter.key_id or 'nothing')}"),
        *(("replay", f"{replay.nth}: {_replay(replay)}") for replay in replays),
    ]
    return "\n".join(f"{name:<12} {value}" for name, value in told)


def original(opened: Original) -> str:
    """The record itself: personal data."""
    return "\n".join(
        [
            f"{'key':<12} {_content(opened.key)}",
            *(f"{'header':<12} {printable(name)}: {_content(value)}" for name, value in opened.headers),
            f"{'value':<12} {_content(opened.value)}",
        ]
    )


def outcome(told: Outcome) -> str:
    """What became of one letter, or would."""
    letter = told.letter
    match told.verdict:
        case Verdict.TO_SEND:
            what = f"would be sent to {printable(letter.record.topic)}"
        case Verdict.SENT:
            what = f"sent, stands at {told.stands_at}"
        case Verdict.ALREADY | Verdict.TO_MEND | Verdict.MENDED if told.replay is not None:
            begun = told.replay.sent_at or told.replay.begun_at
            what = f"replayed already at {_time(begun)} by {told.replay.actor}, stands at {told.stands_at}"
        case Verdict.CANNOT_TELL:
            what = "a replay was begun and broke off, and the topic no longer tells whether it was sent: see --again"
        case Verdict.REFUSED:
            what = f"Kafka does not take it: {told.why}"
        case _:
            what = f"cannot be replayed: {WHY.get(told.why, told.why)}"
    return f"{letter.id}  {printable(str(letter.record))}  {what}"


def total(outcomes: Sequence[Outcome], *, of: int, is_dry: bool) -> str:
    """The last line."""
    numbers = Counter(told.verdict for told in outcomes)
    parts = [f"{numbers[verdict]} {name}" for verdict, name in _TOTALS.items() if numbers[verdict]]
    if len(outcomes) < of:
        parts.append(f"{of - len(outcomes)} not reached")
    end = "; dry run, nothing was sent: add --send --actor … --purpose …" if is_dry else ""
    return f"{of} dead letters: {', '.join(parts)}{end}"


def printable(text: str) -> str:
    """Without anything that a terminal would obey or hide."""
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text)


def _field(name: str) -> str:
    """A field's name may be one that a stranger made up: a number of a person's form is blacked out, as it is in logs."""
    return printable(_CPR_LIKE.sub("[redacted]", name))


def _content(content: bytes | None) -> str:
    if content is None:
        return "(none)"
    lines = content.decode(errors="backslashreplace").split("\n")
    return "\n".join(map(printable, lines))


def _replay(replay: Replay) -> str:
    begun = f"by {replay.actor} for {replay.purpose}"
    if replay.sent_at is None:
        return f"begun {_time(replay.begun_at)} {begun}, and broke off: replay it, and it is looked for first"
    return f"sent {_time(replay.sent_at)} {begun}, stands at {replay.stands_at}"


def _time(instant: datetime) -> str:
    return instant.isoformat(timespec="seconds").replace("+00:00", "Z")
