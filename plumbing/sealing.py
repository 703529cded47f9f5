"""Sealing: authenticated encryption of a value under its owner's key.

Invariants: a sealed value opens only with the same key, for the same owner, in the same field; whatever else is tried, one
flipped bit included, raises `SealBroken`, whose text tells nothing of what was inside. The same value sealed twice looks
different.

Wire form: one version byte (1), a random 12-byte nonce, then AES-256-GCM's ciphertext and 16-byte tag. The associated data
are the version, the owner's length and name, and the field's name, so that no two pairs of owner and field can look alike.
Random nonces are safe for 2³² values under one key (NIST SP 800-38D § 8.3), far more than one owner ever has.

An *owner* is whoever a key belongs to: a person's id, or the id of a key that belongs to nobody in particular.
"""

import base64
import binascii
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
"""Length of every key: AES-256."""

_VERSION = b"\x01"
_NONCE_BYTES = 12
_TAG_BYTES = 16
OVERHEAD_BYTES = len(_VERSION) + _NONCE_BYTES + _TAG_BYTES
"""How much longer a sealed value is than what is inside it."""


class SealBroken(Exception):
    """Not sealed with this key for this owner and field, or changed since, or never a sealed value."""

    def __init__(self) -> None:
        super().__init__("the seal is broken")


def new_key() -> bytes:
    """A fresh random key."""
    return os.urandom(KEY_BYTES)


def seal(key: bytes, plaintext: bytes, *, owner: str, field: str) -> bytes:
    """`plaintext` sealed for `owner` and `field`; raises ValueError for a key that is not 32 bytes long."""
    nonce = os.urandom(_NONCE_BYTES)
    return _VERSION + nonce + _cipher(key).encrypt(nonce, plaintext, _associated_data(owner, field))


def open_sealed(key: bytes, sealed: bytes, *, owner: str, field: str) -> bytes:
    """What was sealed; raises SealBroken, and ValueError for a key that is not 32 bytes long."""
    cipher = _cipher(key)
    if len(sealed) < OVERHEAD_BYTES or sealed[:1] != _VERSION:
        raise SealBroken
    nonce, ciphertext = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
    try:
        return cipher.decrypt(nonce, ciphertext, _associated_data(owner, field))
    except InvalidTag:
        raise SealBroken from None


def seal_text(key: bytes, text: str, *, owner: str, field: str) -> str:
    """`seal` for JSON: text in, base64 out."""
    return base64.b64encode(seal(key, text.encode(), owner=owner, field=field)).decode()


def open_text(key: bytes, sealed: str, *, owner: str, field: str) -> str:
    """`open_sealed` for JSON: base64 in, text out; base64 in any but its one canonical spelling is broken too."""
    try:
        raw = base64.b64decode(sealed, validate=True)
    except (binascii.Error, ValueError):
        raise SealBroken from None
    # The last character before padding has unused bits that a decoder ignores: one value would have several spellings.
    if base64.b64encode(raw).decode() != sealed:
        raise SealBroken
    try:
        return open_sealed(key, raw, owner=owner, field=field).decode()
    except UnicodeDecodeError:
        # `from None` also here: the decoder's error carries the opened bytes.
        raise SealBroken from None


def _cipher(key: bytes) -> AESGCM:
    if len(key) != KEY_BYTES:
        raise ValueError(f"a key has {KEY_BYTES} bytes")
    return AESGCM(key)


def _associated_data(owner: str, field: str) -> bytes:
    name = owner.encode()
    return _VERSION + len(name).to_bytes(2) + name + field.encode()
