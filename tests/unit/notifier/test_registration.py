"""Asking the gateway's register: its answers, its faults, and the number in the URL that is seen nowhere else."""

import asyncio
import contextlib
import logging
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from uuid import uuid4

import aiohttp
import pytest
from prometheus_client import REGISTRY, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from services.notifier.domain import LookedUp, Registration, registration
from services.notifier.gateways import PostGateway, gateway_session
from simulators.post_gateway.wire import BrokenConnection
from tests.unit.simulators.servers import gateway, serving

CPR: Final = "6101901234"
YES, NO, AWAY, ODD = (
    Registration.REGISTERED,
    Registration.NOT_REGISTERED,
    Registration.UNAVAILABLE,
    Registration.ODD,
)
Answer = Callable[[Request], Awaitable[Response]]


@contextlib.asynccontextmanager
async def asking(url: str, seconds: float = 2.0) -> AsyncIterator[PostGateway]:
    session = gateway_session(seconds=seconds, connections=4, reuse_connections=True, certificate=None)
    try:
        yield PostGateway(session, url)
    finally:
        await session.close()


@dataclass
class Register:
    """Gives one answer and keeps what it was asked."""

    answer: Answer
    asked: list[Request] = field(default_factory=list)

    async def __call__(self, request: Request) -> Response:
        self.asked.append(request)
        return await self.answer(request)


async def heard(answer: Answer, seconds: float = 2.0) -> tuple[LookedUp, list[Request]]:
    register = Register(answer)
    paths = ("/service/PostForespoerg_1/digitalpost", "/elsewhere")
    app = Starlette(routes=[Route(path, register.__call__) for path in paths])
    async with serving(app) as address, asking(address, seconds) as client:
        return await client.is_registered(CPR, transaction_id=uuid4()), register.asked


def giving(response: Callable[[], Response]) -> Answer:
    async def answer(_: Request) -> Response:
        return response()

    return answer


async def drops(request: Request) -> Response:
    return BrokenConnection(request)


async def hangs(_: Request) -> Response:
    await asyncio.sleep(1)
    return Response()


async def quotes(request: Request) -> Response:
    """A fault whose page repeats what was asked, as proxies do."""
    return PlainTextResponse(str(request.url), 502, {"warning": "199 - " + request.url.query, "connection": "close"})


async def endless(_: Request) -> Response:
    async def stream() -> AsyncIterator[bytes]:
        while True:
            yield b" " * 10_000
            await asyncio.sleep(0)

    return StreamingResponse(stream())


ANSWERS: dict[str, tuple[Answer, Registration, int | None]] = {
    "true": (giving(lambda: JSONResponse({"result": True})), YES, 200),
    "false": (giving(lambda: JSONResponse({"result": False})), NO, 200),
    "more beside it": (giving(lambda: JSONResponse({"result": False, "new": [1]})), NO, 200),
    "not a boolean": (giving(lambda: JSONResponse({"result": "false"})), AWAY, 200),
    "a number": (giving(lambda: JSONResponse({"result": 0})), AWAY, 200),
    "null": (giving(lambda: JSONResponse({"result": None})), AWAY, 200),
    "no result": (giving(lambda: JSONResponse({})), AWAY, 200),
    "a list": (giving(lambda: JSONResponse([{"result": False}])), AWAY, 200),
    "a page": (giving(lambda: Response("<html>Velkommen</html>")), AWAY, 200),
    "nothing": (giving(Response), AWAY, 200),
    "not utf-8": (giving(lambda: Response(b'{"result": \xff}')), AWAY, 200),
    "very deep": (giving(lambda: Response(b"[" * 60_000)), AWAY, 200),
    "endless": (endless, AWAY, 200),
    "created": (giving(lambda: JSONResponse({"result": False}, 201)), AWAY, 201),
    "elsewhere": (giving(lambda: RedirectResponse("/elsewhere")), AWAY, 307),
    "400": (giving(lambda: JSONResponse({"result": False}, 400)), ODD, 400),
    "401": (giving(lambda: JSONResponse({"result": False}, 401)), AWAY, 401),
    "403": (giving(lambda: Response(status_code=403)), AWAY, 403),
    "404": (giving(lambda: JSONResponse({"result": False}, 404)), AWAY, 404),
    "408": (giving(lambda: Response(status_code=408)), AWAY, 408),
    "422": (giving(lambda: Response(status_code=422)), ODD, 422),
    "429": (giving(lambda: Response(status_code=429)), AWAY, 429),
    "500": (giving(lambda: JSONResponse({"result": False}, 500)), AWAY, 500),
    "quoting": (quotes, AWAY, 502),
    "503": (giving(lambda: Response(status_code=503)), AWAY, 503),
    "drops": (drops, AWAY, None),
    "hangs": (hangs, AWAY, None),
}


