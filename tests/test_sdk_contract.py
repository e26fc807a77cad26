"""
Does the contract checker see what is wrong, and leave alone what is right?
"""

import copy
import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import stripe
import typing_extensions

from sdk_annotations import branches_of
from sdk_contract import (
    UNTYPED,
    check_object,
    check_params,
    check_request,
    decode_form,
    object_class_for,
    params_class_for,
)
from sdk_examples import AUTHORIZATION, GOOD

CARDS, HOLDERS, HELPER, TRANSFERS = GOOD
ADDRESS = "billing.address"
LIMIT = "spending_controls.spending_limits.0"

MUTATIONS = [
    (CARDS, "status", "frozen"),
    (CARDS, "type", 1),
    (CARDS, "nickname", "lunch"),
    (CARDS, f"{LIMIT}.amount", "12500"),
    (CARDS, f"{LIMIT}.interval", "hourly"),
    (CARDS, "spending_controls.allowed_categories.0", "hotels_motels_resorts"),
    (CARDS, "metadata.order", 8841),
    (CARDS, "lifecycle_controls.cancel_after.payment_counts", 1),
    (HOLDERS, "type", "person"),
    (HOLDERS, f"{ADDRESS}.line1", ...),
    (HOLDERS, "individual.dob.year", ...),
    (HELPER, "authorization_method", "telepathy"),
    (HELPER, "merchant_data.category", "spaceports"),
    (TRANSFERS, "amount", 1.5),
    (TRANSFERS, "amount", "1"),
    (TRANSFERS, "currency", None),
]


def changed(original: dict[str, Any], path: str, value: object) -> dict[str, Any]:
    """
    Copy *original* with one place set to *value*, or taken out when *value* is an ellipsis.
    """
    result = copy.deepcopy(original)
    node: Any = result
    *steps, last = path.split(".")
    for step in steps:
        node = node[int(step)] if step.isdigit() else node[step]
    if value is ...:
        del node[last]
    else:
        node[int(last) if last.isdigit() else last] = value
    return result


def flattened(value: object, name: str) -> list[str]:
    """
    Write *value* as the form fields that the SDK would send.
    """
    if isinstance(value, dict):
        return [field for k, v in value.items() for field in flattened(v, f"{name}[{k}]")]
    if isinstance(value, list):
        return [field for i, v in enumerate(value) for field in flattened(v, f"{name}[{i}]")]
    return [f"{name}={str(value).lower() if isinstance(value, bool) else value}"]


def encoded(params: dict[str, Any]) -> str:
    """
    Write *params* as a form body.
    """
    return "&".join(field for name, value in params.items() for field in flattened(value, name))


@pytest.mark.parametrize("path", GOOD)
def test_params_pass_when_they_are_as_the_sdk_types_them(path: str) -> None:
    """A good request has no problems, neither as values nor as an encoded form."""
    declared = params_class_for("post", path)

    assert declared is not None
    assert [] == check_params(declared, GOOD[path])
    assert [] == check_request("post", f"https://api.stripe.com{path}", encoded(GOOD[path]))


@pytest.mark.parametrize(("path", "place", "value"), MUTATIONS)
def test_params_are_refused_when_one_place_is_wrong(path: str, place: str, value: object) -> None:
    """Each wrong value is reported, and the report names the place."""
    declared = params_class_for("POST", path)
    assert declared is not None

    problems = check_params(declared, changed(GOOD[path], place, value))

    spelled = place.replace(".0", "[0]")
    assert any(problem.startswith(f"{spelled}: ") for problem in problems), problems


@pytest.mark.parametrize(
    ("place", "value", "problems_at"),
    [
        ("status", "lapsed", ["status"]),
        ("mood", "good", ["mood"]),
        ("amount", ..., ["amount"]),
        ("card.status", "frozen", ["card.status"]),
        ("request_history.0.reason", "bad_mood", ["request_history[0].reason"]),
        ("approved", 1, ["approved"]),
        ("amount", True, ["amount"]),
        ("object", "issuing.card", ["object"]),
    ],
)
def test_objects_are_refused_when_one_place_is_wrong(
    place: str, value: object, problems_at: list[str]
) -> None:
    """A wrong field of an answer is reported once, at its place, and nothing else is."""
    declared = object_class_for("issuing.authorization")
    assert declared is not None

    problems = check_object(declared, changed(AUTHORIZATION, place, value))

    assert problems_at == [problem.partition(": ")[0] for problem in problems]


