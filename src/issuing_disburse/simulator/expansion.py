"""
How are ids replaced by the objects they name, where a caller asks for it?
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from orjson import loads

from issuing_disburse.simulator.encoding import to_json
from issuing_disburse.simulator.errors import ApiError
from issuing_disburse.simulator.world import World

DEEPEST = 4
SECRETS = frozenset({"cvc", "number"})
HIDDEN = frozenset({"purchase_details"})
"""
What is not shown at all until it is expanded.
"""

PROPERTIES: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "account": {},
        "authorization": {
            "balance_transactions": "balance_transaction",
            "card": "card",
            "cardholder": "cardholder",
            "token": "",
            "transactions": "transaction",
        },
        "balance_transaction": {"source": "anything"},
        "balance_transfer": {"destination_balance": "side", "source_balance": "side"},
        "capability": {"account": "account"},
        "card": {
            "cardholder": "cardholder",
            "personalization_design": "",
            "replaced_by": "card",
            "replacement_for": "card",
        },
        "cardholder": {},
        "dispute": {"balance_transactions": "balance_transaction", "transaction": "transaction"},
        "payout": {
            "balance_transaction": "balance_transaction",
            "failure_balance_transaction": "balance_transaction",
            "original_payout": "payout",
            "reversed_by": "payout",
        },
        "side": {"issuing": "money", "payments": "money"},
        "money": {"balance_transaction": "balance_transaction"},
        "topup": {"balance_transaction": "balance_transaction"},
        "transaction": {
            "authorization": "authorization",
            "balance_transaction": "balance_transaction",
            "card": "card",
            "cardholder": "cardholder",
            "dispute": "dispute",
            "purchase_details": "",
            "token": "",
        },
        "transfer": {
            "balance_transaction": "balance_transaction",
            "destination": "account",
            "reversals": "reversals",
        },
        "reversals": {"data": "transfer_reversal"},
        "transfer_reversal": {"balance_transaction": "balance_transaction", "transfer": "transfer"},
    }
)
"""
What can be expanded in each kind of object, and which kind is found there.
"""

_ANYTHING = {name: kind for kinds in PROPERTIES.values() for name, kind in kinds.items()}
_KINDS = (
    ("/v1/issuing/authorizations", "authorization"),
    ("/v1/issuing/cardholders", "cardholder"),
    ("/v1/issuing/cards", "card"),
    ("/v1/issuing/disputes", "dispute"),
    ("/v1/issuing/transactions", "transaction"),
    ("/v1/test_helpers/issuing/authorizations", "authorization"),
    ("/v1/test_helpers/issuing/transactions", "transaction"),
    ("/v1/balance_transactions", "balance_transaction"),
    ("/v1/balance_transfers", "balance_transfer"),
    ("/v1/transfers/:id/reversals", "transfer_reversal"),
    ("/v1/transfers", "transfer"),
    ("/v1/topups", "topup"),
    ("/v1/payouts", "payout"),
    ("/v1/accounts/:id/capabilities", "capability"),
)
SHOWS_SECRETS = "GET /v1/issuing/cards/:id"


def check_paths(method: str, path: str, paths: tuple[str, ...], *, refuse_secrets: bool) -> None:
    """
    Refuse what cannot be expanded in the answer of an endpoint, before anything has happened.

    Args:
        path: The endpoint's, with ``:id`` for ids.
        refuse_secrets: Whether asking for number or CVC elsewhere is an error, or in vain.

    Raises:
        ApiError: A path leads nowhere, is too deep, or names a secret.
    """
    kind = next((kind for prefix, kind in _KINDS if path.startswith(prefix)), "account")
    is_list = method == "GET" and not path.endswith(":id")
    for each in dict.fromkeys(paths):
        steps = each.split(".")
        if len(steps) > DEEPEST:
            raise ApiError(
                f"You cannot expand more than {DEEPEST} levels of a property ({each}).",
                param="expand",
            )
        if steps[-1] in SECRETS:
            if f"{method} {path}" == SHOWS_SECRETS and len(steps) == 1:
                continue
            if not refuse_secrets:
                continue
            raise _unexpandable(each)
        if is_list:
            if steps[0] != "data":
                raise _unexpandable(each)
            steps = steps[1:]
        _walk(kind, steps, each)


def _walk(kind: str, steps: list[str], path: str) -> None:
    for step in steps:
        known = _ANYTHING if kind == "anything" else PROPERTIES.get(kind, {})
        if step not in known:
            raise _unexpandable(path)
        kind = known[step]


def expand(world: World, body: bytes, paths: tuple[str, ...]) -> bytes:
    """
    Return *body* with every id at one of the dotted *paths* replaced by its object.

    What names an object that is not imitated stays an id.
    """
    tree = loads(body)
    for path in dict.fromkeys(paths):  # the same one, a thousand times, is no more than once
        _expand(world, tree, path.split("."))
    return to_json(tree)


def _expand(world: World, node: Any, steps: list[str]) -> None:
    if isinstance(node, list):
        for item in node:
            _expand(world, item, steps)
        return
    if not isinstance(node, dict):
        return
    step, rest = steps[0], steps[1:]
    if step in HIDDEN:
        node[step] = getattr(world.by_id.get(str(node.get("id"))), step, None)
        return
    value = node.get(step)
    found = world.by_id.get(value) if isinstance(value, str) else None
    if found is not None:
        node[step] = loads(found.bytes_shown(world))
    if rest:
        _expand(world, node.get(step), rest)


def _unexpandable(path: str) -> ApiError:
    return ApiError(
        f"This property cannot be expanded ({path[:200]}).",
        param="expand",
    )
