"""U32: encrypted PDFs of every kind that there is, made here because libraries draw keys by chance.

Algorithms by their numbers in ISO 32000-2, 7.6.
"""

import hashlib
from collections.abc import Callable
from functools import partial
from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

from tests.support.bad_uploads import pdf
from tests.support.bad_uploads.case import Uploads, refused
from tests.support.bad_uploads.pdf import CONTENT, MORE

USER: Final = b"hemmelig"
OWNER: Final = b"ejer"
_PADDING: Final = bytes.fromhex("28bf4e5e4e758a4164004e56fffa01082e2e00b6d0683e802f0ca9fe6453697a")
_ID: Final = bytes(range(16))
_VECTOR: Final = bytes(range(16, 32))
_PERMISSIONS: Final = (-3904 & 0xFFFFFFFF).to_bytes(4, "little")
"""Nothing but reading aloud."""


def cases() -> Uploads:
    for kind, build in (
        ("RC4-40", partial(rc4, 2)),
        ("RC4-128", partial(rc4, 3)),
        ("AES-128", aes_128),
        ("AES-256", aes_256),
    ):
        yield refused("U32", f"{kind}, needs a password", "brev.pdf", partial(build, USER), "encrypted")
        yield refused("U32", f"{kind}, opens with an empty password", "brev.pdf", partial(build, b""), "encrypted")
    yield refused("U32", "for a certificate", "brev.pdf", for_a_certificate, "encrypted")
    yield refused("U32", "by a handler that nobody knows", "brev.pdf", for_nobody, "encrypted")
    yield refused("U32", "/Encrypt in a previous revision only", "brev.pdf", no_longer, "encrypted")
    yield refused("U32", "/Encrypt in the last revision only", "brev.pdf", only_lately, "encrypted")
    yield refused("U32", "/Encrypt, where nothing is encrypted", "brev.pdf", in_name_only, "encrypted")


def rc4(revision: int, user: bytes) -> bytes:
    """40 bits (revision 2) or 128 bits (revision 3)."""
    size = 5 if revision == 2 else 16
    key, entries = _standard(user, revision=revision, size=size)
    version = b"/V 1" if revision == 2 else b"/V 2 /Length 128"
    return _encrypted(partial(_rc4_stream, key), b"%b /R %d %b" % (version, revision, entries))


def aes_128(user: bytes) -> bytes:
    key, entries = _standard(user, revision=4, size=16)
    filters = b"/CF << /StdCF << /CFM /AESV2 /AuthEvent /DocOpen /Length 16 >> >> /StmF /StdCF /StrF /StdCF"
    return _encrypted(partial(_aes_stream, key), b"/V 4 /R 4 /Length 128 %b %b" % (filters, entries))


def aes_256(user: bytes) -> bytes:
    """Revision 6, of PDF 2.0."""
    key = bytes(range(32, 64))
    salts = [bytes((nth,)) * 8 for nth in range(4)]
    user_check = _hardened(user, salts[0]) + salts[0] + salts[1]
    user_key = _aes(_hardened(user, salts[1]), bytes(16), key)
    owner_check = _hardened(OWNER, salts[2], user_check) + salts[2] + salts[3]
    owner_key = _aes(_hardened(OWNER, salts[3], user_check), bytes(16), key)
    # a single block, so that the mode does not matter
    permissions = _aes(key, bytes(16), _PERMISSIONS + b"\xff\xff\xff\xffTadb" + b"mits")
    checks = zip(
        (b"O", b"U", b"OE", b"UE", b"Perms"), (owner_check, user_check, owner_key, user_key, permissions), strict=True
    )
    entries = b" ".join(b"/%b <%b>" % (name, value.hex().encode()) for name, value in checks)
    filters = b"/CF << /StdCF << /CFM /AESV3 /AuthEvent /DocOpen /Length 32 >> >> /StmF /StdCF /StrF /StdCF"
    return _encrypted(lambda data: _aes_padded(key, data), b"/V 5 /R 6 /Length 256 /P -3904 %b %b" % (filters, entries))


def for_a_certificate() -> bytes:
    """Whoever has the private key reads it; the recipient here is nobody."""
    recipient = b"30820100".ljust(528, b"0")
    said = b"<< /Filter /Adobe.PubSec /SubFilter /adbe.pkcs7.s4 /V 2 /Length 128 /Recipients [<%b>] >>" % recipient
    return _declared(said, pdf.stream(bytes(range(256))))


def for_nobody() -> bytes:
    return _declared(b"<< /Filter /Egen.Laas /V 1 >>", pdf.stream(bytes(range(256))))


