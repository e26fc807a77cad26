"""
Do this request and this response have the shape that Stripe's own SDK declares for them?

The SDK describes every parameter and every field, but only for type checkers. Here the same
annotations are read while the tests run, with the enums closed: the SDK adds ``str`` to each enum
so that new values do not break callers, and that would let any misspelt value through.
"""

import ast
import importlib
import re
import sys
import typing
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import ModuleType, NoneType
from typing import Any, Literal, NamedTuple
from urllib.parse import parse_qsl, urlsplit

import typing_extensions
from stripe._object_classes import OBJECT_CLASSES
from stripe._request_options import RequestOptions
from stripe._stripe_object import StripeObject, UntypedStripeObject

from sdk_annotations import Names, branches_of, fields_of

_OPTIONS = frozenset(RequestOptions.__annotations__)
_SERVICES = (
    "_account",
    "_account_capability",
    "_balance",
    "_balance_settings",
    "_balance_transaction",
    "_ephemeral_key",
    "_event",
    "_payout",
    "_topup",
    "_transfer",
    "_transfer_reversal",
    "_webhook_endpoint",
    "issuing/_authorization",
    "issuing/_card",
    "issuing/_cardholder",
    "issuing/_dispute",
    "issuing/_token",
    "issuing/_transaction",
    "test_helpers/issuing/_authorization",
    "test_helpers/issuing/_card",
    "test_helpers/issuing/_personalization_design",
    "test_helpers/issuing/_transaction",
)


class Untyped(NamedTuple):
    """
    A parameter that Stripe documents and the SDK does not type: its shape, and where it is said.
    """

    annotation: object
    source: str
    required: bool = False


class _Side(typing_extensions.TypedDict):
    type: Literal["payments", "issuing"]


class _BankTransfer(typing_extensions.TypedDict):
    type: Literal["eu_bank_transfer", "gb_bank_transfer", "us_bank_transfer"]


_FUNDING = "docs.stripe.com/issuing/connect/funding"
_PREVIEW = "docs.stripe.com/api/balance_transfers/create (preview)"
_INSTRUCTIONS = "docs.stripe.com/api/issuing/funding_instructions"
_CURRENCY = Literal["usd", "eur", "gbp"]

UNTYPED: dict[tuple[str, str], Untyped] = {
    ("POST /v1/balance_transfers", "amount"): Untyped(int, _FUNDING, required=True),
    ("POST /v1/balance_transfers", "currency"): Untyped(_CURRENCY, _FUNDING, required=True),
    ("POST /v1/balance_transfers", "source_balance"): Untyped(_Side, _FUNDING, required=True),
    ("POST /v1/balance_transfers", "destination_balance"): Untyped(_Side, _FUNDING, required=True),
    ("POST /v1/balance_transfers", "metadata"): Untyped(dict[str, str], _PREVIEW),
    ("POST /v1/balance_transfers", "expand"): Untyped(list[str], _PREVIEW),
    ("POST /v1/topups", "destination_balance"): Untyped(Literal["issuing"], _FUNDING),
    ("POST /v1/payouts", "source_balance"): Untyped(Literal["issuing"], _FUNDING),
    ("POST /v1/issuing/funding_instructions", "currency"): Untyped(
        _CURRENCY, _INSTRUCTIONS, required=True
    ),
    ("POST /v1/issuing/funding_instructions", "funding_type"): Untyped(
        Literal["bank_transfer"], _INSTRUCTIONS, required=True
    ),
    ("POST /v1/issuing/funding_instructions", "bank_transfer"): Untyped(
        _BankTransfer, _INSTRUCTIONS, required=True
    ),
    ("GET /v1/issuing/funding_instructions", "limit"): Untyped(int, _INSTRUCTIONS),
    ("POST /v1/test_helpers/issuing/fund_balance", "amount"): Untyped(
        int, f"{_INSTRUCTIONS}/fund", required=True
    ),
    ("POST /v1/test_helpers/issuing/fund_balance", "currency"): Untyped(
        _CURRENCY, f"{_INSTRUCTIONS}/fund", required=True
    ),
}


