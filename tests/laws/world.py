"""A small world in which every law holds, made by hand in the words of topics, tables and ledgers; tests spoil it in
one place.

Five notifications: an employee on wage, an unemployed person, a self-employed one who is back already (no task, no
letter), a repeat of the first, and a bad one. The gateway delivered the two letters at one minute to midnight on the
day before summer time begins.
"""

import json
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from laws import audit, names
from laws.evidence import Evidence, LogRecord

SENT_AT = "2026-03-27T08:00:00+01:00"
PROVEN_AT = "2026-03-28T22:59:00+00:00"
DAY_ZERO = date(2026, 3, 28)
DEADLINE_DAY = date(2026, 4, 5)
DEADLINE_AT = datetime(2026, 4, 5, 22, tzinfo=UTC)
NOW = datetime(2026, 3, 27, 9, tzinfo=UTC)
DLQ = names.dead_letters("intake", names.NOTIFICATION)

REPORTERS = {"employee": "employer", "unemployed": "unemployment_fund", "self_employed": "self_employed"}

Row = dict[str, Any]


def uid(*parts: object) -> str:
    """An id that is the same in every run."""
    return str(uuid5(NAMESPACE_OID, ":".join(map(str, parts))))


def report(number: int, citizen_kind: str, **changes: Any) -> Row:
    """What a reporter sends."""
    return {
        "version": 1,
        "kind": "absence_reported",
        "notification_id": uid("notification", number),
        "absence_reference": uid("reference", number),
        "sent_at": SENT_AT,
        "citizen": {
            "cpr": f"610190{number:04}",
            "name": f"Prøveperson Ærlig Ørsted{'abcdefghijklmnop'[number]}",
            "address": {"lines": [f"Prøvevænget {number + 10}"]},
        },
        "reporter": {"kind": REPORTERS[citizen_kind], "cvr": "10000009"},
        "citizen_kind": citizen_kind,
        "municipality_code": "0751",
        "first_absence_day": "2026-03-02",
        "cause": "illness",
        **({"pay": {"kind": "wage"}} if citizen_kind == "employee" else {}),
        **changes,
    }


def record(topic: str, partition: int, offset: int, **told: Any) -> LogRecord:
    return LogRecord(
        topic=topic,
        partition=partition,
        offset=offset,
        key=told.get("key"),
        value=told.get("value"),
        headers=told.get("headers", ()),
    )


def event_record(topic: str, offset: int, event_id: str, event_type: str, data: Row) -> LogRecord:
    """One of our events in the raw log, partition 0."""
    headers = (("ce_specversion", b"1.0"), ("ce_id", event_id.encode()), ("ce_type", event_type.encode()))
    return record(topic, 0, offset, key=b"k", value=json.dumps(data).encode(), headers=headers)


@dataclass
class World:
    """Everything a test may spoil before it is shown to a checker."""

    log: dict[str, list[LogRecord]] = field(default_factory=dict)
    rows: dict[str, dict[str, list[Row]]] = field(default_factory=dict)
    gateway: Row = field(default_factory=lambda: {"attempts": [], "letters": [], "status_messages": []})
    sent: list[Row] = field(default_factory=list)
    texts: dict[str, str] = field(default_factory=dict)

    committed: dict[tuple[str, str], dict[int, int]] | None = None
    ticks: int = 0
    """Seconds of real time at the gateway."""

    @property
    def real_time(self) -> datetime:
        return NOW + timedelta(seconds=self.ticks)

    def tick(self) -> int:
        """A second passes."""
        self.ticks += 1
        return self.ticks

    def evidence(self) -> Evidence:
        """All as it stands; every group has committed all that stands in its topics, unless told otherwise."""
        committed = self.committed if self.committed is not None else self.all_committed()
        return Evidence(
            log=self.log,
            rows=self.rows,
            gateway=self.gateway,
            sent=self.sent,
            texts=self.texts,
            committed=committed,
        )

    def all_committed(self) -> dict[tuple[str, str], dict[int, int]]:
        return {
            (topic, service): {0: max((one.offset + 1 for one in self.log.get(topic, ())), default=0)}
            for topic, service in names.CONSUMERS
        }

    def table(self, service: str, table: str) -> list[Row]:
        return self.rows.setdefault(service, {}).setdefault(table, [])

    def tell(self, topic: str, event_id: str, event_type: str, data: Row) -> LogRecord:
        """Appends an event to a topic of ours; services that read it settle it at once."""
        records = self.log.setdefault(topic, [])
        told = event_record(topic, len(records), event_id, event_type, data)
        records.append(told)
        for read, service in names.CONSUMERS:
            if read == topic:
                self.settle(service, told, "accepted", event_id)
        return told

    def settle(self, service: str, of: LogRecord, fate: str, message_id: str, reason: str | None = None) -> None:
        position = {"topic": of.topic, "partition": of.partition, "offset": of.offset}
        self.table(service, "inbox_record").append(
            {**position, "fingerprint": of.fingerprint, "fate": fate, "message_id": message_id, "reason": reason}
        )

    def audit(self, service: str, action: str, object_type: str, object_id: str) -> None:
        entries = self.table(service, "audit_entry")
        entries.append(
            {
                "id": len(entries) + 1,
                "actor": f"service:{service}",
                "action": action,
                "subject": None,
                "object_type": object_type,
                "object_id": object_id,
                "purpose": "case-handling",
                "at": NOW,
            }
        )

    def retold(self, topic: str, place: int, **changes: Any) -> None:
        """Puts other words into an event that stands in the log."""
        old = self.log[topic][place]
        data = {**json.loads(old.value or b""), **changes}
        headers = dict(old.headers)
        event_id, event_type = headers["ce_id"] or b"", headers["ce_type"] or b""
        told = event_record(topic, old.offset, event_id.decode(), event_type.decode(), data)
        self.log[topic][place] = replace(told, timestamp_ms=old.timestamp_ms)


