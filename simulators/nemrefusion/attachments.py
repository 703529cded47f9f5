"""Good notifications about an absence that is reported under the same reference: amendments, requests for refund and for
early action, recoveries, withdrawals, second reports; as plain documents.

Each is sent on the day the reporters stand at, which is never before the first day of absence.
"""

from datetime import date, timedelta
from random import Random
from typing import Final

from simulators.nemrefusion.absences import Absence
from simulators.nemrefusion.people import EMPLOYERS, Person, business, employer, fund
from simulators.nemrefusion.reports import JOBS, Document, Reporters

EMPLOYER_PERIOD_DAYS: Final = 30
_LONGEST_REFUND_DAYS: Final = 30
_EMPLOYEES_CHANGES: Final = ("first day", "first day", "back", "pay", "pay", "employment", "cause", "nothing")
_OTHERS_CHANGES: Final = ("first day", "first day", "back", "cause", "nothing")
_FAST_TRACK_FIELDS: Final = (
    "citizen",
    "municipality_code",
    "first_absence_day",
    "employment",
    "workplace_contact",
    "retention_answers",
)


class Attachments:
    """Writes them."""

    def __init__(self, dice: Random, reporters: Reporters) -> None:
        self._dice = dice
        self._reporters = reporters

    def write(self, kind: str, absence: Absence) -> Document:
        """One of that kind; the report once more for any kind that is not written here."""
        match kind:
            case "amended":
                return self._amendment(absence)
            case "refund_requested":
                return self._refund_request(absence)
            case "fast_track_requested":
                told = absence.told
                return self._begun(kind, absence) | {name: told[name] for name in _FAST_TRACK_FIELDS if name in told}
            case "recovered":
                day = max(absence.first_day, self._reporters.sent_day - timedelta(days=self._dice.randint(0, 5)))
                return self._begun(kind, absence) | {"last_absence_day": day.isoformat()}
            case "withdrawn":
                return self._begun(kind, absence)
            case _:
                return self.once_more(absence.report.document)

    def may_ask_for_refund(self, absence: Absence) -> bool:
        """An employer who pays, for days that are over and not asked for yet."""
        pays = absence.is_an_employees and absence.told["pay"]["kind"] != "nothing"
        return pays and self._refund_from(absence) <= self._reporters.sent_day

    def once_more(self, document: Document) -> Document:
        """The same content under another id, sent later."""
        return document | {
            "notification_id": str(self._reporters.new_id()),
            "sent_at": self._reporters.sent_at().isoformat(),
        }

    def strangers(self, document: Document, other: Person) -> Document:
        """The same by another reporter, or about another person."""
        if self._dice.random() < 0.5:
            named = other.citizen if "name" in document["citizen"] else {"cpr": other.citizen["cpr"]}
            return document | {"citizen": named}
        reporter = document["reporter"]
        match reporter["kind"]:
            case "employer":
                return document | {"reporter": employer((int(reporter["production_unit"][1:]) + 2) % EMPLOYERS)}
            case "unemployment_fund":
                return document | {"reporter": fund(int(reporter["fund_number"]))}
            case _:
                return document | {"reporter": business(other.number)}

    def _begun(self, kind: str, absence: Absence) -> Document:
        told = absence.told
        return {
            "version": 1,
            "kind": kind,
            "notification_id": str(self._reporters.new_id()),
            "sent_at": self._reporters.sent_at().isoformat(),
            "absence_reference": told["absence_reference"],
            "reporter": told["reporter"],
            "citizen": {"cpr": told["citizen"]["cpr"]},
        }

    def _amendment(self, absence: Absence) -> Document:
        told = self.once_more(absence.told) | {"kind": "amended"}
        changes = _EMPLOYEES_CHANGES if absence.is_an_employees else _OTHERS_CHANGES
        match self._dice.choice(changes):
            case "first day":
                return told | {"first_absence_day": self._other_first_day(absence).isoformat()}
            case "back":
                return told | {"last_absence_day": self._reporters.sent_day.isoformat()}
            case "pay":
                kinds = [one for one in ("wage", "sickness_benefit", "nothing") if one != told["pay"]["kind"]]
                return told | {"pay": {"kind": self._dice.choice(kinds)}}
            case "employment":
                return told | {"employment": told["employment"] | {"job_title": self._dice.choice(JOBS)}}
            case "cause":
                return told | {"cause": "work_injury" if told["cause"] == "illness" else "illness"}
            case _:
                return told

    def _other_first_day(self, absence: Absence) -> date:
        """Some days off, within what the other days of the report allow."""
        told, first = absence.told, absence.first_day
        latest = [self._reporters.sent_day]
        latest += [
            date.fromisoformat(day) for day in (told.get("last_absence_day"), told.get("pay", {}).get("until")) if day
        ]
        earliest = date.fromisoformat(told.get("employment", {}).get("start_day", "1990-01-01"))
        shift = self._dice.choice((-6, -3, -1, -1, 1, 2, 5) if absence.is_an_employees else (-6, -3, -1))
        return max(earliest, min([first + timedelta(days=shift), *latest]))

    def _refund_from(self, absence: Absence) -> date:
        if absence.refunded_until is not None:
            return absence.refunded_until + timedelta(days=1)
        employment = absence.told["employment"]
        has_period = not (employment.get("is_flexjob") or employment.get("has_section_56_agreement"))
        after = absence.first_day + timedelta(days=EMPLOYER_PERIOD_DAYS)
        # a payroll system that knows nothing of the employer period asks from the first day
        return after if has_period and after <= self._reporters.sent_day else absence.first_day

    def _refund_request(self, absence: Absence) -> Document:
        dice, first = self._dice, self._refund_from(absence)
        longest = min((self._reporters.sent_day - first).days, _LONGEST_REFUND_DAYS)
        last = first + timedelta(days=dice.randint(0, longest))
        document = self._begun("refund_requested", absence)
        document["period"] = {"first_day": first.isoformat(), "last_day": last.isoformat()}
        if dice.random() < 0.4:
            document["final"] = {"absence_continues": dice.random() < 0.6}
            if document["final"]["absence_continues"] or dice.random() < 0.3:
                document["final"]["unpaid_from"] = (last + timedelta(days=1)).isoformat()
        return document
