"""
Who must be told when the process forks?

A lock that another thread holds, or a connection to a database, must not be carried into a child. A
store that joins here is brought to rest before a fork and starts anew behind it.
"""

from __future__ import annotations

import os
from typing import Protocol
from weakref import WeakSet


class ForkAware(Protocol):
    """
    What a store does around a fork. Nothing here may raise.
    """

    def before_fork(self) -> None:
        """
        Come to rest: no work runs until one of the others is called.
        """
        ...

    def after_fork_in_parent(self) -> None:
        """
        Go on.
        """
        ...

    def after_fork_in_child(self) -> None:
        """
        Go on with new locks and new connections; the threads of the parent do not exist here.
        """
        ...


_joined: WeakSet[ForkAware] = WeakSet()
_resting: list[ForkAware] = []


def join(store: ForkAware) -> None:
    """
    Have *store* told of forks, as long as it exists.
    """
    _joined.add(store)


def leave(store: ForkAware) -> None:
    """
    Have *store* told no more.
    """
    _joined.discard(store)


def _before() -> None:
    _resting[:] = list(_joined)
    for store in _resting:
        store.before_fork()


def _after_in_parent() -> None:
    for store in reversed(_resting):
        store.after_fork_in_parent()
    _resting.clear()


def _after_in_child() -> None:
    for store in reversed(_resting):
        store.after_fork_in_child()
    _resting.clear()


if hasattr(os, "register_at_fork"):  # not on Windows, where nothing forks
    os.register_at_fork(
        before=_before, after_in_parent=_after_in_parent, after_in_child=_after_in_child
    )
