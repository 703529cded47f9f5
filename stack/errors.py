"""What can go wrong while a stack comes up. Each is told to the person at the terminal in one line; none is retried."""


class StackError(Exception):
    """The stack cannot be brought up, or is not what it was said to be."""


class MissingPiece(StackError):
    """Something has to be installed first; the text names the package."""


class NotReady(StackError):
    """A process ended, or did not answer in time; the text names its log."""
