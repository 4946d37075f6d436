"""Promise: the clients of a benchmark work at the same time, so that four are not one client four times."""

import socket
from collections.abc import Callable
from threading import Thread

from benchmarks.books import together
from benchmarks.common import Server

# Long enough for two processes to start on a busy machine.
_PATIENCE = 60.0


def meeting(port: int) -> Callable[[], None]:
    """Return the step of a client that ends when another client has come to the same place."""

    def step() -> None:
        with socket.create_connection(("127.0.0.1", port), timeout=_PATIENCE) as waiting:
            assert waiting.recv(1) == b"!"

    return step


def test_clients_meet_while_they_work() -> None:
    with socket.create_server(("127.0.0.1", 0)) as place:
        place.settimeout(_PATIENCE)

        def host() -> None:
            for guest in [place.accept()[0] for _client in range(2)]:
                guest.sendall(b"!")
                guest.close()

        waiting = Thread(target=host)
        waiting.start()
        clients = [("tests.benchmarks.test_clients:meeting", {"port": place.getsockname()[1]})] * 2
        run = together(Server("host=127.0.0.1 port=1 dbname=none", ""), clients, seconds=1e-9)
        waiting.join()
    assert run.done == 2
