"""The table of bad uploads itself: that its files are there, are always the same, and are what they are said to be."""

import io
import unicodedata
import zlib
from collections import Counter
from contextlib import suppress
from itertools import islice

import pikepdf
import pypdfium2
import pytest
from PIL import Image

from tests.support.bad_uploads import CLEAN, CODES, NAMES, ROWS, SIGNATURE, Refused, Upload, split_at, table
from tests.support.bad_uploads.case import PDF, SIGNATURES, STREAM_MAX_LENGTH
from tests.support.bad_uploads.inflating import deflated, lzw_for_pdf, run_lengths
from tests.support.bad_uploads.mutations import SEEDS_OF_A_TYPE, mutations, seeds
from tests.support.bad_uploads.names import LONGEST
from tests.support.bad_uploads.pdf_encryption import OWNER, USER, aes_128, aes_256, rc4
from tests.support.bad_uploads.png import picture

TABLE = table()
SMALL = tuple(upload for upload in TABLE if not upload.large)
LARGE = tuple(upload for upload in TABLE if upload.large)


def of_type(data: bytes) -> str | None:
    """The content type by the first bytes."""
    return next((kind for kind, start in SIGNATURES.items() if data.startswith(start)), None)


def assert_it_is_what_it_says(upload: Upload, data: bytes) -> None:
    """Always the same bytes, no more than the scanner takes, and whole if it is to be taken."""
    assert data == upload.build()
    assert len(data) <= STREAM_MAX_LENGTH
    if upload.expected == CLEAN:
        assert_it_opens(data)


def assert_it_opens(data: bytes) -> None:
    match of_type(data):
        case None:
            raise AssertionError(data[:20])
        case "application/pdf":
            with pikepdf.open(io.BytesIO(data)) as document:
                assert document.get_warnings() == []
                assert not document.is_encrypted
                pages = len(document.pages)
            with pypdfium2.PdfDocument(data) as read:
                assert len(read) == pages >= 1
        case _:
            with Image.open(io.BytesIO(data)) as opened:
                for nth in range(getattr(opened, "n_frames", 1)):
                    opened.seek(nth)
                    opened.load()


def test_every_row_about_a_file_is_there() -> None:
    assert {upload.row for upload in TABLE} == set(ROWS)
    assert len(TABLE) >= 300


def test_no_two_have_the_same_name() -> None:
    assert [title for title, times in Counter(upload.title for upload in TABLE).items() if times > 1] == []
    assert [title for title, times in Counter(f"{case.row} {case.what}" for case in NAMES).items() if times > 1] == []


def test_what_is_expected_is_a_code_that_there_is() -> None:
    assert {verdict for upload in TABLE for verdict in upload.expected.allowed} <= {"clean", *CODES}
    assert {upload.expected.code for upload in TABLE if isinstance(upload.expected, Refused)} == set(CODES)


def test_a_file_is_always_the_same_and_a_good_one_opens() -> None:
    for upload in SMALL:
        data = upload.build()
        try:
            assert_it_is_what_it_says(upload, data)
        except Exception as problem:
            problem.add_note(upload.title)
            raise


@pytest.mark.long
@pytest.mark.parametrize("upload", LARGE, ids=[upload.title for upload in LARGE])
def test_a_large_file_is_always_the_same_and_a_good_one_opens(upload: Upload) -> None:
    assert_it_is_what_it_says(upload, upload.build())


def test_what_is_not_a_type_by_its_first_bytes_is_never_refused_for_what_is_inside() -> None:
    inside = {"malformed", "encrypted", "active-content", "embedded-file", "trailing-data", "decompression-limit"}
    for upload in SMALL:
        if isinstance(upload.expected, Refused) and upload.expected.code in inside:
            assert of_type(upload.build()), upload.title


def test_what_the_scanner_must_find_is_there_to_be_found() -> None:
    for upload in SMALL:
        if upload.expected == Refused("infected"):
            assert SIGNATURE in readable(upload.build()), upload.title


