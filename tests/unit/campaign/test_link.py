"""A link passes everything on unchanged until it is broken, in each of its ways, on real sockets."""

import contextlib
import socket
import socketserver
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from typing_extensions import override

from campaign.link import Link, open_links
from campaign.wires import Exchange
from stack.ports import is_answering

Dial = Callable[[], socket.socket]


class Echo(socketserver.ThreadingTCPServer):
    """Says everything back, and keeps it."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Back)
        self.heard = b""


class _Back(socketserver.BaseRequestHandler):
    @override
    def handle(self) -> None:
        assert isinstance(self.server, Echo)
        with contextlib.suppress(OSError):
            while data := self.request.recv(65_536):
                self.server.heard += data
                self.request.sendall(data)


class Newline:
    """A wire whose only request and answer is a line that says `commit`."""

    def asked(self, data: bytes) -> list[Exchange]:
        return [Exchange.COMMIT] if b"commit" in data else []

    answered = asked


@pytest.fixture
def echo() -> Iterator[Echo]:
    with Echo() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def link(echo: Echo, told: list[str]) -> Iterator[Link]:
    with open_links(told.append) as links:
        found = links.postgres
        found.target_port = echo.server_address[1]
        found.make_wire = Newline
        found.start()
        yield found


@pytest.fixture
def dial(link: Link) -> Iterator[Dial]:
    with contextlib.ExitStack() as open_ones:

        def connect() -> socket.socket:
            return open_ones.enter_context(socket.create_connection(("127.0.0.1", link.port), timeout=5))

        yield connect


def said_back(client: socket.socket, data: bytes) -> bytes:
    """What comes back of it; less where the connection ends."""
    client.sendall(data)
    found = b""
    while len(found) < len(data) and (piece := client.recv(65_536)):
        found += piece
    return found


def is_reset(client: socket.socket) -> bool:
    """Whether the connection ends with a reset, and with nothing before it."""
    try:
        client.recv(1)
    except ConnectionResetError:
        return True
    return False


def test_what_is_not_broken_passes_whole_both_ways(dial: Dial, echo: Echo) -> None:
    data = bytes(range(256)) * 8_000
    clients = [dial() for _ in range(5)]
    received: list[bytes] = []
    client = clients[0]
    sender = threading.Thread(target=client.sendall, args=(data,))
    sender.start()
    while sum(map(len, received)) < len(data):
        received.append(client.recv(65_536))
    sender.join()
    assert b"".join(received) == data == echo.heard
    assert [said_back(one, b"hello") for one in clients[1:]] == [b"hello"] * 4


def test_an_end_is_passed_on(dial: Dial) -> None:
    client = dial()
    assert said_back(client, b"last words") == b"last words"
    client.shutdown(socket.SHUT_WR)
    assert client.recv(1) == b""


def test_who_comes_while_the_server_is_away_is_turned_away(dial: Dial, link: Link) -> None:
    link.target_port = 1
    with pytest.raises(ConnectionResetError):  # at once, or at the first word
        dial().recv(1)


def test_cut_resets_every_connection_and_lets_new_ones_in(dial: Dial, link: Link) -> None:
    clients = [dial(), dial()]
    assert [said_back(one, b"x") for one in clients] == [b"x", b"x"]
    assert link.cut() == 2
    assert [is_reset(one) for one in clients] == [True, True]
    assert said_back(dial(), b"new") == b"new"


@pytest.mark.parametrize("after", [0, 1, 7])
def test_a_torn_answer_ends_after_so_many_bytes_though_all_was_heard(
    dial: Dial, link: Link, echo: Echo, told: list[str], after: int
) -> None:
    client = dial()
    assert said_back(client, b"before") == b"before"
    assert link.tear(after) == 1
    assert said_back(client, b"0123456789") == b"0123456789"[:after]
    assert echo.heard == b"before0123456789"
    assert told == ["answer torn"]
    assert said_back(dial(), b"0123456789") == b"0123456789"


def test_while_it_stalls_nothing_passes_and_nothing_ends(dial: Dial, link: Link, echo: Echo) -> None:
    client = dial()
    assert said_back(client, b"x") == b"x"
    link.stall()
    client.sendall(b"late")
    late = dial()
    late.sendall(b"later")
    client.settimeout(0.2)
    with pytest.raises(TimeoutError):
        client.recv(1)
    assert echo.heard == b"x"
    client.settimeout(5)
    link.heal()
    assert client.recv(4) == b"late"
    assert late.recv(5) == b"later"


def test_who_is_new_is_refused_until_it_is_healed(dial: Dial, link: Link) -> None:
    held = dial()
    assert said_back(held, b"x") == b"x"
    link.refuse()
    with pytest.raises(ConnectionRefusedError):
        dial()
    assert said_back(held, b"still here") == b"still here"
    link.heal()
    assert said_back(dial(), b"new") == b"new"


def test_the_answer_that_is_lost_was_given_and_only_it_is_lost(
    dial: Dial, link: Link, echo: Echo, told: list[str]
) -> None:
    bystander, client = dial(), dial()
    assert said_back(bystander, b"x") == b"x"
    link.lose_answer(Exchange.COMMIT)
    assert said_back(client, b"other things") == b"other things"
    assert told == []
    client.sendall(b"commit")
    assert is_reset(client)
    assert echo.heard.endswith(b"commit")
    assert told == ["commit answer lost"]
    assert said_back(bystander, b"commit") == b"commit"


def test_the_request_that_is_lost_was_never_heard(dial: Dial, link: Link, echo: Echo, told: list[str]) -> None:
    client = dial()
    link.lose_request(Exchange.COMMIT)
    client.sendall(b"commit")
    assert is_reset(client)
    assert echo.heard == b""
    assert told == ["commit request lost"]
    assert said_back(dial(), b"commit") == b"commit"


def test_what_was_wished_and_healed_never_strikes(dial: Dial, link: Link, told: list[str]) -> None:
    client = dial()
    link.lose_answer(Exchange.COMMIT)
    link.tear(0)
    link.heal()
    assert said_back(client, b"commit") == b"commit"
    assert told == []


def test_nobody_listens_when_it_is_over(echo: Echo) -> None:
    with open_links(lambda _: None) as links:
        links.postgres.target_port = echo.server_address[1]
        links.postgres.start()
        client = socket.create_connection(("127.0.0.1", links.postgres.port), timeout=5)
        assert said_back(client, b"x") == b"x"
        time.sleep(0.05)
    assert is_reset(client)
    client.close()
    assert not is_answering("127.0.0.1", links.postgres.port)
