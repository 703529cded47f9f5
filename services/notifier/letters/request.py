"""A request to the gateway: XML around one PDF in base64.

It is kept with the PDF as it is, and compressed: most of what the database writes for a letter are these bytes, and of a PDF/A a
third is structure and metadata that compress (from 36 to 25 KB in 20 µs; zstd: 24 KB in 67). Kept and spelt again it is the same,
byte for byte. What was kept before it was kept this way is read too.

Kept form: one byte (2), then an LZ4 block behind its size (4 bytes, little-endian) of the form before: one byte (1), the lengths
of what is before the PDF and of the PDF (4 bytes each, big-endian), what is before it, the PDF, what follows it. The form before
that: XML, as it was sent. What is in a form of a later version waits for that version; a notifier from before this form tries it
again too, and calls it a fault of ours.
"""

import base64
from dataclasses import dataclass
from typing import Final, Self

import cramjam

_COMPRESSED: Final = b"\x02"
_PACKED: Final = b"\x01"
_LENGTH_BYTES: Final = 4
_HEAD_BYTES: Final = len(_PACKED) + 2 * _LENGTH_BYTES
_XML: Final = b"<"


@dataclass(frozen=True, kw_only=True, slots=True)
class GatewayRequest:
    """The body of a call to KombiPostAfsend, in three parts."""

    before: bytes
    pdf: bytes
    after: bytes

    @property
    def body(self) -> bytes:
        """As it is sent."""
        return b"".join((self.before, base64.b64encode(self.pdf), self.after))

    @property
    def packed(self) -> bytes:
        """As it is kept."""
        lengths = len(self.before).to_bytes(_LENGTH_BYTES) + len(self.pdf).to_bytes(_LENGTH_BYTES)
        packed = b"".join((_PACKED, lengths, self.before, self.pdf, self.after))
        return _COMPRESSED + bytes(cramjam.lz4.compress_block(packed))

    @classmethod
    def unpacked(cls, packed: bytes) -> Self:
        """What was kept; raises ValueError for what is in no form that ever was."""
        if packed[:1] == _COMPRESSED:
            packed = _decompressed(packed[1:])
        if packed[:1] == _XML:
            return cls(before=packed, pdf=b"", after=b"")
        before = int.from_bytes(packed[1 : 1 + _LENGTH_BYTES])
        pdf = int.from_bytes(packed[1 + _LENGTH_BYTES : _HEAD_BYTES])
        at = _HEAD_BYTES + before
        if packed[:1] != _PACKED or at + pdf > len(packed):
            raise ValueError("no request to the gateway")
        return cls(before=packed[_HEAD_BYTES:at], pdf=packed[at : at + pdf], after=packed[at + pdf :])


def _decompressed(block: bytes) -> bytes:
    try:
        return bytes(cramjam.lz4.decompress_block(block))
    except cramjam.DecompressionError as error:
        raise ValueError("no request to the gateway") from error
