"""What is said about outcomes: the normalised event, the receipts, the audit entries; and what reports are compared by.

Nothing here names a person: people are `citizen_id`s, and what the reporter told is sealed under the citizen's key
(N8).
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from contracts.absence import v1 as absence_v1
from contracts.absence.v1 import REPORTED_SEALING_FIELD, AbsenceReported
from contracts.events import Encoded, encode
from contracts.nemrefusion import v1 as nemrefusion
from contracts.nemrefusion.v1 import AbsenceReport, Employer, Receipt, UnemploymentFund
from contracts.position import Position
from plumbing import ids, inbox
from plumbing.audit import Entry
from plumbing.sealing import seal_text
from services.intake.domain import is_early, reporter_deadline
from services.intake.usecases.outcomes import Accepted, Duplicate, Outcome
from services.intake.usecases.reading import Rejected

ACTOR = "service:intake"
_SAID = {Accepted: nemrefusion.Outcome.ACCEPTED, Duplicate: nemrefusion.Outcome.DUPLICATE}


_NOT_TOLD = {"version", "kind", "notification_id", "absence_reference", "sent_at", "citizen"}


def told(report: AbsenceReport) -> str:
    """All that a report tells about the absence, without who the citizen is and what names the message itself.

    Two reports with the same text say the same; it is what the citizen is shown, and sealed past intake.
    """
    return report.model_dump_json(exclude=_NOT_TOLD, exclude_defaults=True)


def repeat_key(report: AbsenceReport, citizen_id: UUID) -> bytes:
    """Citizen, reporter, employment and first day (N5)."""
    reporter = report.reporter
    match reporter:
        case Employer():
            who = f"{reporter.cvr}\x1f{reporter.production_unit}"
        case UnemploymentFund():
            who = reporter.fund_number.zfill(4)
        case _:
            who = reporter.cvr
    employment = report.employment.employment_number if report.employment is not None else None
    return "\x1f".join(
        (str(citizen_id), reporter.kind, who, employment or "", report.first_absence_day.isoformat())
    ).encode()


def of(outcomes: Sequence[Outcome], received_at: datetime) -> list[Encoded]:
    """Everything that is announced about these outcomes: an event for what was accepted, a receipt for each."""
    messages = []
    for one in outcomes:
        if isinstance(one, Accepted):
            messages.append(_reported(one, received_at))
        messages.append(_receipt(one, received_at))
    return messages


def audit_entries(outcomes: Sequence[Outcome], at: datetime) -> list[Entry]:
    """One entry per absence that was opened."""
    return [
        Entry(
            actor=ACTOR,
            action="absence.accepted",
            subject=one.candidate.citizen.citizen_id,
            object_type="absence",
            object_id=str(one.absence_id),
            purpose="case-handling",
            at=at,
        )
        for one in outcomes
        if isinstance(one, Accepted)
    ]


def _reported(one: Accepted, received_at: datetime) -> Encoded:
    report = one.report.report
    pay = absence_v1.Pay(kind=absence_v1.PayKind(report.pay.kind.value), until=report.pay.until) if report.pay else None
    event = AbsenceReported(
        absence_id=one.absence_id,
        citizen_id=one.candidate.citizen.citizen_id,
        notification_id=report.notification_id,
        citizen_kind=absence_v1.CitizenKind(report.citizen_kind.value),
        reporter_kind=absence_v1.ReporterKind(report.reporter.kind),
        municipality_code=report.municipality_code,
        first_absence_day=report.first_absence_day,
        last_absence_day=report.last_absence_day,
        pay=pay,
        reporter_deadline=absence_v1.ReporterDeadline(reporter_deadline(report).value),
        early=is_early(report),
        sent_at=report.sent_at,
        received_at=received_at,
        reported=seal_text(
            one.candidate.citizen.key,
            one.candidate.told,
            owner=str(one.candidate.citizen.citizen_id),
            field=REPORTED_SEALING_FIELD,
        ),
    )
    return encode(event, event_id=ids.derive(one.receipt_id, "absence.reported"), time=received_at)


def _receipt(one: Outcome, received_at: datetime) -> Encoded:
    record = one.record if isinstance(one, Rejected) else one.report.record
    position = Position(topic=record.topic, partition=record.partition, offset=record.offset)
    if isinstance(one, Rejected):
        receipt = Receipt(
            receipt_id=one.receipt_id,
            notification_id=one.notification_id,
            outcome=nemrefusion.Outcome.REJECTED,
            reasons=one.reasons,
            absence_reference=one.absence_reference,
            received_at=received_at,
            position=position,
        )
    else:
        told = one.report.report
        receipt = Receipt(
            receipt_id=one.receipt_id,
            notification_id=told.notification_id,
            outcome=_SAID[type(one)],
            ignored_fields=one.report.ignored_fields,
            absence_reference=told.absence_reference,
            absence_id=one.absence_id,
            received_at=received_at,
            position=position,
        )
    return encode(receipt, event_id=ids.derive(inbox.position_id(record), "receipted"), time=received_at)