def good_world() -> World:
    """Nothing is wrong here."""
    world = World()
    _accepted(world, 0, report(0, "employee"), ("comment_reported_information", "information_form"))
    unemployed = ("comment_reported_information", "benefit_request", "information_form")
    _accepted(world, 1, report(1, "unemployed"), unemployed)
    _accepted(world, 2, report(2, "self_employed", last_absence_day="2026-03-20"), ())
    _duplicate(world, 3, of=0)
    _rejected(world, 4)
    seal(world)
    return world


def whole_world() -> World:
    """The same, with absences of every kind of notification beside them (`kinds`)."""
    from tests.laws.kinds import add_kinds

    world = good_world()
    add_kinds(world)
    seal(world)
    return world


def seal(world: World) -> None:
    """Chains the audit entries of every service in one block, by the recipe the checker knows."""
    for service in names.SERVICES:
        entries = world.table(service, "audit_entry")
        if not entries:
            continue
        ids, digests = [row["id"] for row in entries], [audit.entry_digest(row) for row in entries]
        hashed = audit.block_hash(1, bytes(32), NOW, ids, digests)
        block = {"number": 1, "entry_ids": ids, "digests": b"".join(digests), "sealed_at": NOW, "hash": hashed}
        world.rows[service]["audit_chain"] = [block]


def notify(world: World, number: int, value: bytes, **expected: Any) -> LogRecord:
    records = world.log.setdefault(names.NOTIFICATION, [])
    sent = record(names.NOTIFICATION, 0, number, value=value)
    records.append(sent)
    invoke = {"type": "invoke", "sequence": number, "attempt": 1, "sha256": sha256(value).hexdigest(), **expected}
    world.sent += [invoke, {"type": "ok", "sequence": number, "attempt": 1, "partition": 0, "offset": number}]
    return sent


def answer(world: World, of: LogRecord, **told: Any) -> None:
    position = {"topic": of.topic, "partition": of.partition, "offset": of.offset}
    data = {"reasons": [], "absence_id": None, **told, "position": position}
    event_type = "dk.mitsygefravaer.notification.receipted.v1"
    world.tell(names.RECEIPT, uid("receipted", of.offset), event_type, data)


def _accepted(world: World, number: int, document: Row, kinds: tuple[str, ...]) -> None:
    notification_id, absence_id = document["notification_id"], uid("absence", number)
    value = json.dumps(document, ensure_ascii=False).encode()
    sent = notify(world, number, value, expected="accepted", notification_id=notification_id)
    world.settle("intake", sent, "accepted", notification_id)
    receipt = {"receipt_id": uid("receipt", number), "notification_id": notification_id, "absence_id": absence_id}
    answer(world, sent, outcome="accepted", **receipt)
    keep(world, absence_id, document, version=1, state="reported", told_id=notification_id)
    world.audit("intake", "absence.accepted", "absence", absence_id)
    told = {"absence_id": absence_id, "notification_id": notification_id, "version": 1, **told_by(document)}
    world.tell(names.ABSENCE, uid("reported", number), names.EVENT_OF[names.REPORT], told)
    if kinds:
        letter(world, number, absence_id, kinds)


