"""MeMo messages: byte for byte what they were, in the published structure, and inside the rules for file names."""

import base64
import re
from dataclasses import fields, replace
from datetime import UTC, date, datetime
from pathlib import Path
from types import NoneType
from typing import Any, Literal, get_args, get_type_hints
from uuid import UUID
from xml.etree.ElementTree import Element, canonicalize

import pytest
from python_serviceplatformen.models import message as models

from plumbing.safe_xml import parse
from services.notifier.letters import Classification, MemoForm, kombi_request, municipality, words
from services.notifier.letters.file_names import file_name
from services.notifier.letters.memo import PLAIN
from services.notifier.settings import Settings
from simulators.post_gateway.content import MEMO
from simulators.post_gateway.memo import read
from tests.unit.notifier.memo_structure import PREFIXES, STRUCTURES, misplaced, short

GOLDEN = Path(__file__).parent / "golden"
FULL = MemoForm(
    kle=Classification(key="00.00.00", version="Testudgave", facet="G01", label="Et emne"),
    form_task=Classification(key="00.00.00.00", version="Testudgave", facet="A53", label="En opgave"),
    names_citizen=True,
)
FORMS = {"memo-1.2.xml": PLAIN, "memo-1.1.xml": MemoForm(version="1.1"), "memo-1.2-full.xml": FULL}


def request(
    form: MemoForm = PLAIN,
    *,
    subject: str | None = None,
    name: str = "Kirsten Ægidius-Sørensen",
    cpr: str = "6101901234",
    message_uuid: str = "8c2ea15d-61fb-4ba9-9366-42f8b194c114",
    absence_id: str = "5b0c8a52-6b39-5d09-a51f-6c0f7b0f8f11",
    pdf: bytes = b"%PDF-1.7\n",
) -> bytes:
    aarhus = municipality("0751")
    assert aarhus is not None
    text = words(
        name=name,
        municipality=aarhus,
        planned_day=date(2026, 11, 23),
        deadline_day=date(2026, 12, 1),
        kinds=("information_form",),
        portal="https://mitsygefravaer.example/opgaver",
    )
    return kombi_request(
        message_uuid=UUID(message_uuid),
        cpr=cpr,
        words=text if subject is None else replace(text, subject=subject),
        municipality=aarhus,
        absence_id=UUID(absence_id),
        requested_at=datetime(2026, 11, 23, 9, 30, tzinfo=UTC),
        deadline_day=date(2026, 12, 1),
        pdf=pdf,
        form=form,
    ).body


def message(body: bytes) -> Element:
    found = parse(body, max_bytes=100_000).find(f"{MEMO}Message")
    assert found is not None
    return found


@pytest.mark.parametrize(("golden", "form"), FORMS.items())
def test_a_message_is_what_it_was(golden: str, form: MemoForm) -> None:
    assert canonicalize(request(form).decode()) == canonicalize((GOLDEN / golden).read_text(), strip_text=True)


def test_what_is_one_letters_own_never_shows_in_another() -> None:
    """They share what their sender, subject and deadline make alike."""
    first = request(FULL)
    assert request(FULL) == first
    other = request(
        FULL,
        name="A & B <C>",
        cpr="0101010101",
        absence_id=str(UUID(int=7)),
        message_uuid=str(UUID(int=8)),
        pdf=b"other",
    )
    for own in ("Kirsten", "6101901234", "5b0c8a52", "8c2ea15d", base64.b64encode(b"%PDF-1.7\n").decode()):
        assert own.encode() in first
        assert own.encode() not in other
    assert [one.text for one in message(other).iter(f"{MEMO}recipientID")] == ["0101010101"]
    assert "A & B <C>" in {one.text for one in message(other).iter(f"{MEMO}label")}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_the_declaration_and_the_prefix_are_those_the_gateway_reads(form: MemoForm) -> None:
    body = request(form)
    assert body.startswith(b"<?xml version='1.0' encoding='utf-8'?>\n<kombi_request")
    assert b'xmlns:memo="https://DigitalPost.dk/MeMo-1"' in body
    assert set(re.findall(rb"<(\w+):", body)) <= {b"memo", b"grd", b"kle", b"form"}


def test_1_1_tells_the_version_of_its_schema_and_1_2_does_not() -> None:
    assert message(request(MemoForm(version="1.1"))).attrib == {"memoVersion": "1.1", "memoSchVersion": "1.1.0"}
    assert message(request()).attrib == {"memoVersion": "1.2"}


@pytest.mark.parametrize("version", ["1.1", "1.2"])
def test_everything_stands_where_the_published_samples_have_it(version: Literal["1.1", "1.2"]) -> None:
    written = message(request(replace(FULL, version=version)))
    assert list(misplaced(written, STRUCTURES[version])) == []
    assert {short(one) for one in written.iter()} >= {"grd:CPRdata", "kle:KLEdata", "form:FORMdata", "CaseID", "Action"}


