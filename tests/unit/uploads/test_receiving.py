"""What is said around a file, by whoever may say anything: refused with a code, and never a fault of ours."""

import tempfile
from datetime import UTC, datetime

import pytest
from starlette.requests import Request

from plumbing.objects import Account
from services.uploads.api.problems import BadRequest
from services.uploads.api.receiving import Bounds, received
from services.uploads.usecases.incoming import Incoming, NotAccepted
from services.uploads.usecases.show import GivenOut, Shown
from tests.unit.uploads.test_rules import CLEAN, SUBMISSION

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
BOUNDS = Bounds(file_bytes=1000, idle_seconds=1, upload_seconds=1)


async def comes(disposition: str, **headers: str) -> Incoming:
    body = f"--b\r\ncontent-disposition: {disposition}\r\n\r\n%PDF\r\n--b--\r\n".encode()
    told = {"content-type": "multipart/form-data; boundary=b"} | {
        name.replace("_", "-"): value for name, value in headers.items()
    }

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": body, "more_body": False}

    scope = {
        "type": "http",
        "method": "POST",
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in told.items()],
    }
    async with received(
        Request(scope, receive), bounds=BOUNDS, spool=tempfile.TemporaryFile, now=lambda: NOW, progress=lambda _: None
    ) as incoming:
        return incoming


@pytest.mark.parametrize(
    ("told", "name"),
    [
        ("utf-8''%C3%A6.pdf", "æ.pdf"),
        ("UTF-8'da'%C3%A6.pdf", "æ.pdf"),
        ("ISO-8859-1''%E6.pdf", "æ.pdf"),
        ("''%C3%A6.pdf", "æ.pdf"),
    ],
)
async def test_a_name_may_be_spelt_in_two_charsets(told: str, name: str) -> None:
    assert (await comes(f"form-data; name=file; filename*={told}")).name == name


@pytest.mark.parametrize(
    "told",
    [
        "undefined''a.pdf",
        "punycode''%FF.pdf",
        "unicode_escape''%5Cx2e.pdf",
        "utf-7''a.pdf",
        "utf-8\0''a.pdf",
        "zip''a.pdf",
        "nobody-knows''a.pdf",
        "utf-8''%FF.pdf",
        "a.pdf",
    ],
)
async def test_and_in_no_other(told: str) -> None:
    with pytest.raises(BadRequest) as refused:
        await comes(f"form-data; name=file; filename*={told}")
    assert refused.value.code == "invalid"


@pytest.mark.parametrize(
    "length",
    ["", "-1", "1e9", "0x10", "²", "0", "0" * 5000, "0" * 5000 + "66", "9" * 5000],
    ids=lambda told: told[:3] + str(len(told)),
)
async def test_a_length_may_be_any_nonsense(length: str) -> None:
    with pytest.raises((BadRequest, NotAccepted)):
        await comes("form-data; name=nothing", content_length=length)


async def test_nothing_that_a_citizen_wrote_or_sent_is_in_a_repr() -> None:
    incoming = await comes('form-data; name=file; filename="Brækket ben.pdf"')
    assert incoming.name == "Brækket ben.pdf"
    assert "Brækket" not in repr(incoming)
    assert "%PDF" not in repr(incoming)
    assert "Brækket" not in repr(GivenOut(body=incoming.body, file=CLEAN, name=incoming.name))
    shown = Shown(submission=SUBMISSION, title="Mit ben", reason="Brækket", files=[(CLEAN, incoming.name)], attempts=[])
    assert "Mit ben" not in repr(shown)
    assert "Brækket" not in repr(shown)


def test_nor_is_the_secret_of_an_account() -> None:
    account = Account(endpoint="http://store:9000", region="r", access_key="uploads", secret_key="never to be seen")
    assert "never to be seen" not in repr(account)
