"""L1, the documents: what a citizen sent goes on whole and once, or is held back and says so; what was not sent does not go on
(D3).

From the citizens' own history: each file ends as it has to; a submission that was answered as sent is told of in one event, with
exactly the files that were not taken out; one that was held back, each time, in one event and one attempt. What was asked for
without an answer may have happened or not, but only once.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from laws import names
from laws.events import once_each
from laws.evidence import Documents, Event, Evidence, Row, by
from laws.verdict import Findings, Verdict

LAW = "L1 documents go on whole and once, or are held back and it is said"
NOT_TAKEN: Final = "not taken"
SENT, WAITS, HELD_BACK = 200, 202, 409
_STATE_OF: Final = {"recalled": "clean"}


@dataclass(kw_only=True, slots=True)
class _Story:
    """What a citizen asked of one submission, and was answered."""

    files: dict[str, str] = field(default_factory=dict)
    """What each has to come to, by the hash of what was sent."""
    was_asked_to_send: bool = False
    answers: list[int] = field(default_factory=list)
    was_taken_back: bool = False


def check(evidence: Evidence) -> Verdict:
    findings = Findings(law=LAW)
    documents = evidence.documents or Documents(asked=(), objects=(), sightings=())
    stories = _stories(documents.asked)
    submissions = {str(row["submission_id"]): row for row in evidence.table("uploads", "submission")}
    files = by(evidence.table("uploads", "file"), "submission_id")
    attempts = by(evidence.table("uploads", "attempt"), "submission_id")
    went_on = _by_submission(once_each(evidence, names.DOCUMENT, names.SUBMITTED))
    held_back = _by_submission(once_each(evidence, names.DOCUMENT, names.SUBMISSION_REFUSED))
    for submission_id, story in stories.items():
        row = submissions.get(submission_id)
        if not findings.demand(row is not None, "a submission that was begun is not there", submission_id):
            continue
        assert row is not None
        told = went_on.get(submission_id, [])
        _files(submission_id, story, files.get(submission_id, []), findings)
        _sending(submission_id, story, row, told, findings)
        refusals = held_back.get(submission_id, [])
        same = len(refusals) == len(attempts.get(submission_id, []))
        findings.demand(same, "one event for each attempt that was held back", submission_id, len(refusals))
        findings.demand(not refusals or story.was_asked_to_send, "held back, though nobody sent it", submission_id)
        at_least = story.answers.count(HELD_BACK)
        findings.demand(len(refusals) >= at_least, "held back, and not on record", submission_id)
        for event in told:
            _whole(submission_id, event, files.get(submission_id, []), findings)
    for submission_id in went_on.keys() | held_back.keys():
        findings.demand(submission_id in submissions, "an event of no submission", submission_id)
    _given_back(documents.asked, findings)
    findings.count("submissions", len(stories))
    findings.count("went on", sum(map(len, went_on.values())))
    findings.count("held back", sum(map(len, held_back.values())))
    ends = Counter(row["state"] for rows in files.values() for row in rows)
    for state in ("clean", "infected", "refused", "unreadable"):
        findings.count(f"files {state}", ends[state])
    return findings.verdict(judged=len(stories))


def _stories(asked: Sequence[Mapping[str, Any]]) -> dict[str, _Story]:
    found: dict[str, _Story] = {}
    for one in asked:
        if one["verb"] == "begin" and one["type"] == "ok":
            found.setdefault(one["submission_id"], _Story())
        story = found.get(one.get("submission", ""))
        if story is None:
            continue
        match one["verb"], one["type"]:
            case "add", "invoke":
                story.files[one["sha256"]] = one["expected"]
            case "send", "invoke":
                story.was_asked_to_send = True
            case "send", "ok":
                story.answers.append(one["status"])
            case "take back", "ok":
                story.was_taken_back |= one["status"] == 204
            case _:
                pass
    return found


def _files(submission_id: str, story: _Story, rows: Sequence[Row], findings: Findings) -> None:
    """Each ended as it has to, unless it was taken out before anybody had looked."""
    for row in rows:
        expected = story.files.get(row["original_digest"])
        if not findings.demand(expected is not None, "a file that nobody sent", submission_id, row["file_id"]):
            continue
        state = _STATE_OF.get(row["state"], row["state"])
        is_over = row["is_removed"] and state == "pending"
        findings.demand(is_over or state == expected, "a file ended otherwise than it has to", row["file_id"], state)
    once = Counter(row["original_digest"] for row in rows)
    for digest, number in once.items():
        findings.demand(number == 1, "a file that was sent once is there twice", submission_id, digest)


def _sending(submission_id: str, story: _Story, row: Row, told: Sequence[Event], findings: Findings) -> None:
    findings.demand(len(told) <= 1, "a submission went on twice", submission_id)
    findings.demand(not told or story.was_asked_to_send, "it went on, though nobody sent it", submission_id)
    findings.demand((row["state"] == "sent") == bool(told), "sent iff it is told", submission_id, row["state"])
    findings.demand(SENT not in story.answers or bool(told), "answered as sent, and not told of", submission_id)
    findings.demand(row["state"] != "waiting", "it still waits at rest", submission_id)
    if story.was_taken_back:
        findings.demand(row["state"] == "withdrawn", "taken back, and still there", submission_id, row["state"])


def _whole(submission_id: str, event: Event, rows: Sequence[Row], findings: Findings) -> None:
    """Exactly the files that were not taken out, every one of them clean."""
    kept = {(str(row["file_id"]), row["digest"]) for row in rows if not row["is_removed"]}
    said = {(one["document_id"], one["sha256"]) for one in event.data["documents"]}
    findings.demand(kept == said, "it went on with other files than it has", submission_id)
    bad = [row for row in rows if not row["is_removed"] and row["state"] not in {"clean", "recalled"}]
    findings.demand(not bad, "it went on with a file that is not clean", submission_id)


def _given_back(asked: Sequence[Mapping[str, Any]], findings: Findings) -> None:
    """What a citizen fetches is what was sent, and comes from `uploads` itself."""
    given = 0
    for one in asked:
        if one["verb"] != "fetch":
            continue
        if one["type"] == "ok" and one["status"] == SENT:
            given += 1
            findings.demand(one["given"] == one["sha256"], "given back otherwise than it was sent", one["file"])
        led_elsewhere = one["type"] == "info" and str(one["last"]).startswith("3")
        findings.demand(not led_elsewhere, "led elsewhere for a document", one["file"])
    findings.count("given back", given)


def _by_submission(events: Sequence[Event]) -> dict[str, list[Event]]:
    found: dict[str, list[Event]] = {}
    for one in events:
        found.setdefault(str(one.data["submission_id"]), []).append(one)
    return found
