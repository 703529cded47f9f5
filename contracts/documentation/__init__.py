"""`docs/`, as far as it is made from the contracts, so that it says what they say: a page per topic (`topics`), the reporters'
pages (`reporters`) and an AsyncAPI document (`asyncapi`).
"""

from pathlib import Path
from typing import Final

from contracts.catalogue import ROOT
from contracts.documentation import asyncapi, reporters, topics
from contracts.documentation.markdown import GENERATED

DOCS: Final = ROOT.parent / "docs"


def pages() -> dict[Path, str]:
    """Every page with its content."""
    written = {f"topics/{name}": text for name, text in topics.pages().items()}
    written |= {f"reporters/{name}": text for name, text in reporters.pages().items()}
    made = {DOCS / name: GENERATED + text for name, text in written.items()}
    return made | {DOCS / "asyncapi" / asyncapi.FILE: asyncapi.as_text()}