def test_objects_pass_when_they_are_as_the_sdk_types_them() -> None:
    """A good answer has no problems, with its card expanded or as an id."""
    declared = object_class_for("issuing.authorization")
    assert declared is not None

    assert [] == check_object(declared, AUTHORIZATION)
    assert [] == check_object(declared, AUTHORIZATION | {"transactions": [], "wallet": None})


def test_lists_are_checked_item_by_item_when_an_object_holds_one() -> None:
    """A transfer's list of reversals is a list object whose items are checked, too."""
    declared = object_class_for("transfer")
    assert declared is not None
    reversals: dict[str, Any] = {
        "object": "list",
        "data": [{"object": "transfer_reversal", "amount": "all"}],
        "has_more": False,
        "url": "/v1/transfers/tr_1/reversals",
    }

    problems = check_object(declared, {"object": "transfer", "reversals": reversals})

    assert any(problem.startswith("reversals.data[0].amount: 'all'") for problem in problems)
    assert not any(problem.startswith("reversals.has_more") for problem in problems)
    assert any(
        problem.startswith("reversals: expected a list object")
        for problem in check_object(declared, {"object": "transfer", "reversals": []})
    )


@pytest.mark.parametrize(
    ("wrong", "spoil"),
    [
        ("exp_month", lambda body: body + "&exp_month=May"),
        ("status", lambda body: body.replace("status=active", "status=frozen")),
        ("currency", lambda body: body.replace("currency=usd&", "")),
        ("idempotency_key", lambda body: body + "&idempotency_key=card-1"),
    ],
)
def test_requests_are_refused_when_the_encoded_form_is_wrong(
    wrong: str, spoil: Callable[[str], str]
) -> None:
    """What left the library as text is held to the same types; options are no parameters."""
    problems = check_request("POST", CARDS, spoil(encoded(GOOD[CARDS])))

    assert [wrong] == [problem.split(": ")[1] for problem in problems]


def test_requests_are_checked_by_their_query_when_they_only_read() -> None:
    """A read carries its parameters in the query, and they are checked as well."""
    assert [] == check_request("GET", f"{CARDS}/ic_1?expand[0]=number&expand[]=cvc")
    assert [] == check_request("GET", f"{CARDS}?limit=100&created[gte]=1793610000")
    assert ["GET /v1/issuing/cards: metadata: unknown parameter"] == check_request(
        "GET", f"{CARDS}?metadata[order]=claim-8841"
    )


def test_untyped_parameters_pass_only_when_the_list_names_them() -> None:
    """What the SDK leaves untyped is allowed by name and shape, each with its source."""
    balance = (
        "amount=100&currency=usd&source_balance[type]=payments&destination_balance[type]=issuing"
    )
    typed_elsewhere = "amount=100&currency=usd"

    assert [] == check_request("POST", "/v1/balance_transfers", balance)
    assert (
        check_request("POST", "/v1/topups", f"{typed_elsewhere}&destination_balance=issuing") == []
    )
    assert ["POST /v1/balance_transfers: account: unknown to this endpoint"] == check_request(
        "POST", "/v1/balance_transfers", f"{balance}&account=acct_1"
    )
    assert "POST /v1/balance_transfers: source_balance: required, but absent" in check_request(
        "POST", "/v1/balance_transfers", typed_elsewhere
    )
    assert check_request("POST", "/v1/payouts", f"{typed_elsewhere}&source_balance=payments") != []
    assert all(at.source.startswith("docs.stripe.com/") for at in UNTYPED.values())


def test_requests_are_refused_when_nobody_knows_the_endpoint() -> None:
    """An endpoint outside the SDK and outside the list is a problem by itself."""
    (problem,) = check_request("POST", "/v1/issuing/wishes", "amount=1")

    assert problem.startswith("POST /v1/issuing/wishes: neither")


