"""What reporters told about people and nobody may find past intake: CPR numbers, names and street addresses, in many
spellings; how to reach the contact at work, and what was written freely, which is health data (N2).

Built from the raw notifications of every kind. `found_in` names what a text gives away, by kind and spelling, never the
secret itself. A text is looked through as it is and with its JSON escapes, URL escapes, base64, hex and compression undone,
one inside another as well, so that a spelling hides nothing.
"""

import base64
import binascii
import re
import unicodedata
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from hashlib import md5, sha1, sha256
from typing import Any, Final
from urllib.parse import unquote

_TEN_DIGITS: Final = re.compile(r"(?=(?<!\d)(\d{6})[- ]?(\d{4})(?!\d))", re.ASCII)
_HASHED: Final = re.compile(r"(?<![0-9a-fA-F])(?:[0-9a-fA-F]{64}|[0-9a-fA-F]{40}|[0-9a-fA-F]{32})(?![0-9a-fA-F])")
_BASE64: Final = re.compile(r"[A-Za-z0-9+/_-]{12,}")
_HEX: Final = re.compile(r"[0-9a-fA-F]{20,}")
_ESCAPE: Final = re.compile(r"\\+u([0-9a-fA-F]{4})")
"""With as many backslashes as there are strings around it."""
_WORDS: Final = re.compile(r"[^\W\d_][\w-]*", re.UNICODE)
_STREET: Final = re.compile(r"([^\W\d_]{4,}) (\d{1,3})(?!\d)", re.UNICODE)
_LEGIBLE: Final = re.compile(rb"(?:[\x20-\x7e\n]|[\xc2-\xcf][\x80-\xbf]){8,}")
_LEGIBLE_UTF_16: Final = re.compile(rb"(?:[\x20-\x7e]\0){8,}|(?:\0[\x20-\x7e]){8,}")
_LONGEST_DECODED: Final = 1_000_000
_NESTED: Final = 2
_SHORTEST_PHRASE: Final = 12
"""What is shorter, or one word, is found everywhere."""
_FREE_TEXTS: Final = ("affected_job_functions", "affected_for", "work_adaptation")
_CONTACT: Final = ("name", "phone", "email")


@dataclass(frozen=True, kw_only=True, slots=True)
class Secrets:
    """`spellings` maps every spelling of a number to what it is called; names are runs of three words, streets have a number,
    phrases are looked for as they are."""

    spellings: dict[str, str]
    names: frozenset[str]
    streets: frozenset[str]
    phrases: Mapping[str, str] = field(default_factory=dict)

    @property
    def number(self) -> int:
        return len(self.spellings) + len(self.names) + len(self.streets) + len(self.phrases)

    def with_phrases(self, phrases: Mapping[str, str]) -> "Secrets":
        """These, and more that are looked for as they are."""
        more = {_normal(phrase): kind for phrase, kind in phrases.items()}
        return replace(self, phrases={**self.phrases, **more})

    def found_in(self, text: str) -> set[str]:
        """The kinds of secrets that a text gives away."""
        found: set[str] = set()
        readings = [("", _normal(text))]
        for _ in range(_NESTED + 1):
            for how, reading in readings:
                found |= {f"{kind}{how}" for kind in self._in_plain(reading)}
            readings = [(f"{how}{more}", deeper) for how, text in readings for more, deeper in _undone(text)]
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
        for phrase, kind in self.phrases.items():
            if phrase in text:
                yield kind


def gathered(notifications: Iterable[dict[str, Any]]) -> Secrets:
    """The secrets in what reporters sent."""
    spellings: dict[str, str] = {}
    people: set[str] = set()
    streets: set[str] = set()
    phrases: dict[str, str] = {}
    for told in notifications:
        phrases.update(_phrases(told))
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
    return Secrets(spellings=spellings, names=frozenset(people), streets=frozenset(streets), phrases=phrases)


def _phrases(told: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What was written freely, line by line, and how to reach the contact at work."""
    for part, names, kind in (
        ("retention_answers", _FREE_TEXTS, "free text"),
        ("workplace_contact", _CONTACT, "contact at work"),
    ):
        held = told.get(part)
        texts = [held.get(name) for name in names] if isinstance(held, dict) else []
        for text in texts:
            for line in _normal(text).splitlines() if isinstance(text, str) else ():
                phrase = line.strip()
                if len(phrase) >= _SHORTEST_PHRASE and (" " in phrase or "@" in phrase):
                    yield phrase, kind


def _spellings(digits: str) -> Iterator[tuple[str, str]]:
    yield digits, "CPR number"
    yield f"{digits[4:6]}{digits[2:4]}{digits[:2]}{digits[6:]}", "CPR number, year first"
    for spelling in (digits, f"{digits[:6]}-{digits[6:]}"):
        for algorithm in (md5, sha1, sha256):
            yield (
                algorithm(spelling.encode()).hexdigest(),
                f"CPR number as {algorithm.__name__.removeprefix('openssl_')}",
            )


def _undone(text: str) -> Iterator[tuple[str, str]]:
    """What a text says with one spelling undone, and how it was spelt."""
    if "\\u" in text:
        yield ", JSON-escaped", _normal(_ESCAPE.sub(lambda match: chr(int(match.group(1), 16)), text))
    if "%" in text:
        yield ", URL-encoded", _normal(unquote(text))
    if "\x00" in text:
        yield ", UTF-16", _normal(text.replace("\x00", ""))
    if decoded := _decoded(text, _BASE64, _from_base64):
        yield ", base64", decoded
    if decoded := _decoded(text, _HEX, _from_hex):
        yield ", hex", decoded


def _decoded(text: str, pattern: "re.Pattern[str]", decode: Any) -> str:
    """All that can be decoded in a text and read; of ciphertext nothing is left, which is most of what there is."""
    parts = []
    for match in pattern.finditer(text):
        for plain in decode(match.group()[:_LONGEST_DECODED]):
            parts += [*legible(plain), inflated(plain)]
    return _normal("\n".join(filter(None, parts)))


def legible(raw: bytes) -> Iterator[str]:
    """The runs of letters, digits and punctuation in bytes; of UTF-16 too, whichever end comes first."""
    for run in _LEGIBLE.findall(raw):
        yield run.decode("utf-8", "replace")
    for run in _LEGIBLE_UTF_16.findall(raw):
        yield run.replace(b"\0", b"").decode("utf-8", "replace")


def _from_base64(word: str) -> Iterator[bytes]:
    """A word that stands behind a path or a name is read from each place where it could begin."""
    text = word.replace("-", "+").replace("_", "/")
    for shift in range(4):
        whole = text[shift : shift + (len(text) - shift) // 4 * 4]
        yield base64.b64decode(whole)


def _from_hex(word: str) -> Iterator[bytes]:
    for shift in range(2):
        yield binascii.unhexlify(word[shift : shift + (len(word) - shift) // 2 * 2])


def inflated(raw: bytes) -> str:
    """What compressed bytes hold (gzip, zlib); nothing of bytes that are not compressed."""
    if raw[:2] != b"\x1f\x8b" and raw[:1] != b"\x78":
        return ""
    try:
        return zlib.decompressobj(wbits=47).decompress(raw, _LONGEST_DECODED).decode("utf-8", "replace")
    except zlib.error:
        return ""


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
