"""The print house: it reads the address in the envelope's window, prints, posts, and now and then gets a letter back.

It tells "Afsendt", "Modtaget Fjern-print", "Klar" and "Afleveret til print og kuvertering" at once, "Modtaget Post Danmark" some
weekdays of domain time later, and "Opdatering fra Post Danmark" if the letter comes back. The order is that of
itk-dev-rpa/OpenPostbud, which copied it from SF1601's own document. The codes of refusals and of the return are ours: none is
published.
"""

import hmac
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from simulators.post_gateway.handed_in import Fault
from simulators.post_gateway.sheets import SheetReader, Sheets, Unreadable
from simulators.post_gateway.statuses import FAILED, POSTED, PRINTED, UPDATED
from simulators.post_gateway.stories import Told

DENMARK: Final = ZoneInfo("Europe/Copenhagen")
MOST_PAGES: Final = 50
_BEFORE_IT_IS_LOOKED_AT: Final = 2
_SATURDAY: Final = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class Seen:
    """What the print house saw of a letter: the lines in the window, and why it cannot print it, if it cannot."""

    address: tuple[str, ...] = ()
    refusal: Fault | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class PrintHouse:
    """`print_days` are weekdays from handing in to posting; a share of letters, by a keyed hash of their ids, comes back
    `return_days` days after posting, with `return_code` as TypeKode."""

    reader: SheetReader
    print_days: int = 1
    return_share: float = 0.0
    return_days: int = 14
    return_code: str = "RETUR"
    seed: int = 1

    async def look_at(self, pdf: bytes) -> Seen:
        """Read the window as a sorting machine does."""
        try:
            sheets = await self.reader.look_at(pdf)
        except Unreadable:
            return Seen(refusal=Fault(code="forsendelse.unreadable", text="the PDF cannot be opened"))
        return Seen(address=sheets.window, refusal=_refusal(sheets))

    def life(self, dispatch_id: str, now: datetime, refusal: Fault | None, *, is_returned: bool = False) -> list[Told]:
        """What is told of a letter handed in at `now`."""
        if refusal is not None:
            begun = [Told(code=code, at=now) for code in PRINTED[:_BEFORE_IT_IS_LOOKED_AT]]
            return [*begun, Told(code=FAILED, at=now, fault=refusal)]
        posted = weekdays_later(now, self.print_days)
        told = [Told(code=code, at=posted if code == POSTED else now) for code in PRINTED]
        if is_returned or self._comes_back(dispatch_id):
            back = _days_later(posted, self.return_days)
            told.append(Told(code=UPDATED, at=back, event_code=self.return_code))
        return told

    def _comes_back(self, dispatch_id: str) -> bool:
        digest = hmac.digest(f"returned {self.seed}".encode(), dispatch_id.encode(), "sha256")
        return int.from_bytes(digest[:8]) / 2**64 < self.return_share


def weekdays_later(at: datetime, days: int) -> datetime:
    """The same time of day in Denmark, so many days from Monday to Friday later; holidays count as any other day."""
    while days > 0:
        at = _days_later(at, 1)
        days -= at.astimezone(DENMARK).weekday() < _SATURDAY
    return at


def _days_later(at: datetime, days: int) -> datetime:
    return (at.astimezone(DENMARK) + timedelta(days=days)).astimezone(UTC)


def _refusal(sheets: Sheets) -> Fault | None:
    if sheets.pages > MOST_PAGES:
        return Fault(code="forsendelse.too-many-pages", text=f"more than {MOST_PAGES} pages")
    if not sheets.is_a4:
        return Fault(code="forsendelse.not-a4", text="the first page is not an upright A4")
    if sheets.window != sheets.around:
        return Fault(code="forsendelse.outside-window", text="text reaches out of the window, or stands beside it")
    if not _is_address(sheets.window):
        return Fault(code="forsendelse.no-address", text="no address can be read in the window")
    return None


def _is_address(lines: tuple[str, ...]) -> bool:
    """A name, and below it something that a house or a post code has."""
    name, *below = lines or ("",)
    return any(one.isalpha() for one in name) and any(one.isdigit() for line in below for one in line)
