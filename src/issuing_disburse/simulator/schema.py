"""
Which parameters does an endpoint declare, and what do they mean once decoded?
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol, TypeAlias

from attrs import field, frozen

from issuing_disburse.simulator.errors import (
    ApiError,
    parameter_empty,
    parameter_missing,
    parameter_unknown,
    parameters_exclusive,
)
from issuing_disburse.simulator.form import Tree

Params: TypeAlias = dict[str, Any]
"""
Decoded parameters: only what was sent is there; ``None`` means "unset this".
"""

LARGEST_AMOUNT = 99_999_999
MAX_TEXT = 5_000
MAX_INTEGER_DIGITS = 18


class Node(Protocol):
    """
    Read one declared parameter.
    """

    @property
    def required(self) -> bool:
        """
        Say whether the parameter must be sent.
        """

    def read(self, value: Tree, name: str) -> Any:
        """
        Return the decoded value, or raise the ``ApiError`` that Stripe would answer.
        """


@frozen
class Text:
    """
    A string; *clearable* ones may be sent empty, which unsets them.
    """

    required: bool = False
    clearable: bool = False
    longest: int = MAX_TEXT
    check: Callable[[str, str], None] | None = None

    def read(self, value: Tree, name: str) -> str | None:
        if type(value) is not str:
            raise ApiError("Invalid string: it must not be a hash or a list.", param=name)
        if not value:
            if self.clearable:
                return None
            raise parameter_empty(name)
        if len(value) > self.longest:
            raise ApiError(
                f"Invalid string: {value[:20]}...; must be at most {self.longest} characters",
                code="parameter_invalid_string_length" if self.longest == MAX_TEXT else None,
                param=name,
            )
        if self.check is not None:
            self.check(value, name)
        return value


@frozen
class Integer:
    """
    A whole number between *least* and *most*; amounts are minor units.
    """

    required: bool = False
    least: int | None = None
    most: int | None = None

    def read(self, value: Tree, name: str) -> int:
        digits = value[1:] if type(value) is str and value[:1] == "-" else value
        if type(value) is not str or not digits.isdecimal() or not digits.isascii():
            if value == "":
                raise parameter_empty(name)
            raise _not_an_integer(value, name)
        if len(digits) > MAX_INTEGER_DIGITS:
            raise _not_an_integer(value, name)
        number = int(value)
        if self.least is not None and number < self.least:
            raise ApiError(
                f"This value must be greater than or equal to {self.least}.",
                code="parameter_invalid_integer",
                param=name,
            )
        if self.most is not None and number > self.most:
            raise ApiError(
                f"This value must be less than or equal to {self.most}.",
                code="parameter_invalid_integer",
                param=name,
            )
        return number


def _not_an_integer(value: Tree, name: str) -> ApiError:
    shown = value[:40] if type(value) is str else "a hash or a list"
    return ApiError(f"Invalid integer: {shown}", code="parameter_invalid_integer", param=name)


def Amount(*, required: bool = False, least: int = 1) -> Integer:  # noqa: N802 - reads as a node
    """
    Declare a sum of minor units, up to Stripe's eight digits.
    """
    return Integer(required=required, least=least, most=LARGEST_AMOUNT)


@frozen
class Boolean:
    """
    ``true`` or ``false``.
    """

    required: bool = False

    def read(self, value: Tree, name: str) -> bool:
        if value == "true":
            return True
        if value == "false":
            return False
        shown = value[:40] if type(value) is str else "a hash or a list"
        raise ApiError(f"Invalid boolean: {shown}", param=name)


def _words(values: Iterable[str]) -> frozenset[str]:
    return frozenset(values)


@frozen
class Choice:
    """
    One of a closed set of words.
    """

    values: frozenset[str] = field(converter=_words)
    required: bool = False
    clearable: bool = False

    def read(self, value: Tree, name: str) -> str | None:
        if type(value) is str:
            if value in self.values:
                return value
            if not value:
                if self.clearable:
                    return None
                raise parameter_empty(name)
            words = sorted(self.values)
            listed = " or ".join(filter(None, (", ".join(words[:-1][:12]), words[-1])))
            raise ApiError(f"Invalid {name}: must be one of {listed}", param=name)
        raise ApiError(f"Invalid {name}: it must not be a hash or a list.", param=name)


def Currency(*, required: bool = False) -> Text:  # noqa: N802 - reads as a node
    """
    Declare a three-letter currency; Stripe answers in lower case.
    """
    return Text(required=required, check=_check_currency)


def _check_currency(value: str, name: str) -> None:
    if len(value) != 3 or not value.isascii() or not value.isalpha():  # noqa: PLR2004 - ISO 4217
        raise ApiError(f"Invalid currency: {value[:20]}.", param=name)


@frozen
class Hash:
    """
    A hash of declared parameters.

    *exclusive* names pairs of which only one may be sent.
    """

    fields: Mapping[str, Node]
    required: bool = False
    clearable: bool = False
    exclusive: tuple[tuple[str, str], ...] = ()
    needed: tuple[str, ...] = field(init=False)

    @needed.default
    def _needed(self) -> tuple[str, ...]:
        return tuple(name for name, node in self.fields.items() if node.required)

    def read(self, value: Tree, name: str) -> Params | None:
        if type(value) is not dict:
            if value == "":
                if self.clearable:
                    return None
                raise parameter_empty(name)
            raise ApiError("Invalid object", param=name)
        fields = self.fields
        result: Params = {}
        for key, item in value.items():
            node = fields.get(key)
            path = f"{name}[{key}]" if name else key
            if node is None:
                raise parameter_unknown(path[:200])
            result[key] = node.read(item, path)
        for key in self.needed:
            if key not in result:
                raise parameter_missing(f"{name}[{key}]" if name else key)
        for first, second in self.exclusive:
            if result.get(first) and result.get(second):
                raise parameters_exclusive(
                    f"{name}[{first}]" if name else first, f"{name}[{second}]" if name else second
                )
        return result


@frozen
class Sequence:
    """
    A list of equal things, indexed (``a[0]``) or appended (``a[]``).
    """

    item: Node
    required: bool = False
    clearable: bool = True

    def read(self, value: Tree, name: str) -> list[Any] | None:
        if type(value) is dict:
            if not all(key.isdecimal() and key.isascii() and len(key) < 7 for key in value):  # noqa: PLR2004 - no list is a million long
                raise ApiError("Invalid array", param=name)
            value = [value[key] for key in sorted(value, key=int)]
        if type(value) is list:
            return [self.item.read(item, f"{name}[{place}]") for place, item in enumerate(value)]
        if value == "" and self.clearable:
            return None
        raise ApiError("Invalid array", param=name)


@frozen
class Free:
    """
    A part that is kept as it was sent, without judging what is inside.
    """

    required: bool = False

    def read(self, value: Tree, name: str) -> Any:
        if value == "":
            return None
        return value


@frozen
class Clearable:
    """
    A parameter that may be sent empty, which unsets it.
    """

    node: Node
    required: bool = False

    def read(self, value: Tree, name: str) -> Any:
        return None if value == "" else self.node.read(value, name)


@frozen
class NotImitated:
    """
    A parameter that Stripe takes and this simulator says clearly that it does not.
    """

    required: bool = False

    def read(self, value: Tree, name: str) -> Any:
        raise ApiError(f"This simulator does not imitate the parameter {name}.", param=name)


@frozen
class Range:
    """
    A number or a range of numbers, as in ``created[gte]=…``; moments are Unix seconds.
    """

    required: bool = False

    def read(self, value: Tree, name: str) -> dict[str, int]:
        if type(value) is str:
            moment = Integer().read(value, name)
            return {"gte": moment, "lte": moment}
        found = _RANGE.read(value, name)
        return found or {}


def within(number: int, bounds: Mapping[str, int]) -> bool:
    """
    Say whether *number* keeps all the bounds of a range.
    """
    return bounds.get("gt", number - 1) < number < bounds.get("lt", number + 1) and bounds.get(
        "gte", number
    ) <= number <= bounds.get("lte", number)


_RANGE = Hash({"gt": Integer(), "gte": Integer(), "lt": Integer(), "lte": Integer()})

EXPAND = Sequence(Text(longest=200))

ADDRESS: Mapping[str, Node] = {
    "line1": Text(required=True),
    "line2": Text(clearable=True),
    "city": Text(required=True),
    "state": Text(clearable=True),
    "postal_code": Text(required=True),
    "country": Text(required=True, longest=2),
}

ACCEPTANCE: Mapping[str, Node] = {
    "date": Integer(least=0),
    "ip": Text(longest=45),
    "user_agent": Text(clearable=True),
}


def params(
    fields: Mapping[str, Node] | None = None, *, exclusive: tuple[tuple[str, str], ...] = ()
) -> Hash:
    """
    Declare an endpoint's parameters; every endpoint accepts ``expand``.
    """
    return Hash({**(fields or {}), "expand": EXPAND}, exclusive=exclusive)


def list_params(fields: Mapping[str, Node] | None = None, *, created: bool = True) -> Hash:
    """
    Declare a list endpoint's filters beside the ones all lists share; most know *created*.
    """
    return params(
        {
            **(fields or {}),
            **({"created": Range()} if created else {}),
            "limit": Integer(least=1, most=100),
            "starting_after": Text(),
            "ending_before": Text(),
        },
        exclusive=(("starting_after", "ending_before"),),
    )
