"""The sendings of each letter: under which ids the gateway knows it, one after the other, what was tried, taken over and told.

Which ids are a letter's the notifier's tables say, and when a status was heard: the ledger does not keep when it first told one.
All else is the gateway's own record.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile

from laws import names
from laws.evidence import Evidence
from laws.gateway import Attempt, Gateway, Status, TakenOver

Intent = tuple[str, int]
"""Letter id and version."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sending:
    """One of a letter's sendings, `number` from 1; `heard` says when a status was kept, by its message."""

    number: int
    gateway_id: str
    attempts: Sequence[Attempt]
    taken: Sequence[TakenOver]
    statuses: Sequence[Status]
    heard: Mapping[str, datetime]

    @property
    def delivered(self) -> list[TakenOver]:
        return [one for one in self.taken if one.proofs]

    @property
    def has_failed(self) -> bool:
        """Definitively, by the gateway's word, whatever else it says."""
        return bool(self._refused or self._failures)

    def had_failed_before(self, attempt: Attempt) -> bool:
        """Whether that it failed was told before the call: as the answer to a call, or by a status that was heard."""
        heard = [self.heard[one.besked_id] for one in self._failures if one.besked_id in self.heard]
        return any(one.number < attempt.number for one in self._refused) or any(at <= attempt.at for at in heard)

    @property
    def _refused(self) -> list[Attempt]:
        """What is refused once it was taken over says nothing of the call that succeeded."""
        not_taken = takewhile(lambda attempt: not attempt.is_accepted, self.attempts)
        return [attempt for attempt in not_taken if attempt.is_refused]

    @property
    def _failures(self) -> list[Status]:
        return [status for status in self.statuses if status.code in names.NEGATIVES]


def sendings(evidence: Evidence, ledger: Gateway) -> Mapping[Intent, Sequence[Sending]]:
    """Of each letter that reached the notifier, in their order; one whose bytes are not fixed yet has no id and is left out."""
    ids: dict[Intent, dict[int, str]] = {}
    for row in evidence.table("notifier", "letter"):
        of_letter = ids.setdefault((str(row["letter_id"]), int(row["version"])), {})
        if row["gateway_id"] is not None:
            of_letter[int(row["sending"])] = str(row["gateway_id"])
    for row in evidence.table("notifier", "letter_past_sending"):
        of_letter = ids.setdefault((str(row["letter_id"]), int(row["version"])), {})
        of_letter[int(row["sending"])] = str(row["gateway_id"])
    heard = {str(row["besked_id"]): row["heard_at"] for row in evidence.table("notifier", "letter_status")}
    return {
        intent: [_sending(number, of_letter[number], ledger, heard) for number in sorted(of_letter)]
        for intent, of_letter in ids.items()
    }


def is_taken_back(told: Sequence[Sending]) -> bool:
    """Whether the gateway says of all that it delivered of the letter that it failed, too: then nobody knows which is true."""
    delivered = [one for one in told if one.delivered]
    return bool(delivered) and all(one.has_failed for one in delivered)


def _sending(number: int, gateway_id: str, ledger: Gateway, heard: Mapping[str, datetime]) -> Sending:
    return Sending(
        number=number,
        gateway_id=gateway_id,
        attempts=ledger.attempts.get(gateway_id, ()),
        taken=ledger.letters.get(gateway_id, ()),
        statuses=ledger.statuses.get(gateway_id, ()),
        heard=heard,
    )
