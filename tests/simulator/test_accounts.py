"""
Do accounts become able to issue step by step, and stop when something is missing?
"""

import pytest
import stripe

from issuing_disburse.simulator import IssuingSimulator, SimulatorError

CONTROLLER = {
    "fees": {"payer": "application"},
    "losses": {"payments": "application"},
    "requirement_collection": "application",
    "stripe_dashboard": {"type": "none"},
}
TERMS = {"date": 1_790_000_000, "ip": "203.0.113.9", "user_agent": "test"}


def _create(bench, **more):
    params = {
        "country": "US",
        "controller": CONTROLLER,
        "capabilities": {"card_issuing": {"requested": True}, "transfers": {"requested": True}},
        **more,
    }
    return bench.client.v1.accounts.create(params)


def test_account_becomes_active_when_nothing_is_missing(bench):
    """Capabilities wait for the terms, and each change is told."""
    receiver = bench.receiver()
    made = _create(bench, metadata={"a": "b"}, email="a@example.com")
    due = list(made.requirements.currently_due)
    accounts = bench.client.v1.accounts
    accounts.update(
        made.id,
        {
            "business_type": "company",
            "company": {"name": "X"},
            "business_profile": {"mcc": "5734"},
            "tos_acceptance": TERMS,
            "external_account": "btok_us_verified",
        },
    )
    half = accounts.capabilities.retrieve(made.id, "card_issuing")
    ready = accounts.update(made.id, {"settings": {"card_issuing": {"tos_acceptance": TERMS}}})

    assert "inactive" == made.capabilities.card_issuing
    assert "settings.card_issuing.tos_acceptance.date" in due
    assert ("inactive", "requirements.fields_needed") == (
        half.status,
        half.requirements.disabled_reason,
    )
    assert ("active", "active") == (ready.capabilities.card_issuing, ready.capabilities.transfers)
    assert ready.payouts_enabled
    assert ["account.updated", "capability.updated", "account.updated", "capability.updated"] == (
        receiver.types()
    )
    assert [made.id] * 4 == [event["account"] for event in receiver.seen]


def test_capability_is_given_back_and_asked_for_again(bench):
    """A capability can be unrequested; without it the account cannot issue."""
    capabilities = bench.client.v1.accounts.capabilities
    off = capabilities.update(bench.account, "card_issuing", {"requested": False})
    with pytest.raises(stripe.InvalidRequestError, match="not set up to use Issuing"):
        bench.holder()
    on = capabilities.update(bench.account, "card_issuing", {"requested": True})
    same = capabilities.update(bench.account, "card_issuing", {})
    listed = [each.id for each in capabilities.list(bench.account).data]

    assert ("unrequested", False, "active") == (off.status, off.requested, on.status)
    assert "active" == same.status
    assert ["card_issuing", "transfers"] == listed
    assert bench.holder().id


def test_inactive_capability_refuses_new_holders(bench):
    """A capability that Stripe turned off refuses by its code."""
    bench.sim.disable_issuing(bench.account)
    with pytest.raises(stripe.InvalidRequestError) as caught:
        bench.holder()
    shown = bench.client.v1.accounts.capabilities.retrieve(bench.account, "card_issuing")

    assert "capability_not_active" == caught.value.code
    assert "rejected.other" == shown.requirements.disabled_reason


@pytest.mark.parametrize(
    "changes",
    [
        {"controller": {**CONTROLLER, "stripe_dashboard": {"type": "express"}}},
        {"controller": {**CONTROLLER, "requirement_collection": "stripe"}},
        {"country": "JP"},
        {"type": "standard", "controller": None},
    ],
)
def test_account_that_cannot_issue_is_refused(bench, changes):
    """Only accounts without a hosted dashboard, collected by the platform, may issue."""
    params = {
        "country": "US",
        "controller": CONTROLLER,
        "capabilities": {"card_issuing": {"requested": True}},
        **changes,
    }
    with pytest.raises(stripe.InvalidRequestError):
        bench.client.v1.accounts.create({k: v for k, v in params.items() if v is not None})


def test_custom_account_still_works(bench):
    """The deprecated type means the same controller settings."""
    made = bench.client.v1.accounts.create(
        {"type": "custom", "country": "FR", "capabilities": {"card_issuing": {"requested": True}}}
    )

    assert ("eur", "none") == (made.default_currency, made.controller.stripe_dashboard.type)


def test_platform_that_is_not_onboarded_cannot_pass_issuing_on(bench):
    """The platform itself must have Issuing before its accounts can."""
    bench.sim.disable_issuing(bench.sim.platform_account)
    with pytest.raises(stripe.InvalidRequestError, match="onboarded on Stripe Issuing already"):
        _create(bench)


def test_own_account_is_read_without_an_id(bench):
    """``GET /v1/account`` answers for the key, or for the account in the header."""
    own = bench.client.raw_request("get", "/v1/account").data
    theirs = bench.get("/v1/account")
    listed = [each.id for each in bench.client.v1.accounts.list()]

    assert (bench.sim.platform_account, bench.account) == (own["id"], theirs["id"])
    assert [bench.account] == listed
    assert bench.account == bench.client.v1.accounts.retrieve(bench.account).id


def test_foreign_account_is_forbidden(bench):
    """Another platform's account is not told apart from one that does not exist."""
    for call in (
        lambda: bench.client.v1.accounts.retrieve("acct_other"),
        lambda: bench.client.v1.balance.retrieve({}, {"stripe_account": "acct_other"}),
    ):
        with pytest.raises(stripe.PermissionError) as caught:
            call()
        assert "account_invalid" == caught.value.error.code
    with pytest.raises(stripe.InvalidRequestError):
        bench.client.v1.accounts.capabilities.retrieve(bench.account, "nonsense")


def test_platform_issues_on_its_own_balance(bench):
    """Without the header, the same calls act on the platform itself."""
    sim = bench.sim
    sim.fund_issuing(sim.platform_account, 5_000)
    bench.account = sim.platform_account
    card = bench.card()
    sim.capture(sim.authorize(card.id, 2_000)["id"])

    assert 3_000 == sim.issuing_balance()
    assert "account" not in sim.events(sim.platform_account)[-1]


def test_unknown_accounts_and_kinds_are_told(bench):
    """The simulator's own verbs refuse what is not there."""
    for action in (
        lambda: bench.sim.issuing_balance("acct_nope"),
        lambda: bench.sim.objects("nonsense"),
        lambda: bench.sim.capture("iauth_nope"),
    ):
        with pytest.raises(SimulatorError):
            action()


def test_platform_funds_come_in_several_currencies():
    """A mapping fills one balance for each currency; zero fills none."""
    sim = IssuingSimulator(platform_funds={"usd": 5, "eur": 7, "gbp": 0}, country="GB")

    assert [5, 7, 0] == [sim.payments_balance(None, each) for each in ("usd", "eur", "gbp")]


def test_external_account_is_shown(bench):
    """A ready account has the bank account its payouts go to."""
    shown = bench.client.v1.accounts.retrieve(bench.account)

    assert "bank_account" == shown.external_accounts.data[0].object
