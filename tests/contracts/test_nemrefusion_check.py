"""The reporters' own check: the same answers that intake would give, from a command that needs nothing."""

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from contracts.catalogue import NOTIFICATION, ROOT
from contracts.nemrefusion.checking import Checker, Finding, looks_like_lines
from contracts.nemrefusion.municipalities import is_municipality
from contracts.nemrefusion.v1 import Outcome
from contracts.nemrefusion.v1.plausibility import Rules
from tests.contracts.notifications import changed, golden, written

AT = datetime(2026, 5, 5, 12, tzinfo=UTC)
REPORT = golden("absence_reported.employee")


def check(content: bytes, *, by_lines: bool = False, accept_test_cpr: bool = True) -> list[Finding]:
    checker = Checker(at=AT, rules=Rules(accept_test_cpr=accept_test_cpr, is_municipality=is_municipality))
    return list(checker.check(content, by_lines=by_lines))


def outcomes(content: bytes, **how: bool) -> list[tuple[int, Outcome]]:
    return [(each.line, each.outcome) for each in check(content, **how)]


def codes(content: bytes, **how: bool) -> list[dict[str, str]]:
    return [{one.field: one.code.value for one in each.reasons} for each in check(content, **how)]


@pytest.mark.parametrize("path", NOTIFICATION.examples, ids=lambda path: path.stem)
def test_a_golden_example_would_be_taken(path: Path) -> None:
    assert outcomes(path.read_bytes()) == [(1, Outcome.ACCEPTED)]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"citizen.cpr": "not a number"}, {"citizen.cpr": "bad-cpr"}),  # form
        ({"last_absence_day": "2026-01-01"}, {"last_absence_day": "inconsistent"}),  # against another field
        ({"municipality_code": "0999"}, {"municipality_code": "not-ours"}),  # against the register
        ({"sent_at": "2026-05-05T13:00:00Z"}, {"sent_at": "implausible-date"}),  # against the clock
    ],
)
def test_every_sort_of_rule_is_applied(changes: dict[str, Any], expected: dict[str, str]) -> None:
    assert codes(written(changed(REPORT, changes))) == [expected]


def test_a_fund_learns_that_two_weeks_are_its_own() -> None:
    report = changed(golden("absence_reported.unemployed"), {"last_absence_day": "2026-03-16"})

    assert codes(written(report)) == [{"last_absence_day": "with-fund"}]


def test_test_numbers_are_refused_unless_asked_for() -> None:
    assert codes(written(REPORT), accept_test_cpr=False) == [{"citizen.cpr": "test-cpr"}]


def test_an_id_is_remembered_through_the_file() -> None:
    other = changed(REPORT, {"first_absence_day": "2026-03-03"})
    lines = b"\n".join(written(each) for each in (REPORT, REPORT, other))

    assert outcomes(lines) == [(1, Outcome.ACCEPTED), (2, Outcome.DUPLICATE), (3, Outcome.REJECTED)]
    assert codes(lines)[2] == {"notification_id": "conflict"}


def test_the_id_of_what_was_rejected_is_free() -> None:
    wrong = changed(REPORT, {"municipality_code": "0999"})

    assert [each for _, each in outcomes(written(wrong) + b"\n" + written(REPORT))] == ["rejected", "accepted"]


def test_blank_lines_count_but_are_passed_over() -> None:
    lines = b"\r\n" + written(REPORT) + b"\r\n\r\n" + written(golden("withdrawn.minimal")) + b"\r\n"

    assert outcomes(lines) == [(2, Outcome.ACCEPTED), (4, Outcome.ACCEPTED)]


def test_a_broken_line_costs_the_others_nothing() -> None:
    lines = b"\n".join((written(REPORT)[:-5], written(golden("withdrawn.minimal")), b'{"version": 1}', b"\xff\xfe"))

    assert [each for _, each in outcomes(lines)] == ["rejected", "accepted", "rejected", "rejected"]


