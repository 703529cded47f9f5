"""What the measurement of the whole path makes of what it saw."""

from pathlib import Path
from uuid import UUID, uuid4

import pytest

from bench import notes
from bench.child import Measured
from bench.notes import Note
from bench.whole import Whole, beside, spread, table

FIRST, SECOND = UUID(int=1), UUID(int=2)


def whole(memo: float = 0.0) -> Whole:
    cpu = {"citizens": 1.0, "intake": 2.0, "tasks": 3.0, "notifier": 4.0, "rendering": 40.0, "postgres": 5.0}
    return Whole(count=10_000, seconds=8.0, cpu=cpu, memo=memo)


def test_what_is_ours_is_the_four_services_without_rendering_servers_and_building_messages() -> None:
    assert whole(memo=2.5).ours == pytest.approx(0.75)
    assert whole().ours == pytest.approx(1.0)
    assert whole().rate == pytest.approx(1_250)


def test_the_table_begins_with_the_greediest_and_ends_with_what_is_ours() -> None:
    lines = table(whole(memo=2.5)).splitlines()
    assert lines[0].split()[:2] == ["rendering", "4.000"]
    assert [line.split()[0] for line in lines[1:-2]] == ["postgres", "notifier", "tasks", "intake", "citizens"]
    assert "MeMo" in lines[-2]
    assert "0.750" in lines[-1]


def test_it_is_held_against_four_bare_loops_by_their_median() -> None:
    bare = [Measured(records=1_000, seconds=seconds, cpu=seconds, peak=1) for seconds in (0.1, 0.2, 5.0)]
    told = beside(whole(memo=2.5), bare)
    assert "medians of 3 runs: 1250/s, 0.800 CPU s" in told
    assert told.endswith("1.00 of the rate, the four services 0.9 times the CPU")


def test_a_spread_is_told_in_milliseconds() -> None:
    assert spread([nth / 1000 for nth in range(1, 200)]) == "p50 100 ms, p99 198 ms"


def test_a_note_is_read_as_it_was_written(tmp_path: Path) -> None:
    written = [Note(uuid4(), 1_764_000_000.25, 0.5), Note(uuid4(), 1_764_000_001.0, 0.75)]
    file = tmp_path / "notes"
    file.write_text("".join(note.line for note in written))
    assert notes.read(file) == written
    assert notes.memo_seconds(written) == 0.75


def test_a_line_that_is_being_written_does_not_count_and_no_file_is_no_note(tmp_path: Path) -> None:
    file = tmp_path / "notes"
    assert notes.read(file) == []
    assert notes.memo_seconds([]) == 0.0
    whole_line = Note(FIRST, 1.0, 0.5)
    file.write_text(whole_line.line + Note(SECOND, 2.0, 0.6).line[:20])
    assert notes.read(file) == [whole_line]


def test_of_a_letter_that_is_handed_in_again_the_first_time_counts() -> None:
    noted = [Note(FIRST, 1.0, 0.1), Note(SECOND, 2.0, 0.2), Note(FIRST, 3.0, 0.3)]
    assert notes.handed_in(noted) == {FIRST: 1.0, SECOND: 2.0}
