"""The one way in which a file is looked at, when it comes in, when its check was put off, and when signatures changed.

Invariants: clean is only what the scanner found clean in every byte that was sent and in every byte that is kept, and what the
structural look found nothing wrong with; what was scanned are the very bytes that the verdict is about, by their hash, since
whoever looks into a file may be taken over by it, and write to it; where either could not look, the file is not checked,
whatever the other said; what the scanner could not look into is never clean.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import BinaryIO, Final, Protocol, assert_never

import structlog
from prometheus_client import Counter

from plumbing import clamd
from plumbing.clamd import CHUNK_BYTES, Scan, Version
from plumbing.clock import Clock
from plumbing.errors import Unavailable
from plumbing.faults import faultpoint
from services.uploads.domain.content import MediaType
from services.uploads.domain.findings import Code
from services.uploads.domain.submissions import Scanned

log = structlog.get_logger(__name__)

SCANS: Final = Counter("mitsyg_uploads_scans", "Scans, by what the scanner said.", ("said",))
LOOKS: Final = Counter("mitsyg_uploads_looks", "Structural looks, by what was found.", ("found",))


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """What is to be kept of a clean file: `body` from its start, so many bytes with that SHA-256."""

    body: BinaryIO
    size: int
    digest: str
    scanned: Scanned


@dataclass(frozen=True, kw_only=True, slots=True)
class AtFault:
    """The file can never be taken. `scanned` where a scanner had its say; `signature` that it named."""

    code: Code
    scanned: Scanned | None = None
    signature: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class NotChecked:
    """Nobody knows yet. `reason` is a code."""

    reason: str


Finding = Kept | AtFault | NotChecked


class Look(Protocol):
    """What the structural look says."""

    @property
    def fault(self) -> Code | None: ...

    @property
    def kept_size(self) -> int | None: ...

    @property
    def kept_digest(self) -> str | None: ...


class Structure(Protocol):
    """Looks at a file in a process of its own; writes a picture without its position to `beside`. Raises Unavailable."""

    async def look(self, file: BinaryIO, beside: BinaryIO, media_type: MediaType) -> Look: ...


class Scanner(Protocol):
    """A virus scanner that is known to work."""

    async def scan(self, chunks: AsyncIterator[bytes], *, size: int) -> Scan: ...

    async def version(self) -> Version: ...


class Inspect:
    """Looks at a file; `may_scan` says whether the scanner is in service just now."""

    def __init__(self, scanner: Scanner, structure: Structure, clock: Clock) -> None:
        self._scanner = scanner
        self._structure = structure
        self._clock = clock

    async def __call__(
        self, body: BinaryIO, beside: BinaryIO, media_type: MediaType, *, size: int, digest: str
    ) -> Finding:
        """What is found out. Never raises but for being cancelled."""
        try:
            version = await self._scanner.version()
        except Unavailable:
            return NotChecked(reason="scanner-away")
        scan, look = await asyncio.gather(self._scan(body, size, digest), self._look(body, beside, media_type))
        at = self._clock.now()
        if (said := _said(scan, version, at)) is not None:
            return said
        if look is None:
            return NotChecked(reason="no-look")
        if look.fault is not None:
            return AtFault(code=look.fault, scanned=_scanned(version, at))
        if look.kept_size is None or look.kept_digest is None:
            return Kept(body=body, size=size, digest=digest, scanned=_scanned(version, at))
        # The scanner has not seen these bytes in this order.
        again = _said(await self._scan(beside, look.kept_size, look.kept_digest), version, at)
        return again or Kept(body=beside, size=look.kept_size, digest=look.kept_digest, scanned=_scanned(version, at))

    async def _scan(self, body: BinaryIO, size: int, digest: str) -> Scan:
        """What the scanner says of these bytes, and of no others."""
        hashed = sha256()
        scan = await self._scanner.scan(_pieces(body, hashed.update), size=size)
        faultpoint("uploads.after_scan")
        if isinstance(scan, clamd.Clean) and hashed.hexdigest() != digest:
            log.error("what was scanned is not what came in, or is to be kept")
            scan = clamd.NotScanned(reason="altered")
        SCANS.labels(type(scan).__name__.lower()).inc()
        return scan

    async def _look(self, body: BinaryIO, beside: BinaryIO, media_type: MediaType) -> Look | None:
        try:
            look = await self._structure.look(body, beside, media_type)
        except Unavailable:
            LOOKS.labels("none").inc()
            return None
        LOOKS.labels("nothing" if look.fault is None else look.fault.value).inc()
        return look


def _said(scan: Scan, version: Version, at: datetime) -> AtFault | NotChecked | None:
    """What the scanner's word means; None: clean."""
    match scan:
        case clamd.Clean():
            return None
        case clamd.Infected(name=name):
            return AtFault(code=Code.INFECTED, scanned=_scanned(version, at), signature=name)
        case clamd.Unscannable(name=name):
            code = (
                Code.ENCRYPTED if scan.is_encrypted else Code.MALFORMED if scan.is_broken else Code.DECOMPRESSION_LIMIT
            )
            return AtFault(code=code, scanned=_scanned(version, at), signature=name)
        case clamd.NotScanned(reason=reason):
            return NotChecked(reason=reason)
        case _:
            assert_never(scan)


def _scanned(version: Version, at: datetime) -> Scanned:
    return Scanned(engine=version.engine, signatures=version.signatures, at=at)


async def _pieces(body: BinaryIO, told: Callable[[bytes], object]) -> AsyncIterator[bytes]:
    """From the start, by place: whoever else reads the same file is not disturbed. Each is `told` first."""
    descriptor, at = body.fileno(), 0
    while piece := os.pread(descriptor, CHUNK_BYTES, at):
        told(piece)
        yield piece
        at += len(piece)
