"""What is told of a letter, and when: as it should be, or as a switch has it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from simulators.post_gateway.handed_in import ABSENT, PAPER, Fault
from simulators.post_gateway.ledger import GAP_SECONDS
from simulators.post_gateway.statuses import DELIVERED, FAILED, POSTED, RECEIVED, RECEIVED_ON_PAPER
from simulators.post_gateway.switches import Switch

RECEIVED_TIMES: Final = 10
NOBODYS_CODE: Final = "helt.ny.kode"
NOBODYS_STATUS: Final = "Noget helt nyt"


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """One status. `at` is the domain instant it tells and before which it does not come; `pause` are real seconds since what was
    told before it. `is_unmatched`: it names a letter that nobody handed in."""

    code: str
    at: datetime
    pause: float = GAP_SECONDS
    fault: Fault | None = None
    event_code: str | None = None
    is_unmatched: bool = False


def story(life: Sequence[Told], channel: str, switch: Switch, now: datetime) -> list[Told]:
    """What is told in place of `life`, a letter's own; for most switches that is its life with something added."""
    received = Told(code=RECEIVED_ON_PAPER if channel == PAPER else RECEIVED, at=now)
    proof = Told(code=POSTED if channel == PAPER else DELIVERED, at=now)
    failed = Told(code=FAILED, at=now, fault=Fault(code=switch.error_code, text="refused by the simulator's switch"))
    stories: dict[str, list[Told]] = {
        "fail_status": [failed],
        "fail_then_delivered": [failed, replace(life[0], pause=switch.seconds), *life[1:]],
        "contradict_status": [*life, replace(failed, at=life[-1].at)],
        "received_first": [received, *life],
        "received_forever": [replace(received, pause=switch.seconds)] * RECEIVED_TIMES,
        "odd_status": [Told(code=NOBODYS_STATUS, at=now)],
        "odd_code": [replace(failed, fault=Fault(code=NOBODYS_CODE, text="a code that is in no list"))],
        "exempt_between": [replace(failed, fault=ABSENT)],
        "unmatched_status": [replace(proof, is_unmatched=True), *life],
        "no_status": [],
    }
    return stories.get(switch.mode, list(life))
