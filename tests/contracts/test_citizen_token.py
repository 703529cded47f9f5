"""A token of the portal's says for whom it asks, to one service, for minutes; nothing else does."""

import json
import time
from uuid import uuid4

import pytest

from contracts.citizen_token.v1 import LONGEST_LIFE_SECONDS, BadKeys, BadToken, Caller, Issuer, Verifier

SEED = b"thirty-two bytes of a test's own"


@pytest.fixture
def issuer() -> Issuer:
    return Issuer.from_seed(SEED)


@pytest.fixture
def verify(issuer: Issuer) -> Verifier:
    return Verifier(issuer.public_keys, audience="uploads")


def test_a_token_names_the_citizen_and_the_proxy(issuer: Issuer, verify: Verifier) -> None:
    citizen, proxy = uuid4(), uuid4()
    assert verify(issuer.token(citizen, audience="uploads")) == Caller(citizen_id=citizen)
    told = verify(issuer.token(citizen, audience="uploads", actor_id=proxy))
    assert told == Caller(citizen_id=citizen, actor_id=proxy)


@pytest.mark.parametrize("changed", ["header", "claims", "signature", "none", "cut", "long", "empty"])
def test_what_was_changed_is_no_token(issuer: Issuer, verify: Verifier, changed: str) -> None:
    header, claims, signature = issuer.token(uuid4(), audience="uploads").split(".")
    flipped = {"A": "B"}.get(signature[5], "A")
    token = {
        "header": f"{header[:-2]}xx.{claims}.{signature}",
        "claims": f"{header}.{claims[:-4]}AAAA.{signature}",
        "signature": f"{header}.{claims}.{signature[:5]}{flipped}{signature[6:]}",
        "none": f"eyJhbGciOiJub25lIn0.{claims}.",
        "cut": f"{header}.{claims}",
        "long": "x" * 10_000,
        "empty": "",
    }[changed]
    with pytest.raises(BadToken):
        verify(token)


def test_a_token_is_for_one_service_by_one_portal_and_for_minutes(issuer: Issuer, verify: Verifier) -> None:
    now = time.time()
    for token in (
        issuer.token(uuid4(), audience="tasks"),
        Issuer.from_seed(b"somebody else's thirty-two bytes").token(uuid4(), audience="uploads"),
        issuer.token(uuid4(), audience="uploads", seconds=LONGEST_LIFE_SECONDS + 1),
        issuer.token(uuid4(), audience="uploads", seconds=0),
        Issuer.from_seed(SEED, now=lambda: now - 600).token(uuid4(), audience="uploads"),
        Issuer.from_seed(SEED, now=lambda: now + 600).token(uuid4(), audience="uploads"),
    ):
        with pytest.raises(BadToken):
            verify(token)


def test_who_checks_holds_no_private_key(issuer: Issuer) -> None:
    assert "d" not in json.loads(issuer.public_keys)["keys"][0]
    private = {"keys": [issuer._key.as_dict(private=True)]}
    for keys in (json.dumps(private), '{"keys": []}', "[]", "x", json.dumps({"keys": [{"kty": "oct", "k": "A" * 43}]})):
        with pytest.raises(BadKeys):
            Verifier(keys, audience="uploads")
