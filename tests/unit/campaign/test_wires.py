"""A wire names what passes whatever pieces it comes in, and nothing else."""

import pytest

from campaign.wires import Exchange, KafkaWire, PostgresWire

DONE = b"C\x00\x00\x00\x0bCOMMIT\x00Z\x00\x00\x00\x05I"
TAKEN_BACK = b"C\x00\x00\x00\x0dROLLBACK\x00Z\x00\x00\x00\x05I"


def request(key: int, correlation: int, body: bytes = b"") -> bytes:
    head = key.to_bytes(2, "big") + b"\x00\x07" + correlation.to_bytes(4, "big")
    return (len(head) + len(body)).to_bytes(4, "big") + head + body


def answer(correlation: int, body: bytes = b"") -> bytes:
    return (4 + len(body)).to_bytes(4, "big") + correlation.to_bytes(4, "big") + body


def test_a_commit_is_named_when_the_server_says_that_it_is_done() -> None:
    wire = PostgresWire()
    assert wire.asked(b"Q\x00\x00\x00\x0cCOMMIT;\x00") == ()
    assert list(wire.answered(DONE)) == [Exchange.COMMIT]
    assert list(wire.answered(TAKEN_BACK)) == []


@pytest.mark.parametrize("size", [1, 3, 11, 13, 1_000])
def test_requests_and_answers_of_kafka_are_named_in_whatever_pieces_they_come(size: int) -> None:
    wire = KafkaWire()
    asked = request(3, 1) + request(0, 2, b"x" * 300) + request(1, 3, b"y") + request(8, 4, b"z" * 7) + request(0, 5)
    answers = answer(1, b"abc") + answer(2) + answer(3, b"d" * 500) + answer(4) + answer(5, b"e")
    found = [one for at in range(0, len(asked), size) for one in wire.asked(asked[at : at + size])]
    assert found == [Exchange.PRODUCE, Exchange.OFFSET_COMMIT, Exchange.PRODUCE]
    told = [one for at in range(0, len(answers), size) for one in wire.answered(answers[at : at + size])]
    assert told == found


def test_an_answer_is_named_once_and_only_by_whom_it_answers() -> None:
    wire = KafkaWire()
    assert list(wire.asked(request(0, 7))) == [Exchange.PRODUCE]
    assert list(wire.answered(answer(8))) == []
    assert list(wire.answered(answer(7))) == [Exchange.PRODUCE]
    assert list(wire.answered(answer(7))) == []
