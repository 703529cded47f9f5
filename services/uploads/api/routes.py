"""Which verb stands at which address, and the door each request passes: for whom it is asked, and what it says.

Invariants: nobody without a valid token has anything read; what a citizen may not see is not there; no answer and no log line
holds anything of a request; a request that ended in the middle leaves nothing behind.
"""

import asyncio
import itertools
from collections import Counter as Tally
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, Final
from urllib.parse import quote
from uuid import UUID, uuid4

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from contracts.citizen_token.v1 import BadToken, Caller, Verifier
from contracts.uploads import v1
from plumbing.objects import PIECE_BYTES
from services.uploads.api.problems import ALWAYS, ANSWERED, BadRequest, problem, refusal
from services.uploads.api.receiving import Bounds, received
from services.uploads.api.views import file_view, submission_view
from services.uploads.domain.names import display_name
from services.uploads.domain.submissions import FileState, HeldBack, Refused, Waits
from services.uploads.usecases.begin import Begin
from services.uploads.usecases.incoming import NotAccepted
from services.uploads.usecases.send import Send
from services.uploads.usecases.show import GivenOut, Show
from services.uploads.usecases.take_back import TakeBack
from services.uploads.usecases.take_file import TakeFile

_MOST_BODY_BYTES: Final = 64 * 1024
_STATUS: Final = {FileState.CLEAN: 201, FileState.PENDING: 202}
_SAFE: Final = {
    **ALWAYS,
    "content-security-policy": "sandbox; default-src 'none'",
    "cross-origin-resource-policy": "same-origin",
    "x-frame-options": "DENY",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Verbs:
    """What can be asked for."""

    begin: Begin
    take_file: TakeFile
    take_back: TakeBack
    send: Send
    show: Show


class _Coming:
    """Files that are coming in: how many of a citizen, and how far each is."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._of_citizen: Tally[UUID] = Tally()
        self._bytes: dict[UUID, dict[int, int]] = {}
        self._places = itertools.count()

    @contextmanager
    def one(self, citizen_id: UUID, submission_id: UUID) -> Iterator[Callable[[int], None]]:
        """A place for a file, and where to tell how far it is; raises BadRequest where a citizen has too many."""
        if self._of_citizen[citizen_id] >= self._most:
            raise BadRequest("too-many")
        self._of_citizen[citizen_id] += 1
        places = self._bytes.setdefault(submission_id, {})
        place = next(self._places)
        places[place] = 0
        try:
            yield lambda number: places.__setitem__(place, number)
        finally:
            del places[place]
            if not places:
                self._bytes.pop(submission_id, None)
            self._of_citizen[citizen_id] -= 1
            if not self._of_citizen[citizen_id]:
                del self._of_citizen[citizen_id]

    def of(self, submission_id: UUID) -> list[int]:
        return list(self._bytes.get(submission_id, {}).values())


class _Answers:
    """One method a verb; each gets for whom it is asked, and the reference under which the log knows it."""

    def __init__(
        self,
        verbs: Verbs,
        *,
        bounds: Bounds,
        spool: Callable[[], BinaryIO],
        now: Callable[[], datetime],
        files_at_once: int,
    ) -> None:
        self._verbs = verbs
        self._bounds = bounds
        self._spool = spool
        self._now = now
        self._coming = _Coming(files_at_once)

    async def begin(self, request: Request, caller: Caller, _: UUID) -> Response:
        key, body = _key(request), await _json(request, self._bounds.idle_seconds)
        submission, is_new = await self._verbs.begin(
            caller, key, absence_id=body.absence_id, title=body.title, reason=body.reason
        )
        return await self._shown(caller, submission.submission_id, 201 if is_new else 200)

    async def listed(self, request: Request, caller: Caller, _: UUID) -> Response:
        told = request.query_params.get("absence_id")
        found = await self._verbs.show.all(caller, None if told is None else _id(told, "absence_id"))
        shown = (submission_view(one, self._coming.of(one.submission.submission_id)) for one in found)
        return _answer(v1.Submissions(submissions=tuple(shown)))

    async def one(self, request: Request, caller: Caller, _: UUID) -> Response:
        return await self._shown(caller, _of_path(request, "submission_id"))

    async def add_file(self, request: Request, caller: Caller, reference: UUID) -> Response:
        submission_id, key = _of_path(request, "submission_id"), _key(request)
        with self._coming.one(caller.citizen_id, submission_id) as progress:
            place = await self._verbs.take_file.begin(caller, submission_id, key)
            has_come = False
            try:
                async with received(
                    request, bounds=self._bounds, spool=self._spool, now=self._now, progress=progress
                ) as incoming:
                    has_come = True
                    file = await self._verbs.take_file.finish(caller, place, incoming)
                    shown = file_view(file, display_name(incoming.name) or "")
            except BaseException as error:
                if not has_come or isinstance(error, NotAccepted):  # nothing of it was stored anywhere
                    await self._verbs.take_file.abandon(place)
                raise
        if (status := _STATUS.get(file.state)) is not None:
            return _answer(shown, status)
        assert file.code is not None
        return problem(file.code.value, reference, fields=("file",), file=shown, said=shown.texts)

    async def send(self, request: Request, caller: Caller, reference: UUID) -> Response:
        submission_id = _of_path(request, "submission_id")
        outcome = await self._verbs.send(caller, submission_id, _key(request))
        if isinstance(outcome, HeldBack):
            return problem("has-refused-files", reference, fields=("files",))
        return await self._shown(caller, submission_id, 202 if isinstance(outcome, Waits) else 200)

    async def take_back(self, request: Request, caller: Caller, _: UUID) -> Response:
        await self._verbs.take_back.submission(caller, _of_path(request, "submission_id"))
        return Response(status_code=204, headers=ALWAYS)

    async def take_out(self, request: Request, caller: Caller, _: UUID) -> Response:
        await self._verbs.take_back.file(caller, _of_path(request, "submission_id"), _of_path(request, "file_id"))
        return Response(status_code=204, headers=ALWAYS)

    async def content(self, request: Request, caller: Caller, _: UUID) -> Response:
        submission_id, file_id = _of_path(request, "submission_id"), _of_path(request, "file_id")
        return _given_out(await self._verbs.show.content(caller, submission_id, file_id))

    async def _shown(self, caller: Caller, submission_id: UUID, status: int = 200) -> Response:
        shown = await self._verbs.show.one(caller, submission_id)
        return _answer(submission_view(shown, self._coming.of(submission_id)), status)


def make_app(
    verbs: Verbs,
    verify: Verifier,
    *,
    bounds: Bounds,
    spool: Callable[[], BinaryIO],
    now: Callable[[], datetime],
    files_at_once: int,
) -> Starlette:
    """`uploads` as an ASGI application. `spool` makes a file without a name; a citizen may have `files_at_once` coming in."""
    answers = _Answers(verbs, bounds=bounds, spool=spool, now=now, files_at_once=files_at_once)
    one, files = f"{v1.SUBMISSIONS_PATH}/{{submission_id}}", f"{v1.SUBMISSIONS_PATH}/{{submission_id}}/files"
    routes = (
        ("POST", v1.SUBMISSIONS_PATH, "begin", answers.begin),
        ("GET", v1.SUBMISSIONS_PATH, "list", answers.listed),
        ("GET", one, "show", answers.one),
        ("DELETE", one, "take-back", answers.take_back),
        ("POST", files, "add-file", answers.add_file),
        ("POST", f"{one}/send", "send", answers.send),
        ("DELETE", f"{files}/{{file_id}}", "take-out", answers.take_out),
        ("GET", f"{files}/{{file_id}}/content", "content", answers.content),
    )
    app = Starlette(
        routes=[Route(path, _door(verb, work, verify), methods=[method]) for method, path, verb, work in routes],
        exception_handlers={HTTPException: _no_such_door},
    )
    app.router.redirect_slashes = False
    return app


def _door(
    verb: str, work: Callable[[Request, Caller, UUID], Awaitable[Response]], verify: Verifier
) -> Callable[[Request], Awaitable[Response]]:
    """An endpoint: who asks is known before anything is read, and whatever goes wrong looks the same outside."""

    async def answer(request: Request) -> Response:
        reference = uuid4()
        try:
            response = await work(request, _caller(request, verify), reference)
        except ClientDisconnect:
            ANSWERED.labels(verb, "disconnected").inc()
            return Response(status_code=400)
        except Exception as error:  # noqa: BLE001  # the last resort: its text stays inside
            return refusal(verb, reference, error)
        ANSWERED.labels(verb, str(response.status_code)).inc()
        return response

    return answer


def _caller(request: Request, verify: Verifier) -> Caller:
    presented = request.headers.getlist("authorization")
    scheme, _, token = presented[0].partition(" ") if len(presented) == 1 else ("", "", "")
    if scheme.lower() != "bearer":
        raise BadRequest("unauthorized")
    try:
        return verify(token.strip())
    except BadToken:
        raise BadRequest("unauthorized") from None


def _key(request: Request) -> UUID:
    presented = request.headers.getlist(v1.KEY_HEADER)
    try:
        return UUID(presented[0]) if len(presented) == 1 and len(presented[0]) == 36 else _missing()
    except ValueError:
        return _missing()


def _missing() -> UUID:
    raise BadRequest("key-missing", (v1.KEY_HEADER,))


def _of_path(request: Request, name: str) -> UUID:
    try:
        return UUID(request.path_params[name])
    except ValueError:
        raise Refused("not-found") from None


def _id(text: str, field: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise BadRequest("invalid", (field,)) from None


async def _json(request: Request, seconds: float) -> v1.NewSubmission:
    """What a small body says; raises BadRequest, also where it has not come within so many seconds."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json" or request.headers.get("content-encoding", "identity") != "identity":
        raise BadRequest("invalid", ("content-type",))
    body = bytearray()
    try:
        async with asyncio.timeout(seconds):
            async for piece in request.stream():
                body += piece
                if len(body) > _MOST_BODY_BYTES:
                    raise BadRequest("invalid", ("body",))
    except TimeoutError:
        raise BadRequest("too-slow") from None
    try:
        return v1.NewSubmission.model_validate_json(bytes(body))
    except ValidationError as error:
        places = [one["loc"] for one in error.errors(include_input=False, include_context=False, include_url=False)]
        known = {str(place[0]) for place in places if place and place[0] in v1.NewSubmission.model_fields}
        raise BadRequest("invalid", tuple(sorted(known)) or ("body",)) from None


def _answer(body: v1.Body, status: int = 200) -> Response:
    return Response(
        body.model_dump_json(exclude_none=True), status_code=status, media_type="application/json", headers=ALWAYS
    )


def _given_out(given: GivenOut) -> Response:
    async def pieces() -> AsyncIterator[bytes]:
        with given.body as body:
            while piece := body.read(PIECE_BYTES):
                yield piece

    plain = "".join(one if (one.isascii() and one.isalnum()) or one in "._-" else "_" for one in given.name)[-100:]
    extended = quote(given.name, safe="")
    return StreamingResponse(
        pieces(),
        media_type=given.file.media_type.value,
        headers={
            **_SAFE,
            "content-length": str(given.file.size),
            "content-disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{extended}",
        },
    )


async def _no_such_door(_request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 404
    return problem("method-not-allowed" if status == 405 else "not-found", uuid4())
