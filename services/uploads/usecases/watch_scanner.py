"""Whether the scanner is in service: it has to prove that it finds what it must, and its signatures have to be fresh (D4).

Invariants: until the canary was found, and whenever it was not, nothing is scanned: files wait, none is called clean; the proof
is asked for at the start, whenever the engine or its signatures changed, when the scanner was away, and every five minutes. The
canary is a file of the largest size that is taken with a test signature at its very end, so a scanner that skips what is large,
stops early, or is somebody else's program that says OK to everything, is unmasked. A plain file has to be clean.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

import structlog
from prometheus_client import Gauge

from plumbing import clamd
from plumbing.clamd import CHUNK_BYTES, NotScanned, Scan, Version
from plumbing.errors import Unavailable
from plumbing.faults import FaultInjected

log = structlog.get_logger(__name__)

IN_SERVICE: Final = Gauge(
    "mitsyg_scanner_in_service", "1 where the scanner found its canary and its signatures are fresh."
)
SIGNATURE_AGE: Final = Gauge(
    "mitsyg_scanner_signature_age_seconds", "Age of the scanner's signatures; 0 where it tells none."
)
OUT_OF_SERVICE: Final = "out-of-service"
CHANGED: Final = "signatures-changed"
CANARY_SECONDS: Final = 300.0
_LOOK_SECONDS: Final = 5.0
_DAY: Final = "%a %b %d %H:%M:%S %Y"


class Scanner(Protocol):
    """The scanner itself."""

    async def scan(self, chunks: AsyncIterator[bytes], *, size: int) -> Scan: ...

    async def version(self) -> Version: ...


class WatchedScanner:
    """A scanner that scans only while it is in service. `canary` is the test signature's bytes.

    `largest`: bytes of the largest file that is taken. `may_be_local`: whether a scanner without a signature database of its
    own is accepted, as in demonstrations. Signatures older than `stale_days` take it out of service.
    """

    def __init__(
        self, scanner: Scanner, *, canary: bytes, largest: int, stale_days: float, may_be_local: bool = False
    ) -> None:
        self._scanner = scanner
        self._canary = canary
        self._largest = largest
        self._stale = timedelta(days=stale_days)
        self._may_be_local = may_be_local
        self._proven: Version | None = None
        self._proven_at = 0.0
        self._look_now = asyncio.Event()

    @property
    def is_in_service(self) -> bool:
        return self._proven is not None

    @property
    def was_in_service(self) -> bool:
        """Whether it has proved itself since this process began (F094)."""
        return self._proven_at > 0.0

    async def version(self) -> Version:
        """What is in service; raises Unavailable where nothing is."""
        if self._proven is None:
            raise Unavailable("clamd", OUT_OF_SERVICE)
        return self._proven

    async def scan(self, chunks: AsyncIterator[bytes], *, size: int) -> Scan:
        """As the scanner; not scanned where it is out of service, or went out of it meanwhile. Clean only by the engine and the
        signatures that were proven: new ones may have been loaded in the middle, and nobody knows yet what those find (F092)."""
        proven = self._proven
        if proven is None:
            return NotScanned(reason=OUT_OF_SERVICE)
        said = await self._scanner.scan(chunks, size=size)
        if isinstance(said, clamd.Clean) and await self._version_now() != proven:
            said = NotScanned(reason=CHANGED)
        if isinstance(said, NotScanned):
            self._look_now.set()
        return NotScanned(reason=OUT_OF_SERVICE) if self._proven is None else said

    async def _version_now(self) -> Version | None:
        try:
            return await self._scanner.version()
        except Unavailable:
            return None

    async def run(self) -> None:
        """Watch until cancelled."""
        while True:
            try:
                await self.look()
            except FaultInjected as error:
                self._end(type(error).__name__)
            self._look_now.clear()
            try:
                async with asyncio.timeout(_LOOK_SECONDS if self.is_in_service else 1.0):
                    await self._look_now.wait()
            except TimeoutError:
                pass

    async def look(self) -> bool:
        """Ask for a proof if one is due; whether the scanner is in service."""
        before = self._proven
        try:
            version = await self._scanner.version()
        except Unavailable as error:
            self._end(str(error))
        else:
            is_due = version != before or time.monotonic() - self._proven_at > CANARY_SECONDS
            why_not = self._why_not(version) or (await self._test() if is_due else None)
            if why_not is not None:
                self._end(why_not)
            elif is_due:
                log.info("the scanner is in service", engine=version.engine, signatures=version.signatures)
                self._proven, self._proven_at = version, time.monotonic()
        IN_SERVICE.set(self.is_in_service)
        return self.is_in_service

    def _end(self, reason: str) -> None:
        log.error("the scanner is out of service", reason=reason)
        self._proven = None

    def _why_not(self, version: Version) -> str | None:
        if version.day is None:
            SIGNATURE_AGE.set(0)
            return None if self._may_be_local else "it has no signature database"
        try:
            age = datetime.now(UTC) - datetime.strptime(version.day, _DAY).replace(tzinfo=UTC)
        except ValueError:
            return "the age of its signatures cannot be read"
        SIGNATURE_AGE.set(age.total_seconds())
        return "its signatures are too old" if age > self._stale else None

    async def _test(self) -> str | None:
        """What is wrong with it, if anything."""
        found = await self._scanner.scan(self._at_the_end(), size=self._largest)
        if not isinstance(found, clamd.Infected):
            return f"the canary was not found ({type(found).__name__.lower()})"
        plain = await self._scanner.scan(_once(b"nothing bad is in here\n"), size=23)
        return None if isinstance(plain, clamd.Clean) else f"a plain file is not clean ({type(plain).__name__.lower()})"

    async def _at_the_end(self) -> AsyncIterator[bytes]:
        left = self._largest - len(self._canary)
        while left > 0:
            piece = min(left, CHUNK_BYTES)
            yield bytes(piece)
            left -= piece
        yield self._canary


async def _once(piece: bytes) -> AsyncIterator[bytes]:
    yield piece
