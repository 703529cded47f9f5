"""L2: each letter intent ends as exactly one delivered letter, or as a surfaced failure.

Counted at the gateway, by the ids of its sendings, whatever we believe. A letter is delivered by one sending, unless the gateway
took back what it had said of another; a further sending was called for only after the one before had definitively failed, or by
somebody's decision. Beside that: never other bytes under the same id; ids follow from the letter; never the same words to the
same person in the same case by more letters than the table demands of one kind (an id that was made anew); nothing delivered that
nobody asked for; every status kept; every proof, failure and return told, and nothing but what the gateway says.
"""

from collections import Counter
from collections.abc import Mapping, Sequence

from laws import gateway, names
from laws.danish_days import instant
from laws.events import once_each
from laws.evidence import Event, Evidence, Row
from laws.gateway import Gateway, Status, TakenOver, Text
from laws.sendings import Intent, Sending, is_taken_back, sendings
from laws.spec_tasks import asked
from laws.stories import stories
from laws.verdict import Findings, Verdict

LAW = "L2 each letter intent is one delivered letter or a surfaced failure"

_UNDERSTOOD = ("applied", "repeated", "contradiction")

Sendings = Mapping[Intent, Sequence[Sending]]
Events = Mapping[Intent, Sequence[Event]]


def check(evidence: Evidence) -> Verdict:
    findings = Findings(law=LAW)
    ledger = gateway.read(evidence.gateway)
    known = sendings(evidence, ledger)
    intents = _by_intent(once_each(evidence, names.LETTER_REQUEST))
    dispatched = _by_intent(once_each(evidence, names.LETTER, names.LETTER_DISPATCHED))
    failed = _by_intent(once_each(evidence, names.LETTER, names.LETTER_FAILED))
    returned = _by_intent(once_each(evidence, names.LETTER, names.LETTER_RETURNED))
    by_hand = _by_hand(evidence)
    _ids(known, findings)
    for intent, requests in intents.items():
        findings.demand(len(requests) == 1, "a letter is asked for once", *intent, len(requests))
        findings.demand(intent in known, "an intent that has not reached the notifier", *intent)
        told = known.get(intent, ())
        _sent(intent, told, by_hand[intent], findings)
        for event in dispatched.get(intent, ()):
            _is_proven(event, requests[0], [letter for one in told for letter in one.delivered], findings)
        _surfaced(intent, told, failed.get(intent, ()), by_hand[intent], findings)
        # Failed, says the gateway, and delivered: it is told, whichever was heard first. Where two sendings were, both may be.
        number = len(dispatched.get(intent, ()))
        proofs = {event.data["proof"]["transmission_id"] for event in dispatched.get(intent, ())}
        most = sum(bool(one.delivered) for one in told)
        is_told = min(most, 1) <= number <= most and number == len(proofs)
        findings.demand(is_told, "one dispatch is told of a delivered letter", *intent, number)
    for told_of in (dispatched, failed, returned):
        for intent in told_of.keys() - intents.keys():
            findings.offence("the fate of a letter that nobody asked for", *intent)
    brought_back = _returned(evidence, known, dispatched, returned, findings)
    _all_kept(evidence, ledger, findings)
    _nothing_else(evidence, intents, known, ledger, findings)
    findings.count("intents", len(intents))
    findings.count("delivered", sum(map(_is_delivered, known.values())))
    findings.count("on paper", sum(_is_on_paper(told) for told in known.values()))
    findings.count("sent again after a failure", sum(len(told) > 1 for told in known.values()))
    findings.count("surfaced as failed", len(failed))
    findings.count("brought back", brought_back)
    findings.count("taken back by the gateway", sum(is_taken_back(told) for told in known.values()))
    findings.count("attempts at the gateway", len(evidence.gateway["attempts"]))
    return findings.verdict(judged=len(intents))


