"""Which way the gateway misbehaves: one switch for how requests are answered, one for what becomes of the letters, one
for how look-ups are answered.

Invariants: a switch reaches a share of the requests (by a seeded generator) and, where a number is set, at most that many
of them; `normal` puts all back. Switches live in memory: a restarted gateway behaves well.
"""

import random
from dataclasses import dataclass, field
from typing import Any, Final

from simulators.post_gateway.handed_in import CHANNELS, PAPER

REQUEST_MODES: Final = {
    "slow": "the answer comes after `seconds`",
    "error500": "500, nothing taken over",
    "error503": "503 with Retry-After `retry_after`, nothing taken over",
    "error429": "429 with Retry-After `retry_after`, nothing taken over",
    "refuse": "400 with FejlId `error_code`, nothing taken over",
    "down": "the connection breaks, nothing taken over",
    "accept_then_500": "taken over, then 500",
    "accept_then_hang": "taken over, then silence for `seconds`, then the connection breaks",
    "accept_then_drop": "taken over, then the connection breaks",
    "accept_then_html": "taken over, then 200 with a page of HTML",
}
STATUS_MODES: Final = {
    "fail_status": "the final status is Fejlet with FejlKode `error_code`",
    "fail_then_delivered": "Fejlet with FejlKode `error_code`, and `seconds` later all that proves the letter",
    "odd_code": "the final status is Fejlet with a FejlKode that is in no list",
    "status_twice": "each status message is pushed again after it was acknowledged",
    "received_first": "Modtaget Digital Post comes before the final status",
    "received_forever": "Modtaget comes ten times, `seconds` apart, and nothing after it",
    "contradict_status": "Fejlet follows what proves the letter",
    "unmatched_status": "before its own statuses comes a proof for a letter that nobody handed in",
    "odd_status": "the final status has a code nobody knows",
    "late_status": "the final status is pushed after `seconds`",
    "no_status": "no status ever comes",
    "exempt_between": "the register says yes until the message fails as recipient.exempt, and no from then on",
    "print_refuses": "the print house fails the letter with FejlKode `error_code` after it got it",
    "returned": "the letter is posted and comes back",
}
ELECTRONIC_ONLY: Final = frozenset({"received_first", "exempt_between"})
PAPER_ONLY: Final = frozenset({"print_refuses", "returned"})
LOOKUP_MODES: Final = {
    "lookup_slow": "the register's answer comes after `seconds`",
    "lookup_error500": "the register answers 500",
    "lookup_error503": "the register answers 503 with Retry-After `retry_after`",
    "lookup_error429": "the register answers 429 with Retry-After `retry_after`",
    "lookup_refuse": "the register answers 400",
    "lookup_html": "the register answers 200 with a page of HTML",
    "lookup_down": "the connection to the register breaks",
}
_FIELDS: Final = frozenset({"mode", "channel", "share", "number", "seconds", "retry_after", "error_code"})


class BadSwitch(Exception):
    """The switch that was asked for does not exist; `text` says what is wrong."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


@dataclass(kw_only=True, slots=True)
class Switch:
    """One way to misbehave, to letters of one `channel` or to all; `used` counts how often it did."""

    mode: str = "normal"
    channel: str | None = None
    share: float = 1.0
    number: int | None = None
    seconds: float = 5.0
    retry_after: int = 1
    error_code: str = "recipient.unknown"
    used: int = 0

    def told(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}

    def reaches(self, channel: str | None) -> bool:
        """Whether a letter that goes that way can meet it; None: nobody knows which way."""
        if self.mode in (ELECTRONIC_ONLY if channel == PAPER else PAPER_ONLY):
            return False
        return self.channel is None or self.channel == channel


@dataclass(kw_only=True, slots=True)
class Switchboard:
    """The switches and the dice."""

    seed: int = 1
    request: Switch = field(default_factory=Switch)
    status: Switch = field(default_factory=Switch)
    lookup: Switch = field(default_factory=Switch)
    _dice: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self._dice = random.Random(self.seed)

    def set(self, wish: Any) -> None:
        """Take over what was asked for; raises BadSwitch."""
        if not isinstance(wish, dict):
            raise BadSwitch("an object expected")
        unknown = sorted(set(wish) - _FIELDS)
        if unknown:
            raise BadSwitch(f"unknown: {', '.join(map(str, unknown))}")
        switch = _switch(wish)
        if switch.mode == "normal":
            self.request, self.status, self.lookup = Switch(), Switch(), Switch()
        elif switch.mode in REQUEST_MODES:
            self.request = switch
        elif switch.mode in STATUS_MODES:
            self.status = switch
        elif switch.mode in LOOKUP_MODES:
            self.lookup = switch
        else:
            raise BadSwitch(f"mode is one of normal, {', '.join((*REQUEST_MODES, *STATUS_MODES, *LOOKUP_MODES))}")

    def for_request(self, channel: str | None) -> Switch:
        """What happens to this request; `channel` None: it could not be read."""
        return self._draw(self.request, channel)

    def for_letter(self, channel: str) -> Switch:
        """What becomes of this letter."""
        return self._draw(self.status, channel)

    def for_lookup(self) -> Switch:
        """How this look-up is answered."""
        return self._draw(self.lookup, None)

    def told(self) -> dict[str, Any]:
        return {"request": self.request.told(), "status": self.status.told(), "lookup": self.lookup.told()}

    def _draw(self, switch: Switch, channel: str | None) -> Switch:
        if switch.mode == "normal" or not switch.reaches(channel):
            return Switch()
        if switch.number is not None and switch.used >= switch.number:
            return Switch()
        if self._dice.random() >= switch.share:
            return Switch()
        switch.used += 1
        return switch


def _switch(wish: dict[str, Any]) -> Switch:
    try:
        switch = Switch(
            mode=str(wish.get("mode", "")),
            channel=None if wish.get("channel") is None else str(wish["channel"]),
            share=float(wish.get("share", 1.0)),
            number=None if wish.get("number") is None else int(wish["number"]),
            seconds=float(wish.get("seconds", 5.0)),
            retry_after=int(wish.get("retry_after", 1)),
            error_code=str(wish.get("error_code", "recipient.unknown")),
        )
    except (TypeError, ValueError):
        raise BadSwitch("share and seconds are numbers; number and retry_after are whole ones") from None
    if not (0 <= switch.share <= 1 and 0 <= switch.seconds <= 3600 and 0 <= switch.retry_after <= 3600):
        raise BadSwitch("share is within 0 and 1, seconds and retry_after within 0 and 3600")
    if switch.channel is not None and (switch.channel not in CHANNELS or switch.mode in LOOKUP_MODES):
        raise BadSwitch(f"channel is one of {', '.join(sorted(CHANNELS))}, and none for look-ups")
    return switch
