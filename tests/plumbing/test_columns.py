"""What is sent of many rows: what is the same in each once, what is nowhere not at all."""

from plumbing.postgres.columns import shared, sparse


def test_what_is_the_same_in_every_row_is_sent_once() -> None:
    assert shared(["a", "a", "a"]) == ["a"]
    assert shared(["a", "b", "a"]) == ["a", "b", "a"]
    assert shared([1]) == [1]


def test_a_column_that_is_null_somewhere_is_sent_whole_and_one_that_is_so_everywhere_not_at_all() -> None:
    assert list(sparse(["a", None])) == ["a", None]
    assert list(sparse(["a", "a"])) == ["a", "a"]
    assert list(sparse([None, None])) == []
