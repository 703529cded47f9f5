"""What became of something planted, or of nothing planted."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """What was noticed first: `by` whom, and `what`; how many things in all, or why it came to nothing.

    Of a control, in which nothing is planted, nothing may be noticed.
    """

    name: str
    seconds: float
    is_control: bool = False
    by: str = ""
    what: str = ""
    number: int = 0
    failure: str = ""

    @property
    def is_as_it_should_be(self) -> bool:
        return not self.failure and bool(self.number) != self.is_control

    @property
    def line(self) -> str:
        said = self.failure or (f"{self.by}: {self.what}" if self.number else "nothing noticed")
        more = f" (and {self.number - 1} more)" if self.number > 1 else ""
        mark = "ok    " if self.is_as_it_should_be else "FAILED"
        return f"{mark} {self.name:<62} {self.seconds:4.0f} s  {said}{more}"
