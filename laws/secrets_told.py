"""What reporters told about people and nobody may find past intake: CPR numbers, names and street addresses, in many
spellings.

Built from the raw notifications. `found_in` names what a text gives away, by kind and spelling, never the secret
itself. A text is looked through as it is and with its JSON escapes, URL escapes, base64 and hex undone, so that a
spelling hides nothing.
"""

import base64
import binascii
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import md5, sha1, sha256
from typing import Any, Final
from urllib.parse import unquote

_TEN_DIGITS: Final = re.compile(r"(?=(?<!\d)(\d{6})[- ]?(\d{4})(?!\d))", re.ASCII)
_HASHED: Final = re.compile(r"(?<![0-9a-fA-F])(?:[0-9a-fA-F]{64}|[0-9a-fA-F]{40}|[0-9a-fA-F]{32})(?![0-9a-fA-F])")
_BASE64: Final = re.compile(r"[A-Za-z0-9+/_-]{12,}")
_HEX: Final = re.compile(r"(?:[0-9a-fA-F]{2}){10,}")
_ESCAPE: Final = re.compile(r"\\u([0-9a-fA-F]{4})")
_WORDS: Final = re.compile(r"[^\W\d_][\w-]*", re.UNICODE)
_STREET: Final = re.compile(r"([^\W\d_]{4,}) (\d{1,3})(?!\d)", re.UNICODE)
_LONGEST_DECODED: Final = 1_000_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Secrets:
    """`spellings` maps every spelling of a number to what it is called; names are runs of three words, streets have a number."""

    spellings: dict[str, str]
    names: frozenset[str]
    streets: frozenset[str]

    @property
    def number(self) -> int:
        return len(self.spellings) + len(self.names) + len(self.streets)

    def found_in(self, text: str) -> set[str]:
        """The kinds of secrets that a text gives away."""
        found: set[str] = set()
        for how, reading in _readings(text):
            found |= {f"{kind}{how}" for kind in self._in_plain(reading)}
        return found

    def _in_plain(self, text: str) -> Iterator[str]:
        for match in _TEN_DIGITS.finditer(text):
            if kind := self.spellings.get("".join(match.groups())):
                yield kind
        for match in _HASHED.finditer(text):
            if kind := self.spellings.get(match.group().lower()):
                yield kind
        if not self.names.isdisjoint(_runs_of_three(text)):
            yield "name"
        if not self.streets.isdisjoint(_streets(text)):
            yield "address"


def gathered(notifications: Iterable[dict[str, Any]]) -> Secrets:
    """The secrets in what reporters sent."""
    spellings: dict[str, str] = {}
    people: set[str] = set()
    streets: set[str] = set()
    for told in notifications:
        citizen = told.get("citizen")
        if not isinstance(citizen, dict):
            continue
        digits = str(citizen.get("cpr", "")).replace("-", "")
        if re.fullmatch(r"[0-9]{10}", digits):
            spellings.update(_spellings(digits))
        people.update(_runs_of_three(_normal(str(citizen.get("name", "")))))
        address = citizen.get("address")
        lines = address.get("lines", ()) if isinstance(address, dict) else ()
        streets.update(street for line in lines for street in _streets(_normal(str(line))))
    return Secrets(spellings=spellings, names=frozenset(people), streets=frozenset(streets))


def _spellings(digits: str) -> Iterator[tuple[str, str]]:
    yield digits, "CPR number"
    yield f"{digits[4:6]}{digits[2:4]}{digits[:2]}{digits[6:]}", "CPR number, year first"
    for spelling in (digits, f"{digits[:6]}-{digits[6:]}"):
        for algorithm in (md5, sha1, sha256):
            yield (
                algorithm(spelling.encode()).hexdigest(),
                f"CPR number as {algorithm.__name__.removeprefix('openssl_')}",
            )


def _readings(text: str) -> Iterator[tuple[str, str]]:
    yield "", _normal(text)
    if "\\u" in text:
        yield ", JSON-escaped", _normal(_ESCAPE.sub(lambda match: chr(int(match.group(1), 16)), text))
    if "%" in text:
        yield ", URL-encoded", _normal(unquote(text))
    if "\x00" in text:
        yield ", UTF-16", _normal(text.replace("\x00", ""))
    if decoded := _decoded(text, _BASE64, _from_base64):
        yield ", base64", decoded
    if decoded := _decoded(text, _HEX, binascii.unhexlify):
        yield ", hex", decoded


def _decoded(text: str, pattern: "re.Pattern[str]", decode: Any) -> str:
    """All that can be decoded in a text; what is ciphertext or no text comes out as marks that match nothing."""
    parts = []
    for match in pattern.finditer(text):
        try:
            plain = decode(match.group()[:_LONGEST_DECODED])
        except (binascii.Error, ValueError):
            continue
        parts.append(plain.decode("utf-8", "replace"))
    return _normal("\n".join(parts))


def _from_base64(word: str) -> bytes:
    whole = word[: len(word) // 4 * 4]
    return base64.b64decode(whole.replace("-", "+").replace("_", "/"), validate=True)


def _normal(text: str) -> str:
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def _runs_of_three(text: str) -> Iterator[str]:
    """Every three neighbouring words with one space between, the first in capitals."""
    before: list[re.Match[str]] = []
    for word in _WORDS.finditer(text):
        if before and (before[-1].end() + 1 != word.start() or text[before[-1].end()] != " "):
            before.clear()
        before = [*before[-2:], word]
        if len(before) == 3 and before[0].group()[0].isupper():
            yield " ".join(each.group() for each in before)


def _streets(text: str) -> Iterator[str]:
    for match in _STREET.finditer(text):
        yield " ".join(match.groups())
