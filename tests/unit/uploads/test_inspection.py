"""The look into a file: in a process of its own that can be killed, bounded, and never trusted further than its word."""

import asyncio
import io
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path

import psutil
import pytest
import uvloop
from PIL import Image

from plumbing.errors import Unavailable
from services.uploads.domain.content import MediaType, kind_of
from services.uploads.domain.findings import Code
from services.uploads.inspection import Inspector, Look
from services.uploads.inspection import inspector as inspecting
from services.uploads.inspection.__main__ import main
from services.uploads.inspection.position import without_position
from stack.paths import ROOT
from tests.support.bad_uploads import table
from tests.support.bad_uploads.mutations import mutations

GPS, ORIENTATION = 0x8825, 0x0112


@pytest.fixture
async def inspector() -> AsyncIterator[Inspector]:
    made = Inspector()
    yield made
    await made.close()


async def look(inspector: Inspector, data: bytes, media_type: MediaType) -> tuple[Look, bytes]:
    with tempfile.TemporaryFile() as body, tempfile.TemporaryFile() as beside:
        body.write(data)
        body.flush()
        found = await inspector.look(body, beside, media_type)
        beside.seek(0)
        return found, beside.read()


def photo(*, where: bool = True, turned: int = 6, kind: str = "JPEG") -> bytes:
    picture, told = Image.effect_noise((40, 30), 50).convert("RGB"), Image.Exif()
    told[ORIENTATION] = turned
    told[0x010F] = "Kamera"
    if where:
        told.get_ifd(GPS)[2] = (55.0, 40.0, 12.0)
        told.get_ifd(GPS)[1] = "N"
    out = io.BytesIO()
    picture.save(out, kind, exif=told)
    return out.getvalue()


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
async def test_where_a_picture_was_taken_is_left_out_and_nothing_of_the_picture_is(
    inspector: Inspector, kind: str
) -> None:
    data, media_type = photo(kind=kind), MediaType(f"image/{kind.lower()}")
    found, kept = await look(inspector, data, media_type)
    assert found == Look(kept_size=len(kept), kept_digest=sha256(kept).hexdigest())
    with Image.open(io.BytesIO(kept)) as after, Image.open(io.BytesIO(data)) as before:
        assert after.tobytes() == before.tobytes()
        assert after.getexif().get(ORIENTATION) == 6
        assert not after.getexif().get_ifd(GPS)
        assert b"Kamera" not in kept
    assert without_position(media_type, kept) is None


async def test_a_picture_that_tells_no_position_is_kept_as_it_came(inspector: Inspector) -> None:
    found, kept = await look(inspector, photo(where=False), MediaType.JPEG)
    assert (found, kept) == (Look(), b"")


@pytest.mark.long
async def test_a_bomb_ends_its_own_process_and_the_next_file_is_looked_at_all_the_same(inspector: Inspector) -> None:
    bombs = [one for one in table() if one.row == "U35" and "10 million" in one.what]
    assert bombs
    for one in bombs:
        found, _ = await look(inspector, one.build(), MediaType.PDF)
        assert found.fault is not None
    assert (await look(inspector, photo(where=False), MediaType.JPEG))[0] == Look()


async def test_a_process_that_forks_no_more_is_replaced(inspector: Inspector) -> None:
    assert (await look(inspector, photo(where=False), MediaType.JPEG))[0] == Look()
    assert inspector._process is not None
    os.kill(inspector._process.pid, signal.SIGKILL)
    psutil.wait_procs([psutil.Process(inspector._process.pid)], timeout=5)
    assert (await look(inspector, photo(where=False), MediaType.JPEG))[0] == Look()


async def test_a_file_whose_look_was_ended_from_outside_is_looked_at_once_more(inspector: Inspector) -> None:
    await look(inspector, photo(where=False), MediaType.JPEG)
    assert inspector._process is not None
    first = inspector._process.pid
    os.kill(first, signal.SIGSTOP)
    looking = asyncio.create_task(look(inspector, photo(where=False), MediaType.JPEG))
    await asyncio.sleep(0.2)
    os.kill(first, signal.SIGKILL)
    assert (await looking)[0] == Look()
    assert inspector._process.pid != first