@pytest.mark.parametrize("endpoint", sorted({endpoint for endpoint, _ in UNTYPED}))
def test_the_list_of_untyped_parameters_shrinks_when_the_sdk_types_one(endpoint: str) -> None:
    """A parameter stands on the list only as long as the installed SDK does not have it."""
    method, path = endpoint.split()
    declared = params_class_for(method, path)
    names = {name for known, name in UNTYPED if known == endpoint}

    assert declared is None or not names & set(declared.__annotations__)


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("POST", "/v1/accounts", "AccountCreateParams"),
        ("POST", "/v1/accounts/acct_1", "AccountUpdateParams"),
        ("GET", "/v1/accounts/acct_1/capabilities/card_issuing", "AccountCapabilityRetrieveParams"),
        ("POST", "/v1/issuing/cardholders/ich_1", "CardholderUpdateParams"),
        ("GET", "/v1/issuing/cards", "CardListParams"),
        ("POST", "/v1/issuing/cards/ic_1", "CardUpdateParams"),
        ("POST", "/v1/issuing/authorizations/iauth_1/approve", "AuthorizationApproveParams"),
        ("GET", "/v1/issuing/transactions", "TransactionListParams"),
        ("POST", "/v1/issuing/disputes/idp_1/submit", "DisputeSubmitParams"),
        ("GET", "/v1/issuing/tokens/intok_1", "TokenRetrieveParams"),
        ("POST", "/v1/ephemeral_keys", "EphemeralKeyCreateParams"),
        ("DELETE", "/v1/ephemeral_keys/ephkey_1", "EphemeralKeyDeleteParams"),
        ("GET", "/v1/balance", "BalanceRetrieveParams"),
        ("GET", "/v1/balance_transactions", "BalanceTransactionListParams"),
        ("POST", "/v1/transfers/tr_1/reversals", "TransferReversalCreateParams"),
        ("POST", "/v1/topups/tu_1/cancel", "TopupCancelParams"),
        ("POST", "/v1/payouts", "PayoutCreateParams"),
        ("POST", "/v1/balance_settings", "BalanceSettingsUpdateParams"),
        ("POST", "/v1/webhook_endpoints", "WebhookEndpointCreateParams"),
        ("GET", "/v1/events/evt_1", "EventRetrieveParams"),
        (
            "POST",
            "/v1/test_helpers/issuing/authorizations/iauth_1/capture",
            "AuthorizationCaptureParams",
        ),
        (
            "POST",
            "/v1/test_helpers/issuing/transactions/create_force_capture",
            "TransactionCreateForceCaptureParams",
        ),
        ("POST", "/v1/balance_transfers", None),
    ],
)
def test_the_parameter_class_is_found_when_the_sdk_has_one(
    method: str, path: str, name: str | None
) -> None:
    """Each endpoint of the flow leads to the class that the SDK's own service names."""
    assert name == getattr(params_class_for(method, path), "__name__", None)


def test_the_object_class_is_none_when_the_sdk_has_none() -> None:
    """A preview object has no class to compare with, and that is said."""
    assert object_class_for("balance_transfer") is None


@pytest.mark.parametrize("package", ["issuing", "test_helpers.issuing"])
def test_every_annotation_means_something_when_the_sdk_is_read(package: str) -> None:
    """No parameter class of Issuing holds a name that the checker cannot resolve."""
    directory = Path(stripe.__file__).parent.joinpath("params", *package.split("."))
    modules = [
        importlib.import_module(f"stripe.params.{package}.{file.stem}")
        for file in sorted(directory.glob("_*_params.py"))
    ]
    classes = {
        value
        for module in modules
        for value in vars(module).values()
        if typing_extensions.is_typeddict(value) and value.__module__ == module.__name__
    }

    assert len(classes) > 50
    for declared in classes:
        for annotation in declared.__annotations__.values():
            assert branches_of(annotation, sys.modules[declared.__module__])


def test_forms_decode_into_lists_and_mappings_when_names_are_nested() -> None:
    """Both ways of writing a list are read, raw or percent-encoded."""
    assert {} == decode_form("")
    assert {"a": {"b": ["1", "2"]}, "c": ""} == decode_form("a[b][]=1&a%5Bb%5D%5B1%5D=2&c=")