def _by_intent(events: Sequence[Event]) -> dict[Intent, list[Event]]:
    found: dict[Intent, list[Event]] = {}
    for one in events:
        found.setdefault((str(one.data["letter_id"]), int(one.data["version"])), []).append(one)
    return found


def _is_on_paper(told: Sequence[Sending]) -> bool:
    return any(letter.channel == names.PAPER for one in told for letter in one.delivered)


def _ids(known: Sendings, findings: Findings) -> None:
    """Each sending has an id of its own, which follows from the letter: so whoever forgot it makes the same again (F081)."""
    found = [one.gateway_id for told in known.values() for one in told]
    shared = len(found) - len(set(found))
    findings.demand(shared == 0, "sendings that share an id", shared)
    for (letter_id, version), told in known.items():
        for one in told:
            right = {names.derived(letter_id, version, "sending", one.number)}
            if one.number == 1:
                right.add(letter_id if version == 1 else names.derived(letter_id, version, "message"))
            findings.demand(one.gateway_id in right, "an id that does not follow from its letter", one.gateway_id)


def _by_hand(evidence: Evidence) -> Counter[Intent]:
    """How often somebody decided that a letter of which a failure was told, or that nobody knows, is sent again."""
    found: Counter[Intent] = Counter()
    for row in evidence.table("notifier", "audit_entry"):
        if row["action"] == "letter.sent_again" and row["actor"].startswith("person:"):
            letter_id, _, version = row["object_id"].rpartition("/")
            found[letter_id, int(version)] += 1
    return found


def _sent(intent: Intent, told: Sequence[Sending], by_hand: int, findings: Findings) -> None:
    for one in told:
        bodies = {attempt.body for attempt in one.attempts}
        findings.demand(len(bodies) <= 1, "other bytes under the same id", *intent, one.number)
        findings.demand(len(one.taken) <= 1, "taken over more than once", *intent, one.number)
    too_soon = [
        one.number
        for before, one in zip((None, *told), told, strict=False)
        if one.number > 1 and one.attempts and not _had_failed(before, one)
    ]
    findings.demand(
        len(too_soon) <= by_hand, "sent again before it had definitively failed", *intent, *too_soon[by_hand:]
    )
    delivered = [one for one in told for _ in one.delivered]
    # Of what the gateway took back before the next was called for, nobody could know.
    excused = sum(one.has_failed for one in delivered[:-1])
    findings.demand(len(delivered) - excused <= 1, "delivered more than once", *intent, len(delivered))


def _had_failed(before: Sending | None, one: Sending) -> bool:
    """Whether the sending before had failed when this one was first called for."""
    return before is not None and before.number == one.number - 1 and before.had_failed_before(one.attempts[0])


def _is_delivered(told: Sequence[Sending]) -> bool:
    return any(one.delivered for one in told)


def _surfaced(
    intent: Intent, told: Sequence[Sending], failed: Sequence[Event], by_hand: int, findings: Findings
) -> None:
    findings.demand(_is_delivered(told) or bool(failed), "neither delivered nor surfaced as failed", *intent)
    ended = told[-1 - by_hand :]
    has_cause = not ended or any(one.has_failed or not one.taken for one in ended)
    for event in failed:
        if event.data["reason"] != names.OUTCOME_UNKNOWN:
            findings.demand(has_cause, "told as failed, and the gateway never said so", *intent)


def _is_proven(event: Event, request: Event, delivered: Sequence[TakenOver], findings: Findings) -> None:
    """What we tell the world is what the gateway says."""
    who, proof = event.data["letter_id"], event.data["proof"]
    absence_id = request.data["absence_id"]
    findings.demand(event.data["absence_id"] == absence_id, "dispatched in another case", who)
    if not delivered:
        return
    proving = [letter for letter in delivered if letter.transmission_id == proof["transmission_id"]]
    findings.demand(bool(proving), "a proof of another letter", who, proof["transmission_id"])
    for letter in proving:
        instants = {status.at for status in letter.proofs}
        at_same = instant(event.data["dispatched_at"]) in instants
        findings.demand(at_same, "dispatched at another instant than the gateway's", who)
        channel = names.CHANNELS[letter.channel]
        findings.demand(event.data["channel"] == channel, "dispatched by another channel than the gateway's", who)
        in_case = letter.case_id == absence_id or letter.channel == names.PAPER
        findings.demand(in_case, "delivered in another case", who)