def test_what_stands_elsewhere_is_found() -> None:
    written = message(request())
    header = written[0]
    header.insert(0, header[-1])
    assert list(misplaced(written, STRUCTURES["1.2"])) == [
        f"MessageHeader/{name}" for name in [short(one) for one in header[1:]]
    ]


@pytest.mark.parametrize("parent", STRUCTURES["1.2"])
def test_the_librarys_models_have_the_same_structure(parent: str) -> None:
    model = getattr(models, parent.rpartition(":")[2])
    assert [_wire_name(model, field.name) for field in fields(model)] == [
        name.rstrip("*") for name in STRUCTURES["1.2"][parent].split()
    ]


def _wire_name(model: Any, field: str) -> str:
    """How the library writes a field: a class by its own name, anything else by the field's."""
    found: Any = _innermost(get_type_hints(model)[field])
    is_class = hasattr(found, "__namespace__")
    name = found.__name__ if is_class else field
    prefix = PREFIXES[(found if is_class else model).__namespace__]
    return name if prefix == "memo" else f"{prefix}:{name}"


def _innermost(hint: Any) -> Any:
    inside = [one for one in get_args(hint) if one not in {NoneType, Ellipsis} and not isinstance(one, str)]
    return _innermost(inside[0]) if inside else hint


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_the_gateway_finds_no_fault_in_any_form(form: MemoForm) -> None:
    assert read(request(form)).fault is None


def test_the_file_is_named_by_the_letters_subject_inside_the_rules() -> None:
    written = message(request(subject="Svar: ja/nej?\u2060"))
    assert written.findtext(f".//{MEMO}filename") == "Svar- ja-nej.pdf"
    assert message(request()).findtext(f".//{MEMO}filename") == "Du skal svare senest 1. december 2026.pdf"


# The list of the agency's news of 15 November 2024, and the spaces that other readers of it name.
PUBLISHED = (
    '<>:"/\\|?*\r\n\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u205f\u2060\u3000'
)
ALSO = "\u1680\u2029\u202f"


@pytest.mark.parametrize("character", PUBLISHED + ALSO + "\x00\x1f\x7f\x85\ud800\uffff")
def test_no_character_outside_the_rules_stands_in_a_file_name(character: str) -> None:
    assert file_name(f"a{character}b", "pdf") == "a-b.pdf"
    assert file_name(f"a{character}{character}{character}b", "pdf") == "a-b.pdf"


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Brev æøå ÆØÅ é 王", "Brev æøå ÆØÅ é 王.pdf"),
        (PUBLISHED, "Brev.pdf"),
        ("", "Brev.pdf"),
        ("..", "Brev.pdf"),
        (" Svar. ", "Svar.pdf"),
    ],
)
def test_a_file_name_keeps_what_is_allowed_and_is_never_empty(title: str, name: str) -> None:
    assert file_name(title, "pdf") == name


SETTINGS = {
    "DATABASE_URL": "postgresql://localhost/x",
    "OPS_PORT": "0",
    "KAFKA_BOOTSTRAP_SERVERS": "localhost:9092",
    "CITIZENS_URL": "http://localhost",
    "CITIZENS_TOKEN": "x" * 16,
    "GATEWAY_URL": "http://localhost",
    "GATEWAY_DEDUPES": "true",
    "HTTP_PORT": "0",
    "STATUS_PUSH_TOKEN": "x" * 16,
}


def settings(monkeypatch: pytest.MonkeyPatch, **given: str) -> Settings:
    for name, value in {**SETTINGS, **given}.items():
        monkeypatch.setenv(name, value)
    return Settings()


def test_the_form_is_the_deployments(monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings(monkeypatch).memo_form() == PLAIN
    told = settings(
        monkeypatch,
        MEMO_VERSION="1.1",
        MEMO_KLE='{"key": "00.00.00", "version": "Testudgave", "facet": "G01", "label": "Et emne"}',
        MEMO_FORM_TASK='{"key": "00.00.00.00", "version": "Testudgave", "facet": "A53", "label": "En opgave"}',
        MEMO_NAMES_CITIZEN="true",
    )
    assert told.memo_form() == replace(FULL, version="1.1")


@pytest.mark.parametrize("wrong", [{"MEMO_VERSION": "1.3"}, {"MEMO_KLE": "32.24"}, {"MEMO_KLE": '{"key": "00.00.00"}'}])
def test_a_form_that_cannot_be_stops_the_start(monkeypatch: pytest.MonkeyPatch, wrong: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="memo"):
        settings(monkeypatch, **wrong)
