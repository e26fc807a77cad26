"""
Do the arguments that came as JSON fit the method they are for?
"""

from collections.abc import Callable, Collection, Mapping
from inspect import Parameter, signature
from types import NoneType, UnionType
from typing import Any, get_args, get_origin
from urllib.parse import urlsplit

from issuing_disburse.simulator.errors import SimulatorError

LARGEST_AMOUNT = 10**15
LONGEST_TEXT = 5_000
DEEPEST = 6


def check_arguments(name: str, method: Callable[..., object], given: Mapping[str, Any]) -> None:
    """
    Hold *given* against the signature of *method*, which the caller knows as *name*.

    Raises:
        SimulatorError: An argument is unknown, missing or of another type; nothing was called.
    """
    check_names(name, method, given)
    wanted = signature(method).parameters
    for argument, value in given.items():
        if not _fits(value, wanted[argument].annotation):
            kind = signature_text(wanted[argument])
            raise SimulatorError(f"{argument} is {value!r:.60}; give {kind}.", param=argument)


def check_names(name: str, method: Callable[..., object], given: Mapping[str, Any]) -> None:
    """
    Hold the names of *given* alone against the signature.

    Raises:
        SimulatorError: One is unknown, or one is missing.
    """
    wanted = signature(method).parameters
    for argument in given:
        if argument not in wanted:
            takes = f"it takes {', '.join(wanted)}" if wanted else "it takes nothing"
            message = f"{name} takes no {argument!r:.60}; {takes}."
            raise SimulatorError(message, param=argument[:60])
    for argument, parameter in wanted.items():
        if parameter.default is Parameter.empty and argument not in given:
            raise SimulatorError(f"{name} needs {argument}.", param=argument)


def check_amount(value: int, name: str = "amount") -> None:
    """
    Want a sum of minor units that somebody could bring.

    Raises:
        SimulatorError: It is none, or less than one.
    """
    if type(value) is not int or not 0 < value <= LARGEST_AMOUNT:
        message = f"{name} is {value!r:.60}; give minor units from 1 to {LARGEST_AMOUNT}."
        raise SimulatorError(message, param=name)


def check_currency(value: str) -> None:
    """
    Want a currency.

    Raises:
        SimulatorError: It has not three letters.
    """
    if len(value) != 3 or not value.isascii() or not value.isalpha():  # noqa: PLR2004 - ISO 4217
        raise SimulatorError(f"currency is {value!r:.60}; give three letters.", param="currency")


def check_word(value: str | None, words: Collection[str | None], name: str) -> None:
    """
    Want one of a few words.

    Raises:
        SimulatorError: It is another.
    """
    if value not in words:
        listed = ", ".join(sorted(str(word) for word in words if word is not None))
        also = " or nothing" if None in words else ""
        raise SimulatorError(f"{name} is {value!r:.60}; give {listed}{also}.", param=name)


def is_web_address(url: str) -> bool:
    """
    Say whether a webhook could be brought to *url*.
    """
    try:
        parts = urlsplit(url)
        there = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        return False
    return bool(there) and url.isprintable() and " " not in url


def signature_text(parameter: Parameter) -> str:
    """
    Return what a parameter takes, in the words of JSON.
    """
    hint = parameter.annotation
    kinds = get_args(hint) if get_origin(hint) is UnionType else (hint,)
    words = {
        int: "a whole number",
        float: "a number",
        str: "text",
        bool: "true or false",
        NoneType: "null",
    }
    return " or ".join(words.get(kind, "an object") for kind in kinds)


def _fits(value: Any, hint: Any) -> bool:
    if get_origin(hint) is UnionType:
        return any(_fits(value, kind) for kind in get_args(hint))
    if hint is int:
        return type(value) is int and abs(value) <= LARGEST_AMOUNT
    if hint is float:
        return type(value) in {int, float} and abs(value) <= LARGEST_AMOUNT
    if hint is str:
        return isinstance(value, str) and len(value) <= LONGEST_TEXT
    if isinstance(hint, type):
        return type(value) is hint
    return isinstance(value, dict) and _is_shallow(value, DEEPEST)


def _is_shallow(value: object, depth: int) -> bool:
    if isinstance(value, dict):
        return depth > 0 and all(_is_shallow(item, depth - 1) for item in value.values())
    if isinstance(value, list):
        return depth > 0 and all(_is_shallow(item, depth - 1) for item in value)
    return True
