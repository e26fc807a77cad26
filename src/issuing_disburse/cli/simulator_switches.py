"""
How does a switch of the simulator come from the command line?
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from types import NoneType, UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from issuing_disburse.simulator import Behaviour, SimulatorError

_SHAPES: dict[Any, type] = {tuple: list, frozenset: list, Mapping: dict}


def read_switches(switches: Iterable[str]) -> Behaviour:
    """
    Return the behaviour that ``name=value`` pairs ask for; values are JSON, or bare words.

    Raises:
        SimulatorError: There is no such switch, or it takes something else.
    """
    hints = get_type_hints(Behaviour)
    given: dict[str, Any] = {}
    for switch in switches:
        name, _, text = switch.partition("=")
        if name not in hints:
            known = ", ".join(sorted(hints))
            raise SimulatorError(f"There is no switch {name!r:.60}; there are {known}.")
        try:
            value = json.loads(text)
        except ValueError:
            value = text  # a word needs no quotes
        hint = hints[name]
        if not _fits(value, hint):
            default = getattr(Behaviour(), name)
            message = f"The switch {name} cannot be {text!r:.60}; its default is {default!r:.60}."
            raise SimulatorError(message)
        given[name] = get_origin(hint)(value) if get_origin(hint) in {tuple, frozenset} else value
    return Behaviour(**given)


def _fits(value: Any, hint: Any) -> bool:
    kind, parts = get_origin(hint), get_args(hint)
    if kind is Literal:
        return value in parts
    if kind is UnionType:
        return any(_fits(value, part) for part in parts)
    if kind in _SHAPES:
        items = value.values() if isinstance(value, dict) else value
        wanted = parts[-1] if kind is Mapping else parts[0]
        return type(value) is _SHAPES[kind] and all(_fits(item, wanted) for item in items)
    if hint is float:
        return type(value) in {int, float} and 0 <= value < float("inf")
    if hint is int:
        return type(value) is int and value >= 0
    return type(value) is hint or (hint is NoneType and value is None)
