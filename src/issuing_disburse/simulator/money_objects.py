"""
What do the simulator's own verbs show of money and accounts, for a type checker?

Amounts are minor units of the currency beside them, times are Unix seconds.
"""

from typing import Any, NotRequired, TypedDict


class BalanceTransactionObject(TypedDict):
    """
    Show one movement of money.
    """

    id: str
    object: str
    amount: int
    available_on: int
    balance_type: str
    created: int
    currency: str
    description: str | None
    exchange_rate: float | None
    fee: int
    fee_details: list[dict[str, Any]]
    net: int
    reporting_category: str
    source: str | None
    status: str
    type: str


class BalanceTransferObject(TypedDict):
    """
    Show one movement between two balances of an account.
    """

    id: str
    object: str
    amount: int
    created: int
    currency: str
    destination_balance: dict[str, Any]
    hosted_regulatory_receipt_url: str | None
    livemode: bool
    metadata: dict[str, str]
    source_balance: dict[str, Any]


class TransferReversalObject(TypedDict):
    """
    Show one part of a transfer that came back.
    """

    id: str
    object: str
    amount: int
    balance_transaction: str | None
    created: int
    currency: str
    destination_payment_refund: str | None
    metadata: dict[str, str]
    source_refund: str | None
    transfer: str


class TransferReversals(TypedDict):
    """
    List the newest reversals of a transfer.
    """

    object: str
    data: list[TransferReversalObject]
    has_more: bool
    total_count: int
    url: str


class TransferObject(TypedDict):
    """
    Show one movement from the platform to a connected account.
    """

    id: str
    object: str
    amount: int
    amount_reversed: int
    balance_transaction: str | None
    created: int
    currency: str
    description: str | None
    destination: str | None
    destination_payment: str | None
    livemode: bool
    metadata: dict[str, str]
    reversals: TransferReversals
    reversed: bool
    source_transaction: str | None
    source_type: str | None
    transfer_group: str | None


class TopupObject(TypedDict):
    """
    Show one pull of money from outside.
    """

    id: str
    object: str
    amount: int
    balance_transaction: str | None
    created: int
    currency: str
    description: str | None
    destination_balance: NotRequired[str]
    expected_availability_date: int | None
    failure_code: str | None
    failure_message: str | None
    initiated_by: str
    livemode: bool
    metadata: dict[str, str]
    payment_method: str | None
    payment_method_options: dict[str, Any] | None
    source: dict[str, Any] | None
    statement_descriptor: str | None
    status: str
    transfer_group: str | None


class PayoutObject(TypedDict):
    """
    Show one payment to an account's own bank.
    """

    id: str
    object: str
    amount: int
    application_fee: str | None
    application_fee_amount: int | None
    arrival_date: int
    automatic: bool
    balance_transaction: str | None
    created: int
    currency: str
    description: str | None
    destination: str | None
    failure_balance_transaction: str | None
    failure_code: str | None
    failure_message: str | None
    livemode: bool
    metadata: dict[str, str]
    method: str
    original_payout: str | None
    payout_method: str | None
    reconciliation_status: str
    reversed_by: str | None
    source_type: str
    statement_descriptor: str | None
    status: str
    trace_id: dict[str, Any] | None
    type: str


class DisputeObject(TypedDict):
    """
    Show one contested capture.
    """

    id: str
    object: str
    amount: int
    balance_transactions: list[BalanceTransactionObject]
    created: int
    currency: str
    evidence: dict[str, Any]
    livemode: bool
    loss_reason: NotRequired[str]
    metadata: dict[str, str]
    status: str
    transaction: str


class EventRequest(TypedDict):
    """
    Name the call that an event comes from, if there was one.
    """

    id: str | None
    idempotency_key: str | None


class EventObject(TypedDict):
    """
    Show one event; *account* is there when a connected account is concerned.
    """

    id: str
    object: str
    account: NotRequired[str]
    api_version: str
    context: str | None
    created: int
    data: dict[str, Any]
    livemode: bool
    pending_webhooks: int
    request: EventRequest
    type: str


class WebhookEndpointObject(TypedDict):
    """
    Show one address that events go to.
    """

    id: str
    object: str
    api_version: str | None
    application: str | None
    created: int
    description: str | None
    enabled_events: list[str]
    livemode: bool
    metadata: dict[str, str]
    status: str
    url: str


class AccountObject(TypedDict):
    """
    Show the platform or a connected account.
    """

    id: str
    object: str
    business_profile: dict[str, Any] | None
    business_type: str | None
    capabilities: dict[str, str]
    charges_enabled: bool
    controller: dict[str, Any]
    country: str
    created: int
    default_currency: str
    details_submitted: bool
    email: str | None
    external_accounts: dict[str, Any]
    future_requirements: dict[str, Any]
    metadata: dict[str, str]
    payouts_enabled: bool
    requirements: dict[str, Any]
    settings: dict[str, Any]
    tos_acceptance: dict[str, Any]
    type: str
