"""
Does every endpoint declare exactly the parameters that Stripe's SDK types for it?
"""

import sys
import typing
from collections.abc import Iterator
from types import ModuleType
from typing import Any, Literal

import pytest
import typing_extensions

from issuing_disburse.simulator import schema
from issuing_disburse.simulator.balance_settings import AmountsByCurrency
from issuing_disburse.simulator.catalogue import ENDPOINTS
from issuing_disburse.simulator.metadata import Metadata
from sdk_annotations import branches_of
from sdk_contract import _OPTIONS, UNTYPED, _endpoints, params_class_for

NOT_JUDGED = (schema.Free, schema.NotImitated, schema.Range, Metadata, AmountsByCurrency)
"""
What is kept or refused as a whole, or has a form of its own.
"""

DIFFERENT = {
    "POST /v1/transfers: amount is required": "Stripe cannot move an unnamed sum",
    "DELETE /v1/webhook_endpoints/:id: expand is unknown to the SDK": "everything takes expand",
}
NOT_OFFERED = {
    "DELETE /v1/accounts/:id",
    "POST /v1/accounts/:id/reject",
    "POST /v1/accounts/:id/unreject",
}


def _differences(at: str, node: Any, annotation: object, module: ModuleType) -> Iterator[str]:
    if isinstance(node, schema.Clearable):
        node = node.node
    if isinstance(node, NOT_JUDGED):
        return
    for branch in branches_of(annotation, module):
        origin = typing.get_origin(branch) or branch
        if typing_extensions.is_typeddict(origin):
            yield from _compare(at, node, origin)
        elif origin is list:
            item = typing.get_args(branch)[0]
            yield from _differences(f"{at}[]", node.item, item, module)
        elif origin is Literal and isinstance(node, schema.Choice):
            missing = set(typing.get_args(branch)) - {""} - node.values
            if missing:
                yield f"{at} lacks {sorted(missing)}"


def _compare(at: str, node: Any, declared: Any) -> Iterator[str]:
    module = sys.modules[declared.__module__]
    typed = {k: v for k, v in declared.__annotations__.items() if k not in _OPTIONS}
    for name, annotation in typed.items():
        path = f"{at}[{name}]" if at else name
        if name not in node.fields:
            if at != "capabilities":
                yield f"{path} is not declared"
            continue
        if node.fields[name].required and name not in declared.__required_keys__:
            yield f"{path} is required"
        yield from _differences(path, node.fields[name], annotation, module)
    for name in set(node.fields) - set(typed):
        yield f"{at}[{name}] is unknown to the SDK" if at else f"{name} is unknown to the SDK"


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.name)
def test_endpoint_declares_what_the_sdk_types(endpoint):
    """Names, nesting, lists, enum values and what is required agree, or the difference is listed."""
    declared = params_class_for(endpoint.method, endpoint.path.replace(":id", "x"))
    untyped = {name for known, name in UNTYPED if known == endpoint.name}
    if declared is None:
        assert untyped
        assert untyped <= set(endpoint.params.fields)
        return
    found = {
        f"{endpoint.name}: {each}"
        for each in _compare("", endpoint.params, declared)
        if each.removesuffix(" is unknown to the SDK") not in untyped
    }

    assert set() == found - set(DIFFERENT)


def test_every_endpoint_of_these_services_is_offered():
    """What the SDK can call in these services is there, but for a short list."""
    offered = [f"{each.method} {each.path.replace(':id', 'x')}" for each in ENDPOINTS]
    missing = {
        f"{method} {pattern.pattern.replace('[^/]+', ':id')}"
        for method, pattern, _, _ in _endpoints()
        if not any(
            name.partition(" ")[0] == method and pattern.fullmatch(name.partition(" ")[2])
            for name in offered
        )
    }

    assert missing == NOT_OFFERED


