"""Judging notifications by what is known: which takes effect, waits, repeats another, contradicts one (N4, N5).

Invariants: the outcome of a record does not depend on how the log is cut into batches. Notifications that share an id or an
absence, or are by one reporter about one citizen, are judged one after the other, each by what the one before left in the
tables; all others together, in a few statements. Citizen and reporter, because all that share a repeat key share those, and a
withdrawal or an amendment gives up a key that it does not name. Exact repeats follow the first of them where nothing that
shares anything stands between. An absence's row is locked before anything is decided about it, also where it stands only for
notifications that wait for it, so that whoever waits and what is waited for cannot miss each other.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from contracts.nemrefusion.v1 import AbsenceReport, Amendment, ReasonCode, RefundRequest, Withdrawal, reason
from plumbing.errors import Unavailable
from plumbing.postgres import Connection
from services.intake.domain import Citizen, Notification
from services.intake.domain.absence import (
    Absence,
    Applied,
    Behind,
    Refused,
    Repeats,
    Verdict,
    Waits,
    beside,
    decide,
    first_report,
)
from services.intake.usecases.candidates import Candidate
from services.intake.usecases.joining import Joining
from services.intake.usecases.known import Known
from services.intake.usecases.outcomes import Accepted, Duplicate, Effect, Judgement, Outcome, Waiting
from services.intake.usecases.reading import Notice, Rejected


@dataclass(slots=True)
class _Work:
    """Some candidates that are judged together, and what is to be written when all of them are.

    `given_up`: repeat keys under which nobody stands any more; `doubted`: absences whose reports are kept behind others, and may
    say something else now; each with its citizen.
    """

    received_at: datetime
    effects: list[Effect]
    saved: list[Absence] = field(default_factory=list)
    forgotten: list[UUID] = field(default_factory=list)
    given_up: list[tuple[bytes, Citizen]] = field(default_factory=list)
    doubted: list[tuple[Absence, Citizen]] = field(default_factory=list)

    def take_effect(self, one: Candidate, before: Absence | None, after: Absence, caused: Sequence[Effect]) -> None:
        self.saved.append(after)
        self.effects += caused
        if before is not None and before.repeat_key is not None and after.repeat_key != before.repeat_key:
            self.given_up.append((before.repeat_key, one.citizen))


class Judge:
    """Judges within the caller's transaction; what is accepted is written."""

    def __init__(self, known: Known, joining: Joining) -> None:
        self._known = known
        self._joining = joining

    async def judge(self, connection: Connection, candidates: Sequence[Candidate], received_at: datetime) -> Judgement:
        """The outcome of each, in order, and what they did."""
        followed = _followed(candidates)
        outcomes: dict[int, Outcome] = {}
        effects: list[Effect] = []
        for independent in in_rounds([one for one, first in zip(candidates, followed, strict=True) if one is first]):
            judged = await self._together(connection, independent, received_at, effects)
            for one in independent:
                outcomes[id(one)] = judged[one.notification_id]
        found = []
        for one, first in zip(candidates, followed, strict=True):
            outcome = outcomes[id(first)]
            found.append(outcome if one is first else _again(one.notice, outcome))
        return Judgement(outcomes=found, effects=effects)

    async def _together(
        self, connection: Connection, independent: Sequence[Candidate], received_at: datetime, effects: list[Effect]
    ) -> dict[UUID, Outcome]:
        """The outcomes by notification id, of candidates that share nothing."""
        fresh = await self._known.add_notifications(
            connection, [_notification(one) for one in independent], received_at
        )
        stale = [one for one in independent if one.notification_id not in fresh]
        known = await self._known.notifications(connection, [one.notification_id for one in stale])
        if len(known) < len(stale):
            raise Unavailable("notification", "one that had waited in vain was buried in this moment")
        outcomes: dict[UUID, Outcome] = {
            one.notification_id: by_id(one.notice, one.fingerprint, known[one.notification_id]) for one in stale
        }
        # Most notifications are reports of absences nobody has heard of: all of them with one statement.
        absences = {}
        for one in independent:
            report = one.claim.notification
            if isinstance(report, AbsenceReport) and report.notification_id in fresh:
                absences[one.absence_id] = first_report(one.absence_id, one.claim, report)
        opened = await self._known.add_absences(connection, list(absences.values()), received_at)
        rest = []
        for one in independent:
            if one.absence_id in opened:
                applied = Applied(absences[one.absence_id], is_changed=True)
                effects.append(Effect(candidate=one, applied=applied, told_by=one))
                outcomes[one.notification_id] = Accepted(candidate=one)
            elif one.notification_id in fresh:
                rest.append(one)
        if rest:
            outcomes |= await self._with_what_is_known(connection, rest, received_at, effects)
        return outcomes

    async def _with_what_is_known(
        self, connection: Connection, rest: Sequence[Candidate], received_at: datetime, effects: list[Effect]
    ) -> dict[UUID, Outcome]:
        """Whatever concerns an absence that is known, or is awaited from now on."""
        twins = await self._twins(connection, rest)
        await self._known.await_absences(
            connection,
            {
                one.absence_id: one.claim.notification.absence_reference
                for one in rest
                if not isinstance(one.claim.notification, AbsenceReport)
                or (one.notification_id in twins and isinstance(beside(one.claim, twins[one.notification_id]), Behind))
            },
            received_at,
        )
        absences = await self._known.lock_absences(connection, [one.absence_id for one in rest])
        work = _Work(received_at, effects)
        outcomes: dict[UUID, Outcome] = {}
        for one in rest:
            absence = absences.get(one.absence_id)
            verdict = await self._verdict(connection, one, absence, twins.get(one.notification_id))
            outcomes[one.notification_id] = await self._do(connection, one, absence, verdict, work)
        await self._known.save_absences(connection, work.saved)
        await self._known.forget(connection, work.forgotten)
        for absence, citizen in work.doubted:
            effects += await self._joining.judge_again(connection, absence, citizen)
        for repeat_key, citizen in work.given_up:  # in the table, too, by now
            effects += await self._joining.give_way(connection, repeat_key, citizen)
        return outcomes

    async def _twins(self, connection: Connection, rest: Sequence[Candidate]) -> dict[UUID, Absence]:
        """By notification, the absences that stand under other references for what these reports tell."""
        reports = [one for one in rest if isinstance(one.claim.notification, AbsenceReport)]
        standing = await self._known.absences_by_key(
            connection, [one.claim.repeat_key for one in reports if one.claim.repeat_key is not None]
        )
        pairs = [(one, standing.get(one.claim.repeat_key)) for one in reports]
        return {
            one.notification_id: twin for one, twin in pairs if twin is not None and twin.absence_id != one.absence_id
        }

    async def _do(
        self,
        connection: Connection,
        one: Candidate,
        absence: Absence | None,
        verdict: Verdict,
        work: _Work,
    ) -> Outcome:
        match verdict:
            case Applied():
                after, caused = await self._joining.after(connection, one, absence or verdict.absence, verdict)
                work.take_effect(one, absence, after, caused)
                return Accepted(candidate=one)
            case Waits():
                await self._joining.keep(connection, one, work.received_at)
                if absence and absence.is_kept_behind and isinstance(one.claim.notification, Amendment | Withdrawal):
                    work.doubted.append((absence, one.citizen))
                return Waiting(candidate=one)
            case Behind(original_id=original_id):
                assert absence is not None, "there is a row for each report that is kept"
                work.saved.append(await self._joining.keep_behind(connection, one, absence, work.received_at))
                return await self._repeat(connection, one, original_id)
            case Repeats(original_id=original_id):
                return await self._repeat(connection, one, original_id)
            case Refused(code=code, field=name):
                work.forgotten.append(one.notification_id)  # an id that was rejected is free
                return reject(one.notice, code, name)

    async def _verdict(
        self, connection: Connection, one: Candidate, absence: Absence | None, twin: Absence | None
    ) -> Verdict:
        """`twin`: the absence that stands under another reference for what this report tells."""
        if absence is None:
            if twin is not None:
                return beside(one.claim, twin)  # something to be corrected: a row was made for all others
            raise Unavailable("absence", "what stood in the way of a report is gone again")
        verdict = decide(absence, one.claim)
        if twin is not None and isinstance(verdict, Applied) and await self._joining.holds(connection, one):
            return beside(one.claim, twin)
        if isinstance(verdict, Applied) and isinstance(one.claim.notification, RefundRequest):
            earlier = await self._known.add_refund(connection, one.absence_id, one.claim.content, one.notification_id)
            if earlier is not None:
                return Repeats(earlier)
        return verdict

    async def _repeat(self, connection: Connection, one: Candidate, original_id: UUID) -> Outcome:
        """What was told before under another id: its id stands for the original's receipt and absence from now on."""
        original = (await self._known.notifications(connection, [original_id]))[original_id]
        await self._known.point_to_original(connection, one.notification_id, original)
        return Duplicate(
            notice=one.notice,
            original_id=original.original_id,
            receipt_id=original.receipt_id,
            absence_id=original.absence_id,
            citizen=one.citizen,
        )


