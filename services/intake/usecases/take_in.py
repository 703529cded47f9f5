"""Taking notifications in: a batch of records becomes absences, events, receipts and dead letters, in one transaction.

Invariants (spec N3, N4, N5): every record gets exactly one fate and exactly one receipt, however often it is delivered, and keeps
the fate that it got first; what is rejected is answered with reasons and buried, and what stands beside it goes on. People are
resolved before the transaction, so that nothing is asked of anybody while it is open.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from contracts.nemrefusion.v1 import AnyNotification, ReasonCode
from plumbing import audit, inbox, outbox
from plumbing.bus import Record
from plumbing.clock import Clock
from plumbing.dead_letters import KeyNotFetched, Undertaker
from plumbing.dead_letters import Reason as BurialReason
from plumbing.errors import Unavailable
from plumbing.faults import faultpoint
from plumbing.inbox import AlreadySettled, Fate, Settled
from plumbing.postgres import Connection, Database
from plumbing.telemetry import metrics
from services.intake.domain import Card, Citizen, Rules
from services.intake.usecases import announcements, judging
from services.intake.usecases.candidates import Candidate, Candidates
from services.intake.usecases.joining import Joining
from services.intake.usecases.judging import Judge
from services.intake.usecases.known import Known
from services.intake.usecases.outcomes import Accepted, Duplicate, Judgement, Outcome, Waiting
from services.intake.usecases.reading import Notice, Rejected, read


class People(Protocol):
    """Who reports are about."""

    async def resolve(self, notifications: Sequence[AnyNotification]) -> list[Citizen | None]:
        """The citizen of each notification; None where the person was erased since. Raises Unavailable."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class _Erased:
    """A notification that was sent before its citizen was erased: known by its id, or never."""

    notice: Notice
    fingerprint: bytes


_Reading = Candidate | _Erased | Rejected


