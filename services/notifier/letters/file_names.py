"""Names of files in a message, as Digital Post takes them.

Since September 2025 a message with a file name outside the rules is turned away (digitaliser.dk, "Øget validering af filnavne og
URI i Actions", 15 November 2024; the same list in itk-dev/serviceplatformen, SF1601.php). Three kinds of space that only some
readers of the list name, and what XML cannot hold, are left out as well.
"""

import re
from typing import Final

_NOT_ALLOWED: Final = re.compile(
    '[<>:"/\\\\|?*\\x00-\\x1f\\x7f-\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u2060\\u3000\\ud800-\\udfff\\ufffe\\uffff]+'
)
_STEM_WITHOUT_NAME: Final = "Brev"


def file_name(title: str, extension: str) -> str:
    """`title` as a file's name: each run of characters that are not allowed is one hyphen."""
    stem = _NOT_ALLOWED.sub("-", title).strip(" .-")
    return f"{stem or _STEM_WITHOUT_NAME}.{extension}"
