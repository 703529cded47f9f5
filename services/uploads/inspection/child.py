"""The process that looks at one file and ends: what it may use is bounded before it opens anything.

It was forked from `__main__`, which has read the libraries and nothing else; it has the file, a place for a picture without its
position, and a pipe to say what it found. It has no secrets, cannot open anything more, be it a file, a connection or another
process's memory, cannot start processes, and cannot grow; whatever it does beyond its bounds ends it without a word.
"""

import contextlib
import ctypes
import json
import os
import resource
import signal
from hashlib import sha256
from typing import Final, NoReturn

from services.uploads.domain.content import MediaType
from services.uploads.domain.findings import Code
from services.uploads.domain.limits import Limits
from services.uploads.inspection import gif, jpeg, pdf, png
from services.uploads.inspection.position import without_position
from services.uploads.inspection.refusal import Refusal

REAL_TIME: Final = 3
"""How much longer than its processor's time a look may take by the clock."""
NOT_LOOKED: Final = b"null"
"""Said for a child that could not be started."""
MEMORY_BYTES: Final = 288 * 1024 * 1024
_ADDRESSES_BYTES: Final = 1536 * 1024 * 1024
_PR_SET_NO_NEW_PRIVS: Final = 38
_PR_SET_DUMPABLE: Final = 4
_LOOKS: Final = {MediaType.PDF: pdf.look, MediaType.PNG: png.look, MediaType.JPEG: jpeg.look, MediaType.GIF: gif.look}


def run(media_type: str, *, file: int, beside: int, words: int, seconds: float, most_bytes: int) -> NoReturn:
    """Look, say what was found through `words`, and end."""
    try:
        _bounded(seconds, most_bytes)
        told = looked_at(MediaType(media_type), _read(file, most_bytes), Limits(file_bytes=most_bytes), beside)
        os.write(words, json.dumps(told).encode())
    finally:
        os._exit(0)  # nothing of the parent's is tidied up from here


def looked_at(media_type: MediaType, data: bytes, limits: Limits, beside: int) -> dict[str, object]:
    """What is found out about `data`. A picture without its position is written to `beside`."""
    try:
        _LOOKS[media_type](data, limits)
        kept = without_position(media_type, data)
        if kept is not None:
            _LOOKS[media_type](kept, limits)
    except Refusal as refusal:
        return {"code": refusal.code.value}
    except MemoryError:
        return {"code": Code.DECOMPRESSION_LIMIT.value}
    if kept is None:
        return {}
    os.lseek(beside, 0, os.SEEK_SET)
    left = memoryview(kept)
    while left:
        left = left[os.write(beside, left) :]
    return {"kept": {"size": len(kept), "sha256": sha256(kept).hexdigest()}}


def _read(file: int, most_bytes: int) -> bytes:
    size = os.fstat(file).st_size
    if size > most_bytes:
        raise ValueError("larger than was said")
    return os.pread(file, size, 0)


def _bounded(seconds: float, most_bytes: int) -> None:
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, REAL_TIME * seconds)  # what waits for its turn has not had its time
    whole = max(1, round(seconds))
    for what, most in (
        (resource.RLIMIT_CPU, whole),
        (resource.RLIMIT_DATA, MEMORY_BYTES),
        (resource.RLIMIT_AS, _ADDRESSES_BYTES),
        (resource.RLIMIT_FSIZE, most_bytes),
        (resource.RLIMIT_NPROC, 0),
        # what is open stays so; /proc has the service's secrets, for any process of its user
        (resource.RLIMIT_NOFILE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        with contextlib.suppress(ValueError):  # it is lower already
            resource.setrlimit(what, (most, most))
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
