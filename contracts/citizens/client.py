"""The one way services ask the vault.

Invariants: an answer stands at the place of its question, whatever the number of questions: more than a batch's worth is
split, equal ids are asked once. Keys stay in memory for minutes, in a bounded number, and never anywhere else; a destroyed
citizen's key is forgotten as soon as the vault says so. Nothing of a request or an answer appears in an exception.

Two things can go wrong. `VaultUnavailable`: not now; every request may be repeated unchanged. `VaultRefused`: the vault
understood and said no; that is a fault in this service or its settings, never in the message being worked on.
"""

import io
from collections.abc import Iterator, Sequence
from http import HTTPStatus
from types import TracebackType
from typing import Final, Self, TypeVar
from uuid import UUID, uuid4

import aiohttp
from pydantic import BaseModel, TypeAdapter, ValidationError

from contracts.citizens import v1
from contracts.citizens.cache import KeyCache

_LARGE_BYTES: Final = 512 * 1024
_MOST_ANSWER_BYTES: Final = 8 * 1024 * 1024
_RETRY_STATUSES: Final = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})

Answer = TypeVar("Answer")
Item = TypeVar("Item")
_RESOLVED: Final = TypeAdapter(v1.ResolveResponse)
_CONFIRMED: Final = TypeAdapter(v1.ConfirmResponse)
_KEYS: Final = TypeAdapter(v1.KeysResponse)
_CARDS: Final = TypeAdapter(v1.CardsResponse)
_MONTH_KEY: Final[TypeAdapter[v1.MonthKeyAnswer]] = TypeAdapter(v1.MonthKeyAnswer)
_DESTROYED: Final = TypeAdapter(v1.DestroyResponse)


