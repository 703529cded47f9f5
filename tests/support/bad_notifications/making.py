"""Making messages: each from a good report of its own, with its own ids and citizen, so that no two of them meet by accident.

Everything is dated around `NOW`, which is what the receiver's clock says.
"""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID, uuid5

from tests.contracts.notifications import Document, changed, golden, written
from tests.support.bad_notifications.case import ACCEPTED, Case, Expected, Message, rejected

NOW: Final = datetime(2026, 3, 20, 12, tzinfo=UTC)
"""What the clock says while the messages are received."""
TEXTS_OF_SOMEBODY: Final = ("Ønskeby", "Ahornvænget", "Bækgaard", "skulderhøjde", "Lagermedarbejder", "Æblehavens")
"""Words of the good report that nothing outside the vault and the seals may hold."""

_IDS: Final = UUID("5d2c8a10-77e1-4a35-9d0f-2b6c41f0a9e3")


class Maker:
    """Makes good reports and what is derived from them; the same calls make the same bytes."""

    def __init__(self) -> None:
        self._made = 0
        self.numbers: list[str] = []
        """Every CPR number that was made, day + 60: nobody's."""

    def document(self, example: str = "absence_reported.employee", **changes: Any) -> Document:
        """A good notification with changes; `citizen__cpr` stands for the path `citizen.cpr`, `LEFT_OUT` removes."""
        own = {
            "notification_id": self.id(),
            "absence_reference": self.id(),
            "citizen.cpr": self.cpr(),
            "sent_at": "2026-03-20T09:15:00+01:00",
        }
        return changed(golden(example), own | {path.replace("__", "."): value for path, value in changes.items()})

    def report(self, **changes: Any) -> bytes:
        """The same as bytes; not ASCII alone where texts are not."""
        return written(self.document(**changes), ascii_only=True)

    def of_kind(self, example: str, **changes: Any) -> bytes:
        """A notification like this example."""
        return written(self.document(example, **changes), ascii_only=True)

    def replaced(self, old: str, new: str) -> bytes:
        """A good report whose first `old` became `new`: for what no JSON writer would write."""
        text = self.report().decode()
        assert old in text, old
        return text.replace(old, new, 1).encode()

    def spliced(self, extra: str) -> bytes:
        """A good report with more behind its last field."""
        return self.report()[:-1] + f", {extra}}}".encode()

    def id(self) -> str:
        self._made += 1
        return str(uuid5(_IDS, str(self._made)))

    def cpr(self) -> str:
        self._made += 1
        number = f"{61 + self._made % 28}{1 + self._made // 28 % 12:02d}90{self._made % 10_000:04d}"
        self.numbers.append(number)
        return number


def again(document: Document, **changes: Any) -> Document:
    """The same document once more, with changes."""
    return changed(document, {path.replace("__", "."): value for path, value in changes.items()})


def spelt(document: Document) -> bytes:
    """As most senders write it."""
    return json.dumps(document, ensure_ascii=False).encode()


def taken(row: str, name: str, value: bytes, **message: Any) -> Case:
    """One message that is odd, but right."""
    return single(row, name, value, ACCEPTED, **message)


def refused(row: str, name: str, value: bytes | None, reasons: Mapping[str, str] | str, **message: Any) -> Case:
    """One message that is rejected, with these reasons by field, or one code for the message as a whole."""
    by_field = {"": reasons} if isinstance(reasons, str) else reasons
    return single(row, name, value, rejected(by_field), **message)


def single(row: str, name: str, value: bytes | None, then: Expected, **message: Any) -> Case:
    """A case of one message."""
    return Case(row=row, name=name, messages=(Message(value=value, expected=then, **message),))
