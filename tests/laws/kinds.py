"""Absences with every kind of notification, for the small world: each written out by hand, in the order of arrival.

- `JOINED`: a recovery and a newer amendment came before their report, a final refund request, an amendment that changes what is
  shown and one that comes too late followed.
- `FAST`: two fast-track requests opened a preliminary absence; it was withdrawn, and a refund request that waited was buried.
- `AWAITED`: an amendment still waits for a report.
- `WITHDRAWN`: reported and withdrawn; `TOOK_OVER` told the same, was a duplicate and took effect then; `BEHIND` tells it too, and
  is kept.
"""

import json
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from laws import names
from laws.evidence import LogRecord
from tests.laws.world import DLQ, Row, World, answer, keep, letter, notify, report, told_by, uid

JOINED, FAST, AWAITED, WITHDRAWN, TOOK_OVER, BEHIND = range(5, 11)
COMMENT, REQUEST, FORM = "comment_reported_information", "benefit_request", "information_form"
CONSENT = "fast_track_consent"


def notification(absence: int, kind: str, number: int, day: int, **told: Any) -> Row:
    """The `number`th about an absence, sent on a day of March; a report or amendment unless `told` says it all."""
    whole = report(absence, "employee")
    common = {name: whole[name] for name in ("version", "absence_reference", "citizen", "reporter")}
    sent = {"kind": kind, "notification_id": uid("n", absence, number), "sent_at": f"2026-03-{day:02}T08:00:00+01:00"}
    if kind in {names.REPORT, names.AMENDMENT}:
        return {**whole, **sent, **told}
    return {**common, **sent, **told}


@dataclass
class Course:
    """One absence while it is told."""

    world: World
    number: int
    events: int = 0
    offsets: dict[str, int] = field(default_factory=dict)

    @property
    def absence_id(self) -> str:
        return uid("absence", self.number)

    def take(self, document: Row, **told: Any) -> None:
        """Accepted, with its event."""
        self._arrive(document, "accepted", "accepted")
        self.join(document, **told)

    def park(self, document: Row, *, still_waits: bool = False) -> LogRecord:
        """It waits for its absence."""
        arrived = self._arrive(document, "parked", "waiting")
        if still_waits:
            waiting = {"notification_id": document["notification_id"], "absence_id": self.absence_id, "refused": None}
            self.world.table("intake", "waiting").append(waiting)
        return arrived

    def join(self, document: Row, **told: Any) -> None:
        """Its event."""
        self.events += 1
        kind, own = document["kind"], document["notification_id"]
        data = {"absence_id": self.absence_id, "notification_id": own, "version": self.events, **told}
        self.world.tell(names.ABSENCE, uid("event", own), names.EVENT_OF[kind], data)
        action = "absence.accepted" if kind == names.REPORT else f"absence.{kind}"
        self.world.audit("intake", action, "absence", self.absence_id)

    def bury(self, arrived: LogRecord, code: str) -> None:
        """It cannot join."""
        position = {"topic": arrived.topic, "partition": arrived.partition, "offset": arrived.offset}
        reasons = [{"field": "absence_reference", "code": code}]
        dead = {"position": position, "reasons": reasons, "original": {"key_id": "2026-03", "sealed": "AQID"}}
        self.world.tell(DLQ, uid("dead", arrived.offset), "dk.mitsygefravaer.dead_letter.v1", dead)

    def ask(self, place: int, *kinds: str, **closed: str) -> None:
        letter(self.world, f"{self.number}:{place}", self.absence_id, kinds, closed=closed, words=(place, *kinds))

    def repeat(self, document: Row, original: Row, *, of: str, receipt_of: Row, is_kept: bool = False) -> None:
        """Answered as a duplicate of what an absence, `of`, was opened by."""
        sent = self._notify(document, expected="either")
        self.world.settle("intake", sent, "duplicate", original["notification_id"])
        receipt = {"receipt_id": uid("receipt", receipt_of["notification_id"]), "absence_id": of}
        answer(self.world, sent, outcome="duplicate", notification_id=document["notification_id"], **receipt)
        if is_kept:
            kept = {"notification_id": document["notification_id"], "absence_id": self.absence_id, "refused": None}
            self.world.table("intake", "waiting").append({**kept, "repeat_key": b"the same"})
            row = {"absence_id": self.absence_id, "state": "awaited", "version": 0}
            self.world.table("intake", "absence").append(row)

    def _arrive(self, document: Row, fate: str, outcome: str) -> LogRecord:
        own = document["notification_id"]
        sent = self._notify(document, expected="accepted")
        self.world.settle("intake", sent, fate, own)
        receipt = {"receipt_id": uid("receipt", own), "notification_id": own, "absence_id": self.absence_id}
        answer(self.world, sent, outcome=outcome, **receipt)
        known = {"notification_id": own, "original_id": own, "absence_id": self.absence_id}
        self.world.table("intake", "notification").append(known)
        return sent

    def _notify(self, document: Row, *, expected: str) -> LogRecord:
        number = len(self.world.log[names.NOTIFICATION])
        value = json.dumps(document, ensure_ascii=False).encode()
        own = document["notification_id"]
        self.offsets[own] = number
        return notify(self.world, number, value, expected=expected, notification_id=own)


