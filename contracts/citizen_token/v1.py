"""Citizen tokens, version 1: a signed word of the portal's that names the citizen and, where a proxy acts, the proxy too.

A JWT signed with Ed25519 (`alg` Ed25519, RFC 9864). Whoever checks it has the public keys only, so no service can make one.
It is valid for one service (`aud`) and for minutes, and it names people by their random ids. What the citizen may see or do is
decided by the service that is asked, never by the token.

| claim | |
| --- | --- |
| `iss` | `mitsygefravaer/portal` |
| `aud` | the service, e.g. `uploads` |
| `sub` | the citizen's id |
| `act` | `{"sub": <the proxy's citizen id>}`, where one acts (RFC 8693 § 4.1) |
| `iat`, `exp` | seconds; five minutes apart at most |
| `jti` | a random id |
"""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, TypeGuard
from uuid import UUID, uuid4

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet, OKPKey

ISSUER: Final = "mitsygefravaer/portal"
ALGORITHM: Final = "Ed25519"
LONGEST_LIFE_SECONDS: Final = 300
_LEEWAY_SECONDS: Final = 30
_LONGEST_TOKEN: Final = 2_000


class BadToken(Exception):
    """Not a token of the portal's for this service, or not any more. Says nothing of what it held."""


class BadKeys(Exception):
    """The public keys that were configured are none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Caller:
    """For whom the portal asks. `actor_id`: the proxy who acts, if one does."""

    citizen_id: UUID
    actor_id: UUID | None = None


class Verifier:
    """Checks tokens for one service. `keys` is a JWK set (JSON) of public Ed25519 keys, each with a `kid`."""

    def __init__(self, keys: str, *, audience: str, now: Callable[[], float] = time.time) -> None:
        self._keys = _public(keys)
        self._audience = audience
        self._now = now

    def __call__(self, token: str) -> Caller:
        """Raises BadToken."""
        if len(token) > _LONGEST_TOKEN:
            raise BadToken
        try:
            claims = jwt.decode(token, self._keys, algorithms=[ALGORITHM]).claims
        except (JoseError, ValueError, TypeError, KeyError):
            raise BadToken from None
        if claims.get("iss") != ISSUER or claims.get("aud") != self._audience or not self._is_now(claims):
            raise BadToken
        return Caller(citizen_id=_person(claims.get("sub")), actor_id=_actor(claims.get("act")))

    def _is_now(self, claims: Mapping[str, Any]) -> bool:
        begins, ends = claims.get("iat"), claims.get("exp")
        if not (_is_seconds(begins) and _is_seconds(ends)):
            return False
        now = self._now()
        is_short = 0 < ends - begins <= LONGEST_LIFE_SECONDS
        return bool(is_short and begins - _LEEWAY_SECONDS <= now < ends + _LEEWAY_SECONDS)


class Issuer:
    """Makes tokens, with the portal's private key: the portal's side, and that of tests."""

    def __init__(self, key: OKPKey, *, now: Callable[[], float] = time.time) -> None:
        self._key = key
        self._now = now

    @classmethod
    def from_seed(cls, seed: bytes, *, now: Callable[[], float] = time.time) -> "Issuer":
        """The key that follows from 32 secret bytes."""
        pem = Ed25519PrivateKey.from_private_bytes(seed).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        key = OKPKey.import_key(pem)
        key.ensure_kid()
        return cls(key, now=now)

    @property
    def public_keys(self) -> str:
        """The JWK set that a `Verifier` takes."""
        return json.dumps({"keys": [self._key.as_dict(private=False)]}, separators=(",", ":"))

    def token(self, citizen_id: UUID, *, audience: str, actor_id: UUID | None = None, seconds: float = 120) -> str:
        """A token for that citizen at that service."""
        now = int(self._now())
        claims: dict[str, Any] = {
            "iss": ISSUER,
            "aud": audience,
            "sub": str(citizen_id),
            "iat": now,
            "exp": now + int(seconds),
            "jti": str(uuid4()),
        }
        if actor_id is not None:
            claims["act"] = {"sub": str(actor_id)}
        header = {"alg": ALGORITHM, "kid": self._key.kid, "typ": "JWT"}
        return jwt.encode(header, claims, self._key, algorithms=[ALGORITHM])


def _public(keys: str) -> KeySet:
    try:
        found = KeySet.import_key_set(json.loads(keys))
    except (JoseError, ValueError, TypeError, KeyError):
        raise BadKeys("not a JWK set") from None
    if not found.keys or any(not isinstance(key, OKPKey) or key.is_private or not key.kid for key in found.keys):
        raise BadKeys("not public Ed25519 keys, each with a kid")
    return found


def _is_seconds(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)


def _person(value: object) -> UUID:
    try:
        return UUID(str(value))
    except ValueError:
        raise BadToken from None


def _actor(value: object) -> UUID | None:
    if value is None:
        return None
    if not isinstance(value, dict):
        raise BadToken
    return _person(value.get("sub"))
