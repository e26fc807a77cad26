"""
Is this the policy that decided back then?
"""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Collection, Iterable
from types import CodeType, FunctionType, MethodType
from typing import Any

from attrs import fields, has

_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
_DEPTH_MAX = 12
_PARTS_MAX = (
    5_000  # a rule may hold on to half the application; that much of it tells policies apart
)


def fingerprint(parts: Iterable[object]) -> str:
    """
    Digest *parts*: the same in every process that runs the same rules on the same Python.

    Rules that are objects count with their fields and the code of their call, functions with their
    code, defaults and closure. Of what they hold on to, only so much is looked at.
    """
    return hashlib.sha256(_Reader(_PARTS_MAX).texts(parts, 0).encode()).hexdigest()[:16]


class _Reader:
    """
    Writes objects down, until it has seen enough of them.
    """

    def __init__(self, most: int) -> None:
        self._left = most

    def text(self, part: Any, depth: int) -> str:
        kind = type(part)
        name = f"{kind.__module__}.{kind.__qualname__}"
        self._left -= 1
        if depth > _DEPTH_MAX or self._left < 0:
            return name  # it may hold itself, or too much
        return name + self._inside(part, depth + 1)

    def texts(self, parts: Iterable[object], depth: int) -> str:
        return f"({','.join(self.text(part, depth) for part in parts)})"

    def _inside(self, part: Any, depth: int) -> str:
        match part:
            case FunctionType():
                found = self._function(part, depth)
            case CodeType():
                # Not as Python shows constants: nested code shows its address.
                constants = self.texts(part.co_consts, depth)
                found = f"{part.co_code.hex()}{part.co_names}{constants}"
            case MethodType():
                found = self.texts((part.__self__, part.__func__), depth)
            case functools.partial():
                found = self.texts((part.func, part.args, part.keywords), depth)
            case tuple() | list():
                found = self.texts(part, depth)
            case dict():
                found = self._unordered(part.items(), depth)
            case set() | frozenset():
                found = self._unordered(part, depth)
            case _:
                found = self._object(part, depth)
        return found

    def _unordered(self, parts: Collection[object], depth: int) -> str:
        # Each gets its share, so that it does not matter which of them is looked at first.
        most = self._left // max(1, len(parts))
        if most == 0:
            return f"{{{len(parts)}}}"
        texts = []
        for part in parts:
            reader = _Reader(most)
            texts.append(
                reader.texts(part, depth) if type(part) is tuple else reader.text(part, depth)
            )
            self._left -= most - max(0, reader._left)
        return f"{{{','.join(sorted(texts))}}}"

    def _function(self, function: FunctionType, depth: int) -> str:
        held: list[object] = []
        for cell in function.__closure__ or ():
            try:
                held.append(cell.cell_contents)
            except ValueError:
                continue  # named further down in the enclosing function, and never set
        inside = (function.__code__, function.__defaults__, function.__kwdefaults__, held)
        return f"{function.__module__}.{function.__qualname__}{self.texts(inside, depth)}"

    def _object(self, part: Any, depth: int) -> str:
        kind = type(part)
        call = getattr(kind, "__call__", None)  # noqa: B004 - its code is wanted, not whether it has one
        code = self.text(call, depth) if isinstance(call, FunctionType) else ""
        if has(kind):
            values = [getattr(part, one.name) for one in fields(kind) if one.eq and one.repr]
            return f"{code}{self.texts(values, depth)}"
        if "__repr__" not in {name for base in kind.__mro__[:-1] for name in vars(base)}:
            return f"{code}{self.text(getattr(part, '__dict__', {}), depth)}"
        return f"{code}:{_ADDRESS.sub('', repr(part))}"
