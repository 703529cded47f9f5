"""A file comes in at the client's pace: piece by piece into a file without a name, counted, hashed and bounded.

Invariants: nothing of it is kept in memory beyond a piece; what is too large, or comes too slowly, is given up at once and not
read to its end; the body has exactly one part `file`, perhaps a part `sha256` before it, and nothing else.
"""

import asyncio
import errno
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import BinaryIO, Final, Protocol
from urllib.parse import unquote

from multipart import MultipartError, MultipartSegment, PushMultipartParser, parse_options_header
from starlette.requests import Request

from services.uploads.api.problems import BadRequest
from services.uploads.domain.content import HEAD_BYTES
from services.uploads.domain.findings import Code
from services.uploads.usecases.incoming import Incoming, NotAccepted

_AROUND_BYTES: Final = 16 * 1024
"""How much of a body may be beside the file: boundaries, headers, the other part."""
_EXTENDED_NAME: Final = re.compile(r"""filename\*\s*=\s*"?([^;"\s]+)""", re.IGNORECASE)
_CHARSETS: Final = frozenset({"", "utf-8", "iso-8859-1"})
"""RFC 5987's two. Python knows a hundred more: some raise what is no error of decoding, some undo escapes, some take long."""
_DIGEST: Final = re.compile(r"[0-9A-Fa-f]{64}", re.ASCII)
_LONGEST_FIELD: Final = 200
_FILE, _DIGEST_FIELD = "file", "sha256"


@dataclass(frozen=True, kw_only=True, slots=True)
class Bounds:
    """How much, and how slowly."""

    file_bytes: int
    idle_seconds: float
    upload_seconds: float


class _Hash(Protocol):
    def update(self, data: bytes, /) -> None: ...

    def hexdigest(self) -> str: ...


@dataclass(kw_only=True, slots=True)
class _Coming:
    """What has come of the body so far."""

    body: BinaryIO
    most: int
    began: datetime
    size: int = 0
    head: bytes = field(default=b"", repr=False)
    told_digest: str = field(default="", repr=False)
    name: str | None = field(default=None, repr=False)
    declared: str | None = field(default=None, repr=False)
    seen: set[str] = field(default_factory=set)
    hashed: "_Hash" = field(default_factory=sha256)

    def take(self, piece: bytes) -> None:
        self.size += len(piece)
        if self.size > self.most:
            raise NotAccepted(Code.TOO_LARGE)
        if len(self.head) < HEAD_BYTES:
            self.head += piece[: HEAD_BYTES - len(self.head)]
        self.hashed.update(piece)
        try:
            self.body.write(piece)
        except OSError as error:
            if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                raise BadRequest("no-room") from None
            raise


@asynccontextmanager
async def received(
    request: Request,
    *,
    bounds: Bounds,
    spool: Callable[[], BinaryIO],
    now: Callable[[], datetime],
    progress: Callable[[int], None],
) -> AsyncIterator[Incoming]:
    """The file in the request's body, as long as it is worked on; raises BadRequest and NotAccepted."""
    parser = _parser(request, bounds)
    with spool() as body, spool() as beside:
        coming = _Coming(body=body, most=bounds.file_bytes, began=now())
        try:
            async with asyncio.timeout(bounds.upload_seconds):
                await _read(request, parser, coming, bounds, progress)
        except TimeoutError:
            raise BadRequest("too-slow") from None
        except MultipartError:
            raise BadRequest("invalid", ("body",)) from None
        if coming.name is None:
            raise BadRequest("invalid", (_FILE,))
        body.flush()
        yield Incoming(
            name=coming.name,
            declared=coming.declared,
            body=body,
            beside=beside,
            size=coming.size,
            digest=coming.hashed.hexdigest(),
            head=coming.head,
            told_digest=_told_digest(coming),
            received_from=coming.began,
            received_at=now(),
        )


