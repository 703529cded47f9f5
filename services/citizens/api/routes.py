"""Which verb stands at which address."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID, uuid4

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from contracts.citizens import v1
from services.citizens.api import problems
from services.citizens.api.door import Door
from services.citizens.api.problems import Refused
from services.citizens.domain.rights import Act, Asking, Tokens
from services.citizens.usecases.month_keys import MonthToCome

Told = tuple[v1.Part, Sequence[str]]


class Resolve(Protocol):
    async def __call__(
        self, asking: Asking, people: Sequence[v1.Person], *, propose_cards: bool = False
    ) -> list[v1.ResolveAnswer]: ...


class ConfirmCards(Protocol):
    async def __call__(self, asking: Asking, cards: Sequence[v1.CardToConfirm]) -> list[v1.ConfirmAnswer]: ...


class DiscloseKeys(Protocol):
    async def __call__(self, asking: Asking, citizen_ids: Sequence[UUID]) -> list[v1.KeyAnswer]: ...


class DiscloseCards(Protocol):
    async def __call__(self, asking: Asking, citizen_ids: Sequence[UUID]) -> list[v1.CardAnswer]: ...


class DiscloseMonthKey(Protocol):
    async def __call__(self, asking: Asking, purpose: v1.MonthKeyPurpose, month: str) -> v1.MonthKeyAnswer: ...


class Destroy(Protocol):
    async def __call__(self, asking: Asking, citizen_id: UUID, reason: v1.DestroyReason) -> v1.DestroyResponse: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Verbs:
    """What the vault can do."""

    resolve: Resolve
    confirm: ConfirmCards
    keys: DiscloseKeys
    cards: DiscloseCards
    month_key: DiscloseMonthKey
    destroy: Destroy


def make_app(verbs: Verbs, tokens: Tokens) -> Starlette:
    """The vault as an ASGI application."""

    async def resolve(asking: Asking, asked: v1.ResolveRequest) -> Told:
        citizens = await verbs.resolve(asking, asked.people, propose_cards=asked.propose_cards)
        return v1.ResolveResponse(citizens=tuple(citizens)), [one.state for one in citizens]

    async def confirm(asking: Asking, asked: v1.ConfirmRequest) -> Told:
        answers = await verbs.confirm(asking, asked.cards)
        return v1.ConfirmResponse(cards=tuple(answers)), [one.state for one in answers]

    async def keys(asking: Asking, asked: v1.CitizensRequest) -> Told:
        answers = await verbs.keys(asking, asked.citizen_ids)
        return v1.KeysResponse(keys=tuple(answers)), [one.state for one in answers]

    async def cards(asking: Asking, asked: v1.CitizensRequest) -> Told:
        answers = await verbs.cards(asking, asked.citizen_ids)
        return v1.CardsResponse(cards=tuple(answers)), [one.state for one in answers]

    async def month_key(asking: Asking, asked: v1.MonthKeyRequest) -> Told:
        try:
            answer = await verbs.month_key(asking, asked.purpose, asked.month)
        except MonthToCome:
            raise Refused("implausible-month") from None
        return answer, [answer.state]

    async def destroy(asking: Asking, asked: v1.DestroyRequest) -> Told:
        answer = await verbs.destroy(asking, asked.citizen_id, asked.reason)
        return answer, [answer.state]

    door = Door(tokens)
    app = Starlette(
        routes=[
            Route(v1.RESOLVE_PATH, door.endpoint(Act.RESOLVE, v1.ResolveRequest, resolve), methods=["POST"]),
            Route(v1.CONFIRM_PATH, door.endpoint(Act.CONFIRM, v1.ConfirmRequest, confirm), methods=["POST"]),
            Route(v1.KEYS_PATH, door.endpoint(Act.KEYS, v1.CitizensRequest, keys), methods=["POST"]),
            Route(v1.CARDS_PATH, door.endpoint(Act.CARDS, v1.CitizensRequest, cards), methods=["POST"]),
            Route(v1.MONTH_KEYS_PATH, door.endpoint(Act.MONTH_KEYS, v1.MonthKeyRequest, month_key), methods=["POST"]),
            Route(v1.DESTROY_PATH, door.endpoint(Act.DESTROY, v1.DestroyRequest, destroy), methods=["POST"]),
        ],
        exception_handlers={HTTPException: _no_such_door},
    )
    app.router.redirect_slashes = False
    return app


async def _no_such_door(_request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 404
    return problems.response(Refused("method-not-allowed" if status == 405 else "not-found"), str(uuid4()))
