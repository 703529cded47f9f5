"""`python -m services.uploads.inspection`: started by the service, never by hand. Forks a process for each file.

Invariants: it reads nothing of any file itself, so that what one file does to a process is over before the next one comes; it is
started with an environment of its own, without secrets, and ends when the service does.
"""

import array
import json
import os
import signal
import socket
import sys
from typing import Final

from services.uploads.inspection import child

_LONGEST_ORDER: Final = 4096
_DESCRIPTORS: Final = 3


def main(descriptor: int) -> int:
    """Take orders from that socket until it closes."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody asks how a child ended: what it said, or did not, tells
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    orders = socket.socket(fileno=descriptor)
    while True:
        told, descriptors = _order(orders)
        if not told:
            orders.close()
            return 0
        order = json.loads(told)
        file, beside, words = descriptors
        try:
            is_child = os.fork() == 0
        except OSError:  # no room for another process: that is nothing the file did
            os.write(words, child.NOT_LOOKED)
            is_child = False
        if is_child:
            orders.close()
            child.run(
                order["media_type"],
                file=file,
                beside=beside,
                words=words,
                seconds=order["seconds"],
                most_bytes=order["most_bytes"],
            )
        for one in descriptors:
            os.close(one)


def _order(orders: socket.socket) -> tuple[bytes, list[int]]:
    descriptors = array.array("i")
    told, ancillary, _, _ = orders.recvmsg(_LONGEST_ORDER, socket.CMSG_SPACE(_DESCRIPTORS * descriptors.itemsize))
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            descriptors.frombytes(data[: len(data) - len(data) % descriptors.itemsize])
    return told, list(descriptors)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
