"""
Do the arguments that came as JSON fit the method they are for?
"""

from collections.abc import Callable, Mapping
from inspect import Parameter, signature
from types import NoneType, UnionType
from typing import Any, get_args, get_origin

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
    wanted = signature(method).parameters
    for argument, value in given.items():
        if argument not in wanted:
            message = f"{name} takes no {argument!r:.60}; it takes {', '.join(wanted)}."
            raise SimulatorError(message, param=argument[:60])
        if not _fits(value, wanted[argument].annotation):
            kind = signature_text(wanted[argument])
            raise SimulatorError(f"{argument} is {value!r:.60}; give {kind}.", param=argument)
    for argument, parameter in wanted.items():
        if parameter.default is Parameter.empty and argument not in given:
            raise SimulatorError(f"{name} needs {argument}.", param=argument)


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
