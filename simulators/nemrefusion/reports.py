"""Good `absence_reported` notifications: dated around the day they are received, of all three kinds of citizen, as
plain documents.

Written from the published contract, not with its code, so that the simulator is a reporter like any other.
"""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Any, Final
from uuid import UUID
from zoneinfo import ZoneInfo

from simulators.nemrefusion.people import EMPLOYERS, Person, business, employer, fund

Document = dict[str, Any]

DENMARK: Final = ZoneInfo("Europe/Copenhagen")
CITIZEN_KINDS: Final = {"employee": 80, "unemployed": 15, "self_employed": 5}
"""Of a hundred reports."""
JOBS: Final = (
    "Pædagog",
    "Lagermedarbejder",
    "Sygeplejerske",
    "Tømrer",
    "Chauffør",
    "Kok",
    "Bogholder",
    "Rengøringsassistent",
    "Gartner",
)
AFFECTED: Final = (
    "Løft over 10 kg.",
    "Arbejde over skulderhøjde\nog gentagne drej.",
    "Kundekontakt og telefon.",
    "Kørsel.",
    "Alle opgaver indtil videre.",
)
SINCE: Final = ("Siden sidste måned.", "Omkring tre uger.", "Det meste af året, værst i perioder.", "Ved ikke.")


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """A document, of a report or of any other kind, with what the traffic around it needs to know. Its record is keyed by
    `absence_reference`, that of the absence it is about; a document that reports the same once more may name another."""

    document: Document = field(repr=False)
    notification_id: UUID
    absence_reference: UUID
    person: Person


class Reporters:
    """Writes reports received on `as_of`: sent the day before, so that no clock on that day finds them in the future."""

    def __init__(self, dice: Random, as_of: date) -> None:
        self._dice = dice
        self.received_on(as_of)

    def received_on(self, day: date, *, days_late: int = 0) -> None:
        """From now on they write what is received on that day: sent the day before, or that much earlier."""
        self.sent_day = day - timedelta(days=1 + days_late)

    def report(self, person: Person, citizen_kind: str) -> Report:
        """One report about the person."""
        sent_at = self.sent_at()
        notification_id, reference = self.new_id(), self.new_id()
        document: Document = {
            "version": 1,
            "kind": "absence_reported",
            "notification_id": str(notification_id),
            "sent_at": sent_at.isoformat(),
            "absence_reference": str(reference),
            "citizen": person.citizen,
            "citizen_kind": citizen_kind,
            "municipality_code": person.municipality_code,
            "cause": self._dice.choices(("illness", "work_injury", "liable_third_party"), (92, 6, 2))[0],
        }
        match citizen_kind:
            case "employee":
                self._as_employee(document)
            case "unemployed":
                self._as_unemployed(document)
            case _:
                document["reporter"] = business(person.number)
                self._absent_since(document, self._dice.randint(14, 40))
                self._maybe_back(document, shortest=2)
        return Report(document=document, notification_id=notification_id, absence_reference=reference, person=person)

    def _as_employee(self, document: Document) -> None:
        dice = self._dice
        # Wage: due 5 weeks after the first day if the absence exceeds the 30-day employer period; some come late, some at once.
        first = self._absent_since(document, dice.choice((2, 9, 20, 31, 32, 33, 34, 35, 36, 44)))
        document["reporter"] = employer(dice.randrange(EMPLOYERS))
        self._maybe_back(document, shortest=1)
        document["pay"] = {"kind": dice.choices(("wage", "sickness_benefit", "nothing"), (70, 15, 15))[0]}
        if document["pay"]["kind"] != "nothing" and dice.random() < 0.3:
            document["pay"]["until"] = (first + timedelta(days=dice.randint(0, 60))).isoformat()
        started = first - timedelta(days=dice.randint(60, 7_000))
        document["employment"] = {
            "start_day": started.isoformat(),
            "weekly_hours": dice.choice((37, 37, 32, 29.6, 18.5)),
        }
        document["employment"]["job_title"] = dice.choice(JOBS)
        if dice.random() < 0.03:
            document["employment"]["is_flexjob"] = True
        if dice.random() < 0.02:
            document["employment"]["has_section_56_agreement"] = True
        if dice.random() < 0.6:
            document["workplace_contact"] = {"name": "Leder på vagten", "phone": f"+45 {dice.randint(10, 99)} 00 00 00"}
        if dice.random() < 0.3:
            document["retention_answers"] = self._retention_answers()

    def _as_unemployed(self, document: Document) -> None:
        document["reporter"] = fund(self._dice.randrange(1_000))
        # The fund keeps the first two weeks; a few report early, which is accepted and marked as long as no last day is known.
        early = self._dice.random() < 0.1
        self._absent_since(document, self._dice.randint(1, 12) if early else self._dice.randint(15, 40))
        if not early:
            self._maybe_back(document, shortest=15)

    def _retention_answers(self) -> Document:
        dice = self._dice
        answers: Document = {
            "affected_job_functions": dice.choice(AFFECTED),
            "affected_for": dice.choice(SINCE),
            "work_adapted": dice.random() < 0.5,
        }
        return {name: answers[name] for name in answers if dice.random() < 0.8} or answers

    def _absent_since(self, document: Document, days: int) -> date:
        first = self.sent_day - timedelta(days=days)
        document["first_absence_day"] = first.isoformat()
        return first

    def _maybe_back(self, document: Document, *, shortest: int) -> None:
        first = date.fromisoformat(document["first_absence_day"])
        longest = (self.sent_day - first).days
        if longest >= shortest and self._dice.random() < 0.2:
            document["last_absence_day"] = (first + timedelta(days=self._dice.randint(shortest, longest))).isoformat()

    def sent_at(self) -> datetime:
        """Some time of the working day on which they write."""
        local = datetime.combine(self.sent_day, time(6), DENMARK) + timedelta(seconds=self._dice.randrange(14 * 3_600))
        return local.astimezone(UTC) if self._dice.random() < 0.3 else local

    def new_id(self) -> UUID:
        """An id that nothing else has."""
        return UUID(int=self._dice.getrandbits(128), version=4)
