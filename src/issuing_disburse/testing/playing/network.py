"""
How does nothing reach the network while a test plays, whatever else guards it?

An audit hook of the interpreter sees every socket, whoever has replaced which class: so it gets along with
pytest-socket and with pytest-recording's ``block_network``, each of which forbids more on its own. A hook cannot be
taken off again; while no test plays, it returns at once.
"""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from typing import Any

_CONNECTING = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg"})
_LOOKING_UP = frozenset({"socket.getaddrinfo", "socket.gethostbyname"})
_NAMING = frozenset({"socket.gethostbyaddr", "socket.getnameinfo"})
_HERE = frozenset({"", "localhost"})
ALL = "*"


class NetworkBlockedError(RuntimeError):
    """
    A test asked for a host other than this machine.
    """


class _Guard:
    def __init__(self) -> None:
        self.is_installed = False
        self.allowed: frozenset[str] | None = None
        self.refusals: list[str] = []

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self.allowed is None:
            return
        if event in _CONNECTING:
            address = arguments[1]
            host = address[0] if isinstance(address, tuple) else None  # None: a Unix socket
        elif event in _LOOKING_UP:
            host = arguments[0]
        elif event in _NAMING:  # asks a name server about an address; this machine's name is fine
            host = arguments[0][0] if isinstance(arguments[0], tuple) else arguments[0]
            host = None if host == socket.gethostname() else host
        else:
            return
        name = host.decode(errors="replace") if isinstance(host, bytes) else host
        if name is not None and name not in self.allowed and not is_here(name):
            told = (
                f"a test that uses issuing_disburse's fixtures tried to reach {name!r}: only this machine is "
                "allowed while it runs. Pass http_client= to what talks to Stripe, or make it with "
                "issuing_stage.connect(); allow another host with @pytest.mark.issuing(allow_hosts=[…]), or in "
                "the setting issuing_allowed_hosts"
            )
            self.refusals.append(told)
            raise NetworkBlockedError(told)


_GUARD = _Guard()


def is_here(host: str) -> bool:
    """
    Say whether *host* is this machine.
    """
    if host in _HERE:
        return True
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def refusals() -> tuple[str, ...]:
    """
    Return what was refused since the block began, each once; whoever was refused may have told it otherwise.
    """
    return tuple(dict.fromkeys(_GUARD.refusals))


@contextmanager
def blocked(allowed: Iterable[str] = ()) -> Iterator[None]:
    """
    Refuse every host but this machine and the *allowed* ones until the block ends.

    An allowed name is looked up at once: what is connected to is an address.
    """
    hosts = set(allowed)
    if ALL in hosts:
        yield
        return
    if not _GUARD.is_installed:
        sys.addaudithook(_GUARD)
        _GUARD.is_installed = True
    before, _GUARD.allowed = _GUARD.allowed, None
    try:
        addresses = {address for host in hosts for address in _addresses(host)}
        _GUARD.refusals.clear()
        _GUARD.allowed = frozenset(hosts | addresses)
        yield
    finally:
        _GUARD.allowed = before


def _addresses(host: str) -> set[str]:
    try:
        return {str(found[4][0]) for found in socket.getaddrinfo(host, None)}
    except OSError:
        return set()  # it cannot be reached anyway
