"""What a file is, by its bytes, and whether what was said of it fits. A name or a declared type is never believed (D1)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from services.uploads.domain.findings import Code

HEAD_BYTES: Final = 64
"""Of the first bytes so many are enough to tell what a file is."""


class MediaType(StrEnum):
    """The four kinds that are taken."""

    PDF = "application/pdf"
    PNG = "image/png"
    JPEG = "image/jpeg"
    GIF = "image/gif"


EXTENSIONS: Final[Mapping[MediaType, tuple[str, ...]]] = {
    MediaType.PDF: ("pdf",),
    MediaType.PNG: ("png",),
    MediaType.JPEG: ("jpg", "jpeg", "jpe", "jfif"),
    MediaType.GIF: ("gif",),
}

_SIGNATURES: Final[tuple[tuple[bytes, MediaType], ...]] = (
    (b"%PDF-", MediaType.PDF),
    (b"\x89PNG\r\n\x1a\n", MediaType.PNG),
    (b"\xff\xd8\xff", MediaType.JPEG),
    (b"GIF87a", MediaType.GIF),
    (b"GIF89a", MediaType.GIF),
)
# What a browser says where it does not know, or what is no type at all: the content decides.
_SAYS_NOTHING: Final = frozenset({"", "application/octet-stream", "binary/octet-stream", "image/*", "*/*"})
_SAME: Final[Mapping[str, MediaType]] = {
    **{media_type.value: media_type for media_type in MediaType},
    "image/jpg": MediaType.JPEG,
    "image/pjpeg": MediaType.JPEG,
    "image/x-png": MediaType.PNG,
    "application/x-pdf": MediaType.PDF,
}
_LONGEST_DECLARED: Final = 500
_NOT_PLAIN: Final = re.compile(r"[^0-9a-z]")
_TYPE: Final = re.compile(r"[a-z0-9!#$&^_.+*-]{1,100}/[a-z0-9!#$&^_.+*-]{1,100}", re.ASCII)
# Inside a name these make somebody's computer run something, whatever stands behind them.
_FORBIDDEN_INSIDE: Final = frozenset(
    {
        "exe",
        "com",
        "bat",
        "cmd",
        "scr",
        "pif",
        "msi",
        "msp",
        "dll",
        "jar",
        "js",
        "jse",
        "vbs",
        "vbe",
        "ws",
        "wsf",
        "wsh",
        "hta",
    }
    | {"ps1", "psm1", "lnk", "url", "reg", "sh", "apk", "app", "dmg", "iso", "php", "phar", "asp", "aspx", "jsp", "svg"}
    | {"html", "htm", "xhtml", "mht", "swf", "docm", "xlsm", "pptm", "zip", "rar", "7z"}
)


class Kin(StrEnum):
    """Kinds of file that are refused and that people do send: what to do instead differs."""

    PHONE_PHOTO = "phone-photo"
    OFFICE = "office-document"
    OTHER_IMAGE = "other-image"
    ARCHIVE = "archive"
    OTHER = "other"


@dataclass(frozen=True, kw_only=True, slots=True)
class NotTaken:
    """Content of none of the four kinds."""

    kin: Kin


def kind_of(head: bytes) -> MediaType | NotTaken:
    """What begins with these bytes. The signature stands at the very beginning, or it is none."""
    for signature, media_type in _SIGNATURES:
        if head.startswith(signature):
            return media_type
    return NotTaken(kin=_kin(head))


def _kin(head: bytes) -> Kin:
    brand = head[8:12] if head[4:8] == b"ftyp" else b""
    if brand in {b"heic", b"heix", b"hevc", b"mif1", b"msf1", b"avif", b"heim", b"heis"}:
        return Kin.PHONE_PHOTO
    if head.startswith((b"\xd0\xcf\x11\xe0", b"{\\rtf")) or (
        head.startswith(b"PK\x03\x04") and b"[Content_Types]" in head
    ):
        return Kin.OFFICE
    if head.startswith((b"PK\x03\x04", b"Rar!", b"7z\xbc\xaf", b"\x1f\x8b")):
        return Kin.ARCHIVE
    if head.startswith((b"BM", b"II*\0", b"MM\0*", b"\0\0\1\0", b"8BPS")) or head[8:12] == b"WEBP":
        return Kin.OTHER_IMAGE
    return Kin.OTHER


def misfit(media_type: MediaType, *, name: str, declared: str | None) -> Code | None:
    """What of a file's name and declared type does not fit its content, if anything."""
    if not _fits_declared(media_type, declared):
        return Code.CONTENT_TYPE_MISMATCH
    parts = name.lower().split(".")
    if len(parts) < 2 or parts[-1] not in EXTENSIONS[media_type]:
        return Code.EXTENSION_MISMATCH
    inside = {_NOT_PLAIN.sub("", part) for part in parts[1:-1]}
    return Code.EXTENSION_MISMATCH if _FORBIDDEN_INSIDE & inside else None


def _fits_declared(media_type: MediaType, declared: str | None) -> bool:
    if len(declared or "") > _LONGEST_DECLARED:
        return False
    kind = (declared or "").partition(";")[0].strip().lower()
    if kind in _SAYS_NOTHING:
        return True
    return _TYPE.fullmatch(kind) is not None and _SAME.get(kind) is media_type
