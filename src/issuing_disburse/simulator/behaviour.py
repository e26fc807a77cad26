"""
What does Stripe leave unsaid, and which answer does the simulator give?
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from attrs import field, frozen

from issuing_disburse.simulator.versions import API_VERSION

DECISION_ORDER = (
    "account",
    "card",
    "cardholder",
    "probes",
    "verification",
    "spending_controls",
    "funds",
)

EXCHANGE_RATES = MappingProxyType(
    {
        "usd": 1.0,
        "eur": 1.10,
        "gbp": 1.25,
        "cad": 0.75,
        "chf": 1.12,
        "jpy": 0.70,
        "sek": 0.095,
        "dkk": 0.147,
        "pln": 0.25,
        "mxn": 0.055,
    }
)
"""
US cents that one minor unit of each currency buys; one yen (no decimals) buys 0.70 cents.
"""


@frozen(kw_only=True)
class Behaviour:
    """
    Choose an answer wherever Stripe's documentation gives none.

    Every attribute is one open question; the defaults are the likelier or the stricter answers.
    ``docs/explanation/simulator.md`` explains each one.
    """

    decision_order: tuple[str, ...] = DECISION_ORDER
    account_api_version: str = API_VERSION
    expired_since_version: str = "2025-03-31"
    newest_preview_version: str = "2026-10-28"

    webhook_timeout_decision: Literal["approve", "decline"] = "decline"
    webhook_error_decision: Literal["approve", "decline"] = "decline"
    realtime_deadline_seconds: float = 2.0
    realtime_attempts: int = 1
    realtime_endpoint: Literal["first", "last"] = "first"
    decided_authorization_code: str | None = None
    request_history_newest_first: bool = False
    card_update_before_authorization: bool = True

    payment_count_threshold: int = 100
    payment_count_is_strict: bool = True
    zero_amount_authorizations: bool = True
    zero_amount_is_probe: bool = False
    excess_probe_reason: str = "spending_controls"
    void_frees_count: bool = False
    used_up_reason: str = "card_canceled"
    used_up_cancellation_reason: str | None = None
    increments_after_use_declined: bool = True

    default_daily_limit: int | None = 50_000
    default_limit_visible: bool = False
    unset_limits_restore_default: bool = True
    largest_authorization: int = 1_000_000
    refunds_restore_limits: bool = False
    spending_lag_seconds: float = 0.0

    card_validity_years: int = 3
    cards_per_cardholder: int | None = None
    expiry_range_code: str | None = None
    canceled_card_code: str | None = None
    canceled_card_secrets_readable: bool = True
    list_refuses_secrets: bool = True
    inactive_capability_status: int = 400
    inactive_capability_code: str | None = "capability_not_active"
    canadian_currency: str = "cad"
    company_cardholders: bool = True
    digits_in_names: bool = True
    screening_seconds: float = 0.0
    phone_required_outside_us: bool = True

    authorization_days: int = 7
    long_authorization_days: int = 31
    partial_approval_on_low_balance: bool = False
    exchange_rates: Mapping[str, float] = field(default=EXCHANGE_RATES)

    negative_balance_is_covered: bool = False
    reversal_shortfall_code: str | None = "balance_insufficient"
    balance_transfer_needs_preview: bool = False
    balance_transfer_prefix: str = "btr"
    balance_transfer_transaction_type: str = "transfer"
    balance_transfer_transaction_has_source: bool = False
    balance_transfer_refused_status: int = 400
    balance_transfer_refused_code: str | None = None
    instant_balance_transfer_countries: frozenset[str] = frozenset({"US"})
    us_fund_balance_refused: bool = False
    us_issuing_top_up_stays_pending: bool = True
    verified_top_up_reaches_issuing: bool = True
    top_up_seconds: float = 0.0

    idempotency_scope: Literal["account", "key"] = "account"
    idempotency_seconds: int = 24 * 3600
    rate_limited_account: Literal["connected", "platform"] = "connected"
    webhook_timeout_seconds: float = 20.0
    webhook_retry_seconds: tuple[float, ...] = (300.0, 3600.0, 10_800.0)
    issuing_elements: bool = True
