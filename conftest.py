"""
Does every code block of the documents run, and does nothing ever reach the network?
"""

import sys
from pathlib import Path
from typing import Any

from sybil import Sybil
from sybil.document import PythonDocStringDocument
from sybil.parsers import myst, rest

_SOURCES = str(Path(__file__).parent / "src")
_LOOPBACK = frozenset({None, "", "localhost", "127.0.0.1", "::1", "0.0.0.0", "::"})  # noqa: S104 - compared, not bound


class NetworkBlockedError(RuntimeError):
    """
    A test asked for a host other than this machine.
    """


def _refuse_other_hosts(event: str, arguments: tuple[Any, ...]) -> None:
    # An audit hook sees the interpreter's own sockets, whatever library opened them.
    if event in {"socket.connect", "socket.sendto", "socket.sendmsg"}:
        address = arguments[1]
        host = address[0] if isinstance(address, tuple) else None  # None: a Unix socket
    elif event in {"socket.getaddrinfo", "socket.gethostbyname"}:
        host = arguments[0]
    else:
        return
    if isinstance(host, bytes):
        host = host.decode()
    if host not in _LOOPBACK:
        raise NetworkBlockedError(f"a test tried to reach {host!r}: only loopback is allowed")


sys.addaudithook(_refuse_other_hosts)

documents = Sybil(
    parsers=[myst.PythonCodeBlockParser(), myst.SkipParser()],
    patterns=["README.md", "CONTRIBUTING.md", "docs/*.md", "docs/**/*.md"],
)
docstrings = Sybil(
    parsers=[rest.DocTestParser(), rest.PythonCodeBlockParser(), rest.SkipParser()],
    path=_SOURCES,
    patterns=["*.py"],  # at any depth: before Python 3.13 "**" stands for one folder and no more
    document_types={".py": PythonDocStringDocument},
)
pytest_collect_file = (documents + docstrings).pytest()
