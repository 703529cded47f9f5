"""Pictures for the README: a letter on a screen and on paper, and the mailboxes letters lie in.

Letters are set by the notifier's own renderer, to somebody who does not exist, planned for a day that is always the same: so are
the pictures. Mailboxes are those of a gateway that runs, as a browser shows them.
"""

import asyncio
import os
import re
import shutil
import subprocess
import tempfile
import urllib.request
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Final

from services.notifier.domain import Address
from services.notifier.letters import Renderer, municipality, words
from simulators.post_gateway.sheets import picture
from stack.errors import MissingPiece, StackError

BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome")
FRONT: Final = "/_sim/mailboxes"
_PLANNED, _DEADLINE = date(2026, 11, 23), date(2026, 12, 1)
_KINDS: Final = ("comment_reported_information", "benefit_request", "information_form")
_HOME: Final = Address(lines=("Æblehaven 12, 3. th.",), postal_code="8000", city="Aarhus C")
_WIDE, _HIGH = 1200, 1500
_BROWSER_SECONDS = 60


def letters(directory: Path) -> Iterator[Path]:
    """Make `letter.png` and `letter-on-paper.png`, the first page of each."""
    for name, address in (("letter", None), ("letter-on-paper", _HOME)):
        yield _written(directory / f"{name}.png", picture(asyncio.run(_letter(address)), 1))


def mailboxes(directory: Path, gateway_url: str) -> Iterator[Path]:
    """Make `mailboxes.png`, and `letter-in-mailbox.png` of the letter that is first there; raises MissingPiece without a browser
    and StackError where there is nothing to see."""
    browser = find_browser()
    with urllib.request.urlopen(gateway_url + FRONT, timeout=10) as answer:  # noqa: S310  # an address of our own
        first = re.search(r'href="(/_sim/letters/\d+)"', answer.read().decode())
    if first is None:
        raise StackError(f"no letter lies in any mailbox of {gateway_url}")
    for name, path in (("mailboxes", FRONT), ("letter-in-mailbox", first[1])):
        yield photograph(browser, gateway_url + path, directory / f"{name}.png")


def find_browser() -> str:
    """Chromium, or what goes by another name; raises MissingPiece."""
    for name in BROWSERS:
        if found := shutil.which(name):
            return found
    message = "a browser to look at mailboxes with is missing: install chromium (Debian: apt-get install chromium)"
    raise MissingPiece(message)


def photograph(browser: str, url: str, path: Path) -> Path:
    """A page as that browser shows it; raises StackError where it shows nothing."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    with tempfile.TemporaryDirectory(prefix="browser-") as profile:
        command = [
            browser, "--headless", "--hide-scrollbars", "--no-first-run", "--disable-gpu",
            f"--user-data-dir={profile}", f"--window-size={_WIDE},{_HIGH}", f"--screenshot={path}",
        ]  # fmt: skip
        if os.geteuid() == 0:  # its sandbox refuses root
            command.append("--no-sandbox")
        outcome = subprocess.run([*command, url], capture_output=True, text=True, check=False, timeout=_BROWSER_SECONDS)
    if outcome.returncode != 0 or not path.exists():
        raise StackError(f"{browser} made no picture of {url} ({outcome.returncode}):\n{outcome.stderr.strip()}")
    return path


async def _letter(address: Address | None) -> bytes:
    sender = municipality("0751")
    assert sender is not None
    text = words(
        name="Kirsten Ægidius-Sørensen",
        municipality=sender,
        planned_day=_PLANNED,
        deadline_day=_DEADLINE,
        kinds=_KINDS,
        portal="https://mitsygefravaer.example",
        address=address,
    )
    renderer = Renderer(seconds=60)
    try:
        return await renderer.render(text, _PLANNED)
    finally:
        await renderer.close()


def _written(path: Path, content: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path
