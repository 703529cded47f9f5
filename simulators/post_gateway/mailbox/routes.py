"""The mailbox's addresses. Nothing of a person is in one: who is asked for stands in the body, a letter is a number.

Pages are kept nowhere on their way and load nothing from elsewhere; what senders wrote may run nothing.
"""

import re
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from simulators.post_gateway.handed_in import DIGITAL_POST, NEMSMS
from simulators.post_gateway.intake import Intake
from simulators.post_gateway.mailbox import pages
from simulators.post_gateway.mailbox.shelf import Shelf
from simulators.post_gateway.register import SERVICE_OF
from simulators.post_gateway.sheets import Busy, SheetReader, Sheets, Unreadable

LARGEST_FORM_BYTES: Final = 4096
HEADERS: Final = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; img-src 'self'; style-src 'self'; form-action 'self'; base-uri 'none';"
    " frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
_STYLE: Final = Path(__file__).with_name("style.css").read_bytes()
_NUMBER: Final = re.compile(r"\d{8}|\d{10}", re.ASCII)
_LARGEST_NUMBER: Final = 2**62
_ASK_FOR_ONE: Final = "Skriv et CPR-nummer på ti cifre, et CVR-nummer på otte eller et navn."


class Mailbox:
    """The routes' work."""

    def __init__(self, intake: Intake) -> None:
        self._intake = intake
        self._shelf = Shelf(intake.ledger)
        self._reader: SheetReader = intake.print_house.reader

    async def front(self, request: Request) -> Response:
        self._intake.ledger.come_due(self._intake.clock.now())
        if request.method == "POST":
            return await self._ask(request)
        return _page(pages.front(self._shelf.newest()))

    async def _ask(self, request: Request) -> Response:
        asked = await _form(request)
        number, name = re.sub(r"[\s-]", "", asked.get("number", "")), asked.get("name", "").strip()
        if _NUMBER.fullmatch(number):
            registered = {name: self._intake.register.has(number, SERVICE_OF[name]) for name in (DIGITAL_POST, NEMSMS)}
            return _page(pages.mailbox(self._shelf.of_number(number), registered))
        if name and not number:
            return _page(pages.mailbox(self._shelf.of_name(name), {}))
        return _page(pages.front(self._shelf.newest(), _ASK_FOR_ONE), 422)

    async def letter(self, request: Request) -> Response:
        self._intake.ledger.come_due(self._intake.clock.now())
        opened = self._shelf.open(_number(request))
        if opened is None:
            return _page(pages.nothing_there(), 404)
        return _page(pages.letter(opened, await self._sheets(opened.content.document if opened.content else None)))

    async def picture(self, request: Request) -> Response:
        found = self._shelf.document(_number(request))
        page: int = request.path_params["page"]
        if found is None or not 1 <= page <= pages.MOST_PICTURES:
            return _page(pages.nothing_there(), 404)
        try:
            return Response(await self._reader.picture(found, page), headers=HEADERS, media_type="image/png")
        except Unreadable:
            return _page(pages.nothing_there(), 404)
        except Busy:
            return Response(status_code=503, headers={**HEADERS, "retry-after": "1"})

    async def pdf(self, request: Request) -> Response:
        """The file as it was handed in, which nobody has looked through: it is for saving, under a name of ours."""
        number = _number(request)
        found = self._shelf.document(number)
        if await self._sheets(found) is None:
            return _page(pages.nothing_there(), 404)
        saved = {"content-disposition": f'attachment; filename="brev-{number}.pdf"'}
        return Response(found, headers={**HEADERS, **saved}, media_type="application/pdf")

    async def style(self, _: Request) -> Response:
        return Response(_STYLE, headers=HEADERS, media_type="text/css")

    async def _sheets(self, found: bytes | None) -> Sheets | None:
        try:
            return None if found is None else await self._reader.look_at(found)
        except Unreadable:
            return None


def mailbox_routes(intake: Intake) -> list[Route]:
    """What is mounted beside the service's own routes."""
    box = Mailbox(intake)
    return [
        Route(pages.FRONT, box.front, methods=["GET", "POST"]),
        Route(pages.STYLE, box.style),
        Route("/_sim/letters/{number:int}", box.letter),
        Route("/_sim/letters/{number:int}/pages/{page:int}.png", box.picture),
        Route("/_sim/letters/{number:int}/letter.pdf", box.pdf),
    ]


def _number(request: Request) -> int:
    """A letter's number; one that no table can hold is nobody's either."""
    number: int = request.path_params["number"]
    return min(number, _LARGEST_NUMBER)


def _page(text: str, status: int = 200) -> Response:
    return Response(text, status, HEADERS, "text/html")


async def _form(request: Request) -> dict[str, str]:
    """The first value of each field; nothing where the form is none."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST_FORM_BYTES:
            return {}
    try:
        return {name: values[0] for name, values in parse_qs(body.decode(), max_num_fields=10).items()}
    except ValueError:
        return {}