def told_by(document: Row) -> Row:
    """What an event tells of a report or an amendment."""
    return {
        "citizen_kind": document["citizen_kind"],
        "municipality_code": document["municipality_code"],
        "first_absence_day": document["first_absence_day"],
        "last_absence_day": document.get("last_absence_day"),
        "pay": {"until": None, **document["pay"]} if "pay" in document else None,
    }


def keep(world: World, absence_id: str, document: Row, *, version: int, **changes: Any) -> None:
    """The rows of an absence in intake and in tasks; `changes` are the columns of intake's that are not the document's."""
    last = document.get("last_absence_day")
    days = {
        "first_absence_day": date.fromisoformat(document["first_absence_day"]),
        "last_absence_day": date.fromisoformat(last) if last else None,
    }
    nothing = dict.fromkeys(("recovered_day", "told_id", "fast_track_id", "recovery_id"))
    world.table("intake", "absence").append(
        {"absence_id": absence_id, "version": version, **days, **nothing, **changes}
    )
    days["last_absence_day"] = changes.get("recovered_day") or days["last_absence_day"]
    pay = document.get("pay") or {}
    told = {
        "state": changes["state"],
        "citizen_kind": document.get("citizen_kind"),
        "municipality_code": document["municipality_code"],
        "pay_kind": pay.get("kind"),
        "pay_until": date.fromisoformat(pay["until"]) if pay.get("until") else None,
        "recovered_day": changes.get("recovered_day"),
    }
    world.table("tasks", "absence").append({"absence_id": absence_id, "version": version, **days, **told})
    for number in range(version):
        world.audit("tasks", "absence.opened" if number == 0 else "absence.changed", "absence", absence_id)


def letter(
    world: World,
    number: object,
    absence_id: str,
    kinds: tuple[str, ...],
    *,
    closed: Row | None = None,
    words: tuple[object, ...] = (),
) -> None:
    """A letter that went out, and its tasks; `closed` says why those of a kind are open no more."""
    letter_id = uid("letter", number)
    tasks = [{"task_id": uid("task", number, kind), "kind": kind} for kind in kinds]
    for place, task in enumerate(tasks, start=1):
        told = {**task, "absence_id": absence_id, "letter_id": letter_id, "order_in_letter": place}
        clock = {"day_zero": DAY_ZERO, "deadline_day": DEADLINE_DAY, "deadline_at": DEADLINE_AT}
        reason = (closed or {}).get(task["kind"])
        world.table("tasks", "task").append({**told, **clock, "state": reason or "open"})
        world.tell(names.TASK, uid("opened", task["task_id"]), names.TASK_OPENED, told)
        world.audit("tasks", "task.opened", "task", task["task_id"])
        world.audit("tasks", "task.deadline_set", "task", task["task_id"])
        spelt = {"day_zero": str(DAY_ZERO), "deadline_day": str(DEADLINE_DAY), "deadline_at": "2026-04-05T22:00:00Z"}
        world.tell(names.TASK, uid("set", task["task_id"]), names.TASK_DEADLINE_SET, {**told, **spelt})
        if reason:
            world.audit("tasks", "task.closed", "task", task["task_id"])
            world.tell(names.TASK, uid("closed", task["task_id"]), names.TASK_CLOSED, {**told, "reason": reason})
    asked = {"letter_id": letter_id, "version": 1, "absence_id": absence_id}
    request = {**asked, "planned_deadline_day": "2026-04-04", "tasks": tasks}
    world.tell(names.LETTER_REQUEST, uid("requested", number), "dk.mitsygefravaer.letter.requested.v1", request)
    kept = {"letter_id": letter_id, "absence_id": absence_id, "day_zero": DAY_ZERO, "deadline_day": DEADLINE_DAY}
    world.table("tasks", "letter").append({**kept, "state": "dispatched"})
    world.audit("tasks", "letter.requested", "letter", letter_id)
    sending = {"letter_id": letter_id, "version": 1, "sending": 1, "gateway_id": letter_id}
    world.table("notifier", "letter").append({**sending, "state": "dispatched", "dispatched_at": NOW})
    world.audit("notifier", "letter.dispatched", "letter", f"{letter_id}/1")
    deliver(world, letter_id, absence_id, words=words)
    proof = {"transmission_id": uid("transmission", letter_id), "status_at": PROVEN_AT}
    dispatched = {**asked, "channel": "digital_post", "dispatched_at": PROVEN_AT, "proof": proof}
    world.tell(names.LETTER, uid("dispatched", number), names.LETTER_DISPATCHED, dispatched)


