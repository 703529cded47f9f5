"""What is typed and stands in the audit trail for ever is a code, never a person's number."""

import pytest

from plumbing.audit import actors


@pytest.mark.parametrize("text", ["anna", "az4711", "Anna.Berg@kommune", "b-2026"])
def test_an_account_is_taken_as_it_was_typed(text: str) -> None:
    assert actors.account(text) == text


@pytest.mark.parametrize("text", ["", "a", "anna berg", "-anna", "a" * 65, "æ1", "anna\n"])
def test_what_is_no_account_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not an account"):
        actors.account(text)


@pytest.mark.parametrize("text", ["0101901234", "010190-1234", "01.01.90-1234", "a010190.1234", "610190-1234"])
def test_what_looks_like_a_persons_number_is_refused_and_not_repeated(text: str) -> None:
    for read in (actors.account, actors.purpose):
        with pytest.raises(ValueError, match="a person's number") as refused:
            read(text)
        assert text not in str(refused.value)


def test_a_purpose_may_be_a_case_number() -> None:
    assert actors.purpose("INC-2026/0815#3") == "INC-2026/0815#3"
