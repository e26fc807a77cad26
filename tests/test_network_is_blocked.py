"""
Can a test reach anything but this machine?
"""

import socket
import threading

import pytest

NOBODY = "192.0.2.1"  # reserved for documents; no host has it


def test_the_network_is_refused_when_a_test_names_another_host() -> None:
    """Neither a name nor an address outside this machine gets past the guard."""
    with socket.socket() as stream, pytest.raises(RuntimeError, match="only loopback"):
        stream.connect((NOBODY, 80))
    with socket.socket() as stream, pytest.raises(RuntimeError, match="only loopback"):
        stream.connect_ex((NOBODY, 80))
    with (
        socket.socket(type=socket.SOCK_DGRAM) as datagrams,
        pytest.raises(RuntimeError, match="only loopback"),
    ):
        datagrams.sendto(b"hello", (NOBODY, 53))
    with pytest.raises(RuntimeError, match=r"api\.stripe\.com"):
        socket.getaddrinfo("api.stripe.com", 443)


def test_loopback_is_allowed_when_a_test_serves_itself() -> None:
    """A server on this machine can be used, also from another thread."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        caller = threading.Thread(
            target=lambda: socket.create_connection(server.getsockname()).close()
        )
        caller.start()
        connection, _ = server.accept()
        with connection:
            received = connection.recv(1)
        caller.join()

    assert b"" == received
