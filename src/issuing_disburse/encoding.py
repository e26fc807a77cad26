"""
How do nested parameters become the form that Stripe's v1 API reads?
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TypeAlias
from urllib.parse import quote_plus

Value: TypeAlias = "str | int | bool | datetime | Mapping[str, Value] | Sequence[Value] | None"
Params: TypeAlias = Mapping[str, Value]


def form(params: Params) -> bytes:
    """
    Encode *params* as Stripe's SDK does: indexed lists, ``true``/``false``, nothing for ``None``.

    >>> form({"a": {"b": [1, True]}, "c": None})
    b'a[b][0]=1&a[b][1]=true'
    """
    pairs = (f"{quote_plus(key, safe='[]')}={quote_plus(text)}" for key, text in _flat(params, ""))
    return "&".join(pairs).encode()


def _flat(value: Value, path: str) -> Iterator[tuple[str, str]]:
    if value is None:
        return
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, bool):
        yield path, "true" if value else "false"
    elif isinstance(value, int):
        yield path, str(value)
    elif isinstance(value, datetime):
        yield path, str(int(value.timestamp()))
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _flat(inner, f"{path}[{key}]" if path else key)
    else:
        for index, inner in enumerate(value):
            yield from _flat(inner, f"{path}[{index}]")
