"""
What do the simulator's own verbs return, for a type checker?
"""

from typing import Any, TypedDict


class MerchantData(TypedDict):
    """
    Name the merchant of an authorization or a transaction.
    """

    category: str
    category_code: str
    city: str | None
    country: str | None
    name: str | None
    network_id: str
    postal_code: str | None
    state: str | None
    tax_id: str | None
    terminal_id: str | None
    url: str | None


class BalanceTransactionObject(TypedDict):
    """
    Show one movement of money; amounts are minor units, times Unix seconds.
    """

    id: str
    object: str
    amount: int
    available_on: int
    balance_type: str
    created: int
    currency: str
    description: str | None
    fee: int
    net: int
    reporting_category: str
    source: str | None
    status: str
    type: str


class TransactionObject(TypedDict):
    """
    Show one capture (negative) or refund (positive).
    """

    id: str
    object: str
    amount: int
    authorization: str | None
    balance_transaction: str | None
    card: str
    cardholder: str | None
    created: int
    currency: str
    dispute: str | None
    merchant_amount: int
    merchant_currency: str
    merchant_data: MerchantData
    metadata: dict[str, str]
    type: str


class RequestHistoryEntry(TypedDict):
    """
    Show one decision on an authorization.
    """

    amount: int
    approved: bool
    authorization_code: str | None
    created: int
    currency: str
    merchant_amount: int
    merchant_currency: str
    reason: str
    reason_message: str | None
    requested_at: int | None


class CardObject(TypedDict):
    """
    Show one card, with its whole cardholder inside; never number or CVC.
    """

    id: str
    object: str
    brand: str
    cancellation_reason: str | None
    cardholder: dict[str, Any]
    created: int
    currency: str
    exp_month: int
    exp_year: int
    last4: str
    lifecycle_controls: dict[str, Any] | None
    metadata: dict[str, str]
    spending_controls: dict[str, Any]
    status: str
    type: str


class AuthorizationObject(TypedDict):
    """
    Show one authorization, with its card, movements and transactions inside.
    """

    id: str
    object: str
    amount: int
    approved: bool
    authorization_method: str
    balance_transactions: list[BalanceTransactionObject]
    card: CardObject
    cardholder: str | None
    created: int
    currency: str
    merchant_amount: int
    merchant_currency: str
    merchant_data: MerchantData
    metadata: dict[str, str]
    pending_request: dict[str, Any] | None
    request_history: list[RequestHistoryEntry]
    status: str
    transactions: list[TransactionObject]
    verification_data: dict[str, Any]
    wallet: str | None


class EventObject(TypedDict):
    """
    Show one event.
    """

    id: str
    object: str
    api_version: str
    created: int
    data: dict[str, Any]
    pending_webhooks: int
    request: dict[str, str | None]
    type: str
