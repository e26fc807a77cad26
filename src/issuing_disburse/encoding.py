"""
How do nested parameters become the form that Stripe's v1 API reads?
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TypeAlias
from urllib.parse import quote_plus

Value: TypeAlias = "str | int | bool | datetime | Mapping[str, Value] | Sequence[Value] | None"
Params: TypeAlias = Mapping[str, Value]

_PLAIN = re.compile(r"[\w.~-]*", re.ASCII)


def form(params: Params) -> bytes:
    """
    Encode *params* as Stripe's SDK does: indexed lists, ``true``/``false``, nothing for ``None``.

    >>> form({"a": {"b": [1, True]}, "c": None})
    b'a[b][0]=1&a[b][1]=true'
    """
    pairs: list[str] = []
    _write(params, "", pairs)
    return "&".join(pairs).encode()


def _write(value: Value, path: str, pairs: list[str]) -> None:
    if value is None:
        return
    if isinstance(value, str):
        pairs.append(f"{path}={_quoted(value)}")
    elif isinstance(value, bool):
        pairs.append(f"{path}={'true' if value else 'false'}")
    elif isinstance(value, int):
        pairs.append(f"{path}={value}")
    elif isinstance(value, datetime):
        pairs.append(f"{path}={int(value.timestamp())}")
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            name = _quoted(key, safe="[]")
            _write(inner, f"{path}[{name}]" if path else name, pairs)
    else:
        for index, inner in enumerate(value):
            _write(inner, f"{path}[{index}]", pairs)


def _quoted(text: str, *, safe: str = "") -> str:
    return text if _PLAIN.fullmatch(text) else quote_plus(text, safe=safe)  # most are plain
