"""Every bad upload, and the good ones beside them: the rows U01 to U90 of the catalogue that are about a file's bytes
or its name (D1 to D4: what the rules say beside it) as concrete files, each with what is to become of it.

The table is code: a module per format or kind of trouble, each file made when it is asked for, always of the same
bytes, and none of it stored here. It is for the tests of the inspectors, of the edge, and of the service on a real
scanner.

Where more than one thing is wrong, what is told first is: empty, too large, the name, the type by content, the declared
type, the extension; after that whatever scanner or inspector finds first.
"""

from tests.support.bad_uploads import (
    bombs,
    declared,
    gif,
    infected,
    jpeg,
    mutations,
    names,
    others,
    pdf_encryption,
    pdf_forbidden,
    pdf_good,
    pdf_structure,
    png,
    polyglots,
)
from tests.support.bad_uploads.case import (
    ANY,
    CLEAN,
    CODES,
    SIGNATURE,
    Clean,
    Code,
    Expected,
    OneOf,
    Refused,
    Upload,
    Verdict,
)
from tests.support.bad_uploads.infected import split_at
from tests.support.bad_uploads.names import NAMES, NameCase

__all__ = [
    "ANY",
    "CLEAN",
    "CODES",
    "NAMES",
    "ROWS",
    "SIGNATURE",
    "Clean",
    "Code",
    "Expected",
    "NameCase",
    "OneOf",
    "Refused",
    "Upload",
    "Verdict",
    "split_at",
    "table",
]

GROUPS = (
    pdf_good, pdf_forbidden, pdf_encryption, pdf_structure, bombs, png, jpeg, gif, others, polyglots, declared, names,
    infected, mutations,
)  # fmt: skip
# the rest is about the exchange, the store or the clock, not about a file
ELSEWHERE = frozenset({8, 9, 19, 20, 51, 52, *range(67, 83), 88})
ROWS = tuple(f"U{number:02d}" for number in range(1, 91) if number not in ELSEWHERE)


def table() -> tuple[Upload, ...]:
    """All of it."""
    return tuple(upload for group in GROUPS for upload in group.cases())
