"""The gateway's HTTP face: what the public service offers, and `/_sim` for whoever plays with it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from typing import Any
from xml.etree.ElementTree import Element, SubElement, tostring

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from simulators.post_gateway.control import control_routes
from simulators.post_gateway.intake import Intake, Taken
from simulators.post_gateway.mailbox import mailbox_routes
from simulators.post_gateway.memo import MAX_REQUEST_BYTES
from simulators.post_gateway.pusher import Pusher
from simulators.post_gateway.register import SERVICES
from simulators.post_gateway.switches import Switch
from simulators.post_gateway.wire import BrokenConnection

Background = Callable[[], Coroutine[Any, Any, None]]


def make_app(intake: Intake, pusher: Pusher, *background: Background) -> Starlette:
    """The ASGI application; `background` loops live as long as it does."""

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(loop()) for loop in (pusher.run, *background)]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            intake.print_house.reader.close()
            intake.ledger.close()

    async def send(request: Request) -> Response:
        body = await request.body()
        if len(body) > MAX_REQUEST_BYTES:
            return Response(status_code=413)
        taken = await intake.take(body, request.headers.get("x-transaktionsid"))
        if taken.is_accepted:
            pusher.wake()
        if taken.switch.mode == "slow":
            await asyncio.sleep(taken.switch.seconds)
        return _answer(request, taken)

    async def is_registered(request: Request) -> Response:
        service = request.path_params["service"]
        number = request.query_params.get("cprNumber") or request.query_params.get("cvrNumber") or ""
        if service not in SERVICES or not (number.isascii() and number.isdigit()):
            return JSONResponse({"error": "bad-query"}, 400)
        switch = intake.switchboard.for_lookup()
        if switch.mode == "lookup_slow":
            await asyncio.sleep(switch.seconds)
        return _spoilt(request, switch) or JSONResponse({"result": intake.register.has(number, service)})

    return Starlette(
        lifespan=lifespan,
        routes=[
            Route("/service/KombiPostAfsend_1/memos", send, methods=["POST"]),
            Route("/service/KombiPostAfsend_1/kombi", send, methods=["POST"]),
            Route("/service/PostForespoerg_1/{service}", is_registered),
            *control_routes(intake),
            *mailbox_routes(intake),
        ],
    )


def _answer(request: Request, taken: Taken) -> Response:
    switch = taken.switch
    if taken.is_accepted:
        match switch.mode:
            case "accept_then_500":
                return Response("<html><body>Internal Server Error</body></html>", 500, media_type="text/html")
            case "accept_then_hang":
                return BrokenConnection(request, switch.seconds)
            case "accept_then_drop":
                return BrokenConnection(request)
            case "accept_then_html":
                return Response("<html><body>Velkommen</body></html>", 200, media_type="text/html")
    if taken.http_status is None:
        return BrokenConnection(request)
    retry_after: Mapping[str, str] = {"retry-after": str(switch.retry_after)} if taken.http_status in {429, 503} else {}
    return Response(_kombi_response(taken), taken.http_status, retry_after, "application/xml")


def _spoilt(request: Request, switch: Switch) -> Response | None:
    """What a look-up gets in place of an answer."""
    match switch.mode:
        case "lookup_error500":
            return Response("<html><body>Internal Server Error</body></html>", 500, media_type="text/html")
        case "lookup_error503" | "lookup_error429":
            return Response(status_code=int(switch.mode[-3:]), headers={"retry-after": str(switch.retry_after)})
        case "lookup_refuse":
            return JSONResponse({"error": "bad-query"}, 400)
        case "lookup_html":
            return Response("<html><body>Velkommen</body></html>", media_type="text/html")
        case "lookup_down":
            return BrokenConnection(request)
        case _:
            return None


def _kombi_response(taken: Taken) -> bytes:
    """The synchronous answer: Result and TransmissionID are the real names; FejlId under SvarReaktion carries a refusal."""
    root = Element("kombi_response")
    SubElement(root, "Result").text = "true" if taken.is_accepted else "false"
    if taken.transmission_id is not None:
        SubElement(root, "TransmissionID").text = str(taken.transmission_id)
    if taken.error_code is not None:
        fault = SubElement(SubElement(SubElement(root, "HovedoplysningerSvarREST"), "SvarReaktion"), "Fejl")
        SubElement(fault, "FejlId").text = taken.error_code
        SubElement(fault, "FejlTekst").text = taken.error_text
    return bytes(tostring(root, encoding="UTF-8", xml_declaration=True))
