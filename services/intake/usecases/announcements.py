"""What is said about outcomes: the normalised events, the receipts, the audit entries.

Nothing here names a person: people are `citizen_id`s, and what the reporter told is sealed under the citizen's key
(N8).
"""

from base64 import b64encode
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, assert_never
from uuid import UUID

from contracts.absence import v1 as absence_v1
from contracts.events import Encoded, encode
from contracts.nemrefusion import v1 as nemrefusion
from contracts.nemrefusion.v1 import (
    AbsenceReport,
    Amendment,
    FastTrackRequest,
    Receipt,
    Recovery,
    RefundRequest,
    Withdrawal,
)
from contracts.position import Position
from plumbing import ids, inbox
from plumbing.audit import Entry
from plumbing.bus import Record
from plumbing.sealing import seal
from services.intake.domain import State, is_early, refund_deadline, reporter_deadline
from services.intake.usecases.candidates import Candidate
from services.intake.usecases.outcomes import Accepted, Duplicate, Effect, Outcome, Waiting
from services.intake.usecases.reading import Notice, Rejected

ACTOR: Final = "service:intake"
_ACTIONS: Final = {
    AbsenceReport: "absence.accepted",
    Amendment: "absence.amended",
    RefundRequest: "absence.refund_requested",
    FastTrackRequest: "absence.fast_track_requested",
    Recovery: "absence.recovered",
    Withdrawal: "absence.withdrawn",
}


def receipts(outcomes: Sequence[Outcome], received_at: datetime) -> list[Encoded]:
    """One receipt for each."""
    return [_receipt(one, received_at) for one in outcomes]


def events(effects: Sequence[Effect], received_at: datetime) -> list[Encoded]:
    """The normalised event of each effect, in order."""
    return [_event(one, received_at) for one in effects]


def audit_entries(effects: Sequence[Effect], at: datetime) -> list[Entry]:
    """One entry for each effect on an absence."""
    return [
        Entry(
            actor=ACTOR,
            action=_ACTIONS[type(one.candidate.claim.notification)],
            subject=one.candidate.citizen.citizen_id,
            object_type="absence",
            object_id=str(one.candidate.absence_id),
            purpose="case-handling",
            at=at,
        )
        for one in effects
    ]


def _event(effect: Effect, received_at: datetime) -> Encoded:
    candidate, applied = effect.candidate, effect.applied
    body = candidate.claim.notification
    common: dict[str, Any] = {
        "absence_id": candidate.absence_id,
        "citizen_id": candidate.citizen.citizen_id,
        "notification_id": body.notification_id,
        "sent_at": body.sent_at,
        "received_at": received_at,
        "version": applied.absence.version,
    }
    event: absence_v1.AbsenceEvent
    match body:
        case AbsenceReport():
            told = effect.told_by.claim.notification
            assert isinstance(told, AbsenceReport | Amendment)
            event = absence_v1.AbsenceReported(
                **common,
                **_told(told, body.sent_at),
                reported=_sealed(effect.told_by),
                is_withdrawn=effect.is_withdrawn,
            )
        case Amendment():
            event = absence_v1.AbsenceAmended(
                **common,
                **_told(body, applied.absence.reported_at or body.sent_at),
                reported=_sealed(candidate),
                is_current=applied.is_current,
                is_changed=applied.is_changed,
            )
        case RefundRequest(period=period, final=final):
            event = absence_v1.RefundRequested(
                **common,
                first_day=period.first_day,
                last_day=period.last_day,
                final=None
                if final is None
                else absence_v1.FinalRefund(absence_continues=final.absence_continues, unpaid_from=final.unpaid_from),
                reporter_deadline=absence_v1.ReporterDeadline(refund_deadline(body).value),
                reported=_sealed(candidate),
            )
        case FastTrackRequest():
            event = absence_v1.FastTrackRequested(
                **common,
                municipality_code=body.municipality_code,
                first_absence_day=body.first_absence_day,
                is_preliminary=applied.absence.state is State.PRELIMINARY,
                is_current=applied.is_current,
                reported=_sealed(candidate),
            )
        case Recovery():
            event = absence_v1.AbsenceRecovered(
                **common, last_absence_day=body.last_absence_day, is_current=applied.is_current
            )
        case Withdrawal():
            event = absence_v1.AbsenceWithdrawn(**common)
        case _:
            assert_never(body)
    step = event.TYPE.removeprefix("dk.mitsygefravaer.").removesuffix(".v1")
    return encode(event, event_id=ids.derive(candidate.receipt_id, step), time=received_at)


def _told(report: AbsenceReport | Amendment, reported_at: datetime) -> dict[str, Any]:
    pay = report.pay
    return {
        "citizen_kind": absence_v1.CitizenKind(report.citizen_kind.value),
        "reporter_kind": absence_v1.ReporterKind(report.reporter.kind),
        "municipality_code": report.municipality_code,
        "first_absence_day": report.first_absence_day,
        "last_absence_day": report.last_absence_day,
        "pay": absence_v1.Pay(kind=absence_v1.PayKind(pay.kind.value), until=pay.until) if pay else None,
        "reporter_deadline": absence_v1.ReporterDeadline(reporter_deadline(report, reported_at).value),
        "early": is_early(report, reported_at),
    }


def _sealed(candidate: Candidate) -> str:
    """What was told, under the citizen's key."""
    citizen = candidate.citizen
    field = absence_v1.REPORTED_SEALING_FIELD
    return b64encode(seal(citizen.key, candidate.told, owner=str(citizen.citizen_id), field=field)).decode()


def _receipt(outcome: Outcome, received_at: datetime) -> Encoded:
    match outcome:
        case Rejected(record=record):
            receipt = Receipt(
                receipt_id=outcome.receipt_id,
                notification_id=outcome.notification_id,
                outcome=nemrefusion.Outcome.REJECTED,
                reasons=outcome.reasons,
                absence_reference=outcome.absence_reference,
                received_at=received_at,
                position=_position(record),
            )
            return _encoded(receipt, record, received_at)
        case Accepted(candidate=candidate):
            said = nemrefusion.Outcome.ACCEPTED
            return _taken_in(candidate.notice, said, candidate.receipt_id, candidate.absence_id, received_at)
        case Waiting(candidate=candidate):
            said = nemrefusion.Outcome.WAITING
            return _taken_in(candidate.notice, said, candidate.receipt_id, candidate.absence_id, received_at)
        case Duplicate(notice=notice):
            said = nemrefusion.Outcome.DUPLICATE
            return _taken_in(notice, said, outcome.receipt_id, outcome.absence_id, received_at)


def _taken_in(
    notice: Notice, outcome: nemrefusion.Outcome, receipt_id: UUID, absence_id: UUID, received_at: datetime
) -> Encoded:
    receipt = Receipt(
        receipt_id=receipt_id,
        notification_id=notice.notification.notification_id,
        outcome=outcome,
        ignored_fields=notice.ignored_fields,
        absence_reference=notice.notification.absence_reference,
        absence_id=absence_id,
        received_at=received_at,
        position=_position(notice.record),
    )
    return _encoded(receipt, notice.record, received_at)


def _position(record: Record) -> Position:
    return Position(topic=record.topic, partition=record.partition, offset=record.offset)


def _encoded(receipt: Receipt, record: Record, received_at: datetime) -> Encoded:
    return encode(receipt, event_id=ids.derive(inbox.position_id(record), "receipted"), time=received_at)