def _parser(request: Request, bounds: Bounds) -> PushMultipartParser:
    headers = request.headers
    if "content-range" in headers:
        raise BadRequest("not-resumable")
    if headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise BadRequest("encoding-not-accepted")
    kind, options = parse_options_header(headers.get("content-type", ""))
    boundary = options.get("boundary", "")
    if kind != "multipart/form-data" or not 1 <= len(boundary) <= 200:
        raise BadRequest("invalid", ("content-type",))
    length = _length(headers.get("content-length", ""))
    if length > bounds.file_bytes + _AROUND_BYTES:
        raise NotAccepted(Code.TOO_LARGE)
    try:
        return PushMultipartParser(
            boundary,
            content_length=length,
            max_header_size=_AROUND_BYTES // 2,
            max_segment_count=2,
            strict=True,
        )
    except MultipartError:
        raise BadRequest("invalid", ("content-type",)) from None


def _length(told: str) -> int:
    """-1 where none is told. Python makes no number of thousands of digits, be they all zeros."""
    digits = told.lstrip("0")[:19] or told[:1]
    return int(digits) if told.isascii() and digits.isdecimal() else -1


async def _read(
    request: Request,
    parser: PushMultipartParser,
    coming: _Coming,
    bounds: Bounds,
    progress: Callable[[int], None],
) -> None:
    pieces = aiter(request.stream())
    segment: MultipartSegment | None = None
    with parser:
        while not parser.closed:
            async with asyncio.timeout(bounds.idle_seconds):
                piece = await anext(pieces, b"")
            if not piece:
                break
            for event in parser.parse(piece):
                if isinstance(event, MultipartSegment):
                    segment = event
                    _begin(segment, coming)
                elif event and segment is not None:
                    _go_on(segment.name, bytes(event), coming)
            progress(coming.size)


def _begin(segment: MultipartSegment, coming: _Coming) -> None:
    name = segment.name
    if name in coming.seen or name not in {_FILE, _DIGEST_FIELD}:
        raise BadRequest("invalid", (name if name in {_FILE, _DIGEST_FIELD} else "?",))
    coming.seen.add(name)
    encoding = segment.header("Content-Transfer-Encoding", "binary") or "binary"
    if encoding.strip().lower() not in {"binary", "8bit", "7bit"}:
        raise BadRequest("encoding-not-accepted", (name,))
    if name == _DIGEST_FIELD:
        if _FILE in coming.seen:
            raise BadRequest("invalid", (_DIGEST_FIELD,))
        return
    coming.name = _one_name(segment)
    coming.declared = segment.header("Content-Type")


def _one_name(segment: MultipartSegment) -> str:
    """The file's name; where it is told in two ways, they have to agree (RFC 7578 § 4.2 knows the plain one only)."""
    extended = _EXTENDED_NAME.search(segment.header("Content-Disposition", "") or "")
    if extended is None:
        return segment.filename or ""
    name = _decoded(extended[1].strip())
    if segment.filename is not None and segment.filename != name:
        raise BadRequest("invalid", ("filename",))
    return name


def _decoded(extended: str) -> str:
    charset, _, rest = extended.partition("'")
    if charset.lower() not in _CHARSETS:
        raise BadRequest("invalid", ("filename",))
    try:
        return unquote(rest.partition("'")[2], encoding=charset or "utf-8", errors="strict")
    except UnicodeDecodeError:
        raise BadRequest("invalid", ("filename",)) from None


def _go_on(name: str, piece: bytes, coming: _Coming) -> None:
    if name == _FILE:
        coming.take(piece)
        return
    coming.told_digest += piece.decode("ascii", "replace")
    if len(coming.told_digest) > _LONGEST_FIELD:
        raise BadRequest("invalid", (_DIGEST_FIELD,))


def _told_digest(coming: _Coming) -> str | None:
    if _DIGEST_FIELD not in coming.seen:
        return None
    if not _DIGEST.fullmatch(coming.told_digest.strip()):
        raise BadRequest("invalid", (_DIGEST_FIELD,))
    return coming.told_digest.strip().lower()
