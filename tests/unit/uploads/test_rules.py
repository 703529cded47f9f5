"""D1 to D5, decided without any server: what is taken, what is clean, what goes on, what waits, and what others are told."""

import asyncio
import contextlib
import json
import os
import tempfile
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, BinaryIO, cast
from uuid import UUID, uuid4

import pytest

from plumbing.clamd import Clamd, Scan, Version
from plumbing.errors import Unavailable
from services.uploads.domain.content import Kin, MediaType
from services.uploads.domain.findings import Code
from services.uploads.domain.limits import MIB, Limits
from services.uploads.domain.submissions import (
    File,
    FileState,
    HeldBack,
    Refused,
    Scanned,
    Sent,
    Submission,
    SubmissionState,
    Waits,
    found_clean,
    may_send,
    may_take_another,
    object_key,
    sent,
)
from services.uploads.inspection import Look
from services.uploads.usecases import announcements
from services.uploads.usecases.incoming import Incoming, NotAccepted, accepted
from services.uploads.usecases.inspect import AtFault, Finding, Inspect, Kept, NotChecked

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
LATER = NOW + timedelta(hours=3)
SCANNED = Scanned(engine="ClamAV 1.4.3", signatures=27_000, at=NOW)
SUBMISSION = Submission(
    submission_id=uuid4(),
    citizen_id=uuid4(),
    actor_id=None,
    absence_id=uuid4(),
    title="sealed title",
    reason=None,
    state=SubmissionState.OPEN,
    begun_at=NOW,
    request_digest=b"",
)


def file(state: FileState = FileState.CLEAN, code: Code | None = None) -> File:
    return File(
        file_id=uuid4(),
        submission_id=SUBMISSION.submission_id,
        name="sealed name",
        state=state,
        code=code,
        media_type=MediaType.PDF,
        size=9,
        digest="a" * 64,
        original_digest="b" * 64,
        received_from=NOW,
        received_at=NOW,
        scanned=SCANNED if state is FileState.CLEAN else None,
    )


CLEAN, PENDING = file(), file(FileState.PENDING)
INFECTED = file(FileState.INFECTED, Code.INFECTED)
BAD = (INFECTED, file(FileState.REFUSED, Code.ACTIVE_CONTENT), file(FileState.UNREADABLE, Code.ENCRYPTED))


def incoming(data: bytes, *, name: str = "a.pdf", declared: str | None = None, told: str | None = None) -> Incoming:
    nothing = cast("BinaryIO", None)
    return Incoming(
        name=name,
        declared=declared,
        body=nothing,
        beside=nothing,
        size=len(data),
        digest=sha256(data).hexdigest(),
        head=data[:1024],
        told_digest=told,
        received_from=NOW,
        received_at=NOW,
    )


PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"
LIMITS = Limits(file_bytes=64)


@pytest.mark.rule("D1")
@pytest.mark.parametrize(
    ("one", "code"),
    [
        (incoming(b""), Code.EMPTY),
        (incoming(PDF + bytes(64)), Code.TOO_LARGE),
        (incoming(b"PK\x03\x04" + bytes(30), name="a.pdf"), Code.TYPE_NOT_ACCEPTED),
        (incoming(PDF, declared="image/png"), Code.CONTENT_TYPE_MISMATCH),
        (incoming(PDF, name="a.png"), Code.EXTENSION_MISMATCH),
        (incoming(PDF, told="0" * 64), Code.HASH_MISMATCH),
    ],
)
def test_a_file_that_cannot_be_taken_is_refused_with_a_code_of_its_own(one: Incoming, code: Code) -> None:
    with pytest.raises(NotAccepted) as refused:
        accepted(one, LIMITS)
    assert refused.value.code is code


@pytest.mark.rule("D1")
def test_what_a_telephone_or_an_office_makes_is_told_apart_from_what_nobody_knows() -> None:
    kinds = []
    for head in (b"\0\0\0\x18ftypheic\0\0\0\0", b"PK\x03\x04\x14\0\x06\0[Content_Types].xml"):
        with pytest.raises(NotAccepted) as refused:
            accepted(incoming(head), LIMITS)
        kinds.append(refused.value.kin)
    assert kinds == [Kin.PHONE_PHOTO, Kin.OFFICE]


@pytest.mark.rule("D1")
def test_the_kind_is_told_by_content_and_the_name_is_shown() -> None:
    assert accepted(incoming(PDF, declared="application/octet-stream"), LIMITS) == ("a.pdf", MediaType.PDF)