def readable(data: bytes) -> bytes:
    """The bytes as they are, and what is in the streams of a PDF."""
    found = [data]
    if data.startswith(SIGNATURES[PDF]):
        # object streams are among the parts alone: pikepdf shows what is in them, not themselves
        found += [inflated(part) for part in data.split(b"stream\n")]
        with pikepdf.open(io.BytesIO(data)) as document:
            found += [decoded(thing) for thing in document.objects if isinstance(thing, pikepdf.Stream)]
    return b"\n".join(found)


def inflated(data: bytes) -> bytes:
    with suppress(zlib.error):
        return zlib.decompressobj().decompress(data)
    return b""


def decoded(stream: pikepdf.Stream) -> bytes:
    with suppress(pikepdf.PdfError):
        return stream.read_bytes()
    return b""


def test_what_is_hidden_does_not_stand_in_the_file() -> None:
    (hidden,) = (upload for upload in SMALL if "lowest bits" in upload.what)
    data = hidden.build()
    with Image.open(io.BytesIO(data)) as opened:
        lowest = "".join(str(byte & 1) for byte in opened.tobytes()[: len(SIGNATURE) * 8])

    assert SIGNATURE not in data
    assert int(lowest, 2).to_bytes(len(SIGNATURE), "big") == SIGNATURE


@pytest.mark.parametrize("chunk", [256, 4_096, 65_536])
def test_the_signature_is_split_where_it_is_asked_for(chunk: int) -> None:
    for offset in range(69):
        data = split_at(offset, chunk)
        assert (data.index(SIGNATURE) + offset) % chunk == 0
        with Image.open(io.BytesIO(data)) as opened:
            opened.load()


def test_an_encrypted_file_opens_with_its_passwords_alone() -> None:
    for encrypt in (lambda user: rc4(2, user), lambda user: rc4(3, user), aes_128, aes_256):
        for user in (USER, b""):
            for password in (user, OWNER):
                with pikepdf.open(io.BytesIO(encrypt(user)), password=password.decode()) as document:
                    assert b"jeg er syg" in document.pages[0].Contents.read_bytes()
        with pytest.raises(pikepdf.PasswordError):
            pikepdf.open(io.BytesIO(encrypt(USER)))


def test_a_bomb_inflates_to_what_it_says() -> None:
    wanted = b"before" + b"abc" * 3_000_000 + b"then"
    assert zlib.decompress(deflated(3_000_000, of=b"abc", before=b"before", then=b"then")) == wanted
    assert zlib.decompress(deflated(9_000_000)) == bytes(9_000_000)

    document = pikepdf.new()
    for data, name in ((lzw_for_pdf(1_280_000), "/LZWDecode"), (run_lengths(1_280_000), "/RunLengthDecode")):
        read = pikepdf.Stream(document, data, Filter=pikepdf.Name(name)).read_bytes(
            pikepdf.StreamDecodeLevel.specialized
        )
        assert len(read) >= 1_280_000
        assert read.count(0) == len(read)


def test_a_name_that_is_shown_is_harmless_and_short() -> None:
    for case in NAMES:
        if case.shown is not None:
            assert case.shown == unicodedata.normalize("NFC", case.shown).strip(), case.what
            assert len(case.shown) <= LONGEST
            assert not {"Cc", "Cf", "Zl", "Zp"} & {unicodedata.category(letter) for letter in case.shown}, case.what
            assert "/" not in case.shown
            assert "\\" not in case.shown


def test_there_are_good_files_of_each_type_to_be_damaged() -> None:
    for kind, of_kind in seeds().items():
        assert SEEDS_OF_A_TYPE - 2 <= len(of_kind) <= SEEDS_OF_A_TYPE, kind
        assert all(seed.data.startswith(SIGNATURES[kind]) for seed in of_kind)


def test_damage_can_be_repeated() -> None:
    made = list(mutations(7, 400))
    assert made == list(mutations(7, 400))
    assert made[:40] == list(islice(mutations(7, 400), 40))
    assert made != list(mutations(8, 400))
    assert len({one.data for one in made}) > 390
    assert len({one.what for one in made}) == 400


def test_a_picture_of_ours_is_read_as_it_was_drawn() -> None:
    with Image.open(io.BytesIO(picture(4, 2))) as opened:
        assert opened.tobytes() == bytes((x * 7 + y * 13) % 256 for y in range(2) for x in range(12))
