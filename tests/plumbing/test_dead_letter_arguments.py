"""What the command of dead letters takes, and what it refuses before it asks any server."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest

from plumbing.dead_letters import words
from plumbing.dead_letters.arguments import List, Replay, Show, WrongUsage, parse
from plumbing.dead_letters.ledger import Signature
from plumbing.dead_letters.letters import DeadLetter, Position, Wish
from plumbing.dead_letters.opening import Original

ID = "0b9a5f3e-1111-4222-8333-000000000001"
SIGNED = ("--actor", "kbh", "--purpose", "INC-42")
LETTER = DeadLetter(
    id=UUID(ID),
    filed=Position("g.dlq", 0, 7),
    group="g",
    record=Position("notifications", 3, 41),
    reasons=(("citizen.cpr", "bad-cpr"), ("sent_at", "too-late")),
    failed_at=datetime(2026, 11, 23, 4, tzinfo=UTC),
    size_bytes=1,
    key_id="dead-letter/intake/2026-11",
    kept_as=None,
)


@pytest.mark.parametrize(
    "wrong",
    [
        (),
        ("drop",),
        ("list", "x"),
        ("list", "--since", "yesterday"),
        ("list", "--at", ":1:2"),
        ("list", "--at", "topic:one"),
        ("list", "--at", "topic:1:2:3"),
        ("list", "--at", "topic:١"),
        ("list", "--id", "x"),
        ("list", "--send"),
        ("show",),
        ("show", "x"),
        ("show", ID, "--original"),
        ("show", ID, "--original", "--actor", "kbh"),
        ("show", ID, "--original", "--purpose", "INC-42"),
        ("show", ID, "--original", "--actor", "kbh", "--purpose", "to look after Kirsten"),
        ("show", ID, "--original", "--actor", "kbh", "--purpose", "610190-0001"),
        ("show", ID, "--original", "--actor", "6101900001", "--purpose", "INC-42"),
        ("replay",),
        ("replay", "--send", *SIGNED),
        ("replay", "--all", "--id", ID),
        ("replay", "--all", "--send"),
        ("replay", "--all", "--send", "--actor", "kbh"),
        ("replay", "--al"),
    ],
)
def test_bad_arguments_are_wrong_usage(wrong: Sequence[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(WrongUsage) as caught:
        parse("intake", wrong)
    assert caught.value.code == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert "usage: python -m services.intake dead-letters" in told.err


@pytest.mark.parametrize("written", ["610190_0001", "610190/0001", "61.01.90:0001", "61-01-90-0001", "6101900001"])
@pytest.mark.parametrize("around", ["{}", "INC-{}", "sag/{}#2"])
def test_a_persons_number_gets_into_the_audit_trail_in_no_spelling(written: str, around: str) -> None:
    for told in (("--actor", "kbh", "--purpose", around.format(written)), ("--actor", f"a.{written}", *SIGNED[2:])):
        with pytest.raises(WrongUsage):
            parse("intake", ["replay", "--all", "--send", *told])


@pytest.mark.parametrize("case", ["INC-42", "2026-11-0042", "INC-20261123-0001", "sag/2026/1234", "610190000123"])
def test_a_case_number_is_a_purpose(case: str) -> None:
    told = parse("intake", ["replay", "--all", "--send", "--actor", "kbh", "--purpose", case])
    assert isinstance(told, Replay)
    assert told.signature == Signature(actor="ops:kbh", purpose=case)


def test_help_is_no_error(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(WrongUsage) as caught:
        parse("intake", ["replay", "--help"])
    assert caught.value.code == 0
    assert "--send" in capsys.readouterr().out


def test_without_send_a_replay_is_a_dry_run_and_without_original_nothing_is_opened() -> None:
    assert parse("intake", ["replay", "--all"]) == Replay(wish=Wish(), signature=None, again=False)
    assert parse("intake", ["show", ID, *SIGNED]) == Show(id=UUID(ID), signature=None, force=False)
    signature = Signature(actor="ops:kbh", purpose="INC-42")
    sent = parse("intake", ["replay", "--id", ID, "--send", *SIGNED])
    assert sent == Replay(wish=Wish(ids=frozenset([UUID(ID)])), signature=signature, again=False)


@pytest.mark.parametrize(
    ("told", "is_meant"),
    [
        ((), True),
        (("--since", "2026-11-23"), True),
        (("--since", "2026-11-23T05:00:00+01:00"), True),
        (("--since", "2026-11-23T04:00:01Z"), False),
        (("--until", "2026-11-23T04:00:00Z"), False),
        (("--until", "2026-11-23T04:00:01Z"), True),
        (("--reason", "too-late"), True),
        (("--reason", "late"), False),
        (("--field", "citizen.cpr"), True),
        (("--field", "citizen.cpr", "--reason", "too-late"), False),
        (("--field", "sent_at", "--reason", "too-late"), True),
        (("--at", "notifications"), True),
        (("--at", "notifications:3"), True),
        (("--at", "notifications:3:41"), True),
        (("--at", "notifications:0"), False),
        (("--at", "others:3:41"), False),
        (("--id", ID), True),
        (("--id", "0b9a5f3e-1111-4222-8333-000000000002"), False),
        (("--id", "0b9a5f3e-1111-4222-8333-000000000002", "--id", ID), True),
    ],
)
def test_filters_narrow_what_is_meant(told: Sequence[str], is_meant: bool) -> None:
    wanted = parse("intake", ["list", *told])
    assert isinstance(wanted, List)
    assert wanted.wish.matches(LETTER) is is_meant


def test_what_a_stranger_sent_cannot_steer_the_terminal() -> None:
    steering = "\x1b[2J\x9b31m\u202eevil\x07\r"
    shown = words.original(
        Original(key=steering.encode(), value=f"{{\n{steering}}}".encode() + b"\xff", headers=[(steering, b"\x1b]0;x")])
    )
    assert all(sign.isprintable() or sign == "\n" for sign in shown)
    assert r"\x1b[2J" in shown
    assert r"\xff" in shown


def test_a_number_in_a_fields_name_is_blacked_out() -> None:
    named = replace(LETTER, reasons=(("citizen._6101900001", "unknown-field"),))
    for told in (
        words.line(named, is_replayed=False),
        words.paragraph(named, []),
        str(words.as_json(named, is_replayed=False)),
    ):
        assert "610190" not in told
        assert "citizen._[redacted]" in told


def test_nothing_of_an_original_stands_in_its_repr() -> None:
    assert "Kirsten" not in repr(Original(key=b"Kirsten", value=b"Kirsten", headers=[("Kirsten", b"Kirsten")]))
