"""The real scanner with the configuration that is deployed: what it finds, and that what it did not look at is never "OK"."""

import io
import socket
import time
import zlib
from collections.abc import Iterator
from typing import Final

import pikepdf
import pytest
from PIL import Image

from services.uploads.domain.limits import DEFAULT, MIB
from stack import Process, Stack, StackError
from stack.clamd_admin import is_scanner_ready, scan
from stack.errors import NotReady
from stack.settings import SIGNATURES, TEST_SIGNATURE, TEST_SIGNATURE_NAME
from tests.support.fixtures import new_run_dir

FOUND: Final = f"stream: {TEST_SIGNATURE_NAME} FOUND"
OK: Final = "stream: OK"


def said(servers: Stack, data: bytes) -> str:
    """What clamd says of these bytes."""
    return scan(servers.addresses.clamd_host, servers.addresses.clamd_port, data)


def is_ready(servers: Stack) -> bool:
    return is_scanner_ready(servers.addresses.clamd_host, servers.addresses.clamd_port)


def pdf_of(*streams: bytes) -> bytes:
    """A file with no pages that has these compressed streams."""
    objects = (
        b"%d 0 obj << /Length %d /Filter /FlateDecode >> stream\n%b\nendstream endobj\n" % (number, len(packed), packed)
        for number, packed in enumerate(map(zlib.compress, streams), start=1)
    )
    return b"%PDF-1.7\n" + b"".join(objects) + b"trailer << /Size 1 >>\n%" + b"%EOF\n"


def test_a_clean_text_is_clean(documents_servers: Stack) -> None:
    assert said(documents_servers, b"Dear sir or madam") == OK


@pytest.mark.parametrize("before", [0, 1, 5_000_000, DEFAULT.file_bytes - len(TEST_SIGNATURE)])
def test_the_test_signature_is_found_anywhere(documents_servers: Stack, before: int) -> None:
    assert said(documents_servers, b"a" * before + TEST_SIGNATURE) == FOUND


def test_it_is_found_in_what_a_pdf_inflates_to(documents_servers: Stack) -> None:
    assert said(documents_servers, pdf_of(b"a" * 10_000 + TEST_SIGNATURE)) == FOUND


def test_the_test_file_that_scanners_agree_on_is_found(documents_servers: Stack) -> None:
    standard = bytes.fromhex((SIGNATURES / "eicar.ndb").read_text().strip().rpartition(":")[2])

    assert said(documents_servers, standard) == "stream: Eicar-Test-Signature.UNOFFICIAL FOUND"


class TestWhatIsNotLookedAt:
    def test_a_stream_over_the_limit_is_never_ok(self, documents_servers: Stack) -> None:
        """It may hang up while we still send: then not even the reason arrives."""
        assert said(documents_servers, b"a" * (26 * MIB)) in {"INSTREAM size limit exceeded. ERROR", ""}

    def test_the_largest_that_we_take_is_looked_at_to_its_end(self, documents_servers: Stack) -> None:
        assert said(documents_servers, b"a" * DEFAULT.file_bytes) == OK

    def test_what_inflates_past_the_limit_is_never_ok(self, documents_servers: Stack) -> None:
        limit = "Heuristics.Limits.Exceeded.MaxFileSize"

        assert said(documents_servers, pdf_of(bytes(257 * MIB))) == f"stream: {limit} FOUND"

    def test_many_that_together_inflate_past_the_limit_are_never_ok(self, documents_servers: Stack) -> None:
        many = pdf_of(*(bytes([number]) * (90 * MIB) for number in range(5)))

        assert said(documents_servers, many) == "stream: Heuristics.Limits.Exceeded.MaxScanSize FOUND"

    def test_as_much_as_we_let_a_file_inflate_to_is_looked_at(self, documents_servers: Stack) -> None:
        assert said(documents_servers, pdf_of(b"a" * (DEFAULT.inflated_bytes - 50) + TEST_SIGNATURE)) == FOUND

    def test_what_needs_a_password_is_never_ok(self, documents_servers: Stack) -> None:
        written = io.BytesIO()
        with pikepdf.new() as pdf:
            pdf.add_blank_page()
            pdf.save(written, encryption=pikepdf.Encryption(owner="owner", user="user"))

        assert said(documents_servers, written.getvalue()) == "stream: Heuristics.Encrypted.PDF FOUND"

    def test_a_picture_that_is_cut_off_is_never_ok(self, documents_servers: Stack) -> None:
        written = io.BytesIO()
        Image.effect_noise((200, 200), 50).save(written, "PNG")

        assert said(documents_servers, written.getvalue()) == OK
        assert said(documents_servers, written.getvalue()[:-100]).startswith("stream: Heuristics.Broken.Media.PNG")


