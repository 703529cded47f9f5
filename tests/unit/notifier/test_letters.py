"""What a letter says and how it travels."""

import asyncio
import base64
import itertools
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime
from uuid import UUID
from xml.etree.ElementTree import Element

import pytest

from contracts.task.v1 import TaskKind
from plumbing.errors import Unavailable
from plumbing.safe_xml import parse
from services.notifier.domain import Address
from services.notifier.letters import NotRendered, Renderer, kombi_request, municipality
from services.notifier.letters.content import printable
from services.notifier.letters.memo import last_second_of
from services.notifier.letters.texts import KINDS
from simulators.post_gateway.content import MEMO
from simulators.post_gateway.memo import HEADER_ORDER, read
from tests.unit.notifier.samples import EMPLOYEE, PORTAL, aarhus, text

ABSENCE = UUID("5b0c8a52-6b39-5d09-a51f-6c0f7b0f8f11")
LETTER = UUID("8c2ea15d-61fb-4ba9-9366-42f8b194c114")
CPR = "6101901234"


def message(pdf: bytes = b"%PDF-") -> bytes:
    return kombi_request(
        message_uuid=LETTER,
        cpr=CPR,
        words=text(),
        municipality=aarhus(),
        absence_id=ABSENCE,
        requested_at=datetime(2026, 11, 23, 9, 30, tzinfo=UTC),
        deadline_day=date(2026, 12, 1),
        pdf=pdf,
    ).body


@pytest.fixture
async def renderer() -> AsyncIterator[Renderer]:
    made = Renderer(workers=1, seconds=20)
    yield made
    await made.close()


@pytest.mark.rule("M1")
def test_it_names_the_tasks_in_order_the_deadline_and_the_municipality() -> None:
    said = text()
    assert [task.title for task in said.tasks] == [
        "Kommentér oplysninger",
        "Anmodning om sygedagpenge",
        "Oplysningsskema",
    ]
    assert said.deadline == "tirsdag den 1. december 2026"
    assert said.subject == "Du skal svare senest 1. december 2026"
    assert said.municipality == "Aarhus Kommune"


@pytest.mark.rule("M1")
def test_every_kind_of_task_has_its_words() -> None:
    assert set(KINDS) == {kind.value for kind in TaskKind}


SUBJECTS = [*[(kind,) for kind in KINDS], *itertools.permutations(KINDS, 2), EMPLOYEE, tuple(KINDS)]


@pytest.mark.rule("N8")
@pytest.mark.parametrize("kinds", SUBJECTS, ids=" ".join)
def test_no_subject_tells_anything_about_health(kinds: tuple[str, ...]) -> None:
    subject = text(kinds).subject
    assert subject.endswith(" senest 1. december 2026")
    assert not re.search("syg|fravær|dagpenge|helbred|læge|rask|fast-track|behandl", subject, re.IGNORECASE)


@pytest.mark.parametrize(
    ("kinds", "is_demanded"),
    [
        (("comment_reported_information",), False),
        (("benefit_request",), True),
        (("information_form",), True),
        (("fast_track_consent",), False),
        (("supplementary_information",), True),
        (("party_hearing",), False),
        (("relocation_consent",), False),
        (("comment_reported_information", "information_form"), True),
        (("party_hearing", "relocation_consent"), False),
    ],
)
def test_a_letter_says_must_only_where_not_answering_has_a_price(kinds: tuple[str, ...], is_demanded: bool) -> None:
    said = text(kinds)
    assert said.deadline_label == ("Svar senest" if is_demanded else "Du kan svare til og med")
    assert ("must" in said.english) == is_demanded
    assert "Du skal" not in said.subject or is_demanded


def test_the_opening_is_that_of_what_the_letter_is_about() -> None:
    single = {kind: text((kind,)).opening for kind in KINDS}
    assert "mens du har en sag" in single["relocation_consent"]
    assert "arbejdsgiver" in single["fast_track_consent"]
    assert "har du ret til" in single["party_hearing"]
    assert "mangler oplysninger" in single["supplementary_information"]
    assert text(EMPLOYEE).opening == single["information_form"]
    assert (
        text(("party_hearing", "information_form")).opening
        == "Vi behandler din sag om sygedagpenge og har brug for at høre fra dig."
    )


def test_a_window_holds_the_lines_of_the_address_and_a_foreign_country_in_capitals() -> None:
    abroad = Address(lines=("Storgatan 1", " \u202e "), postal_code="211 20", city="Malmö", country="SE")
    assert text(address=abroad).window == ("Storgatan 1", "211 20 Malmö", "SWEDEN")
    nowhere = Address(lines=("A",), postal_code="1", city="B", country="ZZ")
    assert text(address=nowhere).window == ("A", "1 B", "ZZ")
    assert text().window == ()


