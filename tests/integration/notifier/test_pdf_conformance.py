"""Every letter keeps to PDF/A-2a and PDF/UA-1, as veraPDF judges it."""

from dataclasses import asdict
from pathlib import Path

import pytest

from services.notifier.letters.compositor import make_compiler, source
from services.notifier.letters.texts import KINDS
from stack.verapdf import PDF_A_2A, PDF_UA_1, verify_pdfs
from tests.unit.notifier.pages import pages_of
from tests.unit.notifier.samples import HOME, rendered, text

pytestmark = [pytest.mark.rule("M1"), pytest.mark.timeout(600)]

ENOUGH_FOR_TWO_PAGES = 14
ODD_NAMES = {
    "arabic": "محمد علي",
    "chinese": "王小明",
    "markup": 'A "b" \\ #panic("x") $y$ </memo>',
    "vietnamese": "Nguyễn Thị Hương",
    "long": "Anna " * 75,
}


@pytest.fixture(scope="module")
def letters(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Every kind of task, on a screen and on paper, on one page and on two; what an employee gets; names of all sorts."""
    wanted = {
        f"{kind}-{pages}-{way}": text((kind,) * number, address=address)
        for kind in KINDS
        for pages, number in ((1, 1), (2, ENOUGH_FOR_TWO_PAGES))
        for way, address in (("digital", None), ("paper", HOME))
    }
    wanted |= {f"three-{way}": text(address=address) for way, address in (("digital", None), ("paper", HOME))}
    wanted |= {f"name-{which}": text(name=name) for which, name in ODD_NAMES.items()}
    directory = tmp_path_factory.mktemp("letters")
    paths = [directory / f"{name}.pdf" for name in wanted]
    for path, pdf in zip(paths, rendered(*wanted.values()), strict=True):
        assert isinstance(pdf, bytes), path.stem
        path.write_bytes(pdf)
    return paths


@pytest.mark.parametrize("standard", [PDF_A_2A, PDF_UA_1])
def test_every_letter_keeps_to_the_standard(letters: list[Path], standard: str) -> None:
    assert verify_pdfs(letters, standard) == []


def test_one_task_needs_one_page_and_many_two(letters: list[Path]) -> None:
    for path in letters:
        if "-1-" in path.stem or "-2-" in path.stem:
            assert len(pages_of(path.read_bytes())) == int(path.stem.split("-")[1]), path.stem


@pytest.mark.parametrize("standard", [PDF_A_2A, PDF_UA_1])
def test_the_same_letter_set_without_the_standards_is_found_out(
    letters: list[Path], tmp_path: Path, standard: str
) -> None:
    plain = tmp_path / "plain.pdf"
    pdf = make_compiler().compile(source(asdict(text())), pdf_tags=False)
    assert isinstance(pdf, bytes)
    plain.write_bytes(pdf)
    [finding] = verify_pdfs([letters[0], plain], standard)
    assert finding.file == plain
    assert finding.rules