@pytest.mark.rule("D1")
def test_a_submission_has_files_and_not_too_many() -> None:
    with pytest.raises(Refused, match="no-files"):
        may_send(SUBMISSION, [])
    with pytest.raises(Refused, match="quota"):
        may_take_another(SUBMISSION, [CLEAN] * 8, 2, Limits())
    may_take_another(SUBMISSION, [CLEAN] * 8, 1, Limits())
    with pytest.raises(Refused, match="not-open"):
        may_take_another(replace(SUBMISSION, state=SubmissionState.SENT, sent_at=NOW), [], 0, Limits())


class AnyClock:
    def now(self) -> datetime:
        return NOW


class Scanner:
    """A scanner in service, whose words are those of a real client to whoever answers on a port."""

    def __init__(self, clamd: Clamd) -> None:
        self._clamd = clamd

    async def scan(self, chunks: AsyncIterator[bytes], *, size: int) -> Scan:
        return await self._clamd.scan(chunks, size=size)

    async def version(self) -> Version:
        return Version(engine="ClamAV 1.4.3", signatures=27_000)


class Structure:
    """What the structural look says, or that nobody can look."""

    def __init__(self, look: Look | None) -> None:
        self._look = look

    async def look(self, body: BinaryIO, beside: BinaryIO, media_type: MediaType) -> Look:  # noqa: ARG002 # as asked
        if self._look is None:
            raise Unavailable("inspection", "away")
        return self._look


class Hostile:
    """A look whose process was taken over by the file: it writes to what it was given, and says what it likes."""

    def __init__(self, look: Look, *, body: bytes = b"", beside: bytes = b"") -> None:
        self._look = look
        self._body = body
        self._beside = beside

    async def look(self, body: BinaryIO, beside: BinaryIO, media_type: MediaType) -> Look:  # noqa: ARG002 # as asked
        os.pwrite(body.fileno(), self._body, 0)
        os.pwrite(beside.fileno(), self._beside, 0)
        return self._look


async def finding(
    reply: bytes,
    look: Look | Hostile | None,
    data: bytes = PDF,
    received: list[int] | None = None,
) -> Finding:
    """What is found of a file where a program on the scanner's port answers so."""
    structure = look if isinstance(look, Hostile) else Structure(look)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number = 0
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            await reader.readuntil(b"\0")
            while length := int.from_bytes(await reader.readexactly(4), "big"):
                number += len(await reader.readexactly(length))
        if received is not None:
            received.append(number)
        writer.write(reply)
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        inspect = Inspect(Scanner(Clamd("127.0.0.1", port, seconds=3.0, idle_seconds=2.0)), structure, AnyClock())
        with tempfile.TemporaryFile() as body, tempfile.TemporaryFile() as beside:
            body.write(data)
            body.flush()
            return await inspect(
                cast("BinaryIO", body),
                cast("BinaryIO", beside),
                MediaType.PDF,
                size=len(data),
                digest=sha256(data).hexdigest(),
            )


OK = b"stream: OK\0"


@pytest.mark.rule("D2")
@pytest.mark.parametrize("size", [100, MIB, 3 * MIB + 1])
async def test_clean_is_what_was_scanned_to_its_last_byte_and_looked_into(size: int) -> None:
    received: list[int] = []
    found = await finding(OK, Look(), bytes(size), received)
    assert isinstance(found, Kept)
    assert received == [size]
    assert (found.scanned.engine, found.scanned.signatures) == ("ClamAV 1.4.3", 27_000)


@pytest.mark.rule("D2")
async def test_clean_are_the_very_bytes_that_were_scanned() -> None:
    """Whoever looks into the file may write to it: a verdict on other bytes is none on those that came in, or are kept."""
    bad = b"what a scanner would find"
    kept = Look(kept_size=len(bad), kept_digest=sha256(bad).hexdigest())
    assert isinstance(await finding(OK, Hostile(kept, beside=bad)), Kept)
    assert isinstance(await finding(OK, Hostile(kept, beside=bytes(len(bad)))), NotChecked)
    assert isinstance(await finding(OK, Hostile(Look(), body=bytes(len(PDF)))), NotChecked)