def add_kinds(world: World) -> None:
    """All of them."""
    _repeated(world)
    _joined(Course(world, JOINED))
    _fast(Course(world, FAST))
    _awaited(Course(world, AWAITED))


def _joined(course: Course) -> None:
    recovered = notification(JOINED, names.RECOVERY, 1, 20, last_absence_day="2026-03-19")
    newer = notification(JOINED, names.AMENDMENT, 2, 12, first_absence_day="2026-03-03")
    opened = notification(JOINED, names.REPORT, 3, 10)
    days = {"first_day": "2026-03-03", "last_day": "2026-03-19"}
    final = {"absence_continues": True, "unpaid_from": "2026-03-20"}
    refund = notification(JOINED, names.REFUND, 4, 21, period=days, final=final)
    changed = notification(JOINED, names.AMENDMENT, 5, 22, first_absence_day="2026-03-04", cause="work_injury")
    late = notification(JOINED, names.AMENDMENT, 6, 11, first_absence_day="2026-03-09")
    course.park(recovered)
    course.park(newer)
    course.take(opened, **told_by(newer), is_withdrawn=False)
    course.ask(1, COMMENT, FORM, **{COMMENT: "superseded"})
    course.join(newer, **told_by(newer), is_current=True, is_changed=False)
    course.join(recovered, last_absence_day="2026-03-19", is_current=True)
    course.take(refund, **days, final=final)
    course.ask(2, COMMENT, REQUEST)
    course.take(changed, **told_by(changed), is_current=True, is_changed=True)
    course.ask(3, COMMENT)
    course.take(late, **told_by(late), is_current=False, is_changed=False)
    won = {"told_id": changed["notification_id"], "recovery_id": recovered["notification_id"]}
    recovered_day = {"recovered_day": date(2026, 3, 19)}
    keep(course.world, course.absence_id, changed, version=course.events, state="reported", **recovered_day, **won)
    kept = {"absence_id": course.absence_id, "notification_id": refund["notification_id"]}
    course.world.table("intake", "refund").append(kept)


def _fast(course: Course) -> None:
    opening = {"municipality_code": "0751", "first_absence_day": "2026-03-02"}
    first = notification(FAST, names.FAST_TRACK, 1, 10, **opening)
    second = notification(FAST, names.FAST_TRACK, 2, 12, **{**opening, "first_absence_day": "2026-03-04"})
    refund = notification(FAST, names.REFUND, 3, 11, period={"first_day": "2026-03-02", "last_day": "2026-03-09"})
    withdrawn = notification(FAST, names.WITHDRAWAL, 4, 13)
    course.take(first, **opening, is_preliminary=True, is_current=True)
    course.ask(1, CONSENT, **{CONSENT: "superseded"})
    waits = course.park(refund)
    told = {**opening, "first_absence_day": "2026-03-04"}
    course.take(second, **told, is_preliminary=True, is_current=True)
    course.ask(2, CONSENT, **{CONSENT: "withdrawn"})
    course.take(withdrawn)
    course.bury(waits, "withdrawn")
    won = {"fast_track_id": second["notification_id"]}
    keep(course.world, course.absence_id, second, version=course.events, state="withdrawn", **won)


def _awaited(course: Course) -> None:
    course.park(notification(AWAITED, names.AMENDMENT, 1, 10), still_waits=True)
    row = {"absence_id": course.absence_id, "state": "awaited", "version": 0}
    course.world.table("intake", "absence").append(row)


def _repeated(world: World) -> None:
    first, second, third = (Course(world, number) for number in (WITHDRAWN, TOOK_OVER, BEHIND))
    opened = notification(WITHDRAWN, names.REPORT, 1, 10)
    again, once_more = _anew(opened, TOOK_OVER), _anew(opened, BEHIND)
    first.take(opened, **told_by(opened), is_withdrawn=False)
    first.ask(1, COMMENT, FORM, **{COMMENT: "withdrawn", FORM: "withdrawn"})
    second.repeat(again, opened, of=first.absence_id, receipt_of=opened)
    first.take(notification(WITHDRAWN, names.WITHDRAWAL, 2, 12))
    second.join(again, **told_by(again), is_withdrawn=False)
    second.ask(1, COMMENT, FORM)
    third.repeat(once_more, again, of=second.absence_id, receipt_of=opened, is_kept=True)
    keep(world, first.absence_id, opened, version=2, state="withdrawn", told_id=opened["notification_id"])
    keep(world, second.absence_id, again, version=1, state="reported", told_id=again["notification_id"])


def _anew(opened: Row, absence: int) -> Row:
    """The same under another reference."""
    named = notification(absence, names.REPORT, 1, 11)
    return {**opened, **{name: named[name] for name in ("notification_id", "absence_reference", "sent_at")}}