async def test_a_look_that_did_not_get_to_it_in_time_says_nothing_about_the_file(
    inspector: Inspector, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await look(inspector, photo(where=False), MediaType.JPEG))[0] == Look()
    assert inspector._process is not None
    os.kill(inspector._process.pid, signal.SIGSTOP)
    with monkeypatch.context() as impatient:
        impatient.setattr(inspecting, "REAL_TIME", 0)
        impatient.setattr(inspecting, "_GRACE_SECONDS", 0.3)
        with pytest.raises(Unavailable):
            await look(inspector, photo(where=False), MediaType.JPEG)
    os.kill(inspector._process.pid, signal.SIGCONT)
    assert (await look(inspector, photo(where=False), MediaType.JPEG))[0] == Look()


def test_what_was_said_while_the_service_stood_still_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the loop that services run in: it looks at clocks before it reads."""

    async def stands_still() -> Look:
        inspector = Inspector()
        await look(inspector, photo(where=False), MediaType.JPEG)
        assert inspector._process is not None
        forking = psutil.Process(inspector._process.pid)
        monkeypatch.setattr(inspecting, "REAL_TIME", 0)
        monkeypatch.setattr(inspecting, "_GRACE_SECONDS", 1.0)
        looking = asyncio.create_task(look(inspector, photo(where=False), MediaType.JPEG))
        await asyncio.sleep(0)
        began = time.monotonic()
        while time.monotonic() < began + 2 or forking.children():
            time.sleep(0.05)  # noqa: ASYNC251  # as SIGSTOP does
        found, _ = await looking
        await inspector.close()
        return found

    assert uvloop.run(stands_still()) == Look()


def test_where_no_process_can_be_started_nothing_is_said_about_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_room() -> int:
        raise BlockingIOError

    monkeypatch.setattr(os, "fork", no_room)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    forking = threading.Thread(target=main, args=(theirs.detach(),))
    forking.start()

    async def asked() -> None:
        inspector = Inspector()
        monkeypatch.setattr(inspector, "_forker", lambda: ours)
        with pytest.raises(Unavailable):
            await look(inspector, photo(where=False), MediaType.JPEG)

    asyncio.run(asked())
    ours.close()
    forking.join(5)
    assert not forking.is_alive()


async def test_the_process_knows_no_secret_and_holds_nothing_of_ours_open(
    inspector: Inspector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("S3_SECRET_ACCESS_KEY", "never to be seen")
    with tempfile.TemporaryFile():
        await look(inspector, photo(where=False), MediaType.JPEG)
        assert inspector._process is not None
        child = psutil.Process(inspector._process.pid)
        assert "never to be seen" not in str(child.environ())
        opened = {str(path.readlink()) for path in Path(f"/proc/{child.pid}/fd").iterdir()}  # noqa: ASYNC240 - at once
        assert len(opened) <= 3
        assert not [one for one in opened if one.startswith("/") and one != "/dev/null"]


TAKEN_OVER = """
import os, socket
from services.uploads.inspection import child
def tried(what):
    try:
        what()
    except OSError:
        return "refused"
    return "done"
child._bounded(5, 1000)
told = [
    tried(lambda: open(f"/proc/{os.getppid()}/environ")),
    tried(lambda: open("/proc/self/mem", "rb")),
    tried(lambda: open("/etc/hostname")),
    tried(lambda: socket.socket()),
    tried(os.pipe),
    tried(lambda: os.dup(1)),
]
os.write(1, " ".join(told).encode())
os._exit(0)
"""


def test_whoever_takes_the_process_over_opens_nothing_and_reaches_nobody() -> None:
    """Its service has its secrets in the environment, which every process of the same user may read."""
    taken_over = subprocess.run(
        (sys.executable, "-c", TAKEN_OVER), cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert set(taken_over.stdout.split()) == {"refused"}


@pytest.mark.long
@pytest.mark.timeout(900)
async def test_thousands_of_mutated_files_come_to_a_word_in_time_and_what_is_clean_can_be_read(
    inspector: Inspector,
) -> None:
    number = 0
    for one in mutations(seed=20261129, count=3_000):
        kind = kind_of(one.data[:64])
        if not isinstance(kind, MediaType):
            continue
        number += 1
        found, kept = await look(inspector, one.data, kind)
        assert found.fault is None or found.fault in Code
        if found.fault is None and kind is MediaType.PNG:
            with Image.open(io.BytesIO(kept or one.data)) as picture:
                picture.load()
    assert number > 2_000
