"""The real servers and all processes, brought up on one machine. One code for demo, tests, campaign and bench.

`Stack` gives Kafka and PostgreSQL, and for documents a scanner and an object store; `House` the services and simulators upon
them, `Process` is one child. The product never imports this package.
"""

from stack.addresses import ALL_SERVERS, DOCUMENTS, MESSAGING, Addresses, DatabaseAddresses, SecondListener
from stack.errors import MissingPiece, NotReady, StackError
from stack.processes import Process
from stack.servers import Stack

__all__ = [
    "ALL_SERVERS",
    "DOCUMENTS",
    "MESSAGING",
    "Addresses",
    "DatabaseAddresses",
    "MissingPiece",
    "NotReady",
    "Process",
    "SecondListener",
    "Stack",
    "StackError",
]
