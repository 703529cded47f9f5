"""What is kept of a request is what was sent, byte for byte."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifier.letters import GatewayRequest


@given(st.binary(), st.binary(), st.binary())
def test_kept_and_spelt_again_it_is_the_same(before: bytes, pdf: bytes, after: bytes) -> None:
    request = GatewayRequest(before=before, pdf=pdf, after=after)
    assert GatewayRequest.unpacked(request.packed) == request
    assert request.body == before + base64.b64encode(pdf) + after


def test_the_pdf_is_kept_as_it_is() -> None:
    pdf = bytes(range(256)) * 100
    request = GatewayRequest(before=b"<a>", pdf=pdf, after=b"</a>")
    assert len(request.packed) < len(pdf) + 20 < len(request.body)


def test_what_was_kept_as_it_was_sent_is_sent_as_it_was_kept() -> None:
    body = b"<?xml version='1.0' encoding='utf-8'?>\n<kombi_request>JVBERi0=</kombi_request>"
    assert GatewayRequest.unpacked(body).body == body


@pytest.mark.parametrize("packed", [b"", b"\x00", b"\x02<kombi_request/>", b"\x01\0\0\0\x05\0\0\0\0four"])
def test_what_is_in_no_form_is_refused(packed: bytes) -> None:
    with pytest.raises(ValueError, match="no request"):
        GatewayRequest.unpacked(packed)
