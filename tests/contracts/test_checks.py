"""What is committed is what the contracts say, and the check finds it when it isn't."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from contracts import catalogue, checks, documentation
from contracts.catalogue import MESSAGES, NOTIFICATION, ROOT, Message

LETTER_FAILED = next(message for message in MESSAGES if message.name == "letter.failed.v1")


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of what is committed, to spoil."""
    root = tmp_path / "contracts"
    for owner in {message.owner for message in MESSAGES}:
        for folder in ("schemas", "examples"):
            shutil.copytree(ROOT / owner / folder, root / owner / folder)
    monkeypatch.setattr(catalogue, "ROOT", root)
    return root


def problems_of(message: Message) -> list[str]:
    return list(checks.message_problems(message))


@pytest.mark.rule("O1")
def test_what_is_committed_may_be_published() -> None:
    assert checks.problems() == []


def test_the_command_says_so_too() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "contracts", "check"], cwd=ROOT.parent, capture_output=True, check=False
    )

    assert (done.returncode, done.stderr) == (0, b"")


def test_a_schema_that_is_not_the_models_is_found(elsewhere: Path) -> None:
    _edit(elsewhere / "letter/schemas/letter.failed.v1.json", lambda schema: schema["properties"].pop("reason"))

    assert any("python -m contracts schemas" in each for each in problems_of(LETTER_FAILED))


def test_a_change_that_breaks_the_release_is_found(elsewhere: Path) -> None:
    _edit(
        elsewhere / "letter/schemas/released/letter.failed.v1.json",
        lambda schema: schema["properties"].update(gone={"type": "string"}),
    )

    assert problems_of(LETTER_FAILED) == ["letter.failed.v1: incompatible with the release: gone: was removed"]


def test_an_example_that_is_not_valid_any_more_is_found(elsewhere: Path) -> None:
    _edit(elsewhere / "letter/examples/letter.failed.v1.json", lambda example: example.pop("reason"))

    assert any("not valid any more" in each for each in problems_of(LETTER_FAILED))


def test_a_message_without_example_is_found(elsewhere: Path) -> None:
    (elsewhere / "letter/examples/letter.failed.v1.json").unlink()

    assert any("no golden example" in each for each in problems_of(LETTER_FAILED))


def test_a_page_that_is_not_up_to_date_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(documentation, "DOCS", ROOT.parent / "docs" / "nowhere")

    found = list(checks.page_problems())

    assert all("python -m contracts docs" in each for each in found)
    assert len(found) == len(documentation.pages())


def test_every_field_of_a_notification_is_described() -> None:
    schema = NOTIFICATION.schema()

    bare = [
        f"{name}.{field}"
        for name, each in schema["$defs"].items()
        for field, told in each.get("properties", {}).items()
        if "description" not in told
    ]
    assert bare == []


def _edit(path: Path, change: Any) -> None:
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))
