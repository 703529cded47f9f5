"""Pictures for the README: letters as they are set, mailboxes as a browser shows them."""

import os
import struct
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from typing_extensions import override

from stack import __main__ as command
from stack import pictures
from stack.errors import MissingPiece, StackError

_PNG = b"\x89PNG\r\n\x1a\n"
_BROWSER = """#!{python}
import pathlib, sys
path = next(word for word in sys.argv if word.startswith("--screenshot=")).partition("=")[2]
if "/_sim/" not in sys.argv[-1]:
    sys.exit("not a page of a mailbox")
pathlib.Path(path).write_text(sys.argv[-1])
pathlib.Path(path + ".sandbox").write_text(str("--no-sandbox" not in sys.argv))
"""


@pytest.fixture
def browser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program that pictures a page by writing its address down, first in the search path."""
    place = tmp_path / "bin" / "chromium"
    place.parent.mkdir()
    place.write_text(_BROWSER.format(python=sys.executable))
    place.chmod(0o755)
    monkeypatch.setenv("PATH", f"{place.parent}")
    return place


@pytest.fixture
def page() -> list[bytes]:
    """What stands on the gateway's front page."""
    return [b'<a href="/_sim/letters/7">Nr. 7</a> <a href="/_sim/letters/6">Nr. 6</a>']


@pytest.fixture
def gateway(page: list[bytes]) -> Iterator[str]:
    class Front(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(page[0])

        @override
        def log_message(self, *_: object) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Front) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        serving.join()


def test_a_letter_is_pictured_on_a_screen_and_on_paper(tmp_path: Path) -> None:
    made = list(pictures.letters(tmp_path / "new"))

    assert [path.name for path in made] == ["letter.png", "letter-on-paper.png"]
    images = [path.read_bytes() for path in made]
    assert all(image.startswith(_PNG) for image in images)
    width, height = struct.unpack(">II", images[0][16:24])
    assert height / width == pytest.approx(297 / 210, rel=0.01)
    assert images[0] != images[1]


@pytest.mark.usefixtures("browser")
def test_mailboxes_are_pictured_and_the_letter_that_is_first_there(tmp_path: Path, gateway: str) -> None:
    made = list(pictures.mailboxes(tmp_path, gateway))

    assert {path.name: path.read_text() for path in made} == {
        "mailboxes.png": f"{gateway}/_sim/mailboxes",
        "letter-in-mailbox.png": f"{gateway}/_sim/letters/7",
    }
    is_root = os.geteuid() == 0
    assert Path(f"{made[0]}.sandbox").read_text() == str(not is_root)


@pytest.mark.usefixtures("browser")
def test_empty_mailboxes_are_no_picture(tmp_path: Path, gateway: str, page: list[bytes]) -> None:
    page[0] = b"nothing yet"
    with pytest.raises(StackError, match="no letter"):
        list(pictures.mailboxes(tmp_path, gateway))


def test_a_browser_that_pictures_nothing_is_told_of(tmp_path: Path, browser: Path) -> None:
    with pytest.raises(StackError, match="not a page of a mailbox"):
        pictures.photograph(str(browser), "http://127.0.0.1/elsewhere", tmp_path / "page.png")


def test_without_a_browser_it_says_what_to_install(
    tmp_path: Path, gateway: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingPiece, match="install chromium"):
        list(pictures.mailboxes(tmp_path, gateway))


def test_without_a_house_letters_are_pictured_all_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = command.main(["--run-dir", str(tmp_path / "none"), "pictures", str(tmp_path / "made")])

    assert code == 1
    assert sorted(path.name for path in (tmp_path / "made").iterdir()) == ["letter-on-paper.png", "letter.png"]
    assert "no gateway runs" in capsys.readouterr().err
