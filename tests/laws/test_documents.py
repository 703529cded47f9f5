"""L1 and L4 on documents: what must never be readable, what went on in part, twice or unasked, and what was lost, is found."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from laws import audit, documents, names, privacy, stored
from laws.evidence import Documents, Evidence, StoredObject
from laws.judging import OF_DOCUMENTS, examined
from tests.laws.world import NOW, Row, World, good_world, seal, uid

GOOD, BAD = "a" * 64, "b" * 64
SUBMISSION, ABSENCE = uid("submission", 1), uid("absence", 0)
CLEAN_FILE, BAD_FILE = uid("file", 1), uid("file", 2)
KEY = f"{ABSENCE}/{CLEAN_FILE}/{GOOD}"


@dataclass
class Office:
    """A world in which somebody sent one good file, after an infected one had held it back and was taken out."""

    world: World = field(default_factory=good_world)
    asked: list[Row] = field(default_factory=list)
    objects: list[StoredObject] = field(default_factory=list)
    sightings: list[Row] = field(default_factory=list)

    def evidence(self) -> Evidence:
        told = Documents(asked=self.asked, objects=self.objects, sightings=self.sightings)
        return replace(self.world.evidence(), documents=told)

    def row(self, table: str, nth: int = 0) -> Row:
        return self.world.table("uploads", table)[nth]

    def event(self, event_type: str, **data: Any) -> None:
        told = {"submission_id": SUBMISSION, "absence_id": ABSENCE, **data}
        number = len(self.world.log.get(names.DOCUMENT, ()))
        self.world.tell(names.DOCUMENT, uid(event_type, number), event_type, told)


def office() -> Office:
    made = Office()
    ask = made.asked.append
    ask({"type": "ok", "verb": "begin", "submission_id": SUBMISSION, "title": "Dokumentation fra lægen"})
    for digest, expected in ((GOOD, "clean"), (BAD, "infected")):
        ask({"type": "invoke", "verb": "add", "submission": SUBMISSION, "sha256": digest, "expected": expected})
    for status in (409, 200):
        ask({"type": "invoke", "verb": "send", "submission": SUBMISSION})
        ask({"type": "ok", "verb": "send", "submission": SUBMISSION, "status": status})
    world = made.world
    world.table("uploads", "submission").append(
        {"submission_id": SUBMISSION, "absence_id": ABSENCE, "state": "sent", "title": "sealed"}
    )
    for file_id, digest, state in ((CLEAN_FILE, GOOD, "clean"), (BAD_FILE, BAD, "infected")):
        world.table("uploads", "file").append(
            {
                "file_id": file_id,
                "submission_id": SUBMISSION,
                "state": state,
                "digest": digest,
                "original_digest": digest,
                "object_version": "v1" if state == "clean" else None,
                "is_removed": state != "clean",
            }
        )
        world.table("uploads", "verdict").append(
            {"file_id": file_id, "digest": digest, "outcome": state, "engine": "ClamAV 1.4"}
        )
        world.audit("uploads", f"file.{state}", "file", file_id)
    world.table("uploads", "attempt").append({"submission_id": SUBMISSION, "at": NOW})
    world.audit("uploads", "file.removed", "file", BAD_FILE)
    for action in ("begun", "held_back", "sent"):
        world.audit("uploads", f"submission.{action}", "submission", SUBMISSION)
    seal(world)
    made.event(names.SUBMISSION_REFUSED, refused=[{"file_id": BAD_FILE, "code": "infected"}])
    made.event(names.SUBMITTED, documents=[{"document_id": CLEAN_FILE, "sha256": GOOD}])
    made.objects.append(StoredObject(bucket=names.CLEAN_BUCKET, key=KEY, version="v1", sha256=GOOD))
    for who in ("uploads", "ksd_bridge", "eraser", "sweeper", "nobody"):
        may = who in names.READERS[names.CLEAN_BUCKET]
        made.sightings.append(sighting(who, given=may))
    return made


def sighting(who: str, *, given: bool, bucket: str = names.CLEAN_BUCKET, digest: str = GOOD) -> Row:
    told = {"did": "read", "who": who, "bucket": bucket, "object": KEY, "version": "v1"}
    return {**told, "answer": "given" if given else "refused", "sha256": digest if given else ""}


def fetched(**how: object) -> Row:
    return {"verb": "fetch", "submission": SUBMISSION, "file": CLEAN_FILE, "sha256": GOOD, **how}


def listing(who: str, bucket: str) -> Row:
    return {"did": "list", "who": who, "bucket": bucket, "answer": "given"}


def test_every_law_holds_where_nothing_is_wrong() -> None:
    verdicts = examined(office().evidence())
    assert {verdict.law: verdict.offences for verdict in verdicts if not verdict.holds} == {}
    assert {documents.LAW, stored.LAW} <= {verdict.law for verdict in verdicts}


@pytest.mark.parametrize("check", OF_DOCUMENTS)
def test_a_checker_that_sees_nothing_says_so_and_fails(check: Callable[[Evidence], Any]) -> None:
    nothing = Evidence(log={}, rows={}, gateway={}, sent=[])
    assert "there was nothing to judge" in check(nothing).offences


Spoil = Callable[[Office], object]


def lay(bucket: str, **changes: str) -> Spoil:
    told = {"bucket": bucket, "key": KEY, "version": "v2", "sha256": GOOD, **changes}
    return lambda one: one.objects.append(StoredObject(**told))


STORED: dict[str, tuple[Spoil, str]] = {
    "infected bytes in the clean store": (
        lambda one: one.objects.append(
            StoredObject(bucket=names.CLEAN_BUCKET, key=f"{ABSENCE}/{BAD_FILE}/{BAD}", version="v1", sha256=BAD)
        ),
        "bytes in the clean store that are not good",
    ),
    "other bytes under a good key": (lay(names.CLEAN_BUCKET, sha256=BAD), "other bytes than are on record"),
    "an object without a row": (
        lay(names.CLEAN_BUCKET, key=f"{ABSENCE}/{uid('file', 9)}/{GOOD}"),
        "an object of no file",
    ),
    "an object of a file that was taken out": (
        lambda one: one.row("file").update(is_removed=True),
        "an object of a file that is not kept",
    ),
    "an object of a file that is not checked": (
        lambda one: one.row("file").update(state="pending"),
        "an object of a file that is not kept",
    ),
    "an object in another's place": (
        lay(names.CLEAN_BUCKET, key=f"{uid('absence', 7)}/{CLEAN_FILE}/{GOOD}"),
        "an object in another absence's place",
    ),
    "clean, and no verdict": (
        lambda one: one.world.table("uploads", "verdict").pop(0),
        "clean without a verdict of a scanner",
    ),
    "clean, and the scanner never looked": (
        lambda one: one.row("verdict").update(engine=None),
        "clean without a verdict of a scanner",
    ),
    "a verdict on other bytes": (
        lambda one: one.row("verdict").update(digest=BAD),
        "clean without a verdict of a scanner",
    ),
    "a clean file is gone": (lambda one: one.objects.clear(), "a clean file without its bytes"),
    "left where it was set aside": (lay(names.INBOUND_BUCKET), "set aside, and left there"),
    "set aside, and read by another": (
        lambda one: one.sightings.append(sighting("ksd_bridge", given=True, bucket=names.INBOUND_BUCKET, digest=BAD)),
        "read by who may not",
    ),
    "read by anybody": (lambda one: one.sightings.append(sighting("nobody", given=True)), "read by who may not"),
    "read while it was infected": (
        lambda one: one.sightings.append(sighting("uploads", given=True, digest=BAD)),
        "bytes were readable that are not good",
    ),
    "refused to who may": (
        lambda one: one.sightings.append(sighting("uploads", given=False)),
        "refused to who may read",
    ),
    "listed": (
        lambda one: one.sightings.append(listing("uploads", names.CLEAN_BUCKET)),
        "a bucket listed by who may not",
    ),
}

SENT: dict[str, tuple[Spoil, str]] = {
    "a submission is gone": (
        lambda one: one.world.table("uploads", "submission").clear(),
        "a submission that was begun is not there",
    ),
    "infected taken for clean": (lambda one: one.row("file", 1).update(state="clean"), "a file ended otherwise"),
    "good taken for infected": (lambda one: one.row("file").update(state="infected"), "a file ended otherwise"),
    "kept twice": (
        lambda one: one.world.table("uploads", "file").append({**one.row("file"), "file_id": uid("file", 3)}),
        "a file that was sent once is there twice",
    ),
    "sent by nobody": (lambda one: one.row("file").update(original_digest="c" * 64), "a file that nobody sent"),
    "sent, and not told of": (lambda one: one.world.log[names.DOCUMENT].pop(), "answered as sent, and not told of"),
    "told of twice": (
        lambda one: one.event(names.SUBMITTED, documents=[{"document_id": CLEAN_FILE, "sha256": GOOD}]),
        "a submission went on twice",
    ),
    "in part": (
        lambda one: one.row("file", 1).update(is_removed=False),
        "it went on with other files than it has",
    ),
    "with the infected one": (
        lambda one: one.row("file", 1).update(is_removed=False),
        "it went on with a file that is not clean",
    ),
    "unasked": (
        lambda one: one.asked.__setitem__(slice(None), [each for each in one.asked if each["verb"] != "send"]),
        "it went on, though nobody sent it",
    ),
    "held back in silence": (
        lambda one: one.world.log[names.DOCUMENT].pop(0),
        "one event for each attempt that was held back",
    ),
    "no attempt on record": (
        lambda one: [one.world.table("uploads", "attempt").pop(), one.world.log[names.DOCUMENT].pop(0)],
        "held back, and not on record",
    ),
    "waiting for ever": (lambda one: one.row("submission").update(state="waiting"), "it still waits at rest"),
    "taken back, and sent": (
        lambda one: one.asked.append({"type": "ok", "verb": "take back", "submission": SUBMISSION, "status": 204}),
        "taken back, and still there",
    ),
    "given back otherwise": (
        lambda one: one.asked.append(fetched(type="ok", status=200, given=BAD)),
        "given back otherwise than it was sent",
    ),
    "led elsewhere": (
        lambda one: one.asked.append(fetched(type="info", last="307 ")),
        "led elsewhere for a document",
    ),
    "of nobody's": (
        lambda one: one.event(names.SUBMITTED, submission_id=uid("submission", 9), documents=[]),
        "an event of no submission",
    ),
}


@pytest.mark.parametrize(("spoil", "rule"), STORED.values(), ids=STORED.keys())
def test_what_must_not_be_readable_is_found(spoil: Spoil, rule: str) -> None:
    one = office()
    spoil(one)
    assert rule in stored.check(one.evidence()).offences


@pytest.mark.parametrize(("spoil", "rule"), SENT.values(), ids=SENT.keys())
def test_what_went_on_wrongly_or_was_lost_is_found(spoil: Spoil, rule: str) -> None:
    one = office()
    spoil(one)
    assert [name for name in documents.check(one.evidence()).offences if name.startswith(rule)]


@pytest.mark.parametrize("action", ["file.clean", "file.infected", "file.removed", "submission.sent"])
def test_a_change_without_its_audit_entry_is_found(action: str) -> None:
    one = office()
    entries = one.world.table("uploads", "audit_entry")
    entries[:] = [row for row in entries if row["action"] != action]
    assert f"one entry {action} per change in uploads" in audit.check(one.evidence()).offences


def test_what_a_citizen_calls_a_document_is_found_in_a_log() -> None:
    one = office()
    assert privacy.check(one.evidence()).holds
    one.world.texts["uploads.log:1"] = "cannot insert (Dokumentation fra lægen)"
    assert "a document's title in the open" in privacy.check(one.evidence()).offences
