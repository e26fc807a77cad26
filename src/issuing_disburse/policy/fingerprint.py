"""
Is this the policy that decided back then?
"""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Iterable
from types import CodeType, FunctionType, MethodType
from typing import Any

from attrs import fields, has

_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
_DEPTH_MAX = 12


def fingerprint(parts: Iterable[object]) -> str:
    """
    Digest *parts*: the same in every process that runs the same rules on the same Python.

    Rules that are objects count with their fields and the code of their call, functions with their
    code, defaults and closure.
    """
    return hashlib.sha256(_texts(parts, 0).encode()).hexdigest()[:16]


def _text(part: Any, depth: int) -> str:
    kind = type(part)
    name = f"{kind.__module__}.{kind.__qualname__}"
    return name if depth > _DEPTH_MAX else name + _inside(part, depth + 1)  # it may hold itself


def _inside(part: Any, depth: int) -> str:
    match part:
        case FunctionType():
            found = _function(part, depth)
        case CodeType():
            # Not as Python shows constants: nested code shows its address.
            found = f"{part.co_code.hex()}{part.co_names}{_texts(part.co_consts, depth)}"
        case MethodType():
            found = _texts((part.__self__, part.__func__), depth)
        case functools.partial():
            found = _texts((part.func, part.args, part.keywords), depth)
        case tuple() | list():
            found = _texts(part, depth)
        case dict():
            found = _sorted(_texts(pair, depth) for pair in part.items())
        case set() | frozenset():
            found = _sorted(_text(one, depth) for one in part)
        case _:
            found = _object(part, depth)
    return found


def _sorted(texts: Iterable[str]) -> str:
    return f"{{{','.join(sorted(texts))}}}"


def _texts(parts: Iterable[object], depth: int) -> str:
    return f"({','.join(_text(part, depth) for part in parts)})"


def _function(function: FunctionType, depth: int) -> str:
    held: list[object] = []
    for cell in function.__closure__ or ():
        try:
            held.append(cell.cell_contents)
        except ValueError:
            continue  # named further down in the enclosing function, and never set
    inside = (function.__code__, function.__defaults__, function.__kwdefaults__, held)
    return f"{function.__module__}.{function.__qualname__}{_texts(inside, depth)}"


def _object(part: Any, depth: int) -> str:
    kind = type(part)
    call = getattr(kind, "__call__", None)  # noqa: B004 - its code is wanted, not whether it has one
    code = _text(call, depth) if isinstance(call, FunctionType) else ""
    if has(kind):
        values = [getattr(part, one.name) for one in fields(kind) if one.eq and one.repr]
        return f"{code}{_texts(values, depth)}"
    if "__repr__" not in {name for base in kind.__mro__[:-1] for name in vars(base)}:
        return f"{code}{_text(getattr(part, '__dict__', {}), depth)}"
    return f"{code}:{_ADDRESS.sub('', repr(part))}"
