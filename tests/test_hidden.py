"""
Does a hidden text stay where it is?
"""

import copy
import json
import pickle
from collections.abc import Callable

import pytest

from issuing_disburse.hidden import Hidden

SECRET = "sk_live_example"


def test_hidden_reveals_when_asked_by_name() -> None:
    """The one way to the text has a name that can be searched for."""
    assert SECRET == Hidden(SECRET).revealed()


@pytest.mark.parametrize(
    "show", [repr, str, lambda one: f"{one}", lambda one: f"{[one]}", lambda one: f"{one!a}"]
)
def test_hidden_shows_nothing_when_printed(show: Callable[[object], str]) -> None:
    """No way of printing shows the text."""
    shown = show(Hidden(SECRET))

    assert "<hidden>" in shown
    assert SECRET not in shown


@pytest.mark.parametrize("take", [pickle.dumps, copy.copy, copy.deepcopy, json.dumps, vars, list])
def test_hidden_refuses_when_it_is_taken_away(take: Callable[[object], object]) -> None:
    """Neither pickle nor copy, JSON nor iteration gets hold of it."""
    with pytest.raises(TypeError) as caught:
        take(Hidden(SECRET))

    assert SECRET not in str(caught.value)
