"""The vault, as `intake` sees it: who people are, and the month's key for dead letters."""

from collections.abc import Sequence

from contracts.citizens import v1
from contracts.citizens.client import VaultClient, VaultUnavailable
from contracts.nemrefusion.v1 import AbsenceReport
from plumbing.dead_letters import KeyDestroyed, MonthKey
from plumbing.errors import Unavailable
from services.intake.domain import Citizen


class Vault:
    """Asks the vault in batches; raises Unavailable while it is away."""

    def __init__(self, client: VaultClient) -> None:
        self._client = client

    async def resolve(self, reports: Sequence[AbsenceReport]) -> list[Citizen | None]:
        """The citizen of each report, None where the person was erased after the report was sent."""
        try:
            answers = await self._client.resolve([_person(report) for report in reports])
        except VaultUnavailable as error:
            raise Unavailable("citizens", error.reason) from None
        return [
            Citizen(citizen_id=answer.citizen_id, key=answer.key) if isinstance(answer, v1.KnownCitizen) else None
            for answer in answers
        ]

    async def month_key(self, month: str) -> MonthKey:
        """This month's key for dead letters."""
        try:
            answer = await self._client.month_key("dead-letter", month)
        except VaultUnavailable as error:
            raise Unavailable("citizens", error.reason) from None
        if not isinstance(answer, v1.MonthKey):
            raise KeyDestroyed("citizens", "the month's key is destroyed")
        return MonthKey(key_id=answer.key_id, key=answer.key)


def _person(report: AbsenceReport) -> v1.Person:
    citizen = report.citizen
    address = citizen.address
    return v1.Person(
        cpr=citizen.cpr,
        said_at=report.sent_at,
        card=v1.Card(
            name=citizen.name,
            address=v1.Address(
                lines=address.lines, postal_code=address.postal_code, city=address.city, country=address.country
            ),
            address_protection=citizen.has_address_protection,
        ),
    )
