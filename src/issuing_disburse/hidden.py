"""
How is a secret kept in memory without showing itself?
"""

from __future__ import annotations

from typing import NoReturn


class Hidden:
    """
    Holds a secret text; no repr, copy or pickle of it shows or carries the text.

    >>> Hidden("sk_live_example")
    <hidden>
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def revealed(self) -> str:
        """
        Return the text; do not keep it in a variable.
        """
        return self._text

    def __repr__(self) -> str:
        return "<hidden>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret does not leave the process by copy or pickle")
