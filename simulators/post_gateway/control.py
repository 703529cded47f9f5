"""`/_sim`: the ledger to read, the switches to turn, people to exempt. The real gateway has nothing of this.

Nothing is changed for a page in somebody's browser, be it open beside a demonstration: browsers tell that one asks (`Origin`),
and no page of ours does.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from simulators.post_gateway.intake import Intake
from simulators.post_gateway.register import SERVICES
from simulators.post_gateway.switches import LOOKUP_MODES, REQUEST_MODES, STATUS_MODES, BadSwitch


class Control:
    """The routes' work."""

    def __init__(self, intake: Intake) -> None:
        self._intake = intake

    async def ledger(self, _: Request) -> Response:
        self._intake.ledger.come_due(self._intake.clock.now())
        return JSONResponse(self._intake.ledger.told())

    async def summary(self, _: Request) -> Response:
        self._intake.ledger.come_due(self._intake.clock.now())
        told = self._intake.ledger.summary()
        return JSONResponse({**told, "switches": self._intake.switchboard.told(), "dedupes": self._intake.dedupes})

    async def switches(self, request: Request) -> Response:
        if request.method == "POST":
            try:
                self._intake.switchboard.set(await request.json())
            except BadSwitch as error:
                return _refusal("bad-switch", error.text)
            except ValueError:
                return _refusal("bad-switch", "a JSON object")
        modes = {"normal": "everything as it should be", **REQUEST_MODES, **STATUS_MODES, **LOOKUP_MODES}
        return JSONResponse({**self._intake.switchboard.told(), "modes": modes})

    async def exempt(self, request: Request) -> Response:
        try:
            wish: dict[str, Any] = await request.json()
            number, is_exempt = str(wish["number"]), bool(wish["exempt"])
            service = str(wish.get("service", "digitalpost"))
        except (ValueError, KeyError, TypeError, AttributeError):
            return _refusal("bad-exemption", '{"number", "exempt", "service"?}')
        if service not in SERVICES:
            return _refusal("bad-exemption", f"service is one of {sorted(SERVICES)}")
        self._intake.ledger.set_exempt(number, service, exempt=is_exempt)
        return JSONResponse({"exempt": is_exempt})

    async def reset(self, _: Request) -> Response:
        self._intake.ledger.reset()
        self._intake.switchboard.set({"mode": "normal"})
        return JSONResponse({"reset": True})


async def alive(_: Request) -> Response:
    return JSONResponse({"status": "ok"})


def control_routes(intake: Intake) -> list[Route]:
    """What is mounted beside the service's own routes."""
    control = Control(intake)
    return [
        Route("/_sim/ledger", control.ledger),
        Route("/_sim/summary", control.summary),
        Route("/_sim/switches", _by_no_page(control.switches), methods=["GET", "POST"]),
        Route("/_sim/exemptions", _by_no_page(control.exempt), methods=["POST"]),
        Route("/_sim/reset", _by_no_page(control.reset), methods=["POST"]),
        Route("/livez", alive),
        Route("/readyz", alive),
    ]


def _by_no_page(work: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        if request.method == "POST" and "origin" in request.headers:
            return JSONResponse({"error": "asked-by-a-page"}, 403)
        return await work(request)

    return answer


def _refusal(error: str, wants: str) -> Response:
    return JSONResponse({"error": error, "wants": wants}, 422)