def _returned(evidence: Evidence, known: Sendings, dispatched: Events, returned: Events, findings: Findings) -> int:
    """A return is told iff the gateway tells one, where it was agreed what the post calls it; how many there are."""
    rows = {str(row["besked_id"]): row for row in evidence.table("notifier", "letter_status")}
    agreed = {
        code
        for row in rows.values()
        if row["status_code"] == names.POST_UPDATE and row["hearing"] in _UNDERSTOOD
        for code in row["event_codes"]
    }
    brought_back = 0
    for intent in known.keys() | returned.keys():
        proofs = {event.data["proof"]["transmission_id"] for event in dispatched.get(intent, ())}
        due = any(
            _is_return(status, letter, rows, agreed)
            for one in known.get(intent, ())
            for letter in one.delivered
            if letter.transmission_id in proofs
            for status in one.statuses
        )
        told = len(returned.get(intent, ()))
        brought_back += due
        findings.demand(told == due, "a return is told iff the gateway tells one", *intent, told)
    return brought_back


def _is_return(status: Status, letter: TakenOver, rows: Mapping[str, Row], agreed: set[str]) -> bool:
    """That comes too early is kept and looked at: what was not posted cannot come back."""
    if status.transmission_id != letter.transmission_id or status.event_code not in agreed:
        return False
    heard = rows.get(status.besked_id)
    proven = [rows[proof.besked_id]["heard_at"] for proof in letter.proofs if proof.besked_id in rows]
    return heard is None or not proven or min(proven) < heard["heard_at"]


def _all_kept(evidence: Evidence, ledger: Gateway, findings: Findings) -> None:
    """Whatever it did, and if it is about no letter of ours (F134)."""
    kept = {str(row["besked_id"]) for row in evidence.table("notifier", "letter_status")}
    for besked_id in ledger.acknowledged - kept:
        findings.offence("a status that was taken in and is not kept", besked_id)


def _nothing_else(
    evidence: Evidence,
    intents: Mapping[Intent, Sequence[Event]],
    known: Sendings,
    ledger: Gateway,
    findings: Findings,
) -> None:
    asked_for = {one.gateway_id: intent for intent in intents for one in known.get(intent, ())}
    for gateway_id in ledger.attempts.keys() - asked_for.keys():
        findings.offence("a letter that nobody asked for", gateway_id)
    wanted = _wanted(evidence)
    same: dict[tuple[Text, str], dict[object, str]] = {}
    for gateway_id, found in ledger.letters.items():
        intent = asked_for.get(gateway_id)
        case_id = str(intents[intent][0].data["absence_id"]) if intent is not None else ""
        for letter in found:
            # A letter that is sent again after it failed may say what it said before.
            who = intent if intent is not None else gateway_id
            same.setdefault((letter.text, letter.case_id or case_id), {})[who] = gateway_id
    for (_, case_id), ids in same.items():
        most = max(1, *wanted.get(case_id, Counter()).values(), 0)
        findings.demand(len(ids) <= most, "the same words to the same person under several ids", *sorted(ids.values()))


def _wanted(evidence: Evidence) -> dict[str, Counter[tuple[str, ...]]]:
    """How many letters about the same kinds of task the table demands, by absence: so many may have the same words (T20)."""
    return {
        story.absence_id: Counter(letter.kinds for letter in asked([one for _, one in story.told()]))
        for story in stories(evidence).values()
    }