def test_purchase_details_come_back_with_their_types(bench):
    """Numbers are numbers and receipts are a list, whatever the form made of them."""
    card = bench.card()
    bought = bench.client.v1.test_helpers.issuing.authorizations.create(
        {
            "card": card.id,
            "amount": 500,
            "fleet": {
                "cardholder_prompt_data": {"odometer": 120_000},
                "reported_breakdown": {"fuel": {"gross_amount_decimal": "4.50"}},
                "service_type": "self_service",
            },
            "fuel": {"quantity_decimal": "1.5", "unit": "us_gallon"},
        },
        bench.opt,
    )
    captured = bench.client.v1.test_helpers.issuing.authorizations.capture(
        bought.id,
        {
            "purchase_details": {
                "receipt": [{"description": "A", "quantity": "2", "total": 500}],
                "lodging": {"nights": 2},
                "flight": {"segments": [{"carrier": "XX", "stopover_allowed": True}]},
            }
        },
        bench.opt,
    )
    shown = bench.client.v1.issuing.transactions.retrieve(
        captured.transactions[0].id, {"expand": ["purchase_details"]}, bench.opt
    )

    assert 120_000 == bought.fleet.cardholder_prompt_data.odometer
    assert "us_gallon" == bought.fuel.unit
    assert 500 == shown.purchase_details.receipt[0].total
    assert 2 == shown.purchase_details.lodging.nights
    assert shown.purchase_details.flight.segments[0].stopover_allowed


@pytest.mark.parametrize(
    ("part", "param"),
    [
        (b"fuel[unit]=barrel", "fuel[unit]"),
        (b"fuel[quantity_decimal]=much", "fuel[quantity_decimal]"),
        (b"fuel[quantity_decimal]=", "fuel[quantity_decimal]"),
        (b"fleet[odometer]=1", "fleet[odometer]"),
        (b"risk_assessment[fraud_risk][score]=5", "risk_assessment[fraud_risk][level]"),
    ],
)
def test_purchase_is_refused_when_a_detail_is_wrong(bench, part, param):
    """Details are judged like every other parameter."""
    body = f"card={bench.card().id}&amount=500&".encode() + part
    answer = bench.raw("POST", "/v1/test_helpers/issuing/authorizations", body)

    assert 400 == answer.status
    assert f'"param":"{param}"'.encode() in answer.body


def test_dispute_evidence_keeps_its_types(bench):
    """Moments are numbers, what was not sent is null, and an empty value unsets."""
    bought = bench.sim.force_capture(bench.card().id, 500)
    disputes = bench.client.v1.issuing.disputes
    made = disputes.create(
        {
            "transaction": bought["id"],
            "evidence": {
                "reason": "canceled",
                "canceled": {
                    "canceled_at": 1_790_000_000,
                    "cancellation_policy_provided": False,
                    "explanation": "Not wanted",
                },
            },
        },
        bench.opt,
    )
    changed = disputes.update(
        made.id,
        {"evidence": {"canceled": {"canceled_at": "", "product_type": "service"}}},
        bench.opt,
    )
    cleared = disputes.update(made.id, {"evidence": {"canceled": ""}}, bench.opt)

    assert 1_790_000_000 == made.evidence.canceled.canceled_at
    assert made.evidence.canceled.cancellation_policy_provided is False
    assert changed.evidence.canceled.canceled_at is None
    assert "Not wanted" == changed.evidence.canceled.explanation
    assert cleared.evidence.canceled.explanation is None


def test_physical_helpers_say_that_nothing_is_shipped(bench):
    """Physical cards and designs are refused clearly, through the SDK's own methods."""
    card, helpers = bench.card(), bench.client.v1.test_helpers.issuing.cards
    for verb in ("submit_card", "ship_card", "deliver_card", "return_card", "fail_card"):
        with pytest.raises(Exception, match="does not imitate physical cards"):
            getattr(helpers, verb)(card.id, {}, bench.opt)
    for verdict in ("activate", "deactivate", "reject?rejection_reasons[card_logo][]=x"):
        path = f"/v1/test_helpers/issuing/personalization_designs/ipcd_1/{verdict}"
        body = b"rejection_reasons[card_logo][]=other" if "reject" in verdict else b""
        assert 404 == bench.raw("POST", path.partition("?")[0], body).status


@pytest.mark.parametrize(
    "params",
    [
        {"documents": {"proof_of_address": {"files": ["file_1"]}}},
        {"settings": {"invoices": {"hosted_payment_method_save": "never"}}},
        {"groups": {"payments_pricing": "x"}},
        {"account_token": "ct_1"},
    ],
)
def test_parameter_that_is_not_imitated_says_so(bench, params):
    """What Stripe knows and the simulator does not is refused by name, never ignored."""
    with pytest.raises(Exception, match="does not imitate the parameter"):
        bench.client.v1.accounts.update(bench.account, params)


