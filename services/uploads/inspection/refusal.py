"""How a look at a file ends where something is wrong with it."""

from services.uploads.domain.findings import Code


class Refusal(Exception):
    """The file is not taken, by this code."""

    def __init__(self, code: Code) -> None:
        super().__init__(code.value)
        self.code = code


def malformed() -> Refusal:
    """Damaged, cut off, or never what it says."""
    return Refusal(Code.MALFORMED)
