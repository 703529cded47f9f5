"""Named points at which a campaign may break the running process.

Invariants: with `FAULTPOINTS` unset a point costs one comparison and does nothing; a point never changes data, it only
kills, stops, delays or raises; the name is a literal, so that the list of points can be read from the code.

`FAULTPOINTS` is `name:action:nth[,name:action:nth…]`: at the nth passing of `name` since the process began, do
`action`:

* `kill`   SIGKILL to the own process
* `stop`   SIGSTOP to the own process (whoever supervises it resumes it later: the zombie)
* `raise`  raise FaultInjected; behind an effect this is "did it, but said it failed"
* `delay`  block for three seconds, event loop and all

`FAULTPOINT_VISITS` names a file to which each fault is appended before it happens, as `name:action`, so that a
campaign can tell afterwards that it truly fired.
"""

import os
import signal
import time
from collections import Counter
from dataclasses import dataclass


class FaultInjected(Exception):
    """Raised by a fault point; never by the product itself."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Fault:
    action: str
    nth: int


_ACTIONS = frozenset({"kill", "stop", "raise", "delay"})


def _parse(plan: str) -> dict[str, list[_Fault]]:
    faults: dict[str, list[_Fault]] = {}
    for item in filter(None, plan.split(",")):
        parts = item.split(":")
        if len(parts) != 3 or parts[1] not in _ACTIONS or not parts[2].isdecimal():
            raise ValueError(f"FAULTPOINTS: {item!r} is not name:action:nth with an action of {sorted(_ACTIONS)}")
        name, action, nth = parts
        faults.setdefault(name, []).append(_Fault(action=action, nth=int(nth)))
    return faults


_plan = _parse(os.environ.get("FAULTPOINTS", ""))
_passed: Counter[str] = Counter()


def faultpoint(name: str) -> None:
    """Break here if the plan says so; otherwise nothing."""
    if not _plan:
        return
    faults = _plan.get(name)
    if faults is None:
        return
    _passed[name] += 1
    for fault in faults:
        if fault.nth == _passed[name]:
            _break(name, fault.action)


def _break(name: str, action: str) -> None:
    if visits := os.environ.get("FAULTPOINT_VISITS"):
        handle = os.open(visits, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            os.write(handle, f"{name}:{action}\n".encode())
        finally:
            os.close(handle)
    match action:
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "stop":
            os.kill(os.getpid(), signal.SIGSTOP)
        case "delay":
            time.sleep(3)
        case _:
            raise FaultInjected(name)
