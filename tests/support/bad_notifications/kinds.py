"""N39 to N41, and what is bad in the kinds beside reports: amendments, refund requests, fast-track, recovery, withdrawal."""

from typing import Any

from tests.contracts.notifications import LEFT_OUT, Document
from tests.support.bad_notifications.case import ACCEPTED, DUPLICATE, WAITING, Case, Cases, Expected, Message, rejected
from tests.support.bad_notifications.making import Maker, again, refused, spelt

AMENDED = "amended.employee"
REFUND = "refund_requested.employee"
FINAL = "refund_requested.final"
FAST_TRACK = "fast_track_requested.employee"
RECOVERED = "recovered.unemployed"
WITHDRAWN = "withdrawn.self_employed"
GONE = rejected({"absence_reference": "withdrawn"})
NOT_YOURS = rejected({"absence_reference": "not-yours"})
OTHER_EMPLOYER = {"reporter.cvr": "99990015"}
POSTAL_CODE = "citizen.address.postal_code"
LATER = "2026-03-20T09:00:00Z"


def cases(make: Maker) -> Cases:
    yield from _to_an_unknown_original(make)
    yield from _withdrawn(make)
    yield from _strangers(make)
    yield from _repeats(make)
    yield from _too_late(make)
    yield from _bad_by_form(make)


def _to_an_unknown_original(make: Maker) -> Cases:
    for kind in (AMENDED, REFUND, RECOVERED, WITHDRAWN):
        report = make.document()
        yield _case("N39", f"{kind} that nothing follows", _kind(_about(make, report, kind), WAITING))
        report = make.document()
        early = _kind(_about(make, report, kind), WAITING)
        yield _case("N39", f"{kind}, then its report", early, Message(value=spelt(report), expected=ACCEPTED))
    report = make.document()
    asked = _about(make, report, FAST_TRACK)
    yield _case(
        "N39", "fast-track waits for nothing", _kind(asked, ACCEPTED), Message(value=spelt(report), expected=ACCEPTED)
    )
    report = make.document()
    amendment = _about(make, report, AMENDED)
    waiting_twice = _kind(amendment, WAITING), _kind(amendment, DUPLICATE)
    yield _case("N39", "the same amendment twice before its report", *waiting_twice)
    report = make.document()
    asked, recovered = _about(make, report, FAST_TRACK), _about(make, report, RECOVERED)
    yield _case("N39", "a recovery joins a preliminary absence", _kind(asked, ACCEPTED), _kind(recovered, ACCEPTED))
    report = make.document()
    asked, refund = _about(make, report, FAST_TRACK), _about(make, report, REFUND)
    yield _case("N39", "a refund request waits for the report itself", _kind(asked, ACCEPTED), _kind(refund, WAITING))


def _withdrawn(make: Maker) -> Cases:
    report = make.document()
    first, second = _about(make, report, WITHDRAWN), _about(make, report, WITHDRAWN)
    opened = Message(value=spelt(report), expected=ACCEPTED)
    yield _case("N40", "the same once more", opened, _kind(first, ACCEPTED), _kind(first, DUPLICATE))
    report = make.document()
    first, second = _about(make, report, WITHDRAWN), _about(make, report, WITHDRAWN, sent_at=LATER)
    opened = Message(value=spelt(report), expected=ACCEPTED)
    yield _case("N40", "under another id", opened, _kind(first, ACCEPTED), _kind(second, DUPLICATE))
    # that the citizen has signed meanwhile is nothing that intake knows: whoever has the case is told
    report = make.document()
    opened = Message(value=spelt(report), expected=ACCEPTED)
    yield _case("N41", "days later", opened, _kind(_about(make, report, WITHDRAWN, sent_at=LATER), ACCEPTED))
    for kind in (AMENDED, REFUND, FAST_TRACK, RECOVERED):
        report = make.document()
        opened = Message(value=spelt(report), expected=ACCEPTED)
        gone = _kind(_about(make, report, WITHDRAWN), ACCEPTED)
        yield _case("N41", f"{kind} after it", opened, gone, _kind(_about(make, report, kind, sent_at=LATER), GONE))


def _strangers(make: Maker) -> Cases:
    for kind in (AMENDED, REFUND, RECOVERED, WITHDRAWN):
        report = make.document()
        opened = Message(value=spelt(report), expected=ACCEPTED)
        yield _case(
            "N39", f"{kind} by another employer", opened, _kind(_about(make, report, kind, **OTHER_EMPLOYER), NOT_YOURS)
        )
        report = make.document()
        opened = Message(value=spelt(report), expected=ACCEPTED)
        other = {"citizen.cpr": make.cpr()}
        yield _case(
            "N39", f"{kind} about another citizen", opened, _kind(_about(make, report, kind, **other), NOT_YOURS)
        )


