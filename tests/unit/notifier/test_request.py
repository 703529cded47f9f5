"""What is kept of a request is what was sent, byte for byte."""

import base64
import random

import cramjam
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifier.letters import GatewayRequest


@given(st.binary(), st.binary(), st.binary())
def test_kept_and_spelt_again_it_is_the_same(before: bytes, pdf: bytes, after: bytes) -> None:
    request = GatewayRequest(before=before, pdf=pdf, after=after)
    assert GatewayRequest.unpacked(request.packed) == request
    assert request.body == before + base64.b64encode(pdf) + after


def test_what_is_kept_is_compressed() -> None:
    pdf = b"<< /Type /StructElem /S /P /K [0] >> endobj\n" * 500 + random.Random(1).randbytes(20_000)
    request = GatewayRequest(before=b"<a>", pdf=pdf, after=b"</a>")
    assert 20_000 < len(request.packed) < 21_000


@given(st.binary(), st.binary(), st.binary())
def test_what_was_kept_before_it_was_compressed_is_read(before: bytes, pdf: bytes, after: bytes) -> None:
    kept = b"\x01" + len(before).to_bytes(4) + len(pdf).to_bytes(4) + before + pdf + after
    assert GatewayRequest.unpacked(kept) == GatewayRequest(before=before, pdf=pdf, after=after)


def test_what_was_kept_as_it_was_sent_is_sent_as_it_was_kept() -> None:
    body = b"<?xml version='1.0' encoding='utf-8'?>\n<kombi_request>JVBERi0=</kombi_request>"
    assert GatewayRequest.unpacked(body).body == body


@pytest.mark.parametrize(
    "packed",
    [
        b"",
        b"\x00",
        b"\x01\0\0\0\x05\0\0\0\0four",
        b"\x02",
        b"\x02<kombi_request/>",
        b"\x02\xff\xff\xff\x7f" + b"four",
        b"\x02" + bytes(cramjam.lz4.compress_block(b"neither")),
        b"\x03<kombi_request/>",
    ],
)
def test_what_is_in_no_form_is_refused(packed: bytes) -> None:
    with pytest.raises(ValueError, match="no request"):
        GatewayRequest.unpacked(packed)
