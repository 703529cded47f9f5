"""The child process that sets letters: `python -m services.notifier.letters.compositor`.

typst holds the interpreter's lock for milliseconds and its cache grows, so it lives in a process of its own, which ends when its
standard input does: a killed parent leaves none behind. The compiler is kept, so only the first letter pays for fonts and
template. The same words give the same bytes: embedded fonts only, a fixed timestamp, PDF/A-2a and PDF/UA-1.

Each request and each answer is four bytes of length, big-endian, and that many bytes. A request is JSON: `letter` (the words) and
`timestamp` (epoch seconds). An answer begins with `+` and the PDF, or with `-` and the error's class: never its text, which may
quote the letter.
"""

import json
import os
import sys
from importlib import resources
from typing import Any, BinaryIO, Final

LENGTH_BYTES: Final = 4
MAX_BYTES: Final = 16 * 1024 * 1024
NAMELESS: Final = "borger"


def main() -> int:
    """Answer requests until standard input ends."""
    # One letter at a time: more threads than this only take turns.
    os.environ["RAYON_NUM_THREADS"] = "1"
    import typst

    with resources.as_file(resources.files("services.notifier.letters").joinpath("letter.typ")) as template:
        compiler = typst.Compiler(template, ignore_system_fonts=True)
        reading, writing = sys.stdin.buffer, sys.stdout.buffer
        while (request := read_frame(reading)) is not None:
            write_frame(writing, _answer(compiler, request))
    return 0


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


def _answer(compiler: "object", request: bytes) -> bytes:
    try:
        wish = json.loads(request)
        pdf = _set(compiler, wish["letter"], wish["timestamp"])
    except Exception as error:  # noqa: BLE001 - told to the parent, which decides
        return b"-" + type(error).__name__.encode()
    return b"+" + pdf + b"\n"  # without the newline after %%EOF a later signature breaks PDF/A 6.1.9


def _set(compiler: "object", letter: dict[str, Any], timestamp: int) -> bytes:
    """The PDF. A name may hold what no embedded font has, which PDF/A refuses: it is left out, since the letter must go out."""
    try:
        return _compile(compiler, letter, timestamp)
    except Exception:
        settable = _settable(compiler, letter, timestamp)
        if settable == letter["recipient"]:
            raise
        return _compile(compiler, {**letter, "recipient": settable}, timestamp)


def _settable(compiler: "object", letter: dict[str, Any], timestamp: int) -> str:
    """What of the recipient's name can be set: each character is tried by itself; `borger` where none can."""
    refused = set()
    for character in set(letter["recipient"]):
        try:
            _compile(compiler, {**letter, "recipient": character}, timestamp)
        except Exception:  # noqa: BLE001 - the refusal is the answer
            refused.add(character)
    kept = "".join(character for character in letter["recipient"] if character not in refused)
    return " ".join(kept.split()) or NAMELESS


def _compile(compiler: "object", letter: dict[str, Any], timestamp: int) -> bytes:
    pdf: bytes = compiler.compile(  # type: ignore[attr-defined] # typst is imported in main alone
        sys_inputs={"letter": json.dumps(letter, ensure_ascii=False)},
        format="pdf",
        pdf_standards=["a-2a", "ua-1"],
        timestamp=timestamp,
    )
    return pdf


if __name__ == "__main__":
    sys.exit(main())