def test_payout_schedule_is_set_on_the_account_too(bench):
    """The schedule in an account's settings is the one that pays out."""
    made = bench.client.v1.accounts.create({"country": "US"})
    changed = bench.client.v1.accounts.update(
        made.id,
        {"settings": {"payouts": {"schedule": {"interval": "weekly", "weekly_anchor": "friday"}}}},
    )
    settings = bench.get("/v1/balance_settings", stripe_account=made.id)

    assert "daily" == made.settings.payouts.schedule.interval
    assert "weekly" == changed.settings.payouts.schedule.interval
    assert ["friday"] == settings["payments"]["payouts"]["schedule"]["weekly_payout_days"]


def test_balance_floor_is_set_and_taken_away_by_currency(bench):
    """A floor is a number per currency; an empty value takes it away."""
    settings = bench.client.v1.balance_settings

    def floors(value):
        changed = settings.update(
            {"payments": {"payouts": {"minimum_balance_by_currency": value}}}, bench.opt
        )
        return changed.payments.payouts.minimum_balance_by_currency.to_dict()

    assert {"usd": 500, "eur": 5} == floors({"usd": 500, "eur": 5})
    assert {"eur": 5} == floors({"usd": ""})
    assert {} == floors("")
    for wrong in (b"[usd]=many", b"[dollars]=5", b"=5"):
        body = b"payments[payouts][minimum_balance_by_currency]" + wrong
        assert 400 == bench.raw("POST", "/v1/balance_settings", body).status


def test_paid_payout_is_reversed_once(bench):
    """A reversal is a payout of its own, negative, and the money is back."""
    payouts, before = bench.client.v1.payouts, bench.sim.issuing_balance(bench.account)
    paid = payouts.create(
        {"amount": 700, "currency": "usd", "source_balance": "issuing"}, bench.opt
    )
    with pytest.raises(Exception, match="was not paid"):
        payouts.reverse(paid.id, {}, bench.opt)
    bench.sim.settle_payout(paid.id)
    reversal = payouts.reverse(paid.id, {"metadata": {"why": "wrong bank"}}, bench.opt)
    with pytest.raises(Exception, match="already been reversed"):
        payouts.reverse(paid.id, {}, bench.opt)

    assert (-700, paid.id) == (reversal.amount, reversal.original_payout)
    assert reversal.id == payouts.retrieve(paid.id, {}, bench.opt).reversed_by
    assert before == bench.sim.issuing_balance(bench.account) == bench.issuing_sum()
    bench.sim.settle_payout(reversal.id, "account_closed")
    assert before - 700 == bench.sim.issuing_balance(bench.account) == bench.issuing_sum()


def test_payout_cannot_be_reversed_from_europe(make_bench):
    """Stripe reverses payouts to banks in the US and Canada only."""
    bench = make_bench(country="DE")
    paid = bench.client.v1.payouts.create(
        {"amount": 700, "currency": "eur", "source_balance": "issuing"}, bench.opt
    )
    bench.sim.settle_payout(paid.id)

    with pytest.raises(Exception, match="US and Canada"):
        bench.client.v1.payouts.reverse(paid.id, {}, bench.opt)


def test_lists_are_filtered_by_ranges(bench):
    """Top-ups by amount and payouts by day of arrival."""
    topups, payouts = bench.client.v1.topups, bench.client.v1.payouts
    for amount in (100, 200, 300):
        topups.create(
            {"amount": amount, "currency": "usd", "description": "x", "statement_descriptor": "x"},
            bench.opt,
        )
    first = payouts.create({"amount": 50, "currency": "usd"}, bench.opt)
    bench.sim.clock.sleep(10)
    payouts.create({"amount": 60, "currency": "usd"}, bench.opt)

    def amounts(found):
        return [each.amount for each in found.data]

    assert [300, 200] == amounts(topups.list({"amount": {"gte": 200}}, bench.opt))
    assert [200] == amounts(topups.list({"amount": {"gt": 100, "lt": 300}}, bench.opt))
    assert [100] == amounts(topups.list({"amount": 100}, bench.opt))
    assert [50] == amounts(payouts.list({"arrival_date": first.arrival_date}, bench.opt))
    assert [60] == amounts(payouts.list({"arrival_date": {"gt": first.arrival_date}}, bench.opt))