class VaultUnavailable(Exception):
    """The vault is away, too slow, or answers nonsense. `reason` is a short code."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the vault is unavailable: {reason}")
        self.reason = reason


class VaultRefused(Exception):
    """The vault said no, with a code and the reference under which its log tells more."""

    def __init__(self, status: int, code: str, reference: str) -> None:
        super().__init__(f"the vault refused: {status} {code}, reference {reference}")
        self.status = status
        self.code = code
        self.reference = reference


class VaultClient:
    """Asks the vault at `url` as the service that `token` belongs to. Close it, or use it as an async context manager."""

    def __init__(self, url: str, token: str, *, timeout: float = 10.0, cache: KeyCache | None = None) -> None:
        self._url = url.rstrip("/")
        self._headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
        self._timeout = aiohttp.ClientTimeout(total=timeout, connect=min(timeout, 3.0))
        self._cache = cache if cache is not None else KeyCache()
        self._session: aiohttp.ClientSession | None = None

    async def resolve(self, people: Sequence[v1.Person], *, propose_cards: bool = False) -> list[v1.ResolveAnswer]:
        """Who these people are; those not known yet are made known. `propose_cards`: their cards wait to be confirmed."""
        answers: list[v1.ResolveAnswer] = []
        for batch in _batches(people):
            request = v1.ResolveRequest(people=tuple(batch), propose_cards=propose_cards)
            response = await self._ask(v1.RESOLVE_PATH, request, _RESOLVED)
            answers += _one_each(response.citizens, batch)
        for answer in answers:
            if isinstance(answer, v1.KnownCitizen):
                self._cache.put(answer.citizen_id, v1.KnownKey(key=answer.key))
        return answers

    async def confirm(self, cards: Sequence[v1.CardToConfirm]) -> list[v1.ConfirmAnswer]:
        """The messages that proposed these cards are accepted; every answer ends the matter."""
        answers: list[v1.ConfirmAnswer] = []
        for batch in _batches(cards):
            request = v1.ConfirmRequest(cards=tuple(batch))
            response = await self._ask(v1.CONFIRM_PATH, request, _CONFIRMED)
            for card, answer in zip(batch, _one_each(response.cards, batch), strict=True):
                answers.append(answer)
                if answer.state == "destroyed":
                    self._cache.put(card.citizen_id, v1.Destroyed())
        return answers

    async def keys(self, citizen_ids: Sequence[UUID]) -> list[v1.KeyAnswer]:
        """The citizens' keys, from memory where they were asked for lately."""
        known: dict[UUID, v1.KeyAnswer] = {}
        missing: list[UUID] = []
        for citizen_id in dict.fromkeys(citizen_ids):
            kept = self._cache.get(citizen_id)
            if kept is None:
                missing.append(citizen_id)
            else:
                known[citizen_id] = kept
        for batch in _batches(missing):
            request = v1.CitizensRequest(citizen_ids=tuple(batch))
            response = await self._ask(v1.KEYS_PATH, request, _KEYS)
            for citizen_id, answer in zip(batch, _one_each(response.keys, batch), strict=True):
                known[citizen_id] = answer
                if not isinstance(answer, v1.Unknown):
                    self._cache.put(citizen_id, answer)
        return [known[citizen_id] for citizen_id in citizen_ids]

    async def cards(self, citizen_ids: Sequence[UUID]) -> list[v1.CardAnswer]:
        """The citizens' names and addresses, always asked for anew: they are used at once and kept nowhere."""
        answers: dict[UUID, v1.CardAnswer] = {}
        for batch in _batches(list(dict.fromkeys(citizen_ids))):
            request = v1.CitizensRequest(citizen_ids=tuple(batch))
            response = await self._ask(v1.CARDS_PATH, request, _CARDS)
            for citizen_id, answer in zip(batch, _one_each(response.cards, batch), strict=True):
                answers[citizen_id] = answer
                if isinstance(answer, v1.Destroyed):
                    self._cache.put(citizen_id, answer)
        return [answers[citizen_id] for citizen_id in citizen_ids]

    async def month_key(self, purpose: v1.MonthKeyPurpose, month: str) -> v1.MonthKeyAnswer:
        """This service's own key of a month (`2026-11`), made when it is first asked for."""
        return await self._ask(v1.MONTH_KEYS_PATH, v1.MonthKeyRequest(purpose=purpose, month=month), _MONTH_KEY)

    async def destroy(self, citizen_id: UUID, reason: v1.DestroyReason) -> v1.DestroyResponse:
        """Destroy a citizen's key and card, for good."""
        request = v1.DestroyRequest(citizen_id=citizen_id, reason=reason)
        response = await self._ask(v1.DESTROY_PATH, request, _DESTROYED)
        self._cache.put(citizen_id, v1.Destroyed())
        return response

    async def close(self) -> None:
        """Forget the keys and hang up."""
        self._cache.clear()
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _ask(self, path: str, request: BaseModel, answer: TypeAdapter[Answer]) -> Answer:
        raw = await self._post(path, request)
        try:
            return answer.validate_json(raw)
        except ValidationError:
            raise VaultUnavailable("bad-answer") from None

    async def _post(self, path: str, request: BaseModel) -> bytes:
        body = request.model_dump_json().encode()
        reference = str(uuid4())
        try:
            try:
                status, raw = await self._exchange(path, body, reference)
            except aiohttp.ServerDisconnectedError:
                # A kept connection that the other side had just closed; every request may be repeated unchanged.
                status, raw = await self._exchange(path, body, reference)
        except (aiohttp.ClientError, OSError) as error:  # time-outs are OSErrors
            raise VaultUnavailable(type(error).__name__) from None
        if status == HTTPStatus.OK:
            return raw
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _RETRY_STATUSES:
            raise VaultUnavailable(f"status-{status}")
        raise VaultRefused(status, _problem_code(raw), reference)

    async def _exchange(self, path: str, body: bytes, reference: str) -> tuple[int, bytes]:
        headers = {v1.REQUEST_ID_HEADER: reference}
        # aiohttp writes a large body in one go, unless it is a stream.
        data = io.BytesIO(body) if len(body) > _LARGE_BYTES else body
        async with self._open().post(self._url + path, data=data, headers=headers, allow_redirects=False) as answer:
            raw = bytearray()
            async for chunk in answer.content.iter_any():
                raw += chunk
                if len(raw) > _MOST_ANSWER_BYTES:
                    raise VaultUnavailable("answer-too-large")
            return answer.status, bytes(raw)

    def _open(self) -> aiohttp.ClientSession:
        # Made at the first request, because a session belongs to the loop that is running then.
        if self._session is None:
            self._session = aiohttp.ClientSession(
                headers=self._headers,
                timeout=self._timeout,
                cookie_jar=aiohttp.DummyCookieJar(),
                connector=aiohttp.TCPConnector(limit=8, keepalive_timeout=4),  # below the 5 s of the other side
            )
        return self._session


def _batches(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    for start in range(0, len(items), v1.BATCH):
        yield items[start : start + v1.BATCH]


def _one_each(answers: Sequence[Item], questions: Sequence[object]) -> Sequence[Item]:
    """The answers, if there is one for each question: a shift by one would hand out somebody else's key."""
    if len(answers) != len(questions):
        raise VaultUnavailable("bad-answer")
    return answers


def _problem_code(raw: bytes) -> str:
    try:
        return v1.Problem.model_validate_json(raw).code
    except ValidationError:
        return "no-problem-document"
