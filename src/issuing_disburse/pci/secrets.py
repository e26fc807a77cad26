"""
How are number and CVC of a card handed to a sink, and to nobody else?
"""

from __future__ import annotations

from types import TracebackType
from typing import NoReturn, final

from issuing_disburse.exceptions import SinkError
from issuing_disburse.hidden import Sealed, overwrite


class _Silent:
    """
    Shows nothing of itself, and leaves the process by no door.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    def __format__(self, specification: str) -> str:
        return repr(self)

    def __eq__(self, other: object) -> bool:
        raise TypeError("card secrets are not compared: a failing comparison would show them")

    def __ne__(self, other: object) -> bool:
        raise TypeError("card secrets are not compared: a failing comparison would show them")

    __hash__ = None  # type: ignore[assignment]  # so that no set and no cache keeps them

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("card secrets are neither copied nor pickled")

    def __getstate__(self) -> NoReturn:
        raise TypeError("card secrets are neither copied nor pickled")


@final
class OpenedSecrets(_Silent):
    """
    Number and CVC in plain, while the ``with`` block of `CardSecrets.open` lasts.
    """

    __slots__ = ("_cvc", "_number", "_sealed")

    def __init__(self, sealed: Sealed) -> None:
        self._sealed = sealed
        self._number = bytearray()
        self._cvc = bytearray()

    def __init_subclass__(cls) -> None:
        raise TypeError("OpenedSecrets has no subclasses")

    @property
    def number(self) -> str:
        """
        The card's number. Hand it on where you read it; do not keep it in a variable.

        Raises:
            SinkError: The block has ended, or has not begun.
        """
        return self._shown(self._number)

    @property
    def cvc(self) -> str:
        """
        The card's CVC. Hand it on where you read it; it must never be stored after use.

        Raises:
            SinkError: The block has ended, or has not begun.
        """
        return self._shown(self._cvc)

    def _shown(self, memory: bytearray) -> str:
        if not memory:
            raise SinkError("card secrets can be read inside their 'with' block only", code="wiped")
        return memory.decode()

    @property
    def is_open(self) -> bool:
        """
        Whether there is something to read.
        """
        return bool(self._number)

    def wipe(self) -> None:
        """
        Overwrite both; doing it again is fine.
        """
        for memory in (self._number, self._cvc):
            overwrite(memory)
            memory.clear()

    def __enter__(self) -> OpenedSecrets:
        is_new = True
        try:
            self._number, self._cvc = self._sealed.unsealed()
        except ValueError:
            is_new = False
        if (
            self._sealed.is_shut
        ):  # in the meantime: the sink has returned, and this is another thread
            self.wipe()
            is_new = False
        if not is_new:
            raise SinkError("card secrets can be opened once, while the sink runs", code="wiped")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.wipe()


@final
class CardSecrets(_Silent):
    """
    Number and CVC of one card, as a sink gets them: silent, and readable once.

    It refuses comparison, hash, copy, pickle, iteration and JSON, and shows nothing when printed. What
    it holds is overwritten when the ``with`` block ends, and in any case when the sink returns.

    >>> from issuing_disburse.hidden import Sealed
    >>> secrets = CardSecrets(Sealed("4000009990000010", "837"))
    >>> with secrets.open() as opened:
    ...     len(opened.number), len(opened.cvc)
    (16, 3)
    >>> print(secrets, opened)
    <CardSecrets> <OpenedSecrets>
    """

    __slots__ = ("_opened", "_sealed")

    def __init__(self, sealed: Sealed) -> None:
        self._sealed = sealed
        self._opened = OpenedSecrets(sealed)

    def __init_subclass__(cls) -> None:
        raise TypeError("CardSecrets has no subclasses")

    def open(self) -> OpenedSecrets:
        """
        Return what a ``with`` block opens, once.

        Raises:
            SinkError: On entering the block, when it was entered before, or the sink has returned.
        """
        return self._opened

    @property
    def is_open(self) -> bool:
        """
        Whether a ``with`` block is open just now.
        """
        return self._opened.is_open

    def close(self) -> None:
        """
        Overwrite what is open, and open no more; doing it again is fine.
        """
        self._sealed.shut()
        self._opened.wipe()
