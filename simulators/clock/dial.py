"""The clock's state: an offset that only grows, and who has taken it over.

Invariants: time is never turned back; each turn raises the version by one; an offset that was told to anybody is on disk
first (where a state file is named), so a killed clock comes back with the same time; a day is a civil day in Denmark, so
"seven days later" shows the same time on the wall, also over the change to summer time.
"""

import json
import os
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

DENMARK = ZoneInfo("Europe/Copenhagen")
FORGOTTEN_AFTER_SECONDS = 5.0


class TurnedBack(Exception):
    """Somebody asked for an instant that lies behind the present one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Setting:
    """How far domain time is ahead of the machine's clock."""

    version: int
    offset_seconds: float


@dataclass(kw_only=True, slots=True)
class _Subscriber:
    version: int
    seen: float  # monotonic


class Dial:
    """Holds the setting; everything is synchronous and quick."""

    def __init__(self, state: Path | None = None) -> None:
        self._state = state
        self._setting = _load(state)
        self._subscribers: dict[str, _Subscriber] = {}

    @property
    def setting(self) -> Setting:
        return self._setting

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self._setting.offset_seconds)

    def turn_to(self, instant: datetime) -> Setting:
        """Make `instant` the present; raises TurnedBack."""
        real = datetime.now(UTC)
        offset = (instant - real).total_seconds()
        if offset < self._setting.offset_seconds:
            raise TurnedBack
        setting = Setting(version=self._setting.version + 1, offset_seconds=offset)
        _save(self._state, setting)
        self._setting = setting
        return setting

    def turn_days(self, days: float) -> Setting:
        """Go on by civil days of Denmark (fractions are hours of such a day); raises TurnedBack."""
        return self.turn_to((self.now().astimezone(DENMARK) + timedelta(days=days)).astimezone(UTC))

    def taken_over(self, subscriber: str) -> None:
        """`subscriber` is being told the present setting."""
        self._subscribers[subscriber] = _Subscriber(version=self._setting.version, seen=time.monotonic())

    def subscribers(self) -> dict[str, int]:
        """Who asked lately, and for which version."""
        alive = time.monotonic() - FORGOTTEN_AFTER_SECONDS
        self._subscribers = {name: one for name, one in self._subscribers.items() if one.seen >= alive}
        return {name: one.version for name, one in sorted(self._subscribers.items())}

    def behind(self) -> list[str]:
        """Who asked lately, but before the last turn."""
        return [name for name, version in self.subscribers().items() if version < self._setting.version]


def _load(state: Path | None) -> Setting:
    if state is None or not state.exists():
        return Setting(version=0, offset_seconds=0.0)
    stored = json.loads(state.read_text())
    return Setting(version=stored["version"], offset_seconds=stored["offset_seconds"])


def _save(state: Path | None, setting: Setting) -> None:
    if state is None:
        return
    fresh = state.with_suffix(".new")
    with fresh.open("w") as file:
        json.dump(asdict(setting), file)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(state)
