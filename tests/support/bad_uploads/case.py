"""What an entry of the table is: a file as a citizen's browser declares it, and what is to become of it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final, Literal, get_args

Code = Literal[
    # at the edge, before a byte is kept
    "empty",
    "too-large",
    "name-not-accepted",
    "type-not-accepted",
    "content-type-mismatch",
    "extension-mismatch",
    # after scanning and inspection
    "infected",
    "malformed",
    "encrypted",
    "active-content",
    "embedded-file",
    "trailing-data",
    "second-format",
    "decompression-limit",
    "too-many-pixels",
    "too-many-pages",
    "too-many-frames",
]
Verdict = Literal["clean"] | Code
CODES: Final[tuple[Code, ...]] = get_args(Code)

SIGNATURE: Final = b"MITSYG-TEST-SIGNATURE-7f3a9c51d2e84b06-NOT-A-VIRUS"
"""What the scanner of tests calls a virus: EICAR of the catalogue. Harmless, ours alone, found at any offset."""

KIB: Final = 1024
MIB: Final = 1024 * KIB
LIMIT: Final = 20 * MIB
"""The largest file that is taken."""
STREAM_MAX_LENGTH: Final = 25 * MIB
"""The largest that the scanner takes, as packaged."""
MAX_PAGES: Final = 200
MAX_SIDE: Final = 20_000
MAX_FRAMES: Final = 100

PDF: Final = "application/pdf"
PNG: Final = "image/png"
JPEG: Final = "image/jpeg"
GIF: Final = "image/gif"
SIGNATURES: Final = {PDF: b"%PDF-", PNG: b"\x89PNG\r\n\x1a\n", JPEG: b"\xff\xd8\xff", GIF: b"GIF8"}
"""What a file of each type begins with, at byte 0."""
TYPES: Final = {"pdf": PDF, "png": PNG, "jpg": JPEG, "jpeg": JPEG, "gif": GIF}


@dataclass(frozen=True, slots=True)
class Clean:
    """Taken, scanned, inspected and published."""

    @property
    def allowed(self) -> frozenset[Verdict]:
        return frozenset({"clean"})


@dataclass(frozen=True, slots=True)
class Refused:
    """Refused for this reason, at the edge or after inspection."""

    code: Code

    @property
    def allowed(self) -> frozenset[Verdict]:
        return frozenset({self.code})


@dataclass(frozen=True, slots=True)
class OneOf:
    """The row leaves open which of these it is; with "clean" among them, only that the answer comes in time."""

    codes: tuple[Verdict, ...]

    def __init__(self, *codes: Verdict) -> None:
        object.__setattr__(self, "codes", codes)

    @property
    def allowed(self) -> frozenset[Verdict]:
        return frozenset(self.codes)


Expected = Clean | Refused | OneOf
CLEAN: Final = Clean()
ANY: Final = OneOf("clean", *CODES)
"""Only: no crash, no hang, an honest verdict."""

Build = Callable[[], bytes]


@dataclass(frozen=True, kw_only=True, slots=True)
class Upload:
    """An entry: the row of the catalogue, what is the matter, and the file as the client declares it.

    `build` always makes the same bytes. `large`: of megabytes, or heavy to look into; for tests that take their time.
    """

    row: str
    what: str
    name: str
    content_type: str
    build: Build
    expected: Expected
    large: bool = False

    @property
    def title(self) -> str:
        return f"{self.row} {self.what}"


Uploads = Iterator[Upload]


def taken(
    row: str, what: str, name: str, build: Build, *, content_type: str | None = None, large: bool = False
) -> Upload:
    """A file that is good."""
    return single(row, what, name, build, CLEAN, content_type=content_type, large=large)


def refused(
    row: str, what: str, name: str, build: Build, code: Code, *, content_type: str | None = None, large: bool = False
) -> Upload:
    """A file that is refused for this one reason."""
    return single(row, what, name, build, Refused(code), content_type=content_type, large=large)


def single(
    row: str,
    what: str,
    name: str,
    build: Build,
    expected: Expected,
    *,
    content_type: str | None = None,
    large: bool = False,
) -> Upload:
    """An entry that is declared as its name says unless another content type is given."""
    declared = type_of(name) if content_type is None else content_type
    return Upload(row=row, what=what, name=name, content_type=declared, build=build, expected=expected, large=large)


def type_of(name: str) -> str:
    """What a browser declares for this name."""
    return TYPES.get(PurePosixPath(name).suffix.strip(". ").lower(), "application/octet-stream")


def given(data: bytes) -> Build:
    """These bytes."""
    return lambda: data


def changed(data: bytes, old: bytes, new: bytes, *, last: bool = False) -> bytes:
    """The first (or last) `old` became `new`: for what no writer would write."""
    at = data.rfind(old) if last else data.find(old)
    assert at >= 0, old
    return data[:at] + new + data[at + len(old) :]