def in_name_only() -> bytes:
    """All filters are the identity: the words are readable, and it says that it is encrypted."""
    _, entries = _standard(b"", revision=4, size=16)
    said = b"<< /Filter /Standard /V 4 /R 4 /Length 128 /CF << >> /StmF /Identity /StrF /Identity %b >>" % entries
    return _declared(said, pdf.letter_objects()[CONTENT])


def no_longer() -> bytes:
    """The last revision replaces all that was encrypted, and does not speak of it any more."""
    return pdf.update(rc4(3, USER), {CONTENT: pdf.letter_objects()[CONTENT]})


def only_lately() -> bytes:
    key, entries = _standard(USER, revision=3, size=16)
    said = b"<< /Filter /Standard /V 2 /Length 128 /R 3 %b >>" % entries
    words = pdf.stream(_rc4_stream(key, pdf.text(*pdf.LINES)))
    return pdf.update(pdf.plain(), {CONTENT: words, MORE: said}, trailer=_trailer())


def _encrypted(encrypt: Callable[[bytes], bytes], entries: bytes) -> bytes:
    """The letter, whose only stream is encrypted so."""
    return _declared(b"<< /Filter /Standard %b >>" % entries, pdf.stream(encrypt(pdf.text(*pdf.LINES))))


def _declared(said: bytes, words: bytes) -> bytes:
    return pdf.letter(more={CONTENT: words, MORE: said}, trailer=_trailer())


def _trailer() -> bytes:
    return b"/Encrypt 6 0 R /ID [<%b> <%b>]" % ((_ID.hex().encode(),) * 2)


def _standard(user: bytes, *, revision: int, size: int) -> tuple[bytes, bytes]:
    """The file's key, and what is said about it: algorithms 2, 3, 4 and 5."""
    rounds = range(1, 20) if revision > 2 else range(0)
    digest = _md5(_padded(OWNER))
    for _ in range(50 if revision > 2 else 0):
        digest = _md5(digest)
    owner = _rc4(digest[:size], _padded(user))
    for nth in rounds:
        owner = _rc4(_mixed(digest[:size], nth), owner)
    key = _md5(_padded(user) + owner + _PERMISSIONS + _ID)
    for _ in range(50 if revision > 2 else 0):
        key = _md5(key[:size])
    key = key[:size]
    check = _rc4(key, _PADDING if revision == 2 else _md5(_PADDING + _ID))
    for nth in rounds:
        check = _rc4(_mixed(key, nth), check)
    said = b"/O <%b> /U <%b> /P -3904" % (owner.hex().encode(), check.ljust(32, b"\0").hex().encode())
    return key, said


def _rc4_stream(key: bytes, data: bytes) -> bytes:
    """Algorithm 1: each object has a key of its own; ours is always the letter's words."""
    return _rc4(_md5(key + CONTENT.to_bytes(3, "little") + bytes(2))[: min(len(key) + 5, 16)], data)


def _aes_stream(key: bytes, data: bytes) -> bytes:
    return _aes_padded(_md5(key + CONTENT.to_bytes(3, "little") + bytes(2) + b"sAlT"), data)


def _aes_padded(key: bytes, data: bytes) -> bytes:
    missing = 16 - len(data) % 16
    return _VECTOR + _aes(key, _VECTOR, data + bytes((missing,)) * missing)


def _hardened(password: bytes, salt: bytes, user_check: bytes = b"") -> bytes:
    """Algorithm 2.B."""
    digest = hashlib.sha256(password + salt + user_check).digest()
    last = nth = 0
    while nth < 64 or last > nth - 32:
        mixed = _aes(digest[:16], digest[16:32], (password + digest + user_check) * 64)
        kind = (hashlib.sha256, hashlib.sha384, hashlib.sha512)[sum(mixed[:16]) % 3]
        digest, last, nth = kind(mixed).digest(), mixed[-1], nth + 1
    return digest[:32]


def _aes(key: bytes, vector: bytes, data: bytes) -> bytes:
    encryptor = Cipher(AES(key), CBC(vector)).encryptor()
    return encryptor.update(data) + encryptor.finalize()


def _padded(password: bytes) -> bytes:
    return (password + _PADDING)[:32]


def _mixed(key: bytes, nth: int) -> bytes:
    return bytes(byte ^ nth for byte in key)


def _md5(data: bytes) -> bytes:
    return hashlib.md5(data, usedforsecurity=False).digest()


def _rc4(key: bytes, data: bytes) -> bytes:
    box = list(range(256))
    j = 0
    for i in range(256):
        j = (j + box[i] + key[i % len(key)]) % 256
        box[i], box[j] = box[j], box[i]
    i = j = 0
    out = bytearray()
    for byte in data:
        i = (i + 1) % 256
        j = (j + box[i]) % 256
        box[i], box[j] = box[j], box[i]
        out.append(byte ^ box[(box[i] + box[j]) % 256])
    return bytes(out)
