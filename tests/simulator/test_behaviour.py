"""
Is every switch documented, and does each of the remaining ones do something?
"""

import re
from collections.abc import Mapping
from pathlib import Path

import pytest
import stripe
from attrs import fields

from issuing_disburse.simulator import Behaviour

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "simulator.md"


def _documented() -> dict[str, str]:
    """
    Return the switches of the documentation's table with the default each row names.
    """
    page = PAGE.read_text()
    table = page[page.index("| switch | default |") :].partition("\n\n")[0]
    found: dict[str, str] = {}
    for row in table.splitlines()[2:]:
        names, default, question = (cell.strip() for cell in row.strip("|").split("|")[:3])
        assert question.endswith(("?", ".", "tried again.")), row
        switches = re.findall(r"`(\w+)`", names)
        defaults = [default] if len(switches) == 1 else default.split(", ")
        found |= dict(zip(switches, defaults, strict=True))
    return found


def _told(value: object) -> str:
    """
    Return a default the way the table tells it.
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return "none"
    if isinstance(value, tuple):
        return ", ".join(map(_told, value))
    if isinstance(value, frozenset):
        return ", ".join(sorted(value))
    if isinstance(value, int | float):
        return f"{value:,.1f}" if 0 < value < 10 and isinstance(value, float) else f"{value:,.0f}"
    return "a fixed table" if isinstance(value, Mapping) else str(value)


def test_table_of_switches_is_the_class():
    """The documentation lists every switch, in the order of the class, with its true default."""
    told = {name: default.replace("`", "") for name, default in _documented().items()}

    assert {each.name: _told(each.default) for each in fields(Behaviour)} == told
    assert [each.name for each in fields(Behaviour)] == list(told)


def test_keys_may_belong_to_the_platform(make_bench):
    """With the scope ``key`` one key is one request, whatever the account."""
    bench = make_bench(Behaviour(idempotency_scope="key"))
    other = bench.sim.create_account()
    body = (
        b"name=Ada&type=company&billing[address][line1]=1&billing[address][city]=C"
        b"&billing[address][postal_code]=1&billing[address][country]=US"
    )
    for account in (bench.account, other):
        answer = bench.raw(
            "POST", "/v1/issuing/cardholders", body, account=account, Idempotency_Key="k"
        )

    assert "true" == answer.headers["Idempotent-Replayed"]


def test_phone_is_optional_when_switched_so(make_bench):
    """Outside the US a card can do without a phone number behind a switch."""
    bench = make_bench(Behaviour(phone_required_outside_us=False), country="GB")
    holder = bench.holder(phone_number=None)

    assert "gbp" == bench.card(holder.id, currency="gbp").currency


def test_checks_are_made_in_the_order_given(make_bench):
    """The first refusal is the reason, so the order shows."""
    order = ("funds", "spending_controls", "card", "cardholder", "account", "probes")
    bench = make_bench(Behaviour(decision_order=order), issuing_funds=5)
    declined = bench.sim.authorize(bench.card(status="inactive").id, 500_000)

    assert "insufficient_funds" == declined["request_history"][0]["reason"]


def test_names_of_balance_transfers_are_switches(make_bench):
    """Prefix, type and refusal code follow the switches."""
    bench = make_bench(
        Behaviour(
            balance_transfer_prefix="bt",
            balance_transfer_transaction_type="adjustment",
            balance_transfer_refused_code="feature_off",
        )
    )
    params = {
        "amount": 5,
        "currency": "usd",
        "source_balance": {"type": "issuing"},
        "destination_balance": {"type": "payments"},
    }
    made = bench.post("/v1/balance_transfers", params)
    entry = bench.client.v1.balance_transactions.list({"limit": 1}, bench.opt).data[0]
    without = bench.sim.create_account(balance_transfers=False)
    with pytest.raises(stripe.InvalidRequestError) as caught:
        bench.post("/v1/balance_transfers", params, stripe_account=without)

    assert made["id"].startswith("bt_")
    assert "adjustment" == entry.type
    assert "feature_off" == caught.value.code
