"""
Is what a fault was told something that can happen?
"""

import re
from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any, TypeAlias

from attrs import Attribute

from issuing_disburse.simulator.errors import SimulatorError

Check: TypeAlias = Callable[[Any, "Attribute[Any]", Any], None]

_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+\Z")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e]*\Z")


def _check(is_right: Callable[[Any], bool], wanted: str) -> Check:
    def check(owner: Any, attribute: "Attribute[Any]", value: Any) -> None:
        if not is_right(value):
            where = f"{type(owner).__name__}.{attribute.name}"
            raise SimulatorError(f"{where} is {value!r:.80}; give {wanted}.", param=attribute.name)

    return check


def whole(least: int, most: int = 10**9) -> Check:
    """
    Want a whole number of the range.
    """
    return _check(
        lambda value: type(value) is int and least <= value <= most,
        f"a whole number from {least} to {most}",
    )


def number(least: float, most: float) -> Check:
    """
    Want a number of the range, with or without a fraction.
    """
    return _check(
        lambda value: type(value) in {int, float} and isfinite(value) and least <= value <= most,
        f"a number from {least:g} to {most:g}",
    )


def one_of(*choices: str) -> Check:
    """
    Want one of a few words.
    """
    return _check(lambda value: value in choices, f"one of {', '.join(choices)}")


def optional(check: Check) -> Check:
    """
    Want what *check* wants, or nothing.
    """

    def check_if_given(owner: Any, attribute: "Attribute[Any]", value: Any) -> None:
        if value is not None:
            check(owner, attribute, value)

    return check_if_given


def _are_headers(value: Any) -> bool:
    return isinstance(value, Mapping) and all(
        isinstance(name, str)
        and isinstance(text, str)
        and _HEADER_NAME.match(name)
        and _HEADER_VALUE.match(text)
        for name, text in value.items()
    )


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= 10_000 and value.isprintable()  # noqa: PLR2004 - room for any sentence


text: Check = _check(_is_text, "a line of text")
flag: Check = _check(lambda value: type(value) is bool, "true or false")
headers: Check = _check(_are_headers, "names and values of HTTP headers")
