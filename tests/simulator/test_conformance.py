"""
Does every endpoint answer the official SDK, synchronously and asynchronously, in Stripe's shapes?
"""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from contract_client import check_answer
from issuing_disburse.simulator import money_objects, objects
from issuing_disburse.simulator.catalogue import ENDPOINTS
from issuing_disburse.simulator.router import Router
from sdk_contract import check_params

EXAMPLES = os.environ.get("STRIPE_EXAMPLE_OBJECTS", "")
"""
A JSON file with one example object of Stripe's per kind, where there is one.
"""

TYPED = {
    "account": money_objects.AccountObject,
    "authorization": objects.AuthorizationObject,
    "balance_transaction": money_objects.BalanceTransactionObject,
    "balance_transfer": money_objects.BalanceTransferObject,
    "card": objects.CardObject,
    "cardholder": objects.CardholderObject,
    "dispute": money_objects.DisputeObject,
    "event": money_objects.EventObject,
    "payout": money_objects.PayoutObject,
    "topup": money_objects.TopupObject,
    "transaction": objects.TransactionObject,
    "transfer": money_objects.TransferObject,
    "transfer_reversal": money_objects.TransferReversalObject,
    "webhook_endpoint": money_objects.WebhookEndpointObject,
}
NOT_IN_EXAMPLES = (
    ".capabilities.card_issuing",
    "account.controller.fees",
    "account.controller.is_controller",
    "account.controller.losses",
    "account.controller.requirement_collection",
    "account.controller.stripe_dashboard",
    "balance.issuing",
    "event.account",
    "event.context",
    ".financial_account",
    ".fraud_challenges",
    ".individual.card_issuing",
    ".reversals.total_count",
    "issuing.dispute.balance_transactions",
    "topup.destination_balance",
    "topup.payment_method",
    "topup.payment_method_options",
)
"""
What the examples leave out and Stripe's types have.
"""

NOT_HERE = {
    "account.business_profile": "business details are kept as they were given",
    "account.capabilities": "those that were requested",
    "account.settings": "settings of what is not imitated",
    "balance.connect_reserved": "the platform's only",
    "balance_transfer.destination_balance": "another direction",
    "balance_transfer.metadata": "the example's placeholder",
    "balance_transfer.source_balance": "another direction",
    "event.data.object": "another object",
}


def test_every_endpoint_was_called_through_the_sdk(toured):
    """There is no endpoint that the SDK has not driven."""
    router, called = Router.of(ENDPOINTS), set()
    for each in toured.sim.requests:
        called.add(router.find(each.method, each.path)[0].name)

    assert {each.name for each in ENDPOINTS} == called


def test_every_answer_has_the_sdks_shapes(toured):
    """Names, types and closed enums of every answer are those of the SDK's classes."""
    assert [] == toured.broken()


@pytest.mark.parametrize("kind", TYPED)
def test_typed_objects_are_what_is_shown(toured, kind):
    """The simulator's typed dictionaries have exactly the fields that are shown, and their types."""
    shown = toured.sim.objects(kind)
    for event in shown if kind == "event" else ():
        # The SDK's classes share this name with an option of every call.
        assert isinstance(event["request"].pop("idempotency_key"), str | None)

    assert shown
    assert [] == [p for each in shown for p in check_params(TYPED[kind], each)]


def test_events_hold_objects_of_the_sdks_shapes(toured):
    """What an event is about keeps the shapes too, at the moment it tells of."""
    problems = [
        f"{event['type']}: {problem}"
        for event in toured.sim.events()
        for problem in check_answer(json.dumps(event["data"]["object"]))
        if not problem.endswith("destination_balance: unknown field")
    ]

    assert [] == problems


def _differences(at: str, example: Any, shown: Any) -> list[str]:
    if isinstance(example, dict) and isinstance(shown, dict):
        found = [f"{at}.{key} is absent" for key in example if key not in shown]
        found += [f"{at}.{key} is unknown" for key in shown if key not in example]
        for key in set(example) & set(shown):
            found += _differences(f"{at}.{key}", example[key], shown[key])
        return found
    if isinstance(example, list) and isinstance(shown, list):
        return _differences(at, example[0], shown[0]) if example and shown else []
    if example is None or shown is None or type(example) is type(shown):
        return []
    return [f"{at} is {type(shown).__name__}, not {type(example).__name__}"]


@pytest.mark.skipif(not EXAMPLES, reason="STRIPE_EXAMPLE_OBJECTS names no file of example objects")
def test_objects_have_the_fields_of_the_examples(toured):
    """Beside Stripe's example objects nothing is missing, nothing extra, and no type differs."""
    examples = json.loads(Path(EXAMPLES).read_text())
    shown = {each["object"]: each for kind in TYPED for each in toured.sim.objects(kind)}
    shown["balance"] = toured.get("/v1/balance")
    shown["capability"] = toured.get(
        f"/v1/accounts/{toured.account}/capabilities/transfers", stripe_account=None
    )
    found = [
        problem
        for kind, example in examples.items()
        if kind in shown
        for problem in _differences(kind, example, shown[kind])
    ]
    unexpected = [
        problem
        for problem in found
        if not problem.startswith(tuple(NOT_HERE))
        and ".metadata." not in problem
        and not problem.removesuffix(" is unknown").endswith(NOT_IN_EXAMPLES)
    ]

    assert 15 < len(set(examples) & set(shown))
    assert "" == "; ".join(sorted(set(unexpected)))
