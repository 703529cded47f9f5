"""The real servers and all processes, brought up on one machine. One code for demo, tests, campaign and bench.

`Stack` gives Kafka and PostgreSQL, `House` the services and simulators upon them, `Process` is one child. The product never
imports this package.
"""

from stack.addresses import Addresses, DatabaseAddresses, SecondListener
from stack.errors import MissingPiece, NotReady, StackError
from stack.processes import Process
from stack.servers import Stack

__all__ = [
    "Addresses",
    "DatabaseAddresses",
    "MissingPiece",
    "NotReady",
    "Process",
    "SecondListener",
    "Stack",
    "StackError",
]