def check_request(method: str, url: str, body: str | bytes | None = None) -> list[str]:
    """
    Name everything in one encoded request that the SDK's types do not allow.

    This is the check for what has left the library: it reads the query and the form as Stripe
    would, so numbers and booleans may be text, and everything else is as in `check_params`.
    """
    parts = urlsplit(url)
    text = body.decode() if isinstance(body, bytes) else body
    endpoint = f"{method.upper()} {parts.path}"
    params = decode_form("&".join(filter(None, (parts.query, text))))
    untyped = {name: at for (known, name), at in UNTYPED.items() if known == endpoint}
    declared = params_class_for(method, parts.path)
    if declared is None and not untyped:
        return [f"{endpoint}: neither the SDK nor the list of untyped parameters knows it"]
    typed = {name: value for name, value in params.items() if name not in untyped}
    if declared is None:
        problems = [f"{name}: unknown to this endpoint" for name in typed]
    else:
        problems = _Checker(wire=True).typed_dict("", typed, declared)
    for name, at in untyped.items():
        if name in params:
            problems += _Checker(wire=True).value(name, params[name], at.annotation, _here())
        elif at.required:
            problems.append(f"{name}: required, but absent")
    return [f"{endpoint}: {problem}" for problem in problems]


def check_params(typed_dict_class: type, params: Mapping[str, object]) -> list[str]:
    """
    Name every parameter that *typed_dict_class* of ``stripe.params`` does not allow.

    Options such as ``idempotency_key`` share these classes in the SDK, but are no parameters:
    they are refused.
    """
    return _Checker().typed_dict("", params, typed_dict_class)


def check_object(stripe_object_class: type, data: Mapping[str, object]) -> list[str]:
    """
    Name every field of the answer *data* that *stripe_object_class* does not describe.
    """
    return _Checker().stripe_object("", data, stripe_object_class)


def params_class_for(method: str, path: str) -> type | None:
    """
    Look up the class in ``stripe.params`` for one request; ``None`` when the SDK has none.
    """
    for known, pattern, name, module in _endpoints():
        if known == method.upper() and pattern.fullmatch(path):
            return typing.cast("type", Names(module)[name])
    return None


def object_class_for(object_name: str) -> type[StripeObject] | None:
    """
    Look up the SDK's class for the value of an ``object`` field.
    """
    where = OBJECT_CLASSES.get(object_name)
    return getattr(importlib.import_module(where[0]), where[1]) if where else None


def decode_form(encoded: str) -> dict[str, Any]:
    """
    Decode ``a[b][0]=c`` into nested dicts and lists; every leaf stays text.
    """
    tree: dict[str, Any] = {}
    for name, value in parse_qsl(encoded, keep_blank_values=True, strict_parsing=bool(encoded)):
        head, *rest = re.findall(r"[^\[\]]+|(?<=\[)(?=\])", name)
        node, key = tree, head
        for step in rest:
            node = node.setdefault(key, {})
            key = step or str(len(node))
        node[key] = value
    return {name: _with_lists(value) for name, value in tree.items()}


def _with_lists(node: object) -> object:
    if not isinstance(node, dict):
        return node
    children = {key: _with_lists(value) for key, value in node.items()}
    if list(children) == [str(index) for index in range(len(children))]:
        return list(children.values())
    return children


def _here() -> ModuleType:
    return sys.modules[__name__]


@cache
def _endpoints() -> tuple[tuple[str, re.Pattern[str], str, ModuleType], ...]:
    """
    Read from the SDK's services which parameter class goes with which endpoint.

    Paths without a placeholder come first, so that none of them is taken for an id.
    """
    found: list[tuple[str, str, str, ModuleType]] = []
    for name in _SERVICES:
        module = importlib.import_module(f"stripe.{name.replace('/', '.')}_service")
        tree = ast.parse(Path(str(module.__file__)).read_text(encoding="utf-8"))
        for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
            annotation = next((a.annotation for a in function.args.args if a.arg == "params"), None)
            strings = [
                node.value
                for node in ast.walk(function)
                if isinstance(node, ast.Constant) and isinstance(node.value, str)
            ]
            path = next((text for text in strings if text.startswith("/v1/")), None)
            if annotation is None or path is None:
                continue
            declared = re.search(r"\w+Params", ast.unparse(annotation))
            method = next(text for text in strings if text in {"get", "post", "delete"})
            if declared:
                found.append((method.upper(), path, declared.group(), module))
    found.sort(key=lambda endpoint: endpoint[1].count("{"))
    return tuple(
        (method, re.compile(re.sub(r"\{\w+\}", r"[^/]+", path)), name, module)
        for method, path, name, module in found
    )


