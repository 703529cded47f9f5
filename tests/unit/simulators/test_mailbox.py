"""The mailbox of any test person: letters as they look, statuses, SMS; and nothing that a sender wrote is markup."""

import asyncio
import base64
import contextlib
import html
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp
import pypdfium2
import pytest
from python_serviceplatformen.models.message import (
    Action,
    EntryPoint,
    File,
    Message,
    Recipient,
    Sender,
    create_nemsms,
)
from typing_extensions import override

from simulators.post_gateway.mailbox import pages
from simulators.post_gateway.mailbox.markup import document, tag, together
from simulators.post_gateway.sheets import MOST_WAITING
from tests.unit.simulators.letters import CPR, message, request
from tests.unit.simulators.papers import ADDRESS, LETTER, NAME, paper, pdf
from tests.unit.simulators.servers import gateway

FRONT = "/_sim/mailboxes"
SMS = "Påmindelse: du har opgaver, der skal løses senest den 1. december."
EVIL = "<script>alert('x')</script><img src=x onerror=y> & \"quoted\""


@dataclass
class Visitor:
    """Somebody with a browser."""

    address: str
    session: aiohttp.ClientSession

    async def hand_in(self, body: bytes) -> None:
        async with self.session.post(f"{self.address}/service/KombiPostAfsend_1/kombi", data=body) as answer:
            assert answer.status == 200

    async def get(self, path: str, status: int = 200) -> str:
        async with self.session.get(self.address + path) as answer:
            assert answer.status == status
            _is_guarded(answer)
            return await answer.text()

    async def ask(self, status: int = 200, **fields: str) -> str:
        async with self.session.post(self.address + FRONT, data=fields) as answer:
            assert answer.status == status
            _is_guarded(answer)
            return await answer.text()

    async def fetch(self, path: str) -> tuple[str, bytes, Any]:
        async with self.session.get(self.address + path) as answer:
            assert answer.status == 200
            _is_guarded(answer)
            return answer.content_type, await answer.read(), answer.headers


def _is_guarded(answer: aiohttp.ClientResponse) -> None:
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; img-src 'self'; style-src 'self'")
    assert "script" not in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"


@contextlib.asynccontextmanager
async def visiting(path: Path, **settings: Any) -> AsyncIterator[Visitor]:
    async with gateway(path, **settings) as address, aiohttp.ClientSession() as session:
        yield Visitor(address, session)


def letter(content: bytes = LETTER, label: str = "Nyt om dit sygefravær", **action: Any) -> Message:
    made = message(label=label)
    assert made.messageBody is not None
    answer = Action(
        label="Svar her",
        actionCode="SELVBETJENING",
        entryPoint=EntryPoint(url="https://post.example/svar"),
        endDateTime=datetime(2026, 12, 1, 22, 59, tzinfo=UTC),
    )
    main = replace(
        made.messageBody.mainDocument,
        files=(File(encodingFormat="application/pdf", filename="Brev.pdf", language="da", content=_base64(content)),),
        actions=(replace(answer, **action),),
    )
    header = replace(made.messageHeader, mandatory=True, legalNotification=False)
    return replace(made, messageHeader=header, messageBody=replace(made.messageBody, mainDocument=main))


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def sms() -> Message:
    return create_nemsms(
        "Påmindelse",
        SMS,
        Sender(senderID="55133018", idType="CVR", label="Aarhus Kommune"),
        Recipient(recipientID=CPR, idType="CPR", label="Test Testesen"),
    )


