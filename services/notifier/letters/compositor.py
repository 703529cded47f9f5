"""The child process that sets letters: `python -m services.notifier.letters.compositor`.

typst holds the interpreter's lock for milliseconds, so it lives in a process of its own, which ends when its standard input does:
a killed parent leaves none behind. The compiler is kept, so only the first letter pays for fonts and template; a letter like the
one before it (same sender, day and tasks) costs least. The same words give the same bytes, whatever was set before them: fonts of
our own and typst's, never the system's, a fixed timestamp, PDF/A-2a and PDF/UA-1.

Each request and each answer is four bytes of length, big-endian, and that many bytes. A request is a JSON array of wishes, each
with `letter` (the words) and `timestamp` (epoch seconds); each wish has an answer of its own, in their order and as soon as it
is there. An answer begins with `+` and the PDF, or with `-` and the error's class: never its text, which may quote the letter.
"""

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final

if TYPE_CHECKING:
    import typst

HERE: Final = Path(__file__).parent
LENGTH_BYTES: Final = 4
MAX_BYTES: Final = 16 * 1024 * 1024
NAMELESS: Final = "borger"


def main() -> int:
    """Answer requests until standard input ends."""
    compiler = make_compiler()
    reading, writing = sys.stdin.buffer, sys.stdout.buffer
    while (request := read_frame(reading)) is not None:
        for wish in json.loads(request):
            write_frame(writing, _answer(compiler, wish))
    return 0


def make_compiler() -> "typst.Compiler":
    """A compiler to be kept: it remembers what letters have in common."""
    os.environ["RAYON_NUM_THREADS"] = "1"  # one letter at a time: more threads than this only take turns
    import typst

    return typst.Compiler(root=HERE, font_paths=[HERE / "fonts"], ignore_system_fonts=True)


def source(letter: dict[str, Any]) -> bytes:
    """The main file of a letter: all that differs from one to the next, as JSON in a string, so that nothing in it is markup.

    JSON escapes control characters, quotes and backslashes as a typst string does, so writing it twice is all it takes.
    """
    words = json.dumps(json.dumps(letter, ensure_ascii=False), ensure_ascii=False)
    return f'#import "letter.typ": render\n#render(json(bytes({words})))\n'.encode()


def read_frame(stream: BinaryIO) -> bytes | None:
    """The next frame; None at the end of the stream, also in the middle of a frame."""
    length = stream.read(LENGTH_BYTES)
    if len(length) < LENGTH_BYTES:
        return None
    wanted = int.from_bytes(length)
    frame = stream.read(wanted) if wanted <= MAX_BYTES else b""
    return frame if len(frame) == wanted else None


def write_frame(stream: BinaryIO, frame: bytes) -> None:
    """Write a frame and flush it."""
    stream.write(len(frame).to_bytes(LENGTH_BYTES) + frame)
    stream.flush()


def _answer(compiler: "typst.Compiler", wish: dict[str, Any]) -> bytes:
    try:
        pdf = _set(compiler, wish["letter"], wish["timestamp"])
    except Exception as error:  # noqa: BLE001 - told to the parent, which decides
        return b"-" + type(error).__name__.encode()
    return b"+" + pdf + b"\n"  # without the newline after %%EOF a later signature breaks PDF/A 6.1.9


def _set(compiler: "typst.Compiler", letter: dict[str, Any], timestamp: int) -> bytes:
    """The PDF. A name may hold what no embedded font has, which PDF/A refuses: it is left out, since the letter must go out."""
    try:
        return _compile(compiler, letter, timestamp)
    except Exception:
        settable = _settable(compiler, letter, timestamp)
        if settable == letter["recipient"]:
            raise
        return _compile(compiler, {**letter, "recipient": settable}, timestamp)


def _settable(compiler: "typst.Compiler", letter: dict[str, Any], timestamp: int) -> str:
    """What of the recipient's name can be set: each character is tried by itself; `borger` where none can."""
    refused = set()
    for character in set(letter["recipient"]):
        try:
            _compile(compiler, {**letter, "recipient": character}, timestamp)
        except Exception:  # noqa: BLE001 - the refusal is the answer
            refused.add(character)
    kept = "".join(character for character in letter["recipient"] if character not in refused)
    return " ".join(kept.split()) or NAMELESS


def _compile(compiler: "typst.Compiler", letter: dict[str, Any], timestamp: int) -> bytes:
    pdf = compiler.compile(source(letter), format="pdf", pdf_standards=["a-2a", "ua-1"], timestamp=timestamp)
    assert isinstance(pdf, bytes)
    return pdf


if __name__ == "__main__":
    sys.exit(main())