@pytest.mark.parametrize("name", ANSWERS)
async def test_every_answer_has_one_meaning_and_only_the_registers_own_word_is_no(name: str) -> None:
    answer, expected, http_status = ANSWERS[name]
    found, asked = await heard(answer, seconds=0.4 if name == "hangs" else 2.0)
    assert (found.registration, found.http_status) == (expected, http_status)
    assert {request.url.path for request in asked} == {"/service/PostForespoerg_1/digitalpost"}


@pytest.mark.rule("N8")
@pytest.mark.parametrize("name", [*ANSWERS, "nobody there", "cancelled"])
async def test_the_number_stands_in_no_log_metric_exception_or_answer(
    name: str, caplog: pytest.LogCaptureFixture, unused_tcp_port: int, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    loop = asyncio.get_running_loop()
    loop.set_debug(True)
    told: list[object] = []
    loop.set_exception_handler(lambda _, context: told.append(context))
    if name == "nobody there":
        async with asking(f"http://127.0.0.1:{unused_tcp_port}") as client:
            told.append(await client.is_registered(CPR, transaction_id=uuid4()))
    elif name == "cancelled":
        with pytest.raises(TimeoutError) as caught:
            await asyncio.wait_for(heard(hangs), 0.2)
        told.append("".join(traceback.format_exception(caught.value)))
    else:
        told.append((await heard(ANSWERS[name][0], seconds=0.4 if name == "hangs" else 2.0))[0])
    seen = "\n".join([str(told), caplog.text, *capfd.readouterr(), generate_latest(REGISTRY).decode()])
    assert CPR not in seen
    assert CPR[:6] not in seen


async def test_the_session_is_traced_by_nobody() -> None:
    session = gateway_session(seconds=1, connections=1, reuse_connections=True, certificate=None)
    assert session.trace_configs == []
    await session.close()


async def test_retry_after_is_handed_on() -> None:
    found, _ = await heard(giving(lambda: Response(status_code=503, headers={"retry-after": "7"})))
    assert found.retry_after == 7


async def test_it_asks_as_the_interface_wants_it() -> None:
    transaction = uuid4()
    register = Register(giving(lambda: JSONResponse({"result": True})))
    app = Starlette(routes=[Route("/service/PostForespoerg_1/nemsms", register.__call__)])
    async with serving(app) as address, asking(f"{address}/") as client:
        found = await client.is_registered(CPR, transaction_id=transaction, service="nemsms")
    assert found == LookedUp(registration=YES, http_status=200)
    [request] = register.asked
    assert dict(request.query_params) == {"cprNumber": CPR}
    assert request.headers["x-transaktionsid"] == str(transaction)
    assert request.headers["x-transaktionstid"].endswith("Z")


async def test_the_simulators_register_answers_it(tmp_path: Path) -> None:
    async with gateway(tmp_path / "l") as address, asking(address) as client, aiohttp.ClientSession() as session:
        assert (await client.is_registered(CPR, transaction_id=uuid4())).registration is YES
        async with session.post(f"{address}/_sim/exemptions", json={"number": CPR, "exempt": True}) as answer:
            assert answer.status == 200
        assert (await client.is_registered(CPR, transaction_id=uuid4())).registration is NO
        assert (await client.is_registered(CPR, transaction_id=uuid4(), service="nemsms")).registration is YES


def test_no_status_but_200_is_an_answer() -> None:
    answers = {
        (http_status, result)
        for http_status in range(100, 600)
        for result in (True, False, None)
        if registration(http_status, result) in {YES, NO}
    }
    assert answers == {(200, True), (200, False)}
