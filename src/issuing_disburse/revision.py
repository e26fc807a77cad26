"""
How does a frozen record change, on a path where every microsecond is counted?
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, Protocol, TypeVar, cast

from attrs import AttrsInstance, fields

R = TypeVar("R", bound=AttrsInstance)


class _Setter(Protocol):
    def __call__(self, record: object, value: object, /) -> None: ...


def revised(record: R, **changes: Any) -> R:
    """
    Return a copy of *record* with *changes*, as `attrs.evolve` does but without checking it again.

    For records whose fields neither convert nor validate: the same result in a third of the time.

    >>> from attrs import frozen
    >>> @frozen
    ... class Page:
    ...     number: int
    ...     text: str = ""
    >>> revised(Page(1, "a"), number=2)
    Page(number=2, text='a')
    """
    copy, setters = _parts(type(record))
    new: R = copy(record)
    for name, value in changes.items():
        setters[name](new, value)
    return new


@cache
def _parts(kind: type[AttrsInstance]) -> tuple[Callable[[Any], Any], dict[str, _Setter]]:
    """
    Return what copies a *kind* of record field by field, and what sets each of its fields.
    """
    # The slots' own setters: a frozen class refuses assignment, and `object.__setattr__` is slower.
    setters = {one.name: getattr(kind, one.name).__set__ for one in fields(kind)}
    # Written out and compiled, as attrs does with `__init__`: a loop takes twice as long.
    lines = [f"    set_{name}(new, record.{name})" for name in setters]
    source = "\n".join(["def copy(record):", "    new = make(kind)", *lines, "    return new"])
    known: dict[str, Any] = {f"set_{name}": setter for name, setter in setters.items()}
    known |= {"make": object.__new__, "kind": kind}
    exec(compile(source, f"<a copy of {kind.__name__}>", "exec"), known)  # noqa: S102 - of nothing but names of fields
    return cast("Callable[[Any], Any]", known["copy"]), setters
