"""The keys that no database holds: master keys, under which citizens' keys are wrapped, and lookup keys, one or two.

Invariants: a data key leaves the process only wrapped by a master key, bound to its owner and to that master key's
id; the newest master key wraps, all of them unwrap; a CPR number is found only by an HMAC under a lookup key,
because the number space is so small that a plain hash of it can be searched in seconds. Key ids are derived from the
keys, so that one can't carry another's name.
"""

import base64
import binascii
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from plumbing.sealing import KEY_BYTES, open_sealed, seal


class BadKey(Exception):
    """The configuration holds no usable key; the text holds nothing of it."""


class MasterKeyMissing(Exception):
    """Something is wrapped by a master key that this process was not given."""

    def __init__(self, key_id: str) -> None:
        super().__init__(f"master key {key_id} is not among those configured")
        self.key_id = key_id


@dataclass(frozen=True, kw_only=True, slots=True)
class WrappedKey:
    """A data key as the database holds it."""

    master_key_id: str
    sealed: bytes = field(repr=False)


class Keyring:
    """The master keys, newest first."""

    def __init__(self, master_keys: Sequence[bytes]) -> None:
        self._keys = {key_id("master", key): key for key in master_keys}
        self.newest_id = key_id("master", master_keys[0])

    @property
    def ids(self) -> frozenset[str]:
        return frozenset(self._keys)

    def wrap(self, data_key: bytes, *, owner: str) -> WrappedKey:
        """Wrap a data key by the newest master key."""
        sealed = seal(self._keys[self.newest_id], data_key, owner=owner, field=f"data-key.{self.newest_id}")
        return WrappedKey(master_key_id=self.newest_id, sealed=sealed)

    def unwrap(self, wrapped: WrappedKey, *, owner: str) -> bytes:
        """The data key; raises MasterKeyMissing, or SealBroken where the row was tampered with."""
        master_key = self._keys.get(wrapped.master_key_id)
        if master_key is None:
            raise MasterKeyMissing(wrapped.master_key_id)
        return open_sealed(master_key, wrapped.sealed, owner=owner, field=f"data-key.{wrapped.master_key_id}")


class Lookups:
    """Finds a person by CPR number without the number being stored: under one key, or while that is being changed, under two."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._keys = {key_id("lookup", key): key for key in keys}
        self.ids = tuple(self._keys)
        self.wanted_id = self.ids[0]

    def of(self, cpr: str) -> tuple[bytes, ...]:
        """The 32 bytes under which a CPR number is found, for each key in the order of `ids`."""
        told = b"cpr:" + cpr.encode()
        return tuple(hmac.digest(key, told, "sha256") for key in self._keys.values())


def key_id(purpose: str, key: bytes) -> str:
    """A name for a random key that tells nothing of it: 64 bits of a hash."""
    return sha256(b"mit-sygefravaer " + purpose.encode() + b" key id " + key).hexdigest()[:16]


def read_key(text: str) -> bytes:
    """A configured key: base64 of 32 random bytes; raises BadKey."""
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        raise BadKey("not base64") from None
    if len(key) != KEY_BYTES:
        raise BadKey(f"not {KEY_BYTES} bytes in base64")
    # 32 random bytes hold fewer than 16 different ones with probability 10⁻¹⁵: this is a placeholder, not a key.
    if len(set(key)) < KEY_BYTES // 2:
        raise BadKey("not random")
    return key


def read_keys(text: str) -> list[bytes]:
    """Keys separated by commas; raises BadKey."""
    keys = [read_key(item) for item in text.split(",") if item.strip()]
    if not keys:
        raise BadKey("no key is given")
    if len(set(keys)) < len(keys):
        raise BadKey("the same key twice")
    return keys