def in_rounds(candidates: Sequence[Candidate]) -> list[list[Candidate]]:
    """Cut so that in each round no two share anything that one's outcome could depend on, and those that do keep their order."""
    rounds: list[list[Candidate]] = []
    next_round: dict[Hashable, int] = {}
    for one in candidates:
        shared = _shared(one)
        number = max(next_round.get(name, 0) for name in shared)
        if number == len(rounds):
            rounds.append([])
        rounds[number].append(one)
        for name in shared:
            next_round[name] = number + 1
    return rounds


def _followed(candidates: Sequence[Candidate]) -> list[Candidate]:
    """For each the one whose outcome it has: itself, or the same message before it, if nothing in between could change that."""
    last: dict[Hashable, Candidate] = {}
    followed = []
    for one in candidates:
        shared = _shared(one)
        first = last.get(one.notification_id)
        if first is None or first.fingerprint != one.fingerprint or any(last.get(name) is not first for name in shared):
            first = one
            last |= dict.fromkeys(shared, one)
        followed.append(first)
    return followed


def _shared(one: Candidate) -> tuple[Hashable, ...]:
    """Should ids of two kinds ever look alike, two are judged one after the other for nothing."""
    return one.notification_id, one.absence_id, (one.claim.citizen_id, one.claim.reporter)