class TestSignaturesThatComeLater:
    def test_what_was_clean_is_found_once_it_is_known_and_clean_again_when_that_is_forgotten(
        self, documents_servers: Stack
    ) -> None:
        document = b"stored long ago, with something in it: 6f1c9a"
        assert said(documents_servers, document) == OK
        documents_servers.learn_signature("MitSyg.Later", b"something in it: 6f1c9a")
        assert said(documents_servers, document) == "stream: MitSyg.Later.UNOFFICIAL FOUND"
        assert said(documents_servers, TEST_SIGNATURE) == FOUND
        documents_servers.forget_signature("MitSyg.Later")
        assert said(documents_servers, document) == OK

    @pytest.mark.parametrize(
        ("name", "text"), [("../elsewhere", b"long enough"), ("Too.Short", b"abc"), ("", b"long enough")]
    )
    def test_what_is_no_signature_is_refused(self, documents_servers: Stack, name: str, text: bytes) -> None:
        with pytest.raises(StackError, match="no name for a signature"):
            documents_servers.learn_signature(name, text)


@pytest.fixture(scope="module")
def own() -> Iterator[Stack]:
    """A scanner that these tests may kill."""
    with new_run_dir() as run_dir:
        started = Stack.start(run_dir, servers=["clamd"])
        assert not started.is_borrowed, "addresses in the environment name servers that are not ours to kill"
        yield started
        started.stop()


class TestAScannerOfOnesOwn:
    def test_it_comes_back_at_the_same_address_with_all_that_it_knew(self, own: Stack) -> None:
        own.learn_signature("MitSyg.Lasting", b"known before the kill")
        own.server("clamd").kill()
        assert not is_ready(own)
        own.start_server("clamd")

        assert said(own, b"known before the kill") == "stream: MitSyg.Lasting.UNOFFICIAL FOUND"

    def test_it_answers_nobody_while_it_is_paused(self, own: Stack) -> None:
        own.server("clamd").pause()
        assert not is_ready(own)
        own.server("clamd").resume()
        own.wait_ready()

    def test_a_later_command_can_teach_it(self, own: Stack) -> None:
        found = Stack.attach(own.run_dir)
        assert found is not None
        found.learn_signature("MitSyg.ByAnother", b"learnt from another command")

        assert said(own, b"learnt from another command") == "stream: MitSyg.ByAnother.UNOFFICIAL FOUND"

    def test_its_log_tells_findings_by_signature_and_nothing_of_what_is_clean(self, own: Stack) -> None:
        before = own.server("clamd").log_tail(10_000)
        assert said(own, b"something clean") == OK
        assert said(own, TEST_SIGNATURE) == FOUND
        after = own.server("clamd").log_tail(10_000).removeprefix(before).strip()

        assert len(after.splitlines()) == 1
        assert TEST_SIGNATURE_NAME in after

    @pytest.mark.parametrize("damaged", [b"MitSyg.Test:0:*:4d495", b"", b"no signature at all\n"])
    def test_f093_signatures_that_are_damaged_do_not_take_the_place_of_those_it_has(
        self, own: Stack, damaged: bytes
    ) -> None:
        path, server = own._signatures() / "mitsyg-test.ndb", own.server("clamd")
        whole, kept_it = path.read_bytes(), "keeping the previous instance"
        before = server.log_tail(10_000).count(kept_it)
        path.write_bytes(damaged)
        try:
            with socket.create_connection((own.addresses.clamd_host, own.addresses.clamd_port), timeout=5) as asking:
                asking.sendall(b"zRELOAD\0")
                assert asking.recv(64) == b"RELOADING\0"
            deadline = time.monotonic() + 10
            while server.log_tail(10_000).count(kept_it) == before:
                assert time.monotonic() < deadline
                time.sleep(0.1)
            assert said(own, TEST_SIGNATURE) == FOUND
        finally:
            path.write_bytes(whole)

    def test_f094_without_signatures_it_does_not_start(self, own: Stack) -> None:
        server, kept = own.server("clamd"), {path: path.read_bytes() for path in own._signatures().iterdir()}
        server.kill()
        for path in kept:
            path.unlink()
        try:
            server.start()
            with pytest.raises(NotReady, match="No supported database files found"):
                server.wait_until(lambda: is_ready(own), 30)
        finally:
            for path, data in kept.items():
                path.write_bytes(data)
                path.chmod(0o644)
        own.start_server("clamd")
        assert said(own, TEST_SIGNATURE) == FOUND


def test_what_is_scanned_is_never_left_behind(own: Stack) -> None:
    server = own.server("clamd")
    if isinstance(server, Process):
        assert said(own, pdf_of(b"a" * 100_000)) == OK
        assert own._home is not None
        assert list((own._home / "clamd" / "tmp").iterdir()) == []
