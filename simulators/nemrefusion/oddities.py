"""What is odd and yet right: a notification that looks unusual on the wire and is to be accepted all the same."""

import json
import unicodedata
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import Final

from simulators.nemrefusion.badness import LARGE, LARGEST, written
from simulators.nemrefusion.reports import Document

EMOJI_FAMILY: Final = " " + "\u200d".join("👨👩👧👦👶" * 2)
Headers = tuple[tuple[str, bytes | None], ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Oddity:
    """One kind: how the document is written, and what stands around it."""

    name: str
    row: str
    write: Callable[[Document], bytes] = written
    has_key: bool = True
    headers: Headers = ()
    weight: float = 1.0
    needs_name: bool = False
    """It is about the citizen's name, which not every kind of notification tells."""


def reserialised(document: Document) -> bytes:
    """The same content from another writer: other order, white space, escapes; null instead of leaving out."""
    turned = dict(reversed(document.items())) | {"last_absence_day": document.get("last_absence_day")}
    return json.dumps(turned, indent=3, ensure_ascii=True).encode()


def _with_name(change: Callable[[str], str]) -> Callable[[Document], bytes]:
    def write(document: Document) -> bytes:
        odd = deepcopy(document)
        odd["citizen"]["name"] = change(odd["citizen"]["name"])
        return written(odd)

    return write


def _in_name(name: str, row: str, change: Callable[[str], str]) -> Oddity:
    return Oddity(name=name, row=row, write=_with_name(change), needs_name=True)


def _with_hyphen(document: Document) -> bytes:
    odd = deepcopy(document)
    cpr = odd["citizen"]["cpr"]
    odd["citizen"]["cpr"] = f"{cpr[:6]}-{cpr[6:]}"
    return written(odd)


ODDITIES: Final[tuple[Oddity, ...]] = (
    Oddity(name="a byte order mark", row="N09", write=lambda document: b"\xef\xbb\xbf" + written(document)),
    _in_name("direction and joiner marks in a name", "N13", lambda name: f"\u202e{name}\u200d"),
    _in_name("a name in NFD", "N14", lambda name: unicodedata.normalize("NFD", name)),
    _in_name("an emoji family", "N15", lambda name: name + EMOJI_FAMILY),
    Oddity(name="an unknown field", row="N18", write=lambda document: written(document | {"payroll_batch": 7})),
    Oddity(name="a hyphen in the CPR number", row="N30", write=_with_hyphen),
    Oddity(name="close to 1 MiB", row="N46", write=lambda document: written(document).ljust(LARGEST), weight=LARGE),
    Oddity(name="no key", row="N48", has_key=False),
    Oddity(name="headers that are not UTF-8", row="N49", headers=(("x-payroll", b"L\xf8n"), ("", b""), ("x-payroll", b"2"))),
    Oddity(name="a header that is null", row="N49", headers=(("x-payroll", None),)),
    Oddity(name="a line break in a correlation id", row="N50", headers=(("correlation_id", b"a\nlevel=error"),)),
    Oddity(name="an address to answer to", row="N52", headers=(("reply_to", b"sygefravaer.absence.v1"),)),
    _in_name("markup in a name", "N53", lambda name: f"<b>{name}</b>'; --{{{{7*7}}}}%s"),
    _in_name("a formula in a name", "N54", lambda name: f"=1+1 {name}"),
    Oddity(name="a wrong content type", row="N55", headers=(("content-type", b"application/x-python-pickle"),)),
    Oddity(name="another writer", row="N36", write=reserialised),
)  # fmt: skip
