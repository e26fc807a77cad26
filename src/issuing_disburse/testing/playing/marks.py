"""
What does a test's marker ask of its Stripe, and can it be had?
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from difflib import get_close_matches
from typing import Any, Literal, Protocol, get_args, get_origin, get_type_hints

from attrs import fields, frozen

from issuing_disburse.exceptions import InvalidInputError
from issuing_disburse.simulator import Behaviour, Fault

PLATFORM_FUNDS = 10_000_000
COUNTRIES = ("US", "DE", "FR", "NL", "IE", "ES", "GB")


class Mark(Protocol):
    """
    One marker, as pytest shows it.
    """

    @property
    def args(self) -> tuple[Any, ...]:
        """
        What was given by position.
        """

    @property
    def kwargs(self) -> Mapping[str, Any]:
        """
        What was given by name.
        """


@frozen(kw_only=True)
class Setting:
    """
    What a test plays on; the arguments of ``@pytest.mark.issuing`` that are no switch of the simulator's.

    Attributes:
        faults: What goes wrong, from the start; given by position.
        seed: Same seed, same ids, numbers and order.
        start: Where the clock starts; the simulator's own start by default.
        country: Where the account is at home; with it goes the currency.
        platform_funds: What the platform has, in minor units.
        issuing_funds: What the account's Issuing balance has before, in minor units.
        payouts: The account's payout schedule.
        balance_transfers: Whether the second step of `TransferRoute` is enabled for the account.
        issuing: Whether the account's ``card_issuing`` is on.
        only: ``"simulator"``: skipped wherever else tests play.
        allow_hosts: Hosts that may be reached beside this machine; ``"*"`` for all.
        switches: Attributes of `issuing_disburse.simulator.Behaviour`.
    """

    faults: tuple[Fault, ...] = ()
    seed: int = 7
    start: datetime | None = None
    country: str = "US"
    platform_funds: int = PLATFORM_FUNDS
    issuing_funds: int = 0
    payouts: str = "manual"
    balance_transfers: bool = True
    issuing: bool = True
    only: str | None = None
    allow_hosts: tuple[str, ...] = ()
    switches: Mapping[str, Any] = {}

    @property
    def currency(self) -> str:
        """
        What cards have in that country.
        """
        return {"US": "usd", "GB": "gbp"}.get(self.country, "eur")

    @property
    def is_special(self) -> bool:
        """
        Whether anything is asked that Stripe itself cannot be told.
        """
        return any(
            getattr(self, one.name) != getattr(_DEFAULT, one.name)
            for one in fields(Setting)
            if one.name != "allow_hosts"
        )


_DEFAULT = Setting()
_OWN: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "seed": (lambda value: type(value) is int, "a whole number"),
    "start": (
        lambda value: isinstance(value, datetime) and value.utcoffset() is not None,
        "an aware datetime",
    ),
    "country": (lambda value: value in COUNTRIES, f"one of {', '.join(COUNTRIES)}"),
    "platform_funds": (lambda value: type(value) is int and value >= 0, "minor units, from 0"),
    "issuing_funds": (lambda value: type(value) is int and value >= 0, "minor units, from 0"),
    "payouts": (
        lambda value: value in {"manual", "daily", "weekly", "monthly"},
        "manual, daily, weekly or monthly",
    ),
    "balance_transfers": (lambda value: type(value) is bool, "true or false"),
    "issuing": (lambda value: type(value) is bool, "true or false"),
    "only": (lambda value: value == "simulator", "'simulator'"),
    "allow_hosts": (
        lambda value: (
            value == "*"
            or (isinstance(value, list | tuple) and all(isinstance(one, str) for one in value))
        ),
        'a list of hosts, or "*"',
    ),
}


def setting_of(marks: Iterable[Mark]) -> Setting:
    """
    Return what *marks*, the farthest first, ask for together; a nearer one wins, faults add up.

    Raises:
        InvalidInputError: Naming the argument, and those that sound like it.
    """
    faults: list[Fault] = []
    own: dict[str, Any] = {}
    switches: dict[str, Any] = {}
    kinds = get_type_hints(Behaviour)
    for mark in marks:
        for one in mark.args:
            if not isinstance(one, Fault):
                raise InvalidInputError(
                    "faults",
                    f"{one!r:.80} is no fault",
                    "by position, pass issuing_disburse.simulator.Fault(...); switches go by name",
                )
            faults.append(one)
        for name, value in mark.kwargs.items():
            if name in _OWN:
                is_right, wanted = _OWN[name]
                _check(name, value, is_right=is_right(value), wanted=wanted)
                own[name] = (value,) if value == "*" else value
            elif name in kinds:
                _check(name, value, is_right=_fits(value, kinds[name]), wanted=_named(kinds[name]))
                switches[name] = value
            else:
                raise _unknown(name, (*_OWN, *kinds))
    if "allow_hosts" in own:
        own["allow_hosts"] = tuple(own["allow_hosts"])
    return Setting(faults=tuple(faults), switches=switches, **own)


def _unknown(name: str, known: Iterable[str]) -> InvalidInputError:
    names = sorted(known)
    near = get_close_matches(name, names, n=3, cutoff=0.5)
    remedy = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(names)}"
    return InvalidInputError(name, "is no switch of the simulator's", remedy)


def _check(name: str, value: Any, *, is_right: bool, wanted: str) -> None:
    if not is_right:
        raise InvalidInputError(name, f"is {value!r:.80}", f"give {wanted}")


def _fits(value: Any, kind: Any) -> bool:
    choices = get_args(kind)
    origin = get_origin(kind)
    if origin is Literal:
        return value in choices
    if kind is float:
        return type(value) in {int, float}
    if kind in (int, str, bool):
        return type(value) is kind
    if choices and type(None) in choices:
        return value is None or any(_fits(value, one) for one in choices if one is not type(None))
    return origin is None or isinstance(value, origin)


def _named(kind: Any) -> str:
    choices = get_args(kind)
    if get_origin(kind) is Literal:
        return " or ".join(repr(one) for one in choices)
    return getattr(kind, "__name__", "") if not choices else str(kind).replace("typing.", "")