def _repeats(make: Maker) -> Cases:
    report = make.document()
    first = _about(make, report, REFUND)
    same = again(first, notification_id=make.id(), sent_at=LATER)
    opened = Message(value=spelt(report), expected=ACCEPTED)
    yield _case("N38", "a refund request under another id", opened, _kind(first, ACCEPTED), _kind(same, DUPLICATE))
    report = make.document()
    amendment = _about(make, report, AMENDED, municipality_code="0101")
    other = again(amendment, municipality_code="0860")
    conflict = rejected({"notification_id": "conflict"})
    opened = Message(value=spelt(report), expected=ACCEPTED)
    yield _case(
        "N37", "an amendment's id with another content", opened, _kind(amendment, ACCEPTED), _kind(other, conflict)
    )
    report = make.document()
    reused = _about(make, report, RECOVERED, notification_id=report["notification_id"])
    opened = Message(value=spelt(report), expected=ACCEPTED)
    yield _case("N37", "the report's id for its recovery", opened, _kind(reused, conflict))


def _too_late(make: Maker) -> Cases:
    in_time = make.document(FAST_TRACK, first_absence_day="2026-02-14")
    yield _case("N39", "fast-track on the last day", _kind(in_time, ACCEPTED))
    late = make.document(FAST_TRACK, first_absence_day="2026-02-13")
    yield _case("N39", "fast-track a day late", _kind(late, rejected({"sent_at": "too-late"}), by_itself=True))


def _bad_by_form(make: Maker) -> Cases:
    first = "first_absence_day"
    for kind, what, changes, reasons in (
        (AMENDED, "no such day", {first: "2026-02-30"}, {first: "bad-date"}),
        (AMENDED, "last day before the first", {"last_absence_day": "2026-03-01"}, {"last_absence_day": "inconsistent"}),
        (AMENDED, "a CPR number of nine digits", {"citizen__cpr": "610390123"}, {"citizen.cpr": "bad-cpr"}),
        (AMENDED, "no pay", {"pay": LEFT_OUT}, {"pay": "missing"}),
        (AMENDED, "two faults", {"cause": "flu", "citizen__name": ""}, {"cause": "unknown-code", "citizen.name": "blank"}),
        (REFUND, "a period that ends before it begins", {"period__last_day": "2026-01-01"}, {"period.last_day": "inconsistent"}),
        (REFUND, "no period", {"period": LEFT_OUT}, {"period": "missing"}),
        (REFUND, "by a fund", {"reporter__kind": "unemployment_fund"}, {"reporter.kind": "unknown-code"}),
        (REFUND, "a period in camel case", {"period__firstDay": "2026-03-01"}, {"period.first_day": "unknown-field"}),
        (FINAL, "final as text", {"final__absence_continues": "ja"}, {"final.absence_continues": "wrong-type"}),
        (FINAL, "unpaid before the period", {"final__unpaid_from": "2026-01-01"}, {"final.unpaid_from": "inconsistent"}),
        (FINAL, "final says nothing", {"final": {}}, {"final.absence_continues": "missing"}),
        (FAST_TRACK, "no employment", {"employment": LEFT_OUT}, {"employment": "missing"}),
        (FAST_TRACK, "a postal code of three digits", {"citizen__address__postal_code": "800"}, {POSTAL_CODE: "bad-format"}),
        (FAST_TRACK, "a NUL", {"citizen__name": "\0"}, {"citizen.name": "bad-text"}),
        (RECOVERED, "no day", {"last_absence_day": LEFT_OUT}, {"last_absence_day": "missing"}),
        (RECOVERED, "a day as number", {"last_absence_day": 20_260_319}, {"last_absence_day": "wrong-type"}),
        (RECOVERED, "a fund's number in letters", {"reporter__fund_number": "tolv"}, {"reporter.fund_number": "bad-format"}),
        (WITHDRAWN, "no citizen", {"citizen": LEFT_OUT}, {"citizen": "missing"}),
        (WITHDRAWN, "a wrong check digit", {"reporter__cvr": "99990016"}, {"reporter.cvr": "bad-cvr"}),
        (WITHDRAWN, "a reference that is none", {"absence_reference": "sag 7"}, {"absence_reference": "bad-id"}),
        (WITHDRAWN, "of version 2", {"version": 2}, {"version": "unsupported-version"}),
    ):  # fmt: skip
        row = "N39" if kind is not WITHDRAWN else "N40"
        yield refused(row, f"{kind}: {what}", make.of_kind(kind, **changes), reasons)


def _about(make: Maker, report: Document, kind: str, **changes: Any) -> Document:
    """A notification of this kind by the report's own reporter about its own absence."""
    own: dict[str, Any] = {
        "absence_reference": report["absence_reference"],
        "reporter": report["reporter"],
        "citizen.cpr": report["citizen"]["cpr"],
    }
    if kind == RECOVERED:
        own["last_absence_day"] = "2026-03-19"
    if kind == REFUND:
        own |= {"period.first_day": "2026-03-02", "period.last_day": "2026-03-15"}
    return again(make.document(kind), **(own | changes))


def _kind(document: Document, then: Expected, *, by_itself: bool = False) -> Message:
    """A message of a kind that is not a report."""
    by_history = then.fate == "rejected" and not by_itself
    return Message(value=spelt(document), expected=then, by_history=by_history)


def _case(row: str, name: str, *messages: Message) -> Case:
    return Case(row=row, name=name, messages=messages)
