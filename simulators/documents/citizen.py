"""One citizen at `uploads`, by way of the portal: asks, and asks again with the same key until there is an answer."""

import asyncio
import json
from collections.abc import AsyncIterator, Collection, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from random import Random
from typing import Any, Final
from uuid import UUID, uuid4

import aiohttp

from contracts.citizen_token.v1 import Issuer
from contracts.uploads.v1 import AUDIENCE, KEY_HEADER, SUBMISSIONS_PATH, FileState
from simulators.documents.files import Made
from simulators.documents.ledger import Ledger

_COMES_AGAIN: Final = frozenset({401, 408, 425, 429, 500, 502, 503, 504, 507})
"""Answers that say nothing of what was asked: it is asked again."""
_NOT_KNOWN_YET: Final = 404
_SHORTEST_PAUSE_SECONDS: Final = 0.3
_LONGEST_PAUSE_SECONDS: Final = 3.0
_ASK: Final = aiohttp.ClientTimeout(total=30)


class NoAnswer(Exception):
    """Not within the patience one has."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """`body` is empty where there is none, `digest` that of what is given back as it is."""

    status: int
    body: Mapping[str, Any]
    digest: str | None = None


@dataclass(kw_only=True, slots=True)
class Citizen:
    """Somebody with an absence. `patience_seconds`: how long a request is repeated before it is given up."""

    session: aiohttp.ClientSession
    url: str
    issuer: Issuer
    ledger: Ledger
    citizen_id: UUID
    absence_id: UUID
    patience_seconds: float = 120.0
    submission_id: str = field(default="", init=False)

    async def begin(self, title: str) -> None:
        """A submission; its absence may not have come to `uploads` yet. Raises NoAnswer."""
        asked = {"absence_id": str(self.absence_id), "title": title}
        got = await self._ask(
            "begin", "POST", SUBMISSIONS_PATH, asked, answers=(200, 201), again=(_NOT_KNOWN_YET,), asked=asked
        )
        self.submission_id = got.body["submission_id"]

    async def add(self, made: Made, *, breaks_off: bool = False) -> Answer:
        """A file of it. `breaks_off`: the first time the connection ends in the middle. Raises NoAnswer."""
        told = {
            "submission": self.submission_id,
            "kind": made.kind,
            "name": made.name,
            "sha256": sha256(made.data).hexdigest(),
            "expected": made.expected,
        }
        key = str(uuid4())
        if breaks_off:
            await self._break_off(made, key)
        path = f"{SUBMISSIONS_PATH}/{self.submission_id}/files"
        return await self._ask("add", "POST", path, told, answers=(200, 201, 202, 400, 422), made=made, key=key)

    async def take_out(self, file_id: str) -> None:
        """A file of it; raises NoAnswer."""
        told = {"submission": self.submission_id, "file": file_id}
        path = f"{SUBMISSIONS_PATH}/{self.submission_id}/files/{file_id}"
        await self._ask("take out", "DELETE", path, told, answers=(204, 404))

    async def take_back(self) -> None:
        """All of it; raises NoAnswer."""
        told = {"submission": self.submission_id}
        await self._ask("take back", "DELETE", f"{SUBMISSIONS_PATH}/{self.submission_id}", told, answers=(204, 409))

    async def send(self) -> Answer:
        """Save and send: 200 it went on, 202 it waits for a check, 409 it is held back. Raises NoAnswer."""
        told = {"submission": self.submission_id}
        path = f"{SUBMISSIONS_PATH}/{self.submission_id}/send"
        return await self._ask("send", "POST", path, told, answers=(200, 202, 409))

    async def fetch(self, file_id: str, digest: str) -> Answer:
        """A stored document, which has to be what was sent; raises NoAnswer."""
        told = {"submission": self.submission_id, "file": file_id, "sha256": digest}
        path = f"{SUBMISSIONS_PATH}/{self.submission_id}/files/{file_id}/content"
        return await self._ask("fetch", "GET", path, told, answers=(200, 404, 410))

    async def show(self) -> Mapping[str, Any]:
        """The submission as it is now; raises NoAnswer."""
        told = {"submission": self.submission_id}
        path = f"{SUBMISSIONS_PATH}/{self.submission_id}"
        return (await self._ask("show", "GET", path, told, answers=(200,))).body

    async def _ask(
        self,
        verb: str,
        method: str,
        path: str,
        told: Mapping[str, object],
        *,
        answers: Collection[int],
        again: Collection[int] = (),
        made: Made | None = None,
        asked: Mapping[str, object] | None = None,
        key: str | None = None,
    ) -> Answer:
        key = key or str(uuid4())
        self.ledger.invoke(verb, key, **told)
        pause, until = _SHORTEST_PAUSE_SECONDS, asyncio.get_running_loop().time() + self.patience_seconds
        last = ""
        while asyncio.get_running_loop().time() < until:
            try:
                got = await self._once(method, path, key, made, asked)
            except (aiohttp.ClientError, OSError, TimeoutError) as error:
                last = type(error).__name__
            else:
                if got.status in answers:
                    self.ledger.ok(verb, key, **told, status=got.status, **_gist(got))
                    return got
                last = f"{got.status} {got.body.get('code', '')}"
                if got.status not in _COMES_AGAIN.union(again):
                    break
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
        self.ledger.info(verb, key, **told, last=last)
        raise NoAnswer(f"{verb}: {last}")

    async def _once(
        self, method: str, path: str, key: str, made: Made | None, asked: Mapping[str, object] | None
    ) -> Answer:
        more: dict[str, Any] = {}
        if asked is not None:
            more["json"] = asked
        if made is not None:
            more["data"] = _parts(made)
        async with self.session.request(
            method, f"{self.url}{path}", headers=self._headers(key), timeout=_ASK, allow_redirects=False, **more
        ) as got:
            raw = await got.read()
            if "json" in got.headers.get("content-type", ""):
                return Answer(status=got.status, body=json.loads(raw))
            return Answer(status=got.status, body={}, digest=sha256(raw).hexdigest())

    async def _break_off(self, made: Made, key: str) -> None:
        """Half of it, and then nothing: as a telephone in a tunnel."""
        boundary = "----broken"
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="a.pdf"\r\n\r\n'.encode()

        async def half() -> AsyncIterator[bytes]:
            yield head + made.data[: len(made.data) // 2]
            raise ConnectionError

        headers = {
            **self._headers(key),
            "content-type": f"multipart/form-data; boundary={boundary}",
            "content-length": str(len(head) + len(made.data) + len(boundary) + 8),
        }
        url = f"{self.url}{SUBMISSIONS_PATH}/{self.submission_id}/files"
        try:
            async with self.session.post(url, data=half(), headers=headers, timeout=_ASK) as got:
                await got.read()
        except (aiohttp.ClientError, OSError, TimeoutError):
            return

    def _headers(self, key: str) -> dict[str, str]:
        return {
            "authorization": f"Bearer {self.issuer.token(self.citizen_id, audience=AUDIENCE)}",
            KEY_HEADER: key,
        }


def refused_files(submission: Mapping[str, Any]) -> list[str]:
    """The files for which it is held back."""
    held = {FileState.INFECTED, FileState.REFUSED, FileState.UNREADABLE, FileState.RECALLED}
    return [one["file_id"] for one in submission["files"] if one["state"] in held]


def _parts(made: Made) -> aiohttp.FormData:
    form = aiohttp.FormData(quote_fields=False)
    form.add_field("file", made.data, filename=made.name, content_type=made.media_type)
    return form


def _gist(answer: Answer) -> dict[str, Any]:
    """What of an answer is kept."""
    file = answer.body.get("file") or answer.body
    told = {name: file[name] for name in ("submission_id", "file_id", "state") if name in file}
    more = {"code": answer.body.get("code"), "given": answer.digest}
    return told | {name: value for name, value in more.items() if value is not None}


def drawn(dice: Random, shares: Mapping[str, float]) -> str:
    """One of them, as often as its share says."""
    return dice.choices(list(shares), list(shares.values()))[0]