class _Seen(HTMLParser):
    """What a browser would make of a page: elements with their attributes, in order, and all text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.words = ""
        self.feed(page)
        self.close()
        assert self.open == []

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in {"img", "input", "link", "meta"}:
            self.open.append(tag)

    @override
    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    @override
    def handle_data(self, data: str) -> None:
        self.words += f" {data}"

    def all(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for element, attributes in self.elements if element == name]


def text_of(page: str) -> str:
    return " ".join(_Seen(page).words.split())


async def test_a_letter_is_seen_as_it_looks_with_what_it_asks_for_and_its_statuses(tmp_path: Path) -> None:
    async with visiting(tmp_path / "l") as visitor:
        uuid = uuid4()
        made = letter()
        await visitor.hand_in(request(replace(made, messageHeader=replace(made.messageHeader, messageUUID=str(uuid)))))
        found = await visitor.ask(number=CPR)
        assert "Nyt om dit sygefravær" in text_of(found)
        assert "Digital Post Tilmeldt NemSMS Tilmeldt" in text_of(found)
        page = await visitor.get("/_sim/letters/1")
        assert {"class": "badge good"} in _Seen(page).all("span")
        words = text_of(page)
        for expected in (
            "Nyt om dit sygefravær", "Aarhus Kommune (CVR 55133018)", "Obligatorisk Ja", "Retlig notifikation Nej",
            "Handling: Svar her", "SELVBETJENING", "https://post.example/svar", "Slutdato 1. december 2026 kl. 23.59", str(uuid),
            "Brev.pdf", "Afleveret Digital Post",
        ):  # fmt: skip
            assert expected in words
        [picture] = _Seen(page).all("img")
        assert picture == {"src": "/_sim/letters/1/pages/1.png", "alt": "Side 1 af 1 af brevet"}
        kind, drawn, _ = await visitor.fetch(str(picture["src"]))
        assert (kind, drawn[:8]) == ("image/png", b"\x89PNG\r\n\x1a\n")
        kind, saved, headers = await visitor.fetch("/_sim/letters/1/letter.pdf")
        assert (kind, saved) == ("application/pdf", LETTER)
        assert headers["content-disposition"] == 'attachment; filename="brev-1.pdf"'


async def test_a_picture_is_of_the_page_it_says(tmp_path: Path) -> None:
    async with visiting(tmp_path / "l") as visitor:
        await visitor.hand_in(request(letter(pdf([], pages=3))))
        await visitor.hand_in(request(letter(LETTER)))
        empty = (await visitor.fetch("/_sim/letters/1/pages/3.png"))[1]
        written = (await visitor.fetch("/_sim/letters/2/pages/1.png"))[1]
        assert empty == (await visitor.fetch("/_sim/letters/1/pages/1.png"))[1] != written
        with pypdfium2.PdfDocument(LETTER) as document:
            size = document[0].render(scale=1.5)
            assert (size.width, size.height) == tuple(int.from_bytes(written[place : place + 4]) for place in (16, 20))
        for nowhere in ("1/pages/0.png", "1/pages/4.png", "3/pages/1.png", "3", "3/letter.pdf", f"{10**30}"):
            await visitor.get(f"/_sim/letters/{nowhere}", 404)


async def test_so_many_pictures_are_drawn_and_the_rest_is_told_to_come_back(tmp_path: Path) -> None:
    async with visiting(tmp_path / "l") as visitor:
        await visitor.hand_in(request(letter()))

        async def draw() -> tuple[int, str | None]:
            async with visitor.session.get(f"{visitor.address}/_sim/letters/1/pages/1.png") as answer:
                return answer.status, answer.headers.get("retry-after")

        answers = await asyncio.gather(*(draw() for _ in range(80)))
        assert set(answers) == {(200, None), (503, "1")}
        assert answers.count((200, None)) >= MOST_WAITING
        assert await draw() == (200, None)


async def test_an_sms_looks_as_on_a_telephone(tmp_path: Path) -> None:
    async with visiting(tmp_path / "l") as visitor:
        await visitor.hand_in(request(sms(), choice="NemSMS"))
        page = await visitor.get("/_sim/letters/1")
        assert {"class": "telephone"} in _Seen(page).all("div")
        assert f"Aarhus Kommune {SMS}" in text_of(page)
        assert "NemSMS" in text_of(await visitor.ask(number=f" {CPR[:6]}-{CPR[6:]}"))


async def test_paper_is_found_by_the_name_in_its_window_and_tells_what_is_to_come(tmp_path: Path) -> None:
    async with visiting(tmp_path / "l", print_days=1) as visitor:
        await visitor.hand_in(paper("my-own-id"))
        assert "Fysisk Post" in text_of(await visitor.ask(name=f" {NAME.upper()}  "))
        assert "Her er ingen breve" in text_of(await visitor.ask(name="Kirsten"))
        page = await visitor.get("/_sim/letters/1")
        assert {"class": "badge good"} not in _Seen(page).all("span")
        words = text_of(page)
        assert f"Adressen i ruden {' '.join(ADDRESS)}" in words
        assert "my-own-id" in words
        assert words.index("Afsendt") < words.index("Modtaget Post Danmark") < words.index("kommer senere")


async def test_the_list_of_letters_tells_whose_none_is(tmp_path: Path) -> None:
    async with visiting(tmp_path / "l") as visitor:
        await visitor.hand_in(request(letter(label="Emnet")))
        await visitor.hand_in(paper("one"))
        page = await visitor.get(FRONT)
        words = text_of(page)
        assert words.index("Nr. 2 Fysisk Post") < words.index("Nr. 1 Digital Post")
        for secret in (CPR, "Test Testesen", "Emnet", *ADDRESS):
            assert secret not in page
        assert {"href": "/_sim/letters/2"} in _Seen(page).all("a")


async def test_a_number_is_asked_for_in_the_body_and_comes_back_in_no_page(tmp_path: Path) -> None:
    async with visiting(tmp_path / "l") as visitor:
        [form] = _Seen(await visitor.get(FRONT)).all("form")
        assert (form["method"], form["action"]) == ("post", FRONT)
        await visitor.hand_in(request(letter()))
        assert CPR not in await visitor.ask(number=CPR)
        assert CPR not in await visitor.get("/_sim/letters/1")
        assert CPR not in await visitor.ask(422, number=f"{CPR}1")


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"number": "12"},
        {"number": "٦١٠١٩٠١٢٣٤"},
        {"number": CPR, "name": "x" * 5000},
        {"other": "1"},
        {"number": "1", "name": "x"},
    ],
)
async def test_what_names_nobody_is_asked_for_again(tmp_path: Path, fields: dict[str, str]) -> None:
    async with visiting(tmp_path / "l") as visitor:
        page = await visitor.ask(422, **fields)
        assert "Skriv et CPR-nummer på ti cifre" in text_of(page)
        assert {"role": "alert", "class": "problem", "id": "problem"} in _Seen(page).all("p")


async def test_nobody_sees_anothers_letters(tmp_path: Path) -> None:
    async with visiting(tmp_path / "l") as visitor:
        await visitor.hand_in(request(letter()))
        assert "Her er ingen breve" in text_of(await visitor.ask(number="6101901235"))


async def test_what_a_sender_wrote_is_text_and_never_markup(tmp_path: Path) -> None:
    async with visiting(tmp_path / "l") as visitor:
        made = letter(label=EVIL)
        evil = replace(made.messageHeader.sender, label=EVIL)
        await visitor.hand_in(request(replace(made, messageHeader=replace(made.messageHeader, sender=evil))))
        await visitor.hand_in(
            request(replace(sms(), messageHeader=replace(sms().messageHeader, notification=EVIL)), "NemSMS")
        )
        await visitor.hand_in(paper("<b>x</b>&'\""))
        for page in (
            await visitor.get(FRONT), await visitor.ask(number=CPR), *[await visitor.get(f"/_sim/letters/{n}") for n in (1, 2, 3)]
        ):  # fmt: skip
            seen = _Seen(page)
            assert not {name for name, _ in seen.elements} & {"script", "style", "iframe", "object", "b"}
            assert not [key for _, told in seen.elements for key in told if key.startswith("on") or key == "style"]
            sources = [told.get("src") or told.get("href") for name, told in seen.elements if name in {"img", "link"}]
            assert all(source is not None and source.startswith("/_sim/") for source in sources)
        assert html.escape(EVIL) in await visitor.get("/_sim/letters/1")


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "http://a.dk", "https://a@b.dk/", "data:text/html,x", "//a.dk", "https://"]
)
async def test_only_an_address_of_the_web_becomes_a_link(tmp_path: Path, url: str) -> None:
    async with visiting(tmp_path / "l") as visitor:
        await visitor.hand_in(request(letter(entryPoint=EntryPoint(url=url))))
        page = await visitor.get("/_sim/letters/1")
        assert url in text_of(page)
        assert url not in [told.get("href") for told in _Seen(page).all("a")]


async def test_a_document_that_is_none_is_said_to_be_none(tmp_path: Path) -> None:
    async with visiting(tmp_path / "l") as visitor:
        await visitor.hand_in(request(letter(b"%PDF-1.7 not really")))
        assert "ikke en PDF, der kan åbnes" in text_of(await visitor.get("/_sim/letters/1"))
        await visitor.get("/_sim/letters/1/pages/1.png", 404)
        await visitor.get("/_sim/letters/1/letter.pdf", 404)


async def test_a_failure_is_seen_with_its_code(tmp_path: Path) -> None:
    async with visiting(tmp_path / "l", absent={"digitalpost": 1.0}) as visitor:
        await visitor.hand_in(request(letter()))
        assert "Fejlkode recipient.exempt" in text_of(await visitor.get("/_sim/letters/1"))
        assert "Digital Post Ikke tilmeldt" in text_of(await visitor.ask(number=CPR))


async def test_contents_are_kept_of_the_newest_letters_only(tmp_path: Path) -> None:
    async with visiting(tmp_path / "l", contents_kept=2) as visitor:
        for _ in range(3):
            await visitor.hand_in(request(letter()))
        assert "Indholdet gemmes ikke længere" in text_of(await visitor.get("/_sim/letters/1"))
        assert "Sådan ser brevet ud" in text_of(await visitor.get("/_sim/letters/2"))
        async with visitor.session.post(f"{visitor.address}/_sim/reset") as answer:
            assert answer.status == 200
        await visitor.get("/_sim/letters/3", 404)


def _all_bytes(directory: Path) -> bytes:
    return b"".join(file.read_bytes() for file in directory.iterdir())


async def test_nobodys_number_or_name_stands_in_the_file(tmp_path: Path) -> None:
    async with visiting(tmp_path / "l") as visitor:
        await visitor.hand_in(request(letter()))
        await visitor.hand_in(request(sms(), choice="NemSMS"))
        stored = _all_bytes(tmp_path)
        assert b"Nyt om dit sygefrav" in stored
        for secret in (CPR, "Test Testesen"):
            assert secret.encode() not in stored


async def test_pages_have_a_language_one_heading_above_all_and_labels_for_every_field(tmp_path: Path) -> None:
    async with visiting(tmp_path / "l") as visitor:
        await visitor.hand_in(request(letter()))
        for page in (await visitor.get(FRONT), await visitor.ask(number=CPR), await visitor.get("/_sim/letters/1")):
            seen = _Seen(page)
            assert page.startswith("<!DOCTYPE html>")
            assert seen.all("html") == [{"lang": "da"}]
            assert len(seen.all("h1")) == len(seen.all("main")) == len(seen.all("title")) == 1
            labels = {told["for"] for told in seen.all("label")}
            assert {told["id"] for told in seen.all("input")} == labels
            assert all(told.get("alt") for told in seen.all("img"))
            assert "script" not in {name for name, _ in seen.elements}
        kind, style, _ = await visitor.fetch("/_sim/mailboxes/style.css")
        assert kind == "text/css"
        assert not re.search(rb"url\(|@import", style)


def test_text_is_escaped_wherever_it_stands() -> None:
    made = tag("p", EVIL, tag("b", "<"), None, class_=EVIL, title=None, hidden=True, open=False, aria_label="'")
    assert made.text == (
        f'<p class="{html.escape(EVIL)}" hidden aria-label="&#x27;">{html.escape(EVIL)}<b>&lt;</b></p>'
    )
    assert together("<", tag("img", alt='"')).text == '&lt;<img alt="&quot;">'
    page = document("</title><script>", style='/a"b', body=tag("body"))
    assert "<script>" not in page
    assert 'href="/a&quot;b"' in page


def test_only_markup_makes_markup() -> None:
    assert "Html(" not in Path(pages.__file__).read_text()


def test_instants_are_told_in_danish_time() -> None:
    assert pages.danish(datetime(2026, 6, 1, 22, 5, tzinfo=UTC)) == "2. juni 2026 kl. 00.05"
    assert (
        pages.danish(datetime(2026, 11, 30, 23, 0, tzinfo=UTC) - timedelta(minutes=1)) == "30. november 2026 kl. 23.59"
    )