def deliver(
    world: World, known_as: str, case_id: str, *, transmission: str | None = None, words: tuple[object, ...] = ()
) -> None:
    """The gateway takes a message over, and proves it."""
    hand_in(world, known_as, case_id, transmission=transmission, words=words)
    status(world, known_as, names.PROOFS[names.DIGITAL_POST], transmission=transmission)


def hand_in(
    world: World,
    known_as: str,
    case_id: str | None,
    *,
    transmission: str | None = None,
    words: tuple[object, ...] = (),
    outcome: str = "accepted",
) -> None:
    """A call for a message, or without case for a letter on paper; what is accepted is taken over."""
    named = _named(known_as, is_paper=case_id is None)
    made = {**named, "seq": world.tick(), "at": world.real_time.isoformat(), "outcome": outcome}
    world.gateway["attempts"].append({**made, "body_sha256": uid("body", known_as)})
    if outcome != "accepted":
        return
    text = {"recipient": uid("recipient", case_id), "case_id": case_id, "text_sha256": uid("text", case_id, *words)}
    channel = names.PAPER if case_id is None else names.DIGITAL_POST
    taken = {"transmission_id": transmission or uid("transmission", known_as), "channel": channel}
    world.gateway["letters"].append({**named, **taken, **text})


def status(
    world: World,
    known_as: str,
    code: str,
    *,
    is_paper: bool = False,
    transmission: str | None = None,
    at: str = PROVEN_AT,
    hearing: str = "applied",
    event_code: str | None = None,
) -> str:
    """The gateway tells of a sending, and the notifier keeps it; the message's id."""
    besked_id = uid("besked", world.tick())
    of = {"besked_id": besked_id, "transmission_id": transmission or uid("transmission", known_as)}
    told = {"status_code": code, "event_code": event_code, "at": at, "deliveries": 1, "deliveries_wanted": 1}
    world.gateway["status_messages"].append({**_named(known_as, is_paper=is_paper), **of, **told})
    codes = [event_code] if event_code else []
    kept = {"besked_id": besked_id, "status_code": code, "hearing": hearing, "event_codes": codes}
    nobody = {"letter_id": None, "version": None}
    world.table("notifier", "letter_status").append({**kept, **nobody, "heard_at": world.real_time})
    return besked_id


def _named(known_as: str, *, is_paper: bool) -> Row:
    return (
        {"message_uuid": None, "dispatch_id": known_as} if is_paper else {"message_uuid": known_as, "dispatch_id": None}
    )


def _duplicate(world: World, number: int, *, of: int) -> None:
    original = json.loads(world.log[names.NOTIFICATION][of].value or b"")
    value = json.dumps(original, indent=1, ensure_ascii=True).encode()
    notification_id = original["notification_id"]
    sent = notify(world, number, value, expected="duplicate", notification_id=notification_id)
    world.settle("intake", sent, "duplicate", notification_id)
    receipt = {"receipt_id": uid("receipt", of), "notification_id": notification_id, "absence_id": uid("absence", of)}
    answer(world, sent, outcome="duplicate", **receipt)


def _rejected(world: World, number: int) -> None:
    value = b'{"version": 1, "kind": "absence_reported"'
    sent = notify(world, number, value, expected="rejected", codes=["not-json"], notification_id=None)
    world.settle("intake", sent, "rejected", f"{names.NOTIFICATION}:0:{number}", reason="not-json")
    reasons = [{"field": "", "code": "not-json"}]
    answer(world, sent, outcome="rejected", reasons=reasons, receipt_id=uid("receipt", number), notification_id=None)
    position = {"topic": sent.topic, "partition": 0, "offset": number}
    dead = {"position": position, "reasons": reasons, "original": {"key_id": "2026-03", "sealed": "AQID"}}
    world.tell(DLQ, uid("dead", number), "dk.mitsygefravaer.dead_letter.v1", dead)