class _Checker:
    """
    Compares values with annotations; with *wire*, numbers and booleans may be text.
    """

    def __init__(self, *, wire: bool = False) -> None:
        self._wire = wire

    def typed_dict(self, at: str, value: object, declared: Any) -> list[str]:
        if not isinstance(value, Mapping):
            return [f"{at}: expected the fields of {declared.__name__}, got {value!r}"]
        module = sys.modules[declared.__module__]
        fields = {k: v for k, v in declared.__annotations__.items() if k not in _OPTIONS}
        problems = [f"{_join(at, key)}: unknown parameter" for key in value if key not in fields]
        for key, annotation in fields.items():
            if key in value:
                problems += self.value(_join(at, key), value[key], annotation, module)
            elif key in declared.__required_keys__:
                problems.append(f"{_join(at, key)}: required, but absent")
        return problems

    def stripe_object(self, at: str, value: object, declared: type) -> list[str]:
        if not isinstance(value, Mapping):
            return [f"{at}: expected the fields of {declared.__name__}, got {value!r}"]
        name = getattr(declared, "OBJECT_NAME", None)
        if name is not None and value.get("object") != name:
            return [f"{_join(at, 'object')}: expected {name!r}, got {value.get('object')!r}"]
        fields = dict(fields_of(declared))
        problems = [f"{_join(at, key)}: unknown field" for key in value if key not in fields]
        for key, (annotation, module) in fields.items():
            if key in value:
                problems += self.value(_join(at, key), value[key], annotation, module)
            elif NoneType not in branches_of(annotation, module):
                problems.append(f"{_join(at, key)}: absent, and not optional")
        return problems

    def value(self, at: str, value: object, annotation: object, module: ModuleType) -> list[str]:
        attempts = [
            self._one(at, value, branch, module) for branch in branches_of(annotation, module)
        ]
        # The branch that got furthest into the value says most about what is wrong with it.
        return min(attempts, key=lambda found: (bool(found), -_depth(found), len(found)))

    def _one(self, at: str, value: object, branch: Any, module: ModuleType) -> list[str]:
        origin, arguments = typing.get_origin(branch) or branch, typing.get_args(branch)
        if origin is Literal:
            return [] if value in arguments else [f"{at}: {value!r} is none of {_few(arguments)}"]
        if origin is list or getattr(origin, "OBJECT_NAME", None) == "list":
            return self._items(at, value, branch, module)
        if origin in {dict, Mapping, UntypedStripeObject}:
            return self._mapping(at, value, arguments[-1] if arguments else Any, module)
        if typing_extensions.is_typeddict(origin):
            return self.typed_dict(at, value, origin)
        if isinstance(origin, type) and issubclass(origin, StripeObject):
            return self.stripe_object(at, value, origin)
        return [] if self._is_scalar(value, origin) else [f"{at}: {value!r} is no {origin}"]

    def _mapping(self, at: str, value: object, inner: object, module: ModuleType) -> list[str]:
        if not isinstance(value, Mapping):
            return [f"{at}: expected a mapping, got {value!r}"]
        return [p for k, v in value.items() for p in self.value(_join(at, k), v, inner, module)]

    def _items(self, at: str, value: object, branch: Any, module: ModuleType) -> list[str]:
        problems: list[str] = []
        if typing.get_origin(branch) is not list:  # ListObject[X], in place or paged
            if not isinstance(value, Mapping) or value.get("object") != "list":
                return [f"{at}: expected a list object, got {value!r}"]
            at, value = _join(at, "data"), value.get("data")
        if not isinstance(value, list):
            return [f"{at}: expected a list, got {value!r}"]
        for index, item in enumerate(value):
            problems += self.value(f"{at}[{index}]", item, typing.get_args(branch)[0], module)
        return problems

    def _is_scalar(self, value: object, expected: object) -> bool:
        if expected in {Any, object}:
            return True
        if self._wire and isinstance(value, str) and expected in {int, float, bool}:
            forms = {int: r"-?\d+", float: r"-?\d+(\.\d+)?", bool: "true|false"}
            return re.fullmatch(forms[typing.cast("type", expected)], value) is not None
        if expected is float:
            return type(value) in {int, float}
        # Stripe writes decimals as text.
        return type(value) is (str if getattr(expected, "__name__", "") == "Decimal" else expected)


def _depth(problems: list[str]) -> int:
    return max((len(re.findall(r"[.\[]", p.partition(": ")[0])) for p in problems), default=0)


def _few(values: tuple[object, ...]) -> str:
    return ", ".join(map(repr, values[:8])) + (", ..." if len(values) > 8 else "")


def _join(at: str, key: object) -> str:
    return f"{at}.{key}" if at else str(key)
