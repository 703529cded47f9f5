"""Free loopback ports that stay ours.

Ports are taken below the range from which the system picks ports for outgoing connections: a broker that was killed must
find its port free when it comes back, though hundreds of clients are dialling meanwhile.
"""

import contextlib
import random
import socket

from stack.errors import StackError

_LOWEST, _HIGHEST = 20_000, 32_000
_handed_out: set[int] = set()


def free_port() -> int:
    """A TCP port nobody listens on at 127.0.0.1, never the same one twice in this process."""
    candidates = random.sample(range(_LOWEST, _HIGHEST), 500)
    for port in candidates:
        if port not in _handed_out and _is_free(port):
            _handed_out.add(port)
            return port
    message = f"no free port between {_LOWEST} and {_HIGHEST}"
    raise StackError(message)


def is_answering(host: str, port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection((host, port), timeout=1):
        return True
    return False


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
