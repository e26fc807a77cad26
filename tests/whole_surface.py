"""
Which calls of the official SDK touch every endpoint of the simulator once?
"""

import asyncio
from collections.abc import Callable
from typing import Any

import stripe

VERSION = "2026-10-28.endive"
Do = Callable[..., Any]
TERMS = {"date": 1_790_000_000, "ip": "203.0.113.7"}
ADDRESS = {"line1": "1", "city": "Columbus", "postal_code": "43004", "country": "US"}


def synchronously(service: Any, verb: str, *arguments: Any) -> Any:
    """
    Call one method of the SDK.
    """
    return getattr(service, verb)(*arguments)


def asynchronously(service: Any, verb: str, *arguments: Any) -> Any:
    """
    Call the same method's asynchronous twin, in an event loop of its own.
    """
    return asyncio.run(getattr(service, f"{verb}_async")(*arguments))


class Tour:
    """
    Call everything once, in an order that makes sense.
    """

    def __init__(self, bench: Any, do: Do) -> None:
        self.bench, self.do, self.opt = bench, do, bench.opt
        self.v1: Any = bench.client.v1
        self.helpers: Any = bench.client.v1.test_helpers.issuing
        self.raw_verb = "raw_request" if do is synchronously else "raw_request_async"

    def raw(self, method: str, path: str, **params: Any) -> Any:
        """
        Call what the SDK does not type.
        """
        params.setdefault("stripe_account", self.bench.account)
        answer = getattr(self.bench.client, self.raw_verb)(method, path, **params)
        return (asyncio.run(answer) if self.raw_verb.endswith("_async") else answer).data

    def refused(self, service: Any, verb: str, *arguments: Any) -> None:
        """
        Call what is always refused here.
        """
        try:
            self.do(service, verb, *arguments)
        except stripe.InvalidRequestError:
            return
        message = f"{verb} was not refused"
        raise AssertionError(message)

    def run(self) -> None:
        """
        Call it all.
        """
        self.accounts()
        self.webhooks()
        self.cards()
        self.purchases()
        self.money()
        self.banks()
        self.disputes()
        self.refusals()

    def accounts(self) -> None:
        """
        Connect an account and look at it from all sides.
        """
        do, accounts = self.do, self.v1.accounts
        made = do(
            accounts,
            "create",
            {
                "country": "US",
                "business_type": "company",
                "controller": {
                    "stripe_dashboard": {"type": "none"},
                    "fees": {"payer": "application"},
                    "losses": {"payments": "application"},
                    "requirement_collection": "application",
                },
                "capabilities": {
                    "card_issuing": {"requested": True},
                    "transfers": {"requested": True},
                },
                "tos_acceptance": TERMS,
            },
        )
        waiting = do(accounts.capabilities, "retrieve", made.id, "card_issuing")
        assert ("inactive", True) == (waiting.status, bool(waiting.requirements.currently_due))
        do(accounts, "update", made.id, {"settings": {"card_issuing": {"tos_acceptance": TERMS}}})
        assert "active" == do(accounts, "retrieve", made.id).capabilities.card_issuing
        do(accounts.capabilities, "update", made.id, "transfers", {"requested": True})
        do(accounts.capabilities, "list", made.id)
        do(accounts, "list")
        do(accounts, "retrieve_current")

    def webhooks(self) -> None:
        """
        Register an endpoint, change it, and take it away.
        """
        do, endpoints = self.do, self.v1.webhook_endpoints
        made = do(
            endpoints,
            "create",
            {"url": "https://example.com/hook", "enabled_events": ["*"], "connect": True},
        )
        assert made.secret.startswith("whsec_")
        do(endpoints, "update", made.id, {"description": "all", "disabled": True})
        do(endpoints, "retrieve", made.id)
        do(endpoints, "list")
        assert do(endpoints, "delete", made.id).deleted
        events = do(self.v1.events, "list", {"limit": 3})
        do(self.v1.events, "retrieve", events.data[0].id)

    def cards(self) -> None:
        """
        Make a holder and a card, and show the card.
        """
        do, opt, issuing = self.do, self.opt, self.v1.issuing
        holder = do(
            issuing.cardholders,
            "create",
            {
                "name": "Jenny Rosen",
                "email": "jenny@example.com",
                "individual": {
                    "first_name": "Jenny",
                    "last_name": "Rosen",
                    "card_issuing": {"user_terms_acceptance": TERMS},
                },
                "billing": {"address": ADDRESS},
            },
            opt,
        )
        do(issuing.cardholders, "update", holder.id, {"phone_number": "+18008675309"}, opt)
        do(issuing.cardholders, "retrieve", holder.id, {}, opt)
        do(issuing.cardholders, "list", {"email": "jenny@example.com"}, opt)
        made = do(
            issuing.cards,
            "create",
            {"cardholder": holder.id, "currency": "usd", "type": "virtual", "status": "active"},
            opt,
        )
        self.card = made.id
        do(issuing.cards, "update", made.id, {"metadata": {"a": "b"}}, opt)
        shown = do(issuing.cards, "retrieve", made.id, {"expand": ["number", "cvc"]}, opt)
        assert shown.number.startswith("400000999")
        do(issuing.cards, "list", {"status": "active"}, opt)
        key = do(
            self.v1.ephemeral_keys,
            "create",
            {"issuing_card": made.id, "nonce": "n"},
            {**opt, "stripe_version": VERSION},
        )
        do(self.v1.ephemeral_keys, "delete", key.id, {}, opt)
        do(issuing.tokens, "list", {"card": made.id}, opt)

    def purchases(self) -> None:
        """
        Let merchants do all they can.
        """
        do, opt, issuing, helpers = self.do, self.opt, self.v1.issuing, self.helpers
        bought = do(
            helpers.authorizations,
            "create",
            {"card": self.card, "amount": 5_000, "merchant_data": {"category": "service_stations"}},
            opt,
        )
        name = bought.id
        do(helpers.authorizations, "increment", name, {"increment_amount": 500}, opt)
        do(helpers.authorizations, "reverse", name, {"reverse_amount": 700}, opt)
        final = do(helpers.authorizations, "finalize_amount", name, {"final_amount": 4_600}, opt)
        assert (4_600, "pending") == (final.amount, final.status)
        captured = do(helpers.authorizations, "capture", name, {"capture_amount": 4_600}, opt)
        assert "closed" == captured.status
        do(issuing.authorizations, "update", name, {"metadata": {"a": "b"}}, opt)
        do(issuing.authorizations, "retrieve", name, {}, opt)
        do(issuing.authorizations, "list", {"card": self.card, "status": "closed"}, opt)
        bought = do(helpers.authorizations, "create", {"card": self.card, "amount": 900}, opt)
        assert "expired" == do(helpers.authorizations, "expire", bought.id, {}, opt).status
        taken = captured.transactions[0].id
        do(helpers.transactions, "refund", taken, {"refund_amount": 100}, opt)
        unprompted = {"card": self.card, "amount": 800, "currency": "usd"}
        self.forced = do(helpers.transactions, "create_force_capture", unprompted, opt).id
        do(helpers.transactions, "create_unlinked_refund", unprompted, opt)
        do(issuing.transactions, "update", taken, {"metadata": {"a": "b"}}, opt)
        do(issuing.transactions, "retrieve", taken, {"expand": ["purchase_details"]}, opt)
        do(issuing.transactions, "list", {"type": "capture"}, opt)
        self.challenge()

    def challenge(self) -> None:
        """
        Let a receiver challenge the cardholder, and another decide by calls of its own.
        """
        do, opt, api, helpers = self.do, self.opt, self.v1.issuing.authorizations, self.helpers
        receiver = self.bench.receiver(approved=False, send_fraud_challenges=["sms"])
        asked = {"card": self.card, "amount": 300}
        declined = do(helpers.authorizations, "create", asked, opt)
        do(helpers.authorizations, "respond", declined.id, {"confirmed": True}, opt)
        for verb in ("approve", "decline"):

            def decide(event: dict[str, Any], verb: str = verb) -> None:
                if event["type"] == "issuing_authorization.request":
                    # A handler may run inside an event loop already, so it calls synchronously.
                    getattr(api, verb)(event["data"]["object"]["id"], {}, opt)

            receiver.before_reply = decide
            bought = do(helpers.authorizations, "create", asked, opt)
            assert (verb == "approve") == bought.approved

    def money(self) -> None:
        """
        Move money between accounts and balances.
        """
        do, opt, transfers = self.do, self.opt, self.v1.transfers
        account = self.bench.account
        made = do(transfers, "create", {"amount": 700, "currency": "usd", "destination": account})
        do(transfers, "update", made.id, {"description": "d"})
        do(transfers, "retrieve", made.id)
        do(transfers, "list", {"destination": account})
        back = do(transfers.reversals, "create", made.id, {"amount": 200})
        do(transfers.reversals, "update", made.id, back.id, {"metadata": {"a": "b"}})
        do(transfers.reversals, "retrieve", made.id, back.id)
        do(transfers.reversals, "list", made.id)
        sides = {"source_balance": {"type": "payments"}, "destination_balance": {"type": "issuing"}}
        self.raw("post", "/v1/balance_transfers", amount=100, currency="usd", **sides)
        do(self.v1.balance, "retrieve", {}, opt)
        entries = do(self.v1.balance_transactions, "list", {"limit": 50}, opt)
        do(self.v1.balance_transactions, "retrieve", entries.data[0].id, {}, opt)
        do(self.v1.balance_settings, "retrieve", {}, opt)
        do(
            self.v1.balance_settings,
            "update",
            {"payments": {"payouts": {"schedule": {"interval": "manual"}}}},
            opt,
        )

    def banks(self) -> None:
        """
        Pull, push and pay out.
        """
        do, opt, topups, payouts = self.do, self.opt, self.v1.topups, self.v1.payouts
        made = do(
            topups,
            "create",
            {"amount": 900, "currency": "usd", "destination_balance": "issuing"},
            opt,
        )
        do(topups, "update", made.id, {"description": "d"}, opt)
        do(topups, "cancel", made.id, {}, opt)
        do(topups, "retrieve", made.id, {}, opt)
        do(topups, "list", {"amount": {"gte": 1}}, opt)
        asked = {"amount": 100, "currency": "usd", "source_balance": "issuing"}
        first, second = (do(payouts, "create", asked, opt) for _ in "ab")
        do(payouts, "update", first.id, {"metadata": {"a": "b"}}, opt)
        do(payouts, "cancel", first.id, {}, opt)
        self.bench.sim.settle_payout(second.id)
        do(payouts, "reverse", second.id, {}, opt)
        do(payouts, "retrieve", second.id, {}, opt)
        do(payouts, "list", {"status": "paid"}, opt)
        path = "/v1/issuing/funding_instructions"
        bank = {"funding_type": "bank_transfer", "bank_transfer": {"type": "us_bank_transfer"}}
        self.raw("post", path, currency="usd", **bank)
        self.raw("get", path)
        self.raw("post", "/v1/test_helpers/issuing/fund_balance", amount=500, currency="usd")

    def disputes(self) -> None:
        """
        Contest a capture.
        """
        do, opt, disputes = self.do, self.opt, self.v1.issuing.disputes
        evidence = {"reason": "fraudulent", "fraudulent": {"explanation": "Not ours"}}
        made = do(disputes, "create", {"transaction": self.forced, "evidence": evidence}, opt)
        do(disputes, "update", made.id, {"metadata": {"a": "b"}}, opt)
        do(disputes, "submit", made.id, {}, opt)
        self.bench.sim.decide_dispute(made.id, won=True)
        assert "won" == do(disputes, "retrieve", made.id, {}, opt).status
        do(disputes, "list", {"status": "won"}, opt)

    def refusals(self) -> None:
        """
        Call what belongs to physical cards and wallets.
        """
        opt, cards, tokens = self.opt, self.helpers.cards, self.v1.issuing.tokens
        for verb in ("deliver_card", "fail_card", "return_card", "ship_card", "submit_card"):
            self.refused(cards, verb, self.card, {}, opt)
        self.refused(tokens, "retrieve", "intok_1", {}, opt)
        self.refused(tokens, "update", "intok_1", {"status": "active"}, opt)
        designs: Any = self.helpers.personalization_designs
        for verb in ("activate", "deactivate"):
            self.refused(designs, verb, "ipcd_1", {}, opt)
        rejection = {"rejection_reasons": {"card_logo": ["geographic_location"]}}
        self.refused(designs, "reject", "ipcd_1", rejection, opt)
