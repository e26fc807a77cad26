"""
What do the simulator's own verbs show of cards and purchases, for a type checker?

Amounts are minor units of the currency beside them, times are Unix seconds.
"""

from typing import Any, TypedDict

from issuing_disburse.simulator.money_objects import BalanceTransactionObject


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


class AmountDetails(TypedDict):
    """
    Tell what part of an amount is a fee or cash.
    """

    atm_fee: int | None
    cashback_amount: int | None


class SpendingLimit(TypedDict):
    """
    Cap what is spent in one interval, in some categories or in all.
    """

    amount: int
    categories: list[str] | None
    interval: str


class SpendingControls(TypedDict):
    """
    Show what a card or a holder may spend, and where.
    """

    allowed_card_presences: list[str] | None
    allowed_categories: list[str] | None
    allowed_merchant_countries: list[str] | None
    blocked_card_presences: list[str] | None
    blocked_categories: list[str] | None
    blocked_merchant_countries: list[str] | None
    spending_limits: list[SpendingLimit]
    spending_limits_currency: str | None


class CardholderAddress(TypedDict):
    """
    Show a billing address.
    """

    city: str
    country: str
    line1: str
    line2: str | None
    postal_code: str
    state: str | None


class CardholderBilling(TypedDict):
    """
    Hold the address.
    """

    address: CardholderAddress


class CardholderRequirements(TypedDict):
    """
    Show what keeps a holder's cards from being used.
    """

    disabled_reason: str | None
    past_due: list[str]


class CardholderObject(TypedDict):
    """
    Show one person or company that may hold cards.
    """

    id: str
    object: str
    billing: CardholderBilling
    company: dict[str, bool] | None
    created: int
    email: str | None
    individual: dict[str, Any] | None
    livemode: bool
    metadata: dict[str, str]
    name: str
    phone_number: str | None
    preferred_locales: list[str] | None
    requirements: CardholderRequirements
    spending_controls: SpendingControls
    status: str
    type: str


class CancelAfter(TypedDict):
    """
    Say after how many payments a card is canceled.
    """

    payment_count: int


class LifecycleControls(TypedDict):
    """
    Say how long a card lives.
    """

    cancel_after: CancelAfter


class CardObject(TypedDict):
    """
    Show one card, with its whole cardholder inside; never number or CVC.
    """

    id: str
    object: str
    brand: str
    cancellation_reason: str | None
    cardholder: CardholderObject
    created: int
    currency: str
    exp_month: int
    exp_year: int
    financial_account: str | None
    last4: str
    latest_fraud_warning: dict[str, Any] | None
    lifecycle_controls: LifecycleControls | None
    livemode: bool
    metadata: dict[str, str]
    personalization_design: str | None
    replaced_by: str | None
    replacement_for: str | None
    replacement_reason: str | None
    second_line: str | None
    shipping: dict[str, Any] | None
    spending_controls: SpendingControls
    status: str
    type: str
    wallets: dict[str, Any] | None


class TransactionNetworkData(TypedDict):
    """
    Show what the network says of a capture or refund.
    """

    authorization_code: str | None
    processing_date: str | None
    transaction_id: str | None


class TransactionObject(TypedDict):
    """
    Show one capture (negative) or refund (positive, unless it is taken back).
    """

    id: str
    object: str
    amount: int
    amount_details: AmountDetails | None
    authorization: str | None
    balance_transaction: str | None
    card: str
    cardholder: str | None
    created: int
    currency: str
    dispute: str | None
    livemode: bool
    merchant_amount: int
    merchant_currency: str
    merchant_data: MerchantData
    metadata: dict[str, str]
    network_data: TransactionNetworkData | None
    token: str | None
    type: str
    wallet: str | None


class PendingRequest(TypedDict):
    """
    Show the question that is open.
    """

    amount: int
    amount_details: AmountDetails | None
    currency: str
    is_amount_controllable: bool
    merchant_amount: int
    merchant_currency: str
    network_risk_score: int | None


class RequestHistoryEntry(TypedDict):
    """
    Show one decision on an authorization.
    """

    amount: int
    amount_details: AmountDetails | None
    approved: bool
    authorization_code: str | None
    created: int
    currency: str
    merchant_amount: int
    merchant_currency: str
    network_risk_score: int | None
    reason: str
    reason_message: str | None
    requested_at: int | None


class AuthorizationNetworkData(TypedDict):
    """
    Show what the network says of an authorization.
    """

    acquiring_institution_id: str | None
    system_trace_audit_number: str | None
    transaction_id: str | None


class FraudChallenge(TypedDict):
    """
    Show one question sent to the cardholder.
    """

    channel: str
    status: str
    undeliverable_reason: str | None


class VerificationData(TypedDict):
    """
    Show what was checked about the person paying.
    """

    address_line1_check: str
    address_postal_code_check: str
    authentication_exemption: dict[str, str] | None
    cvc_check: str
    expiry_check: str
    postal_code: str | None
    three_d_secure: dict[str, str] | None


class AuthorizationObject(TypedDict):
    """
    Show one authorization, with its card, movements and transactions inside.
    """

    id: str
    object: str
    amount: int
    amount_details: AmountDetails | None
    approved: bool
    authorization_method: str
    balance_transactions: list[BalanceTransactionObject]
    card: CardObject
    card_presence: str | None
    cardholder: str | None
    created: int
    currency: str
    fleet: dict[str, Any] | None
    fraud_challenges: list[FraudChallenge] | None
    fuel: dict[str, Any] | None
    livemode: bool
    merchant_amount: int
    merchant_currency: str
    merchant_data: MerchantData
    metadata: dict[str, str]
    network_data: AuthorizationNetworkData | None
    pending_request: PendingRequest | None
    request_history: list[RequestHistoryEntry]
    status: str
    token: str | None
    transactions: list[TransactionObject]
    verification_data: VerificationData
    verified_by_fraud_challenge: bool | None
    wallet: str | None
