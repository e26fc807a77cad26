"""
Does a hidden text stay where it is?
"""

import base64
import copy
import json
import pickle
from collections.abc import Callable

import pytest

from issuing_disburse.hidden import Hidden, Sealed

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


NUMBER, CVC = "4000009990000010", "837"


def test_sealed_gives_number_and_cvc_once_in_memory_that_can_be_overwritten() -> None:
    """They are taken out once; what was taken is the taker's to wipe."""
    sealed = Sealed(NUMBER, CVC)
    number, cvc = sealed.unsealed()

    assert (NUMBER.encode(), CVC.encode()) == (bytes(number), bytes(cvc))
    assert sealed.is_taken
    with pytest.raises(ValueError, match="taken out before"):
        sealed.unsealed()


def test_sealed_is_empty_when_it_was_wiped() -> None:
    """After wiping there is nothing to take, and nothing to compare a text with."""
    sealed = Sealed(NUMBER, CVC)
    sealed.wipe()
    sealed.wipe()

    with pytest.raises(ValueError, match="wiped"):
        sealed.unsealed()
    assert not sealed.is_told_by(NUMBER)
    assert not sealed.has_digits_in(CVC)


def test_sealed_shows_no_digits_to_whoever_walks_through_its_slots() -> None:
    """Everything that can be reached from a sealed value is masked."""
    sealed = Sealed(NUMBER, CVC)
    reached = [repr(sealed), str(sealed), f"{sealed}"]
    reached += [repr(getattr(sealed, name)) for name in Sealed.__slots__]

    for text in reached:
        assert NUMBER not in text
        assert CVC not in text


@pytest.mark.parametrize(
    "take",
    [
        pickle.dumps, copy.copy, copy.deepcopy, json.dumps, vars, list, hash,
        lambda one: one == one,  # noqa: PLR0124  # that is what is refused
        lambda one: type("Loud", (type(one),), {}),
    ],
)  # fmt: skip
def test_sealed_refuses_when_it_is_taken_away(take: Callable[[object], object]) -> None:
    """Neither copy nor pickle, comparison nor subclass gets hold of it."""
    with pytest.raises(TypeError):
        take(Sealed(NUMBER, CVC))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("vault:ic_1", False),
        ("400000******0010", False),
        ("40000099 ... 0010", False),
        ("a1b837c9-1837-4b", False),
        ("2026-11-02T08:37:11", False),
        (NUMBER, True),
        ("ok 4000 0099-9000_0010!", True),
        (NUMBER[:12], True),
        (NUMBER[-12:], True),
        (NUMBER[::-1], True),
        (NUMBER.encode().hex().upper(), True),
        (base64.b64encode(f"x{NUMBER}{CVC}".encode()).decode(), True),
        (base64.b64encode(NUMBER.encode()).decode(), True),
        ("837", True),
        ("vault/837/x", True),
        ("cvc837", True),
        ("Code: 837", True),
    ],
)
def test_sealed_knows_a_text_that_tells(text: str, expected: bool) -> None:
    """More of the number than may be shown, or the CVC as a word: that text must not be kept."""
    assert expected is Sealed(NUMBER, CVC).is_told_by(text)


def test_hidden_each_hides_whatever_was_passed() -> None:
    """One text, several, or something wrong: no text is left in sight."""
    assert isinstance(Hidden.each(SECRET), Hidden)
    assert "(<hidden>, <hidden>)" == repr(Hidden.each(iter([SECRET, SECRET])))
    assert "(<hidden>,)" == repr(Hidden.each([b"whsec"]))
    assert "<hidden>" == repr(Hidden.each(b"whsec")) == repr(Hidden.each(7))
    hidden = Hidden(SECRET)
    assert hidden is Hidden.each(hidden)