@pytest.mark.parametrize(
    ("content", "by_lines"),
    [
        (json.dumps(REPORT, indent=2).encode(), False),
        (written(REPORT), False),
        (written(REPORT) + b"\n", False),
        (b"[\n" + b",\n".join([written(REPORT)] * 9) + b"\n]", False),
        (b'{"a": 1}\n{"b": 2}', True),
        (b'{"a": \n{"b": 2}', True),
        (b"", False),
        (b"\n\n", False),
    ],
)
def test_one_object_is_told_from_lines(content: bytes, by_lines: bool) -> None:
    assert looks_like_lines(content) is by_lines


def test_a_list_is_refused_as_it_would_be_when_sent() -> None:
    content = b"[\n  " + b",\n  ".join([written(REPORT)] * 2) + b"\n]"

    assert codes(content) == [{"": "wrong-shape"}]


@pytest.mark.parametrize("content", [b"", b"\xff\xfe{", b"null", b"\x00" * 100, b"{" * 50_000, b"\n{\n{\n"])
@pytest.mark.parametrize("by_lines", [False, True])
def test_nothing_raises(content: bytes, by_lines: bool) -> None:
    assert all(each.outcome is Outcome.REJECTED for each in check(content, by_lines=by_lines))


def run(*arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "contracts.nemrefusion", "check", "--at", "2026-05-05T12:00:00Z", *arguments]
    return subprocess.run(command, cwd=ROOT.parent, input=stdin, capture_output=True, check=False)


def test_the_command_says_for_each_what_to_do(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    good.write_bytes(written({**REPORT, "shoe_size": 42}))
    bad.write_bytes(b"{")
    done = run("--test-numbers", str(good), str(bad))

    told = done.stdout.decode().splitlines()
    assert done.returncode == 1
    assert told[0] == f"{good}:1: accepted absence_reported {REPORT['notification_id']} (unknown fields passed over: 1)"
    assert told[1] == f"{bad}:1: rejected"
    assert told[2].startswith("    the whole message: not-json: ")
    assert told[3:] == ["1 accepted, 1 rejected"]


def test_the_command_answers_programs_in_json() -> None:
    done = run("--json", "-", stdin=written(REPORT))

    (told,) = [json.loads(line) for line in done.stdout.splitlines()]
    assert told["file"] == "-"
    assert told["outcome"] == "rejected"
    assert [(each["field"], each["code"]) for each in told["reasons"]] == [("citizen.cpr", "test-cpr")]


def test_the_commands_exit_code_tells_all(tmp_path: Path) -> None:
    lines = tmp_path / "month.jsonl"
    lines.write_bytes(written(REPORT))

    assert run("--test-numbers", str(lines)).returncode == 0
    assert run(str(lines)).returncode == 1
    assert run("--test-numbers", str(lines), str(tmp_path / "absent")).returncode == 2
    assert run().returncode == 2


def test_the_command_ends_in_silence_when_nobody_reads_on(tmp_path: Path) -> None:
    lines = tmp_path / "month.jsonl"
    lines.write_bytes(b"{}\n" * 5_000)
    command = [sys.executable, "-m", "contracts.nemrefusion", "check", str(lines)]
    with subprocess.Popen(command, cwd=ROOT.parent, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as checking:
        assert checking.stdout is not None
        assert checking.stderr is not None
        assert checking.stdout.readline().startswith(str(lines).encode())
        checking.stdout.close()
        told = checking.stderr.read()
        ended = checking.wait(30)

    assert (ended, told) == (141, b"")


def test_nothing_of_what_a_message_holds_is_told() -> None:
    done = run("-", stdin=written(changed(REPORT, {"citizen.cpr": "9999999999", "pay.kind": "secret-word"})))

    assert done.returncode == 1
    assert b"9999999999" not in done.stdout
    assert b"secret-word" not in done.stdout


def test_the_command_needs_pydantic_and_nothing_more() -> None:
    program = "import sys, contracts.nemrefusion.__main__; print(*{each.partition('.')[0] for each in sys.modules})"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT.parent, capture_output=True, check=True)

    needed = set(done.stdout.decode().split()) - set(sys.stdlib_module_names)
    assert needed & {"aiohttp", "aiokafka", "asyncpg", "cryptography", "faststream", "plumbing", "services"} == set()
    assert {"contracts", "pydantic"} <= needed
