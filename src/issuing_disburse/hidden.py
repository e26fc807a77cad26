"""
How is a secret kept in memory without showing itself?
"""

from __future__ import annotations

import base64
import os
import re
import threading
from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any, NoReturn

from attrs import define

_SHOWN_MAX = 8
_LABEL = re.compile(r"(?:cv[cvn]2?|csc|cid|code)[^0-9a-z]{0,4}\Z", re.IGNORECASE | re.ASCII)


class Hidden:
    """
    Holds a secret text; no repr, copy or pickle of it shows or carries the text.

    >>> Hidden("sk_live_example")
    <hidden>
    """

    # Masked by a random pad: whoever walks through all attributes finds nothing he could read.
    __slots__ = ("_masked", "_other", "_pad")

    def __init__(self, text: str) -> None:
        is_text = isinstance(text, str)
        plain = text.encode("utf-8", "surrogatepass") if is_text else b""
        self._other = () if is_text else (text,)
        self._pad = os.urandom(len(plain))
        self._masked = _crossed(plain, self._pad)

    @classmethod
    def each(cls, texts: Any) -> Hidden | tuple[Hidden, ...]:  # Any: whatever a caller passed
        """
        Hide one text, or each of several; what is no text is hidden, too, and judged later.
        """
        if isinstance(texts, Hidden):
            return texts
        if isinstance(texts, str | bytes | bytearray) or not isinstance(texts, Iterable):
            return cls(texts)  # type: ignore[arg-type]  # judged later
        return tuple([one if isinstance(one, Hidden) else cls(one) for one in texts])

    def revealed(self) -> str:
        """
        Return the text; do not keep it in a variable.
        """
        if self._other:
            return self._other[0]
        return _crossed(self._masked, self._pad).decode("utf-8", "surrogatepass")

    def __repr__(self) -> str:
        return "<hidden>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret does not leave the process by copy or pickle")

    def __getstate__(self) -> NoReturn:
        raise TypeError("a secret does not leave the process by copy or pickle")


class Sealed:
    """
    Number and CVC of one card on their way to a sink; nobody can look inside on the way.

    Both are kept masked by a random pad, so that not even their memory shows them. They can be taken
    out once, which only `issuing_disburse.pci` does.
    """

    __slots__ = ("_border", "_is_shut", "_is_taken", "_lock", "_masked", "_pad")

    def __init__(self, number: str, cvc: str) -> None:
        plain = bytearray(f"{number}{cvc}".encode())
        self._border = len(plain) - len(cvc.encode())
        self._pad = bytearray(os.urandom(len(plain)))
        self._masked = bytearray(_crossed(plain, self._pad))
        self._is_shut = self._is_taken = False
        self._lock = threading.Lock()
        overwrite(plain)

    def unsealed(self) -> tuple[bytearray, bytearray]:
        """
        Return number and CVC, in memory that the caller overwrites.

        Raises:
            ValueError: They were taken out before, or wiped.
        """
        with self._lock:
            if self._is_taken or self._is_shut or not self._masked:
                raise ValueError("number and CVC were taken out before, or wiped")
            self._is_taken = True
            return self._plain()

    def shut(self) -> None:
        """
        Let nobody look any more; what was told can still be recognised until `wipe`.
        """
        with self._lock:
            self._is_shut = True

    def _plain(self) -> tuple[bytearray, bytearray]:
        plain = bytearray(_crossed(self._masked, self._pad))
        number, cvc = plain[: self._border], plain[self._border :]
        overwrite(plain)
        return number, cvc

    @property
    def is_shut(self) -> bool:
        """
        Whether nobody may look any more.
        """
        return self._is_shut

    @property
    def is_taken(self) -> bool:
        """
        Whether somebody has looked.
        """
        return self._is_taken

    def is_told_by(self, text: str) -> bool:
        """
        Tell whether *text* gives away the number, more of it than may be shown, or the CVC.
        """
        number, cvc = self._plain()
        try:
            return bool(number) and (
                _tells_number(text, number.decode()) or _tells_cvc(text, cvc.decode())
            )
        finally:
            overwrite(number)
            overwrite(cvc)

    def has_digits_in(self, text: str) -> bool:
        """
        Tell whether the digits of the CVC stand anywhere in *text*, be it by chance.
        """
        _, cvc = self._plain()
        try:
            return bool(cvc) and cvc.decode() in text
        finally:
            overwrite(cvc)

    def wipe(self) -> None:
        """
        Forget both; doing it again is fine.
        """
        overwrite(self._masked)
        self._masked.clear()
        self._pad.clear()

    def __init_subclass__(cls) -> None:
        raise TypeError("there is one kind of sealed value, so that none of them talks")

    def __repr__(self) -> str:
        return "<sealed>"

    def __eq__(self, other: object) -> bool:
        raise TypeError("sealed values are not compared")

    __hash__ = None  # type: ignore[assignment]  # so that no set and no cache keeps it

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a secret does not leave the process by copy or pickle")

    def __getstate__(self) -> NoReturn:
        raise TypeError("a secret does not leave the process by copy or pickle")


class Opener(ABC):
    """
    Whoever may look inside a sealed value; `issuing_disburse.pci.PCIScope` is the only kind.
    """

    @abstractmethod
    def opened(self, sealed: Sealed) -> object:
        """
        Return what a sink gets of *sealed*.
        """


@define(eq=False)
class Taken:
    """
    What the transport took out of the one answer that was asked for it.
    """

    card: Sealed | None = None
    secret: Hidden | None = None


def overwrite(memory: bytearray) -> None:
    """
    Write zeros over *memory*, in place.
    """
    memory[:] = bytes(len(memory))


def _crossed(one: bytes | bytearray, other: bytes | bytearray) -> bytes:
    return (int.from_bytes(one) ^ int.from_bytes(other)).to_bytes(len(one))


def _tells_number(text: str, number: str) -> bool:
    # First eight and last four digits may be shown; nine in a row lead into what may not.
    digits = "".join(mark for mark in text if mark.isdigit())
    windows = range(max(1, len(number) - _SHOWN_MAX))
    if any(number[at : at + _SHOWN_MAX + 1] in digits for at in windows):
        return True
    if number in digits[::-1] or number.encode().hex() in text.lower():
        return True
    return any(
        # Three ways to lie in base64; marks at the ends, which its neighbours share, are left out.
        base64.b64encode(bytes(pad) + number.encode()).decode()[4 if pad else 0 : -4] in text
        for pad in range(3)
    )


def _tells_cvc(text: str, cvc: str) -> bool:
    # Three digits inside a longer word stand there by chance. No pattern is made of the CVC: the
    # interpreter would keep it in its cache.
    at = text.find(cvc)
    while at >= 0:
        before, after = text[:at], text[at + len(cvc) :]
        if not after[:1].isdigit() and _LABEL.search(before) is not None:
            return True
        if not (before[-1:].isalnum() or after[:1].isalnum()):
            return True
        at = text.find(cvc, at + 1)
    return False
