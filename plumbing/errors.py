"""The one error that every capability shares.

What goes wrong has one of three fates: *refuse* (tell the sender), *retry* (not now), *dead-letter* (never valid).
Refusals and dead letters are values, named where they are decided. `Unavailable` is the retry: the work was right, the
world was not ready.
"""


class Unavailable(Exception):
    """A dependency is away or too slow; the same work may be done later, unchanged.

    `dependency` names what is missing (`citizens`, `kafka`, `database`), never an address with a secret in it.
    """

    def __init__(self, dependency: str, detail: str = "") -> None:
        super().__init__(f"{dependency} is unavailable" + (f": {detail}" if detail else ""))
        self.dependency = dependency
