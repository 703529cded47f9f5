"""Synthetic people and employers: right in form, nobody's in fact, one number each."""

from contracts.nemrefusion.v1 import is_cpr_number, is_cvr_number, is_replacement_number
from simulators.nemrefusion import people


def test_every_person_has_a_replacement_number_of_their_own() -> None:
    numbers = [people.cpr_number(number) for number in range(50_000)]

    assert len(set(numbers)) == len(numbers)
    assert all(is_cpr_number(cpr) and is_replacement_number(cpr) for cpr in numbers)


def test_numbers_at_the_end_of_the_range_are_right_too() -> None:
    for number in (people.PEOPLE - 1, people.PEOPLE, 10**12):
        assert is_cpr_number(people.cpr_number(number))


def test_every_employer_has_a_company_number_that_has_not_been_given_out() -> None:
    numbers = [people.cvr_number(number) for number in range(people.EMPLOYERS)]

    assert all(is_cvr_number(cvr) and cvr.startswith("9") for cvr in numbers)
    assert len(set(numbers)) > people.EMPLOYERS * 0.99


def test_the_same_number_is_the_same_person_in_every_run() -> None:
    assert people.person(42) == people.person(42)
    assert people.person(42).citizen["cpr"] != people.person(43).citizen["cpr"]


def test_some_addresses_are_protected_and_names_have_danish_letters() -> None:
    some = [people.person(number) for number in range(2_000)]

    assert 0.02 < sum(each.citizen["has_address_protection"] for each in some) / len(some) < 0.06
    assert {letter for each in some for letter in each.citizen["name"]} >= set("æøåÆØÅ")


def test_nothing_personal_shows_in_a_repr() -> None:
    assert people.cpr_number(7) not in repr(people.person(7))
