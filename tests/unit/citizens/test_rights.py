"""A token says who asks; a right has a purpose."""

import hmac
from hmac import compare_digest
from pathlib import Path
from uuid import UUID

import pytest

from services.citizens.domain.rights import PURPOSES, Act, BadTokens, Caller, Tokens, admit

REFERENCE = UUID(int=1)
ONE, TWO = "a" * 32, "b" * 32


def test_a_token_is_known_by_its_owner_alone() -> None:
    tokens = Tokens.parse(f"intake={ONE},ops={TWO}")

    assert tokens.caller(ONE) is Caller.INTAKE
    assert tokens.caller(TWO) is Caller.OPS
    for wrong in ("", "a", "a" * 31, "a" * 33, ONE.upper(), "intake", f"intake={ONE}", "\udcff" * 32):
        assert tokens.caller(wrong) is None


def test_a_caller_has_two_tokens_while_one_is_being_changed() -> None:
    tokens = Tokens.parse(f" intake={ONE} , intake={TWO},")
    assert tokens.caller(ONE) is tokens.caller(TWO) is Caller.INTAKE


def test_a_token_may_hold_the_sign_of_equality() -> None:
    assert Tokens.parse(f"tasks={ONE}==").caller(f"{ONE}==") is Caller.TASKS


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "no token"),
        (",,", "no token"),
        (ONE, "item 1 names no known caller"),
        (f"intake={ONE},nobody={TWO}", "item 2 names no known caller"),
        (f"intake={ONE[1:]}", "token of intake is shorter than 32"),
        ("intake", "token of intake is shorter than 32"),
        (f"intake={ONE},tasks={ONE}", "share a token"),
        (f"intake={ONE},intake={ONE}", "has it twice"),
        (f"intake={ONE},intake={TWO},intake={'c' * 32}", "more than 2 tokens of intake"),
    ],
)
def test_tokens_that_cannot_be_used_are_told_without_being_shown(text: str, told: str) -> None:
    with pytest.raises(BadTokens, match=told) as caught:
        Tokens.parse(text)
    assert ONE[1:] not in str(caught.value)


def test_every_known_token_is_compared_to_the_end_and_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    tokens = Tokens.parse(f"intake={ONE},intake={TWO},ops={'c' * 32}")
    compared: list[tuple[int, int]] = []

    def counting(one: bytes, other: bytes) -> bool:
        compared.append((len(one), len(other)))
        return compare_digest(one, other)

    monkeypatch.setattr(hmac, "compare_digest", counting)
    for presented in (ONE, TWO, "c" * 32, "", "x" * 10_000):
        compared.clear()
        tokens.caller(presented)
        assert compared == [(32, 32)] * 3


def test_the_page_of_the_vault_tells_exactly_these_rights() -> None:
    page = (Path(__file__).parents[3] / "services" / "citizens" / "README.md").read_text(encoding="utf-8")
    rows = [line.strip("| \n").split(" | ") for line in page.splitlines() if line.startswith("| `/v1/")]
    told = {
        (Caller(caller), Act(row[0].strip("`").removeprefix("/v1/")), purpose)
        for row in rows
        for caller, _, purpose in (right.strip("`").partition(": ") for right in row[1].split(", "))
    }
    assert told == {(caller, act, purpose) for (caller, act), purpose in PURPOSES.items()}


@pytest.mark.parametrize("act", list(Act))
@pytest.mark.parametrize("caller", list(Caller))
def test_who_is_admitted_has_a_purpose(caller: Caller, act: Act) -> None:
    asking = admit(caller, act, REFERENCE)
    assert asking is None or (asking.purpose, asking.caller, asking.act) == (asking.purpose or None, caller, act)


def test_only_the_notifier_sees_names_and_addresses_and_only_ops_destroys() -> None:
    assert [caller for caller in Caller if admit(caller, Act.CARDS, REFERENCE)] == [Caller.NOTIFIER]
    assert [caller for caller in Caller if admit(caller, Act.DESTROY, REFERENCE)] == [Caller.OPS]
