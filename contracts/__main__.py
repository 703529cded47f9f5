"""`python -m contracts schemas|docs|check|release`: what is made from the contracts, and whether they may be published.

schemas: write the JSON Schemas. docs: write the pages (topics, reporters, AsyncAPI). check: fail on drift and on changes that
break someone. release: make today's schemas the ones that later changes are measured against.
"""

import argparse
import sys
from pathlib import Path

from contracts.catalogue import MESSAGES, as_file
from contracts.checks import problems
from contracts.documentation import pages


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m contracts", description=__doc__)
    parser.add_argument("command", choices=("schemas", "docs", "check", "release"))
    match parser.parse_args().command:
        case "schemas":
            _write({message.schema_file: as_file(message.schema()) for message in MESSAGES})
        case "docs":
            _write(pages())
        case "release":
            _write({message.released_file: as_file(message.schema()) for message in MESSAGES})
        case _:
            return _report(problems())
    return 0


def _write(files: dict[Path, str]) -> None:
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def _report(found: list[str]) -> int:
    for each in found:
        sys.stderr.write(f"{each}\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
