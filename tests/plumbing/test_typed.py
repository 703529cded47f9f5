"""What is typed and stands in the audit trail for ever is a code, never a person's number."""

from argparse import ArgumentTypeError
from datetime import UTC, datetime

import pytest

from plumbing import typed


@pytest.mark.parametrize("text", ["anna", "az4711", "Anna.Berg@kommune", "b-2026"])
def test_an_account_is_taken_as_it_was_typed(text: str) -> None:
    assert typed.account(text) == text


@pytest.mark.parametrize("text", ["", "a", "anna berg", "-anna", "a" * 65, "æ1", "anna\n"])
def test_what_is_no_account_is_refused(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match="not an account"):
        typed.account(text)


@pytest.mark.parametrize("text", ["0101901234", "010190-1234", "01.01.90-1234", "a010190.1234", "610190-1234"])
def test_what_looks_like_a_persons_number_is_refused_and_not_repeated(text: str) -> None:
    for read in (typed.account, typed.purpose):
        with pytest.raises(ArgumentTypeError, match="a person's number") as refused:
            read(text)
        assert text not in str(refused.value)


def test_a_purpose_may_be_a_case_number() -> None:
    assert typed.purpose("INC-2026/0815#3") == "INC-2026/0815#3"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("2026-11-23", datetime(2026, 11, 23, tzinfo=UTC)),
        ("2026-11-23T04:00:00Z", datetime(2026, 11, 23, 4, tzinfo=UTC)),
        ("2026-11-23T04:00+01:00", datetime(2026, 11, 23, 3, tzinfo=UTC)),
    ],
)
def test_an_instant_is_in_utc(text: str, found: datetime) -> None:
    assert typed.instant(text) == found


@pytest.mark.parametrize("text", ["", "yesterday", "23-11-2026", "0001-01-01T00:00+01:00"])
def test_what_is_no_instant_is_refused(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match="not a day or instant"):
        typed.instant(text)