@pytest.mark.rule("D2", "D4")
@pytest.mark.parametrize(
    "reply",
    [
        b"",
        b"\0",
        b"stream: OK",
        b"stream: Can't allocate memory ERROR\0",
        b"INSTREAM size limit exceeded. ERROR\0",
        b"?\0",
    ],
)
async def test_whatever_the_scanner_says_but_clean_is_not(reply: bytes) -> None:
    assert isinstance(await finding(reply, Look()), NotChecked)


@pytest.mark.rule("D2")
@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (b"stream: Win.Test.EICAR_HDB-1 FOUND\0", Code.INFECTED),
        (b"stream: (null) FOUND\0", Code.INFECTED),
        (b"stream: Heuristics.Limits.Exceeded.MaxScanTime FOUND\0", Code.DECOMPRESSION_LIMIT),
        (b"stream: Heuristics.Encrypted.PDF FOUND\0", Code.ENCRYPTED),
    ],
)
async def test_what_the_scanner_finds_or_cannot_look_into_is_at_fault(reply: bytes, code: Code) -> None:
    found = await finding(reply, Look())
    assert isinstance(found, AtFault)
    assert found.code is code


@pytest.mark.rule("D2")
async def test_what_the_look_finds_is_at_fault_though_no_signature_knows_it() -> None:
    found = await finding(OK, Look(fault=Code.ACTIVE_CONTENT))
    assert isinstance(found, AtFault)
    assert found.code is Code.ACTIVE_CONTENT


@pytest.mark.rule("D2")
def test_other_bytes_lie_under_another_key_and_no_key_names_anybody() -> None:
    kept = found_clean(CLEAN, SCANNED, size=9, digest="c" * 64, object_version=None)
    assert object_key(SUBMISSION.absence_id, kept) != object_key(SUBMISSION.absence_id, CLEAN)
    ids = [SUBMISSION.absence_id, CLEAN.file_id]
    assert object_key(SUBMISSION.absence_id, CLEAN).split("/") == [*map(str, ids), CLEAN.digest]


@pytest.mark.rule("D3")
@pytest.mark.parametrize("bad", BAD, ids=[one.state for one in BAD])
@pytest.mark.parametrize("others", [[CLEAN], [CLEAN, PENDING], []])
def test_one_bad_file_holds_back_the_whole_and_it_can_be_put_right(bad: File, others: Sequence[File]) -> None:
    held = sent(replace(SUBMISSION, attempt_id=uuid4()), [*others, bad], NOW)
    assert isinstance(held, HeldBack)
    assert list(held.refused) == [bad]
    assert held.submission == SUBMISSION
    after = sent(held.submission, [CLEAN], LATER)
    assert isinstance(after, Sent)
    assert after.submission.sent_at == LATER


@pytest.mark.rule("D4")
def test_what_is_not_checked_waits_whole_and_the_instant_of_sending_is_kept() -> None:
    waits = sent(SUBMISSION, [CLEAN, PENDING], NOW)
    assert isinstance(waits, Waits)
    assert (waits.submission.state, waits.submission.sent_at) == (SubmissionState.WAITING, NOW)
    still = sent(waits.submission, [CLEAN, PENDING], LATER)
    assert still == waits
    went = sent(still.submission, [CLEAN, CLEAN], LATER)
    assert isinstance(went, Sent)
    assert went.submission.sent_at == NOW


@pytest.mark.rule("D4")
async def test_what_nobody_could_look_into_is_not_checked() -> None:
    assert isinstance(await finding(OK, None), NotChecked)


@pytest.mark.rule("D5")
def test_whoever_fetches_a_document_is_told_where_it_lies_what_it_is_and_who_scanned_it() -> None:
    went = sent(SUBMISSION, [CLEAN], NOW)
    assert isinstance(went, Sent)
    record = announcements.submitted(went.submission, [CLEAN], LATER)
    told = json.loads(record.value)
    [document] = told["documents"]
    expected: dict[str, Any] = {
        "document_id": str(CLEAN.file_id),
        "sha256": CLEAN.digest,
        "original_sha256": CLEAN.original_digest,
        "object_key": object_key(SUBMISSION.absence_id, CLEAN),
        "sealed_name": "sealed name",
        "media_type": "application/pdf",
        "size": 9,
    }
    assert {name: document[name] for name in expected} == expected
    assert (document["scanned"]["engine"], document["scanned"]["signatures"]) == ("ClamAV 1.4.3", 27_000)
    assert UUID(record.key) == SUBMISSION.absence_id
    assert announcements.submitted(went.submission, [CLEAN], LATER).value == record.value
