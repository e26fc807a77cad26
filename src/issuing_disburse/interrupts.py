"""
How does Ctrl-C, or another interrupt, go on without what it has seen?

Texts, causes, notes, attributes and frames of an exception may all show a key or a card number. What is an
error is raised afresh by whoever meets it; an interrupt has to stay what it is, and is emptied.
"""

from __future__ import annotations

import contextlib
import traceback


def emptied(exc: BaseException) -> BaseException:
    """
    Return the interrupt *exc*, with everything taken out of it, and out of what it was raised from.

    Of a group of exceptions, whose text cannot be changed, its first interrupt is returned.
    """
    found = _interrupt(exc)
    for one in _all(exc):
        traceback.clear_frames(one.__traceback__)
        one.__traceback__ = one.__cause__ = one.__context__ = None
        one.args = ()
        if isinstance(one, SystemExit):
            is_small = type(one.code) is int and 0 <= one.code < 100  # noqa: PLR2004  # no CVC
            one.code = one.code if is_small else 1 if one.code else 0
        getattr(one, "__dict__", {}).clear()
        for kind in type(one).__mro__:
            for name in _slots(kind):
                with contextlib.suppress(AttributeError, TypeError):
                    delattr(one, name)
    return found


def _interrupt(exc: BaseException) -> BaseException:
    if not isinstance(exc, BaseExceptionGroup):
        return exc
    inner = [_interrupt(one) for one in exc.exceptions]
    return next((one for one in inner if not isinstance(one, Exception)), KeyboardInterrupt())


def _all(exc: BaseException) -> list[BaseException]:
    seen: list[BaseException] = []
    waiting: list[BaseException | None] = [exc]
    while waiting:
        one = waiting.pop()
        if one is None or any(one is other for other in seen):
            continue
        seen.append(one)
        waiting += [one.__cause__, one.__context__, *getattr(one, "exceptions", ())]
    return seen


def _slots(kind: type) -> list[str]:
    slots = kind.__dict__.get("__slots__", ())
    names = (slots,) if isinstance(slots, str) else slots
    private = f"_{kind.__name__.lstrip('_')}"
    return [f"{private}{one}" if one.startswith("__") else one for one in names]