class TakeIn:
    """The work of the notification subscription."""

    def __init__(
        self,
        database: Database,
        *,
        people: People,
        notifications: Known,
        undertaker: Undertaker,
        clock: Clock,
        rules: Rules,
        fingerprint_key: bytes,
        after_commit: Callable[[], None],
    ) -> None:
        self._database = database
        self._people = people
        self._known = notifications
        self._candidates = Candidates(fingerprint_key)
        self._judge = Judge(notifications, Joining(notifications, self._candidates))
        self._undertaker = undertaker
        self._clock = clock
        self._rules = rules
        self._after_commit = after_commit

    async def __call__(self, records: Sequence[Record]) -> None:
        received_at = self._clock.now()
        readings = await self._read(records, received_at)
        if any(isinstance(one, Rejected) for one in readings):
            await self._undertaker.prepare()
        faultpoint("intake.before_transaction")
        fates = await self._settle(readings, received_at)
        faultpoint("intake.after_commit")
        self._after_commit()
        metrics.count_records((one.record.topic, one.fate) for one in fates)
        metrics.count_refusals((one.record.topic, one.reason) for one in fates if one.reason is not None)

    async def _settle(self, readings: Sequence[_Reading], received_at: datetime) -> list[Settled]:
        """Most batches hold nothing but news; one that does not is done again without what has its fate already."""
        is_first_look = True
        while True:
            try:
                return await self._transact(readings, received_at, is_first_look=is_first_look)
            except KeyNotFetched:  # only the tables knew that there is something to reject
                await self._undertaker.prepare()
            except AlreadySettled:
                if not is_first_look:  # another member of the group is at work on the same records
                    raise Unavailable("inbox", "a rival settled the same records meanwhile") from None
                is_first_look = False

    # before the transaction --------------------------------------------------------------------------------------------------

    async def _read(self, records: Sequence[Record], received_at: datetime) -> list[_Reading]:
        readings = [read(record, received_at, self._rules) for record in records]
        faultpoint("intake.after_validation")
        notices = [one for one in readings if isinstance(one, Notice)]
        citizens = iter(await self._people.resolve([one.notification for one in notices]) if notices else [])
        return [self._candidate(one, next(citizens)) if isinstance(one, Notice) else one for one in readings]

    def _candidate(self, notice: Notice, citizen: Citizen | None) -> Candidate | _Erased:
        if citizen is None:
            return _Erased(notice=notice, fingerprint=self._candidates.fingerprint(notice))
        return self._candidates.of(notice, citizen)

    # inside it ---------------------------------------------------------------------------------------------------------------

    async def _transact(
        self, readings: Sequence[_Reading], received_at: datetime, *, is_first_look: bool
    ) -> list[Settled]:
        async with self._database.transaction() as connection:
            if not is_first_look:
                unsettled = await inbox.unsettled(connection, [_record(one) for one in readings])
                readings = [one for one, new in zip(readings, unsettled, strict=True) if new]
            outcomes, effects = await self._decide(connection, readings, received_at)
            settled = [_settled(one) for one in outcomes]
            await inbox.settle_news(connection, settled)
            letters = await self._undertaker.bury(
                connection,
                [
                    (one.record, [BurialReason(field=why.field, code=why.code) for why in one.reasons])
                    for one in outcomes
                    if isinstance(one, Rejected)
                ],
            )
            faultpoint("intake.in_transaction")
            told = announcements.events(effects, received_at) + announcements.receipts(outcomes, received_at)
            await outbox.put(connection, [*told, *letters])
            await audit.put(connection, announcements.audit_entries(effects, received_at))
            citizens = [one.candidate.citizen for one in effects]
            citizens += [one.citizen for one in outcomes if isinstance(one, Duplicate) and one.citizen is not None]
            await self._known.add_cards(
                connection,
                [Card(one.citizen_id, one.card_candidate) for one in citizens if one.card_candidate is not None],
            )
            faultpoint("intake.before_commit")
        return settled

    async def _decide(self, connection: Connection, readings: Sequence[_Reading], received_at: datetime) -> Judgement:
        """The outcome of each record, in order; what is accepted is written."""
        candidates = [one for one in readings if isinstance(one, Candidate)]
        judgement = await self._judge.judge(connection, candidates, received_at)
        judged = iter(judgement.outcomes)
        erased = [one.notice.notification.notification_id for one in readings if isinstance(one, _Erased)]
        known = await self._known.notifications(connection, erased)
        outcomes: list[Outcome] = []
        for one in readings:
            match one:
                case Candidate():
                    outcomes.append(next(judged))
                case Rejected():
                    outcomes.append(one)
                case _Erased(notice=notice, fingerprint=fingerprint):
                    earlier = known.get(notice.notification.notification_id)
                    outcomes.append(
                        judging.by_id(notice, fingerprint, earlier)
                        if earlier is not None
                        else judging.reject(notice, ReasonCode.TOO_LATE, "sent_at", _SENT_BEFORE)
                    )
        return Judgement(outcomes=outcomes, effects=judgement.effects)


_SENT_BEFORE = "The message was sent too long ago to be taken in. Report the absence anew, as a new notification."


def _record(one: _Reading) -> Record:
    match one:
        case Rejected(record=record):
            return record
        case _:
            return one.notice.record


def _settled(one: Outcome) -> Settled:
    match one:
        case Accepted(candidate=candidate):
            return Settled(candidate.notice.record, str(candidate.notification_id), Fate.ACCEPTED)
        case Waiting(candidate=candidate):
            return Settled(candidate.notice.record, str(candidate.notification_id), Fate.PARKED)
        case Duplicate(notice=notice, original_id=original_id):
            return Settled(notice.record, str(original_id), Fate.DUPLICATE)
        case Rejected(record=record):
            message_id = str(one.notification_id) if one.notification_id else inbox.position_id(record)
            return Settled(record, message_id, Fate.REJECTED, one.reasons[0].code)
