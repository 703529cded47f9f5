"""The vault, as `intake` sees it: who people are, and the month's key for dead letters."""

from collections.abc import Collection, Sequence
from uuid import UUID

from contracts.citizens import v1
from contracts.citizens.client import VaultClient, VaultUnavailable
from contracts.nemrefusion.v1 import AnyNotification, Citizen
from plumbing.dead_letters import KeyDestroyed, MonthKey
from plumbing.errors import Unavailable
from services.intake import domain


class Vault:
    """Asks the vault in batches; raises Unavailable while it is away."""

    def __init__(self, client: VaultClient) -> None:
        self._client = client

    async def resolve(self, notifications: Sequence[AnyNotification]) -> list[domain.Citizen | None]:
        """The citizen of each notification, None where the person was erased after it was sent."""
        try:
            answers = await self._client.resolve([_person(one) for one in notifications], propose_cards=True)
        except VaultUnavailable as error:
            raise Unavailable("citizens", error.reason) from None
        return [
            domain.Citizen(citizen_id=answer.citizen_id, key=answer.key, card_candidate=answer.card_candidate)
            if isinstance(answer, v1.KnownCitizen)
            else None
            for answer in answers
        ]

    async def confirm(self, cards: Sequence[domain.Card]) -> None:
        """The notifications that proposed these cards are accepted; whatever the answer, it is final."""
        wanted = [v1.CardToConfirm(citizen_id=one.citizen_id, candidate=one.candidate) for one in cards]
        try:
            await self._client.confirm(wanted)
        except VaultUnavailable as error:
            raise Unavailable("citizens", error.reason) from None

    async def keys(self, citizen_ids: Collection[UUID]) -> dict[UUID, bytes]:
        """The citizens' keys; none for those who were erased."""
        wanted = list(citizen_ids)
        try:
            answers = await self._client.keys(wanted)
        except VaultUnavailable as error:
            raise Unavailable("citizens", error.reason) from None
        pairs = zip(wanted, answers, strict=True)
        return {citizen_id: answer.key for citizen_id, answer in pairs if isinstance(answer, v1.KnownKey)}

    async def month_key(self, month: str) -> MonthKey:
        """This month's key for dead letters."""
        try:
            answer = await self._client.month_key("dead-letter", month)
        except VaultUnavailable as error:
            raise Unavailable("citizens", error.reason) from None
        if not isinstance(answer, v1.MonthKey):
            raise KeyDestroyed("citizens", "the month's key is destroyed")
        return MonthKey(key_id=answer.key_id, key=answer.key)


def _person(notification: AnyNotification) -> v1.Person:
    """Refund requests, recoveries and withdrawals tell no name and address."""
    citizen = notification.citizen
    card = _card(citizen) if isinstance(citizen, Citizen) else None
    return v1.Person(cpr=citizen.cpr, said_at=notification.sent_at, card=card)


def _card(citizen: Citizen) -> v1.Card:
    address = citizen.address
    return v1.Card(
        name=citizen.name,
        address=v1.Address(
            lines=address.lines, postal_code=address.postal_code, city=address.city, country=address.country
        ),
        address_protection=citizen.has_address_protection,
    )
