"""The reference model of an absence: what it comes to, as a function of the *set* of its notifications (N5).

What is told, a fast-track request and a recovery are registers: of two the later sent wins, then the higher id. Refund requests
are a set, a withdrawal is a flag that stays. Nothing here knows in which order anything arrived; `folded` says what a reader
of the events, in the order of their versions, holds at the end. The two have to agree.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from laws import names
from laws.told import Report, own_id, stamp

Day = str
"""A day as it is spelt, YYYY-MM-DD."""
Refund = tuple[str, Day, Day, tuple[bool, Day | None] | None]
"""Notification, first and last day, and of the final one whether the absence goes on and from when nothing is paid."""


@dataclass(frozen=True, kw_only=True, slots=True)
class State:
    """An absence at the end. `fast_track` is the request that counts."""

    is_reported: bool = False
    is_withdrawn: bool = False
    citizen_kind: str | None = None
    first_absence_day: Day | None = None
    last_absence_day: Day | None = None
    pay: tuple[str, Day | None] | None = None
    municipality_code: str | None = None
    recovered_day: Day | None = None
    fast_track: str | None = None
    refunds: frozenset[Refund] = frozenset()

    @property
    def refund_ids(self) -> set[str]:
        return {refund[0] for refund in self.refunds}

    def differs_in(self, other: "State") -> list[str]:
        """The names of what the two tell differently."""
        return [name for name in self.__slots__ if getattr(self, name) != getattr(other, name)]


@dataclass(frozen=True, kw_only=True, slots=True)
class Winners:
    """The notification that counts in each register, None where there is none."""

    report: Report | None
    fast_track: Report | None
    recovery: Report | None


def winners(reports: Iterable[Report]) -> Winners:
    """Who counts, of a set of notifications about one absence."""
    by_kind: dict[str, list[Report]] = {}
    for one in reports:
        by_kind.setdefault(str(one["kind"]), []).append(one)

    def latest(*kinds: str) -> Report | None:
        return max((one for kind in kinds for one in by_kind.get(kind, [])), key=stamp, default=None)

    return Winners(
        report=latest(names.REPORT, names.AMENDMENT) if names.REPORT in by_kind else None,
        fast_track=latest(names.FAST_TRACK),
        recovery=latest(names.RECOVERY),
    )


def state_of(reports: Sequence[Report]) -> State:
    """What a set of notifications about one absence comes to."""
    won = winners(reports)
    opener: Report = won.report or won.fast_track or {}
    told = won.report or {}
    return State(
        is_reported=won.report is not None,
        is_withdrawn=any(one["kind"] == names.WITHDRAWAL for one in reports),
        citizen_kind=told.get("citizen_kind"),
        first_absence_day=opener.get("first_absence_day"),
        last_absence_day=told.get("last_absence_day"),
        pay=_pay(told.get("pay")),
        municipality_code=opener.get("municipality_code"),
        recovered_day=won.recovery["last_absence_day"] if won.recovery else None,
        fast_track=own_id(won.fast_track) if won.fast_track else None,
        refunds=frozenset(
            _refund(own_id(one), one["period"], one.get("final")) for one in reports if one["kind"] == names.REFUND
        ),
    )


def folded(events: Iterable[tuple[str, Mapping[str, Any]]]) -> State:
    """What a reader of the events holds, who takes them as they come: pairs of type and data, in the order of versions."""
    state = State()
    for event_type, data in events:
        state = _after(state, event_type, data)
    return state


def _after(state: State, event_type: str, data: Mapping[str, Any]) -> State:
    own = str(data["notification_id"]).lower()
    changes: dict[str, Any]
    match _KIND_OF.get(event_type):
        case names.REPORT:
            changes = {**_told(data), "is_reported": True}
        case names.AMENDMENT if data["is_current"]:
            changes = _told(data)
        case names.REFUND:
            refund = _refund(own, {"first_day": data["first_day"], "last_day": data["last_day"]}, data.get("final"))
            changes = {"refunds": state.refunds | {refund}}
        case names.FAST_TRACK if data["is_current"]:
            opened = () if state.is_reported else ("first_absence_day", "municipality_code")
            changes = {"fast_track": own, **{name: data[name] for name in opened}}
        case names.RECOVERY if data["is_current"]:
            changes = {"recovered_day": data["last_absence_day"]}
        case names.WITHDRAWAL:
            changes = {"is_withdrawn": True}
        case _:
            changes = {}
    return replace(state, **changes)


_KIND_OF: Mapping[str, str] = {event_type: kind for kind, event_type in names.EVENT_OF.items()}


def _told(data: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "citizen_kind": data["citizen_kind"],
        "first_absence_day": data["first_absence_day"],
        "last_absence_day": data.get("last_absence_day"),
        "pay": _pay(data.get("pay")),
        "municipality_code": data["municipality_code"],
    }


def _pay(told: Mapping[str, Any] | None) -> tuple[str, Day | None] | None:
    return (told["kind"], told.get("until")) if told else None


def _refund(own: str, period: Mapping[str, Any], final: Mapping[str, Any] | None) -> Refund:
    last = (bool(final["absence_continues"]), final.get("unpaid_from")) if final else None
    return own, period["first_day"], period["last_day"], last