def test_a_name_and_an_address_show_in_no_log_or_traceback() -> None:
    said = text(address=Address(lines=("Hemmelig Vej 1",), postal_code="8000", city="Aarhus C"))
    assert "Hemmelig" not in repr(said)
    assert said.recipient
    assert said.recipient not in repr(said)
    assert "Hemmelig" not in repr(Address(lines=("Hemmelig Vej 1",), postal_code="8000", city="Aarhus C"))


def test_the_register_holds_the_98_municipalities_with_valid_cvr_numbers() -> None:
    from stdnum.dk import cvr

    listed = [found for number in range(100, 1000) if (found := municipality(f"0{number}")) is not None]
    assert len(listed) == len({one.name for one in listed}) == len({one.cvr for one in listed}) == 98
    assert all(cvr.is_valid(one.cvr) for one in listed)
    assert municipality("0000") is None


@pytest.mark.parametrize(
    ("given", "printed"),
    [
        ("A\u0000B\u0007", "AB"),
        ("\u202eevil", "evil"),
        ("A\ufffeB\uffff", "AB"),
        ("Bjo\u0308rk", "Björk"),
        ("  to\n  ord ", "to ord"),
        ("👩‍👩‍👧‍👦", "👩👩👧👦"),
    ],
)
def test_a_name_is_printed_without_what_xml_and_paper_cannot_hold(given: str, printed: str) -> None:
    assert printable(given) == printed


@pytest.mark.rule("T2")
@pytest.mark.parametrize(
    ("day", "instant"),
    [
        (date(2026, 12, 1), "2026-12-01T22:59:59+00:00"),
        (date(2027, 6, 1), "2027-06-01T21:59:59+00:00"),
        (date(2027, 3, 28), "2027-03-28T21:59:59+00:00"),
        (date(2027, 10, 31), "2027-10-31T22:59:59+00:00"),
        (date(2026, 12, 31), "2026-12-31T22:59:59+00:00"),
    ],
)
def test_the_day_of_the_deadline_ends_when_it_ends_in_denmark(day: date, instant: str) -> None:
    assert last_second_of(day).isoformat() == instant


def header(root: Element) -> Element:
    found = root.find(f"{MEMO}Message/{MEMO}MessageHeader")
    assert found is not None
    return found


def test_the_message_has_memos_structure_and_the_letters_own_id() -> None:
    root = parse(message(), max_bytes=1_000_000)
    assert root.findtext("KombiValgKode") == "Digital Post"
    found = header(root)
    names = [child.tag.removeprefix(MEMO) for child in found]
    assert names == sorted(names, key=HEADER_ORDER.index)
    assert found.findtext(f"{MEMO}messageUUID") == str(LETTER)
    assert found.findtext(f"{MEMO}Sender/{MEMO}senderID") == aarhus().cvr
    assert found.findtext(f"{MEMO}Recipient/{MEMO}recipientID") == CPR
    assert found.findtext(f"{MEMO}ContentData/{MEMO}CaseID/{MEMO}caseID") == str(ABSENCE)
    assert root.find(f"{MEMO}Message").attrib == {"memoVersion": "1.2"}  # type: ignore[union-attr]


def test_it_carries_the_pdf_and_the_way_to_answer_until_the_deadline() -> None:
    document = parse(message(b"%PDF-x"), max_bytes=1_000_000).find(
        f"{MEMO}Message/{MEMO}MessageBody/{MEMO}MainDocument"
    )
    assert document is not None
    assert base64.b64decode(document.findtext(f"{MEMO}File/{MEMO}content") or "") == b"%PDF-x"
    assert document.findtext(f"{MEMO}Action/{MEMO}actionCode") == "SELVBETJENING"
    assert document.findtext(f"{MEMO}Action/{MEMO}endDateTime") == "2026-12-01T22:59:59Z"
    assert document.findtext(f"{MEMO}Action/{MEMO}EntryPoint/{MEMO}url") == PORTAL


def test_the_gateway_finds_no_fault_in_it() -> None:
    assert read(message()).fault is None


@pytest.mark.rule("M3")
def test_the_same_letter_has_the_same_bytes() -> None:
    assert message() == message()


async def test_the_pdf_is_pdf_a_2a_and_pdf_ua_1_and_ends_with_a_newline(renderer: Renderer) -> None:
    pdf = await renderer.render(text(), date(2026, 11, 23))
    assert b"<pdfaid:part>2</pdfaid:part><pdfaid:conformance>A</pdfaid:conformance>" in re.sub(rb">\s+<", b"><", pdf)
    assert b"<pdfuaid:part>1</pdfuaid:part>" in pdf
    assert pdf.endswith(b"%%EOF\n")
    assert pdf.count(b"/Type/Page\n") + pdf.count(b"/Type/Page/") <= 1
    assert b"/Count 1/" in pdf  # one page


async def test_the_same_words_have_the_same_bytes_in_whichever_child_and_year(renderer: Renderer) -> None:
    first = await renderer.render(text(), date(2026, 11, 23))
    other = Renderer()
    again = await other.render(text(), date(2026, 11, 23))
    await other.close()
    assert first == again
    assert first != await renderer.render(text(name="En Anden"), date(2026, 11, 23))
    assert first != await renderer.render(text(), date(2026, 11, 24))


