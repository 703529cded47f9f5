"""L2: each letter intent ends as exactly one delivered letter, or as a surfaced failure.

Counted at the gateway, by message id, whatever we believe. Beside that: never other bytes under the same id, never the same
words to the same person in the same case under more ids than the table demands letters of one kind (an id that was made
anew), and nothing delivered that nobody asked for.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

from laws import gateway, names
from laws.danish_days import instant
from laws.events import once_each
from laws.evidence import Event, Evidence
from laws.gateway import Gateway, TakenOver
from laws.spec_tasks import asked
from laws.stories import stories
from laws.verdict import Findings, Verdict

LAW = "L2 each letter intent is one delivered letter or a surfaced failure"

Intent = tuple[str, int]
"""Letter id and version."""


def check(evidence: Evidence) -> Verdict:
    findings = Findings(law=LAW)
    ledger = gateway.read(evidence.gateway)
    intents = _by_intent(once_each(evidence, names.LETTER_REQUEST))
    dispatched = _by_intent(once_each(evidence, names.LETTER, names.LETTER_DISPATCHED))
    failed = _by_intent(once_each(evidence, names.LETTER, names.LETTER_FAILED))
    message_ids = _message_ids(evidence, findings)
    delivered = 0
    for intent, requests in intents.items():
        findings.demand(len(requests) == 1, "a letter is asked for once", *intent, len(requests))
        taken = _taken(intent, message_ids, ledger, findings)
        proven = [letter for letter in taken if letter.proven]
        delivered += bool(proven)
        findings.demand(len(taken) <= 1, "taken over more than once", *intent, len(taken))
        findings.demand(len(proven) <= 1, "delivered more than once", *intent, len(proven))
        findings.demand(bool(proven) or bool(failed.get(intent)), "neither delivered nor surfaced as failed", *intent)
        told = dispatched.get(intent, [])
        findings.demand(len(told) == bool(proven), "one dispatch is told of a delivered letter", *intent, len(told))
        for event in told:
            _is_proven(event, requests[0], proven, findings)
    for told_of in (dispatched, failed):
        for intent in told_of.keys() - intents.keys():
            findings.offence("the fate of a letter that nobody asked for", *intent)
    _nothing_else(intents, message_ids, ledger, _wanted(evidence), findings)
    findings.count("intents", len(intents))
    findings.count("delivered", delivered)
    findings.count("surfaced as failed", len(failed))
    findings.count("attempts at the gateway", len(evidence.gateway["attempts"]))
    return findings.verdict(judged=len(intents))


def _by_intent(events: Sequence[Event]) -> dict[Intent, list[Event]]:
    found: dict[Intent, list[Event]] = {}
    for one in events:
        found.setdefault((str(one.data["letter_id"]), int(one.data["version"])), []).append(one)
    return found


def _message_ids(evidence: Evidence, findings: Findings) -> dict[Intent, str]:
    """Under which id the gateway knows each letter."""
    found: dict[Intent, str] = {}
    for row in evidence.table("notifier", "letter"):
        found[str(row["letter_id"]), int(row["version"])] = str(row["message_uuid"])
    shared = len(found) - len(set(found.values()))
    findings.demand(shared == 0, "letters that share a message id", shared)
    return found


def _taken(
    intent: Intent, message_ids: Mapping[Intent, str], ledger: Gateway, findings: Findings
) -> Sequence[TakenOver]:
    message_id = message_ids.get(intent)
    if not findings.demand(message_id is not None, "an intent that has not reached the notifier", *intent):
        return ()
    assert message_id is not None
    same = len(ledger.bodies.get(message_id, ())) <= 1
    findings.demand(same, "other bytes under the same message id", *intent)
    return ledger.letters.get(message_id, ())


def _is_proven(event: Event, request: Event, proven: Sequence[TakenOver], findings: Findings) -> None:
    """What we tell the world is what the gateway proves."""
    who = event.data["letter_id"]
    absence_id = request.data["absence_id"]
    findings.demand(event.data["absence_id"] == absence_id, "dispatched in another case", who)
    for letter in proven:
        same = letter.transmission_id == event.data["proof"]["transmission_id"]
        findings.demand(same, "a proof of another letter", who, letter.transmission_id)
        told = instant(event.data["dispatched_at"])
        findings.demand(told in letter.proven, "dispatched at another instant than the gateway's", who)
        findings.demand(letter.case_id == absence_id, "delivered in another case", who)


def _nothing_else(
    intents: Mapping[Intent, object],
    message_ids: Mapping[Intent, str],
    ledger: Gateway,
    wanted: Mapping[str, Counter[tuple[str, ...]]],
    findings: Findings,
) -> None:
    asked_for = {message_ids[intent] for intent in intents if intent in message_ids}
    for message_id in ledger.bodies.keys() - asked_for:
        findings.offence("a letter that nobody asked for", message_id)
    ids: dict[tuple[str | None, str | None, str | None], set[str]] = {}
    for found in ledger.letters.values():
        for letter in found:
            ids.setdefault(letter.text, set()).add(letter.message_uuid)
    for (_, case_id, _), same in ids.items():
        most = max(1, *wanted.get(case_id or "", Counter()).values(), 0)
        findings.demand(len(same) <= most, "the same words to the same person under several ids", *sorted(same))


def _wanted(evidence: Evidence) -> dict[str, Counter[tuple[str, ...]]]:
    """How many letters about the same kinds of task the table demands, by absence: so many may have the same words (T20)."""
    return {
        story.absence_id: Counter(letter.kinds for letter in asked([one for _, one in story.told()]))
        for story in stories(evidence).values()
    }
