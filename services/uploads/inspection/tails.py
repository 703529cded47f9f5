"""What stands behind a file's end, and what else a file could be taken for (polyglots).

Readers of ZIP look for its directory from the end of a file, those of PDF and HTML for their beginning somewhere in its first
kilobyte, PHP for its mark anywhere: a picture that is one of these as well is refused, however well the picture is formed.
"""

import re
from typing import Final

from services.uploads.domain.findings import Code
from services.uploads.domain.limits import Limits
from services.uploads.inspection.refusal import Refusal

_PADDING: Final = re.compile(rb"[\0\t\n\r ]*")
_FOREIGN: Final = (
    b"PK\x03\x04",
    b"PK\x05\x06",
    b"Rar!\x1a\x07",
    b"7z\xbc\xaf\x27\x1c",
    b"%PDF-",
    b"MZ",
    b"\x7fELF",
    b"\xff\xd8\xff",
    b"\x89PNG\r\n\x1a\n",
    b"GIF8",
    b"<?php",
    b"<html",
    b"<script",
    b"<svg",
    b"#!",
)
_BROWSERS_LOOK_AT: Final = 1024
_MARKUP: Final = re.compile(rb"<(?:!doctype\s+html|html[\s>]|script[\s>]|svg[\s>]|iframe[\s>])", re.IGNORECASE)
_SCRIPT: Final = re.compile(rb"<\?php|__HALT_COMPILER", re.IGNORECASE)
_DIRECTORY_END: Final = b"PK\x05\x06"
_DIRECTORY_END_BYTES: Final = 22
_LONGEST_COMMENT: Final = 0xFFFF


def nothing_behind(data: bytes, end: int, limits: Limits) -> None:
    """A few bytes of padding may follow the end mark; raises Refusal for anything else."""
    tail = data[end:].removeprefix(b"\r").removeprefix(b"\n")
    if not tail or (len(tail) <= limits.padding and _PADDING.fullmatch(tail)):
        return
    begun = tail.lstrip(b"\0\t\n\r ")[:_BROWSERS_LOOK_AT].lower()
    is_foreign = begun.startswith(tuple(one.lower() for one in _FOREIGN)) or begun[4:8] == b"ftyp" or _ends_as_zip(data)
    raise Refusal(Code.SECOND_FORMAT if is_foreign else Code.TRAILING_DATA)


def nothing_else(data: bytes, *, is_pdf: bool) -> None:
    """The file is of one kind only; raises Refusal."""
    head = data[:_BROWSERS_LOOK_AT]
    if _MARKUP.search(head) or (not is_pdf and b"%PDF-" in head) or _ends_as_zip(data):
        raise Refusal(Code.SECOND_FORMAT)


def no_passenger(piece: bytes) -> None:
    """A part of a picture that readers skip holds no file of another kind, and no script; raises Refusal."""
    if piece.startswith(_FOREIGN[:6]) or piece[4:8] == b"ftyp" or _SCRIPT.search(piece) or b"PK\x03\x04" in piece:
        raise Refusal(Code.SECOND_FORMAT)


def _ends_as_zip(data: bytes) -> bool:
    """Whether a ZIP's directory ends with the file: its mark, and a comment that is as long as it says."""
    start = max(0, len(data) - _LONGEST_COMMENT - _DIRECTORY_END_BYTES)
    at = data.rfind(_DIRECTORY_END, start)
    while at >= 0:
        if at + _DIRECTORY_END_BYTES <= len(data):
            comment = int.from_bytes(data[at + 20 : at + 22], "little")
            left = len(data) - at - _DIRECTORY_END_BYTES
            if comment <= left <= comment + _BROWSERS_LOOK_AT and b"PK\x01\x02" in data[:at]:
                return True
        at = data.rfind(_DIRECTORY_END, start, at)
    return False