async def test_a_name_is_never_markup(renderer: Renderer) -> None:
    await renderer.render(text(name='#panic("x") *_$<b>&amp; = \\ `" [x] @y'), date(2026, 11, 23))


async def test_words_that_cannot_be_set_are_no_reason_to_try_again(renderer: Renderer) -> None:
    broken = replace(text(), portal="")  # a link needs an address
    with pytest.raises(NotRendered):
        await renderer.render(broken, date(2026, 11, 23))
    await renderer.render(text(), date(2026, 11, 23))


async def test_a_child_that_dies_is_replaced_and_costs_only_its_letter(renderer: Renderer) -> None:
    await renderer.render(text(), date(2026, 11, 23))
    os.kill(renderer._idle[0].pid, signal.SIGKILL)
    with pytest.raises(Unavailable):
        await renderer.render(text(), date(2026, 11, 23))
    await renderer.render(text(), date(2026, 11, 23))


async def test_letters_set_together_are_those_set_alone_and_come_in_their_order(renderer: Renderer) -> None:
    day, other = date(2026, 11, 23), date(2026, 11, 24)
    letters = [
        (text(name=name, kinds=kinds), on)
        for name, kinds, on in (
            ("Å", EMPLOYEE, day),
            ("B", EMPLOYEE[:1], other),
            ("C", EMPLOYEE, day),
            ("D", ("party_hearing",), day),
            ("B", EMPLOYEE[:1], other),
        )
    ]
    alone = [await renderer.render(*letter) for letter in letters]
    assert await renderer.render_all(letters) == alone
    two = Renderer(workers=2)
    assert await two.render_all(letters) == alone
    assert len(two._idle) == 2
    await two.close()
    assert await renderer.render_all([]) == []


async def test_words_that_cannot_be_set_cost_no_other_letter(renderer: Renderer) -> None:
    day = date(2026, 11, 23)
    good, bad = (text(), day), (replace(text(), portal=""), day)
    first, second, third = await renderer.render_all([good, bad, good])
    assert first == third == await renderer.render(*good)
    assert isinstance(second, NotRendered)


# A child that answers with the recipient's name, and dies of some.
FRAGILE = """
import json, sys
from services.notifier.letters.compositor import read_frame, write_frame
while (request := read_frame(sys.stdin.buffer)) is not None:
    for wish in json.loads(request):
        if wish["letter"]["recipient"].startswith("deadly"):
            sys.exit(1)
        write_frame(sys.stdout.buffer, b"+" + wish["letter"]["recipient"].encode())
"""


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["a", "deadly", "b", "c"], [b"a", None, b"b", b"c"]),
        (["deadly", "a", "b"], [None, b"a", b"b"]),
        (["a", "b", "deadly"], [b"a", b"b", None]),
        (["a", "deadly", "b", "deadly", "c"], [b"a", None, b"b", None, b"c"]),
        # children that do nothing at all are not started for every letter
        (["deadly", "deadly", "a"], [None, None, None]),
    ],
)
async def test_a_letter_that_kills_its_child_costs_no_other_of_the_batch(
    monkeypatch: pytest.MonkeyPatch, names: list[str], expected: list[bytes | None]
) -> None:
    monkeypatch.setattr("services.notifier.letters.renderer._COMMAND", (sys.executable, "-c", FRAGILE))
    renderer = Renderer()
    got = await renderer.render_all([(text(name=name), date(2026, 11, 23)) for name in names])
    await renderer.close()
    assert [one if isinstance(one, bytes) else None for one in got] == expected
    assert all(isinstance(one, bytes | Unavailable) for one in got)


async def test_a_child_that_hangs_is_ended() -> None:
    renderer = Renderer(seconds=0.5)
    child = await renderer._start()
    os.kill(child.pid, signal.SIGSTOP)
    renderer._idle.append(child)
    with pytest.raises(Unavailable):
        await renderer.render(text(), date(2026, 11, 23))
    assert child.returncode == -signal.SIGKILL
    await renderer.close()


async def test_a_child_ends_with_its_parent() -> None:
    renderer = Renderer()
    child = await renderer._start()
    assert child.stdin is not None
    child.stdin.close()
    assert await asyncio.wait_for(child.wait(), 10) == 0


@pytest.mark.parametrize("name", ["Mælk Ønskeby \U0001f468\u200d\U0001f469", "王小明", "Łukasz 王"])
async def test_a_name_that_no_font_holds_never_keeps_the_letter_from_going_out(renderer: Renderer, name: str) -> None:
    day = date(2026, 11, 23)
    pdf = await renderer.render(text(name=name), day)
    assert pdf.startswith(b"%PDF-")
    assert pdf == await renderer.render(text(name=name), day)
