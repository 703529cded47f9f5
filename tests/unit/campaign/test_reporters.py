"""Reporters send in portions, wait while the house is behind, and count what is surely in the log."""

from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest

from campaign import sender
from campaign.journal import Journal
from campaign.sender import Reporters


class Sent:
    """A sender that ends at once; `started` are the seeds and lengths of all of them."""

    started: list[tuple[str, str]]
    is_alive = False

    def __init__(self, _name: str, argv: tuple[str, ...], *, log_path: Path) -> None:
        assert log_path.name == "log"
        told = dict(zip(argv[4::2], argv[5::2], strict=True))
        self._told = told["--seed"], told["--count"]

    def start(self) -> None:
        self.started.append(self._told)

    def stop(self, timeout: float) -> int:
        assert timeout
        return 0


@pytest.fixture
def reporters(tmp_path: Path) -> Iterator[Reporters]:
    journal = Journal(tmp_path / "history.jsonl")
    yield Reporters(
        "127.0.0.1:1",
        tmp_path / "ledger.jsonl",
        seed=7,
        rate=10,
        odd=0,
        attached=0,
        strangers=0,
        late=0,
        portion=250,
        log=tmp_path / "log",
        journal=journal,
    )
    journal.close()


def test_each_portion_has_a_seed_of_its_own_and_begins_only_when_the_house_keeps_pace(
    reporters: Reporters, monkeypatch: pytest.MonkeyPatch
) -> None:
    Sent.started = []
    monkeypatch.setattr(sender, "Process", Sent)
    monkeypatch.setattr(sender, "_LOOKS_AGAIN_SECONDS", 0.0)
    enough = Event()
    behind = iter([False, True, True, False, False])
    started_when_asked: list[int] = []

    def is_behind() -> bool:
        started_when_asked.append(len(Sent.started))
        if len(started_when_asked) == 5:
            enough.set()
        return next(behind)

    reporters.run(enough, is_behind)
    assert started_when_asked == [0, 1, 1, 1, 2]
    assert Sent.started == [("7", "250"), ("1007", "250"), ("2007", "250")]


def test_what_is_acknowledged_is_counted_on_and_a_line_only_when_it_is_whole(
    reporters: Reporters, tmp_path: Path
) -> None:
    assert reporters.acknowledged == 0
    ledger = tmp_path / "ledger.jsonl"
    ledger.write_text('{"type": "invoke"}\n{"type": "ok"}\n{"type": "ok", "off')
    assert reporters.acknowledged == 1
    with ledger.open("a") as more:
        more.write('set": 3}\n{"type": "ok"}\n')
    assert [reporters.acknowledged, reporters.acknowledged] == [3, 3]
