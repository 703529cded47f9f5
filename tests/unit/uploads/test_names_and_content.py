"""What a file is called when it is shown, and what it is by its bytes (U10 to U18)."""

import pytest

from services.uploads.domain.content import Kin, MediaType, NotTaken, kind_of, misfit
from services.uploads.domain.findings import END_OF, Code, End
from services.uploads.domain.names import LONGEST_NAME, display_name
from services.uploads.domain.texts import OF_CODE, OF_KIN, PENDING, RECALLED
from tests.support.bad_uploads import NAMES, NameCase


@pytest.mark.parametrize("case", NAMES, ids=[str(nth) for nth in range(len(NAMES))])
def test_a_name_is_shown_without_what_could_deceive(case: NameCase) -> None:
    shown = display_name(case.name)
    assert shown == case.shown
    assert shown is None or (len(shown) <= LONGEST_NAME and display_name(shown) == shown)


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"%PDF-1.7\n", MediaType.PDF),
        (b"\n%PDF-1.7\n", NotTaken(kin=Kin.OTHER)),
        (b"%pdf-1.7\n", NotTaken(kin=Kin.OTHER)),
        (b"\0\0\0\x18ftypheic\0\0\0\0", NotTaken(kin=Kin.PHONE_PHOTO)),
        (b"PK\x03\x04\x14\0\x06\0[Content_Types].xml", NotTaken(kin=Kin.OFFICE)),
        (b"PK\x03\x04\x14\0\0\0hello.txt", NotTaken(kin=Kin.ARCHIVE)),
        (b"II*\0\x08\0\0\0", NotTaken(kin=Kin.OTHER_IMAGE)),
        (b"", NotTaken(kin=Kin.OTHER)),
    ],
)
def test_the_kind_is_told_by_the_very_first_bytes(head: bytes, kind: object) -> None:
    assert kind_of(head) == kind


@pytest.mark.parametrize(
    ("name", "declared", "fault"),
    [
        ("a.png", "image/png", None),
        ("a.PNG", "", None),
        ("a.b.png", None, None),
        ("a.png", "application/octet-stream", None),
        ("a.png", "image/png; charset=binary", None),
        ("a.png", "application/pdf", Code.CONTENT_TYPE_MISMATCH),
        ("a.png", "image/png\n", None),
        ("a.png", "nonsense", Code.CONTENT_TYPE_MISMATCH),
        ("a.png", "x" * 5000, Code.CONTENT_TYPE_MISMATCH),
        ("a.pdf", "image/png", Code.EXTENSION_MISMATCH),
        ("a", "image/png", Code.EXTENSION_MISMATCH),
        ("a.exe.png", "image/png", Code.EXTENSION_MISMATCH),
        ("a.exe\x00.png", "image/png", Code.EXTENSION_MISMATCH),
    ],
)
def test_what_is_said_of_a_file_has_to_fit_its_content(name: str, declared: str | None, fault: Code | None) -> None:
    assert misfit(MediaType.PNG, name=name, declared=declared) is fault


def test_every_code_has_an_end_and_a_text_in_both_languages_that_says_what_to_do() -> None:
    assert END_OF.keys() == OF_CODE.keys() == set(Code)
    assert End.CLEAN not in END_OF.values()
    assert End.PENDING not in END_OF.values()
    for said in (*OF_CODE.values(), *OF_KIN.values(), PENDING, RECALLED):
        assert all(text.what.endswith(".") and text.next.endswith(".") for text in said)
        assert said.da != said.en
    assert OF_KIN.keys() == set(Kin)
