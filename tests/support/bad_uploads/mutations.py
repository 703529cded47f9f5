"""U65, U66: good files, damaged by chance that can be repeated: the same seed always makes the same ones.

What is asked of them is only: no crash, no hang, an honest verdict. The libraries of crashing files that U65 names are
not in this repository; what made them crash is done here to our own: lengths that lie, parts that stand twice, halves
of two files.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain
from random import Random
from typing import Final

from tests.support.bad_uploads import gif, jpeg, pdf_good, png
from tests.support.bad_uploads.case import ANY, CLEAN, KIB, TYPES, Uploads, given, single, type_of

LARGEST_SEED: Final = 128 * KIB
SEEDS_OF_A_TYPE: Final = 20
IN_TABLE: Final = 2
"""So many of each row stand in the table; tests that take their time ask `mutations` for thousands."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Mutation:
    """A file as a browser would declare it, and what was done to it."""

    what: str
    name: str
    content_type: str
    data: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Seed:
    """A good file."""

    what: str
    name: str
    data: bytes


@cache
def seeds() -> dict[str, tuple[Seed, ...]]:
    """Up to twenty small good files of each type, all different, from the table's own."""
    found: dict[str, dict[bytes, Seed]] = {kind: {} for kind in TYPES.values()}
    for upload in chain(pdf_good.good(), png.good(), jpeg.good(), gif.good()):
        data = upload.build()
        of_kind = found[type_of(upload.name)]
        if upload.expected == CLEAN and len(data) <= LARGEST_SEED and len(of_kind) < SEEDS_OF_A_TYPE:
            of_kind.setdefault(data, Seed(what=upload.what, name=upload.name, data=data))
    return {kind: tuple(of_kind.values()) for kind, of_kind in found.items()}


def mutations(seed: int, count: int) -> Iterator[Mutation]:
    """So many damaged files; types and ways of damage take turns, the rest is chance that begins with `seed`."""
    kinds = sorted(seeds())
    for nth in range(count):
        chance = Random(f"{seed} {nth}")
        kind = kinds[nth % len(kinds)]
        way = _WAYS[nth // len(kinds) % len(_WAYS)]
        good = chance.choice(seeds()[kind])
        what, data = way(good.data, chance)
        yield Mutation(what=f"{seed}.{nth}: {good.what}, {what}", name=good.name, content_type=kind, data=data)


Damaged = tuple[str, bytes]
Way = Callable[[bytes, Random], Damaged]


def flipped(data: bytes, chance: Random) -> Damaged:
    """Between a hundredth of a percent and one percent of the bits, as zzuf does it."""
    share = 10 ** chance.uniform(-4, -2)
    wrong = bytearray(data)
    bits = max(1, round(len(data) * 8 * share))
    for _ in range(bits):
        wrong[chance.randrange(len(wrong))] ^= 1 << chance.randrange(8)
    return f"{bits} bits turned", bytes(wrong)


def cut(data: bytes, chance: Random) -> Damaged:
    at = chance.randrange(1, len(data))
    return f"cut at {at}", data[:at]


def holed(data: bytes, chance: Random) -> Damaged:
    start, end = _span(data, chance)
    return f"without {start} to {end}", data[:start] + data[end:]


def doubled(data: bytes, chance: Random) -> Damaged:
    start, end = _span(data, chance)
    times = chance.choice((1, 1, 2, 50))
    return f"{start} to {end} {times + 1} times", data[:end] + data[start:end] * times + data[end:]


def swapped(data: bytes, chance: Random) -> Damaged:
    """Two parts the wrong way round."""
    first, second, third = sorted(chance.randrange(len(data) + 1) for _ in range(3))
    return f"{first} to {second} behind {third}", data[:first] + data[second:third] + data[first:second] + data[third:]


def overwritten(data: bytes, chance: Random) -> Damaged:
    """A few bytes became those that programs stumble over."""
    at = chance.randrange(len(data))
    value = chance.choice(
        (b"\0" * 4, b"\xff" * 4, b"\x7f\xff\xff\xff", b"\x80\0\0\0", b"\0\0\0\x80", b"\xff\xff\xff\x7f")
    )
    return f"{value.hex()} at {at}", data[:at] + value + data[at + len(value) :]


def resized(data: bytes, chance: Random) -> Damaged:
    """A length that the format tells is another."""
    places = lengths(data)
    if not places:
        return overwritten(data, chance)
    start, end = chance.choice(places)
    old = data[start:end]
    if old.isdigit():
        new = b"%d" % chance.choice((0, 1, int(old) + 1, max(int(old) - 1, 0), int(old) * 1_000, 2**31, 2**63))
    else:
        number = int.from_bytes(old, "big")
        top = 256 ** len(old) - 1
        new = chance.choice((0, 1, number + 1, number - 1, top, top // 2, number * 2)) % (top + 1)
        new = new.to_bytes(len(old), "big")
    return f"length {old.hex()} at {start} became {new.hex()}", data[:start] + new + data[end:]


def lengths(data: bytes) -> list[tuple[int, int]]:
    """Where lengths, sizes and counts stand: in PDF whatever follows such a key, elsewhere in the heads of parts."""
    if data.startswith(b"%PDF"):
        keys = rb"/(?:Length|Size|Count|N|First|Prev|Width|Height|Columns) (\d+)|startxref\s+(\d+)|(\d{10}) 00000 n"
        return [match.span(match.lastindex or 0) for match in re.finditer(keys, data)]
    if data.startswith(png.MAGIC):
        return [(at, at + 4) for at in _chunks_of_png(data)] + [(16, 20), (20, 24)]
    if data.startswith(jpeg.SOI):
        return [(match.start() + 2, match.start() + 4) for match in re.finditer(rb"\xff[\xc0-\xcf\xda-\xef\xfe]", data)]
    blocks = [(match.start() + 2, match.start() + 3) for match in re.finditer(rb"![\xf9\xfe\xff]", data)]
    return [(6, 8), (8, 10), (10, 11), *blocks]


def _chunks_of_png(data: bytes) -> Iterator[int]:
    at = len(png.MAGIC)
    while at + 8 <= len(data):
        yield at
        at += 12 + int.from_bytes(data[at : at + 4], "big")


def spliced(data: bytes, chance: Random) -> Damaged:
    """The first part of one, the last of another, of any type."""
    other = chance.choice(seeds()[chance.choice(sorted(seeds()))])
    first, second = chance.randrange(1, len(data)), chance.randrange(len(other.data))
    return f"to {first}, then {other.what} from {second}", data[:first] + other.data[second:]


def several(data: bytes, chance: Random) -> Damaged:
    """Three kinds of damage, one after the other."""
    told = []
    for _ in range(3):
        what, data = chance.choice((flipped, holed, doubled, overwritten, resized))(data, chance)
        told.append(what)
    return ", ".join(told), data


def _span(data: bytes, chance: Random) -> tuple[int, int]:
    start = chance.randrange(len(data))
    return start, min(len(data), start + chance.choice((1, 4, 16, 64, 256, 1_024)))


_WAYS: Final[Sequence[Way]] = (flipped, cut, holed, doubled, swapped, overwritten, resized, spliced, several)


def cases() -> Uploads:
    """A few of them."""
    for row, seed in (("U65", 65), ("U66", 66)):
        for made in mutations(seed, IN_TABLE * len(seeds())):
            yield single(row, made.what, made.name, given(made.data), ANY, content_type=made.content_type)
