"""Citizens who send documents: their files are what they say, and what they ask is asked until it is answered."""

import json
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random
from uuid import uuid4

import aiohttp
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from contracts.citizen_token.v1 import Issuer, Verifier
from services.uploads.domain.content import Kin, MediaType, NotTaken, kind_of
from services.uploads.inspection import Inspector, Look
from simulators.documents.citizen import Citizen, NoAnswer, refused_files
from simulators.documents.files import BAD, CLEAN, GOOD, KINDS, NOT_TAKEN, make
from simulators.documents.ledger import Ledger
from tests.unit.simulators.servers import serving

SIGNATURE = b"A-SIGNATURE-OF-NO-VIRUS"
ISSUER = Issuer.from_seed(b"a seed of thirty-two bytes, ours")


@pytest.fixture
async def inspector() -> AsyncIterator[Inspector]:
    made = Inspector()
    yield made
    await made.close()


@pytest.mark.parametrize("kind", KINDS)
async def test_a_file_is_what_it_says(kind: str, inspector: Inspector) -> None:
    made = make(kind, Random(kind), SIGNATURE)
    media_type = kind_of(made.data[:1024])
    if made.expected == NOT_TAKEN:
        assert media_type == NotTaken(kin=Kin.OFFICE)
        return
    assert isinstance(media_type, MediaType)
    assert media_type.value == made.media_type
    assert (SIGNATURE in made.data) == (kind == "infected")
    with tempfile.TemporaryFile() as body, tempfile.TemporaryFile() as beside:
        body.write(made.data)
        body.flush()
        found = await inspector.look(body, beside, media_type)
    expected = None if made.expected in {CLEAN, "infected"} else made.code
    assert (found.fault.value if found.fault else None) == expected
    assert expected or found == Look()


def test_no_two_files_are_alike_and_a_seed_makes_them_again() -> None:
    for kind in KINDS:
        dice = Random(1)
        first, second = make(kind, dice, SIGNATURE), make(kind, dice, SIGNATURE)
        assert first.data != second.data
        assert make(kind, Random(1), SIGNATURE) == first
    assert {make(kind, Random(1), SIGNATURE).expected for kind in GOOD} == {CLEAN}
    assert CLEAN not in {make(kind, Random(1), SIGNATURE).expected for kind in BAD}


class Portal:
    """An `uploads` of which each answer is told before."""

    def __init__(self, *answers: tuple[int, dict[str, object]]) -> None:
        self.answers = list(answers)
        self.keys: list[str] = []
        self.tokens: list[str] = []

    async def answer(self, request: Request) -> Response:
        self.keys.append(request.headers["idempotency-key"])
        self.tokens.append(request.headers["authorization"].removeprefix("Bearer "))
        await request.body()
        status, body = self.answers.pop(0)
        return JSONResponse(body, status_code=status)

    @property
    def app(self) -> Starlette:
        return Starlette(routes=[Route("/{rest:path}", self.answer, methods=["GET", "POST", "DELETE"])])


async def _citizen(session: aiohttp.ClientSession, url: str, ledger: Ledger, patience: float = 10.0) -> Citizen:
    return Citizen(
        session=session,
        url=url,
        issuer=ISSUER,
        ledger=ledger,
        citizen_id=uuid4(),
        absence_id=uuid4(),
        patience_seconds=patience,
    )


def _lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


async def test_without_an_answer_the_same_is_asked_again_with_the_same_key(tmp_path: Path) -> None:
    portal = Portal((404, {"code": "not-found"}), (503, {"code": "unavailable"}), (201, {"submission_id": "s"}))
    with Ledger(tmp_path / "l.jsonl") as ledger:
        async with serving(portal.app) as url, aiohttp.ClientSession() as session:
            citizen = await _citizen(session, url, ledger)
            await citizen.begin("Fra lægen")
    assert citizen.submission_id == "s"
    assert len(set(portal.keys)) == 1
    assert Verifier(ISSUER.public_keys, audience="uploads")(portal.tokens[0]).citizen_id == citizen.citizen_id
    assert [(one["type"], one["verb"]) for one in _lines(tmp_path / "l.jsonl")] == [
        ("invoke", "begin"),
        ("ok", "begin"),
    ]


async def test_an_answer_that_nobody_expects_is_on_record_and_ends_it(tmp_path: Path) -> None:
    portal = Portal((403, {"code": "odd"}))
    with Ledger(tmp_path / "l.jsonl") as ledger:
        async with serving(portal.app) as url, aiohttp.ClientSession() as session:
            citizen = await _citizen(session, url, ledger)
            with pytest.raises(NoAnswer, match="begin: 403 odd"):
                await citizen.begin("Fra lægen")
    assert _lines(tmp_path / "l.jsonl")[-1]["type"] == "info"


async def test_what_is_away_for_too_long_is_given_up(tmp_path: Path) -> None:
    with Ledger(tmp_path / "l.jsonl") as ledger:
        async with aiohttp.ClientSession() as session:
            citizen = await _citizen(session, "http://127.0.0.1:9", ledger, patience=0.5)
            with pytest.raises(NoAnswer, match="begin: ClientConnectorError"):
                await citizen.begin("Fra lægen")


async def test_a_file_that_is_refused_is_an_answer_and_no_byte_of_it_is_on_record(tmp_path: Path) -> None:
    file = {"file_id": "f", "state": "infected", "name": "x"}
    portal = Portal((201, {"submission_id": "s"}), (422, {"code": "infected", "file": file}), (200, {"files": [file]}))
    with Ledger(tmp_path / "l.jsonl") as ledger:
        async with serving(portal.app) as url, aiohttp.ClientSession() as session:
            citizen = await _citizen(session, url, ledger)
            await citizen.begin("Fra lægen")
            assert (await citizen.add(make("infected", Random(1), SIGNATURE))).status == 422
            assert refused_files(await citizen.show()) == ["f"]
    added = [one for one in _lines(tmp_path / "l.jsonl") if one["verb"] == "add"]
    assert [(one["type"], one["expected"], one.get("file_id"), one.get("code")) for one in added] == [
        ("invoke", "infected", None, None),
        ("ok", "infected", "f", "infected"),
    ]
    assert SIGNATURE.decode() not in (tmp_path / "l.jsonl").read_text()
