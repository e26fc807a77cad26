"""
Which endpoints are there, and what happens by itself?
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from issuing_disburse.simulator import (
    approvals,
    authorizations,
    balance,
    balance_settings,
    balance_transfers,
    captures,
    card_params,
    cardholders,
    cards,
    delivery,
    disputes,
    ephemeral_keys,
    events,
    funding_instructions,
    onboarding,
    payout_reversals,
    payouts,
    physical,
    purchases,
    tokens,
    topups,
    transactions,
    transfers,
    webhook_endpoints,
)
from issuing_disburse.simulator.router import Endpoint

_HELPERS = "/v1/test_helpers/issuing"

ENDPOINTS = (
    Endpoint("GET", "/v1/account", onboarding.retrieve_own, onboarding.RETRIEVE),
    Endpoint("POST", "/v1/accounts", onboarding.create, onboarding.CREATE),
    Endpoint("GET", "/v1/accounts", onboarding.listing, onboarding.LIST),
    Endpoint("GET", "/v1/accounts/:id", onboarding.retrieve, onboarding.RETRIEVE),
    Endpoint("POST", "/v1/accounts/:id", onboarding.update, onboarding.UPDATE),
    Endpoint(
        "GET", "/v1/accounts/:id/capabilities", onboarding.list_capabilities, onboarding.RETRIEVE
    ),
    Endpoint(
        "GET",
        "/v1/accounts/:id/capabilities/:id",
        onboarding.retrieve_capability,
        onboarding.RETRIEVE,
    ),
    Endpoint(
        "POST",
        "/v1/accounts/:id/capabilities/:id",
        onboarding.update_capability,
        onboarding.UPDATE_CAPABILITY,
    ),
    Endpoint("POST", "/v1/issuing/cardholders", cardholders.create, cardholders.CREATE),
    Endpoint("GET", "/v1/issuing/cardholders", cardholders.listing, cardholders.LIST),
    Endpoint("GET", "/v1/issuing/cardholders/:id", cardholders.retrieve, cardholders.RETRIEVE),
    Endpoint("POST", "/v1/issuing/cardholders/:id", cardholders.update, cardholders.UPDATE),
    Endpoint("POST", "/v1/issuing/cards", cards.create, card_params.CREATE),
    Endpoint("GET", "/v1/issuing/cards", cards.listing, card_params.LIST),
    Endpoint("GET", "/v1/issuing/cards/:id", cards.retrieve, card_params.RETRIEVE),
    Endpoint("POST", "/v1/issuing/cards/:id", cards.update, card_params.UPDATE),
    Endpoint("GET", "/v1/issuing/authorizations", authorizations.listing, authorizations.LIST),
    Endpoint(
        "GET", "/v1/issuing/authorizations/:id", authorizations.retrieve, authorizations.RETRIEVE
    ),
    Endpoint(
        "POST", "/v1/issuing/authorizations/:id", authorizations.update, authorizations.UPDATE
    ),
    Endpoint(
        "POST",
        "/v1/issuing/authorizations/:id/approve",
        approvals.approve,
        approvals.APPROVE,
    ),
    Endpoint(
        "POST",
        "/v1/issuing/authorizations/:id/decline",
        approvals.decline,
        approvals.DECLINE,
    ),
    Endpoint("GET", "/v1/issuing/transactions", transactions.listing, transactions.LIST),
    Endpoint("GET", "/v1/issuing/transactions/:id", transactions.retrieve, transactions.RETRIEVE),
    Endpoint("POST", "/v1/issuing/transactions/:id", transactions.update, transactions.UPDATE),
    Endpoint("GET", "/v1/balance", balance.retrieve, balance.RETRIEVE),
    Endpoint("GET", "/v1/balance_transactions", balance.listing, balance.LIST),
    Endpoint(
        "GET",
        "/v1/balance_transactions/:id",
        balance.retrieve_transaction,
        balance.RETRIEVE_TRANSACTION,
    ),
    Endpoint("GET", "/v1/balance_settings", balance_settings.retrieve, balance_settings.RETRIEVE),
    Endpoint("POST", "/v1/balance_settings", balance_settings.update, balance_settings.UPDATE),
    Endpoint("POST", "/v1/balance_transfers", balance_transfers.create, balance_transfers.CREATE),
    Endpoint("POST", "/v1/transfers", transfers.create, transfers.CREATE),
    Endpoint("GET", "/v1/transfers", transfers.listing, transfers.LIST),
    Endpoint("GET", "/v1/transfers/:id", transfers.retrieve, transfers.RETRIEVE),
    Endpoint("POST", "/v1/transfers/:id", transfers.update, transfers.UPDATE),
    Endpoint("POST", "/v1/transfers/:id/reversals", transfers.reverse, transfers.REVERSE),
    Endpoint(
        "GET", "/v1/transfers/:id/reversals", transfers.list_reversals, transfers.LIST_REVERSALS
    ),
    Endpoint(
        "GET", "/v1/transfers/:id/reversals/:id", transfers.retrieve_reversal, transfers.RETRIEVE
    ),
    Endpoint(
        "POST",
        "/v1/transfers/:id/reversals/:id",
        transfers.update_reversal,
        transfers.UPDATE_REVERSAL,
    ),
    Endpoint("POST", "/v1/topups", topups.create, topups.CREATE),
    Endpoint("GET", "/v1/topups", topups.listing, topups.LIST),
    Endpoint("GET", "/v1/topups/:id", topups.retrieve, topups.RETRIEVE),
    Endpoint("POST", "/v1/topups/:id", topups.update, topups.UPDATE),
    Endpoint("POST", "/v1/payouts", payouts.create, payouts.CREATE),
    Endpoint("GET", "/v1/payouts", payouts.listing, payouts.LIST),
    Endpoint("GET", "/v1/payouts/:id", payouts.retrieve, payouts.RETRIEVE),
    Endpoint("POST", "/v1/payouts/:id", payouts.update, payouts.UPDATE),
    Endpoint("POST", "/v1/issuing/disputes", disputes.create, disputes.CREATE),
    Endpoint("GET", "/v1/issuing/disputes", disputes.listing, disputes.LIST),
    Endpoint("GET", "/v1/issuing/disputes/:id", disputes.retrieve, disputes.RETRIEVE),
    Endpoint("POST", "/v1/issuing/disputes/:id", disputes.update, disputes.UPDATE),
    Endpoint("POST", "/v1/topups/:id/cancel", topups.cancel, topups.RETRIEVE),
    Endpoint("POST", "/v1/payouts/:id/cancel", payouts.cancel, payouts.CANCEL),
    Endpoint("POST", "/v1/payouts/:id/reverse", payout_reversals.reverse, payout_reversals.REVERSE),
    Endpoint("POST", "/v1/issuing/disputes/:id/submit", disputes.submit, disputes.SUBMIT),
    Endpoint("GET", "/v1/issuing/tokens", tokens.listing, tokens.LIST),
    Endpoint("GET", "/v1/issuing/tokens/:id", tokens.retrieve, tokens.RETRIEVE),
    Endpoint("POST", "/v1/issuing/tokens/:id", tokens.retrieve, tokens.UPDATE),
    Endpoint("POST", "/v1/ephemeral_keys", ephemeral_keys.create, ephemeral_keys.CREATE),
    Endpoint("DELETE", "/v1/ephemeral_keys/:id", ephemeral_keys.delete, ephemeral_keys.DELETE),
    Endpoint(
        "POST",
        "/v1/issuing/funding_instructions",
        funding_instructions.create,
        funding_instructions.CREATE,
    ),
    Endpoint(
        "GET",
        "/v1/issuing/funding_instructions",
        funding_instructions.listing,
        funding_instructions.LIST,
    ),
    Endpoint(
        "POST", f"{_HELPERS}/fund_balance", funding_instructions.fund, funding_instructions.FUND
    ),
    Endpoint("GET", "/v1/events", events.listing, events.LIST),
    Endpoint("GET", "/v1/events/:id", events.retrieve, events.RETRIEVE),
    Endpoint("POST", "/v1/webhook_endpoints", webhook_endpoints.create, webhook_endpoints.CREATE),
    Endpoint("GET", "/v1/webhook_endpoints", webhook_endpoints.listing, webhook_endpoints.LIST),
    Endpoint(
        "GET",
        "/v1/webhook_endpoints/:id",
        webhook_endpoints.retrieve,
        webhook_endpoints.RETRIEVE,
    ),
    Endpoint(
        "POST", "/v1/webhook_endpoints/:id", webhook_endpoints.update, webhook_endpoints.UPDATE
    ),
    Endpoint(
        "DELETE", "/v1/webhook_endpoints/:id", webhook_endpoints.delete, webhook_endpoints.RETRIEVE
    ),
    Endpoint(
        "POST", f"{_HELPERS}/authorizations", purchases.create, purchases.CREATE, locks_itself=True
    ),
    Endpoint(
        "POST",
        f"{_HELPERS}/authorizations/:id/increment",
        purchases.increment,
        purchases.INCREMENT,
        locks_itself=True,
    ),
    Endpoint("POST", f"{_HELPERS}/authorizations/:id/capture", captures.capture, captures.CAPTURE),
    Endpoint("POST", f"{_HELPERS}/authorizations/:id/expire", purchases.expire, purchases.EXPIRE),
    Endpoint(
        "POST", f"{_HELPERS}/authorizations/:id/reverse", purchases.reverse, purchases.REVERSE
    ),
    Endpoint(
        "POST",
        f"{_HELPERS}/authorizations/:id/finalize_amount",
        purchases.finalize,
        purchases.FINALIZE,
    ),
    Endpoint(
        "POST",
        f"{_HELPERS}/authorizations/:id/fraud_challenges/respond",
        purchases.respond,
        purchases.RESPOND,
    ),
    Endpoint(
        "POST",
        f"{_HELPERS}/transactions/create_force_capture",
        transactions.force_capture,
        transactions.FORCE_CAPTURE,
    ),
    Endpoint(
        "POST",
        f"{_HELPERS}/transactions/create_unlinked_refund",
        transactions.unlinked_refund,
        transactions.UNLINKED_REFUND,
    ),
    Endpoint(
        "POST", f"{_HELPERS}/transactions/:id/refund", transactions.refund, transactions.REFUND
    ),
    *(
        Endpoint("POST", f"{_HELPERS}/cards/:id/shipping/{step}", physical.ship, physical.SHIP)
        for step in physical.STEPS
    ),
    *(
        Endpoint("POST", f"{_HELPERS}/personalization_designs/:id/{verdict}", physical.judge, asked)
        for verdict, asked in (
            ("activate", physical.JUDGE),
            ("deactivate", physical.JUDGE),
            ("reject", physical.REJECT),
        )
    ),
)

ACTIONS: Mapping[str, Callable[..., None]] = MappingProxyType(
    {
        "credit_balance_transfer": balance_transfers.credit_due,
        "deliver": delivery.due,
        "expire_dispute": disputes.expire_due,
        "pay_out": payouts.pay_out_due,
        "settle_payout": payouts.settle_due,
        "settle_topup": topups.settle_due,
        "expire_authorization": purchases.expire_due,
        "finish_screening": cardholders.finish_screening,
    }
)
"""
What the agenda's entries mean: each gets the call of the clock and the entry's arguments.
"""