def by_id(notice: Notice, fingerprint: bytes, known: Notification) -> Outcome:
    """A notification whose id is known: a repeat, or a conflict."""
    if known.fingerprint != fingerprint:
        return reject(notice, ReasonCode.CONFLICT, "notification_id")
    return Duplicate(
        notice=notice, original_id=known.original_id, receipt_id=known.receipt_id, absence_id=known.absence_id
    )


def reject(notice: Notice, code: ReasonCode, field: str, text: str | None = None) -> Rejected:
    """Reject a notification that could be read."""
    return Rejected(
        record=notice.record,
        reasons=(reason(field, code, text),),
        notification_id=notice.notification.notification_id,
        absence_reference=notice.notification.absence_reference,
    )


def _again(notice: Notice, outcome: Outcome) -> Outcome:
    """The same message once more in the same batch."""
    match outcome:
        case Rejected():
            return outcome._replace(record=notice.record)
        case Duplicate():
            return outcome._replace(notice=notice, citizen=None)
        case Accepted(candidate=first) | Waiting(candidate=first):
            return Duplicate(
                notice=notice,
                original_id=first.notification_id,
                receipt_id=first.receipt_id,
                absence_id=first.absence_id,
            )


def _notification(one: Candidate) -> Notification:
    return Notification(
        notification_id=one.notification_id,
        fingerprint=one.fingerprint,
        original_id=one.notification_id,
        receipt_id=one.receipt_id,
        absence_id=one.absence_id,
    )
