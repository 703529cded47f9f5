"""What a notification may not say because it contradicts itself. No clock, no register: those are for `plausibility`.

Days are compared with days only. Whether a day is plausible on the day the message was sent or received (also: the
first day after `sent_at`) is judged there, by limits set by rule, and with a clearer answer where it lies in the future.
"""

import re
from collections.abc import Iterator
from typing import Final

from contracts.nemrefusion.v1.notification import (
    AbsenceReport,
    Amendment,
    AnyNotification,
    FastTrackRequest,
    RefundRequest,
)
from contracts.nemrefusion.v1.parts import Address, CitizenKind
from contracts.nemrefusion.v1.reasons import Reason, ReasonCode, reason

_REPORTER_OF: Final = {
    CitizenKind.EMPLOYEE: "employer",
    CitizenKind.UNEMPLOYED: "unemployment_fund",
    CitizenKind.SELF_EMPLOYED: "self_employed",
}
_DANISH_POSTAL_CODE: Final = re.compile(r"[0-9]{4}")
_MANDATORY_FOR_EMPLOYEES: Final = ("pay", "employment")
_EMPLOYEES_ONLY: Final = ("pay", "employment", "workplace_contact", "retention_answers")


def contradictions(notification: AnyNotification) -> tuple[Reason, ...]:
    """Every contradiction between fields, at most one per field."""
    match notification:
        case AbsenceReport() | Amendment():
            return tuple(_in_report(notification))
        case RefundRequest():
            return tuple(_in_refund_request(notification))
        case FastTrackRequest():
            return tuple(_in_address(notification.citizen.address))
        case _:
            return ()


def _in_report(report: AbsenceReport | Amendment) -> Iterator[Reason]:
    if report.reporter.kind != _REPORTER_OF[report.citizen_kind]:
        yield _inconsistent(
            "citizen_kind",
            "Employees are reported by an employer, unemployed people by a fund, self-employed people by themselves.",
        )
    yield from _in_address(report.citizen.address)
    yield from _in_days(report)
    if report.citizen_kind is CitizenKind.EMPLOYEE:
        for name in _MANDATORY_FOR_EMPLOYEES:
            if getattr(report, name) is None:
                yield reason(name, ReasonCode.MISSING, "The field is mandatory for an employee.")
    else:
        for name in _EMPLOYEES_ONLY:
            if getattr(report, name) is not None:
                yield _inconsistent(name, "The field is for employees only. Leave it out.")


def _in_days(report: AbsenceReport | Amendment) -> Iterator[Reason]:
    first = report.first_absence_day
    if report.last_absence_day is not None and report.last_absence_day < first:
        yield _inconsistent("last_absence_day", "The last absence day is before the first.")
    paid_until = report.pay.until if report.pay else None
    if paid_until is not None and paid_until < first:
        yield _inconsistent("pay.until", "The last day paid is before the first absence day.")
    employed_from = report.employment.start_day if report.employment else None
    if employed_from is not None and employed_from > first:
        yield _inconsistent("employment.start_day", "The employment begins after the first absence day.")


def _in_refund_request(request: RefundRequest) -> Iterator[Reason]:
    period = request.period
    unpaid_from = request.final.unpaid_from if request.final else None
    if period.last_day < period.first_day:
        yield _inconsistent("period.last_day", "The period ends before it begins.")
    elif unpaid_from is not None and unpaid_from < period.first_day:
        yield _inconsistent("final.unpaid_from", "The first day without pay is before the period of the refund.")


def _in_address(address: Address) -> Iterator[Reason]:
    if address.country == "DK" and not _DANISH_POSTAL_CODE.fullmatch(address.postal_code):
        yield reason(
            "citizen.address.postal_code",
            ReasonCode.BAD_FORMAT,
            "A Danish postal code is four digits. For an address abroad send its country too.",
        )


def _inconsistent(field: str, text: str) -> Reason:
    return reason(field, ReasonCode.INCONSISTENT, text)
