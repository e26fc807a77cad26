"""
Pay people by single-use virtual card: Stripe Issuing on Connect, once per order, to the cent.
"""

from __future__ import annotations

TYPE_CHECKING = False  # what `typing` has, without loading it

if TYPE_CHECKING:
    from . import domain_events, exceptions, rules
    from .account_statements import AccountStatement, PeriodFigures
    from .alerts import AuthorizationAlert, Misses
    from .async_disburser import AsyncDisburser
    from .cardholders import CardholderManager
    from .cards import CardFactory
    from .decision import Allotment, AuthorizationRequest, Decision, Limit, Objection, Rule, Use
    from .deliveries import Delivery, Receipt
    from .disbursement import CardReference, Disbursement, Reason, Status
    from .disburser import Disburser
    from .elements import ElementsKey
    from .exceptions import (
        DisburseError,
        FundingRouteUnavailableError,
        InsufficientIssuingBalanceError,
        InvalidInputError,
        OrderConflictError,
        OrderNotFoundError,
        RecipientNotReadyError,
        RefusedError,
        StoreError,
        UnavailableError,
        UnknownOutcomeError,
    )
    from .figures import Source
    from .funding import BalanceFunder
    from .funding_needs import FundingNeed
    from .funding_records import Moved
    from .late import Alert
    from .money import Money
    from .order import Order
    from .outcome import Outcome
    from .policy import AuthorizationPolicy
    from .ports import FundingReceipt, FundingRoute, Journal, Store
    from .preflight import Preflight
    from .rate_limits import RateLimits
    from .rebuild import Rebuild
    from .recipient import Address, Recipient, UserTerms
    from .reclaim import Reclaimer
    from .reclaim_policy import ReclaimPolicy
    from .reclamation import Reclamation
    from .reconcile import Discrepancy, Reconciliation, Repair
    from .routes import (
        BalanceTransferRoute,
        FundingInstructions,
        PrefundedRoute,
        PushRoute,
        TopUpRoute,
        TransferRoute,
    )
    from .settling import ClaimSettlement
    from .statements import Statement
    from .terms import AmountRule, Terms
    from .verification import LedgerProof
    from .webhooks import Reply

__version__ = "0.1.0"

__all__ = [
    "AccountStatement",
    "Address",
    "Alert",
    "Allotment",
    "AmountRule",
    "AsyncDisburser",
    "AuthorizationAlert",
    "AuthorizationPolicy",
    "AuthorizationRequest",
    "BalanceFunder",
    "BalanceTransferRoute",
    "CardFactory",
    "CardReference",
    "CardholderManager",
    "ClaimSettlement",
    "Decision",
    "Delivery",
    "DisburseError",
    "Disbursement",
    "Disburser",
    "Discrepancy",
    "ElementsKey",
    "FundingInstructions",
    "FundingNeed",
    "FundingReceipt",
    "FundingRoute",
    "FundingRouteUnavailableError",
    "InsufficientIssuingBalanceError",
    "InvalidInputError",
    "Journal",
    "LedgerProof",
    "Limit",
    "Misses",
    "Money",
    "Moved",
    "Objection",
    "Order",
    "OrderConflictError",
    "OrderNotFoundError",
    "Outcome",
    "PeriodFigures",
    "Preflight",
    "PrefundedRoute",
    "PushRoute",
    "RateLimits",
    "Reason",
    "Rebuild",
    "Receipt",
    "Recipient",
    "RecipientNotReadyError",
    "ReclaimPolicy",
    "Reclaimer",
    "Reclamation",
    "Reconciliation",
    "RefusedError",
    "Repair",
    "Reply",
    "Rule",
    "Source",
    "Statement",
    "Status",
    "Store",
    "StoreError",
    "Terms",
    "TopUpRoute",
    "TransferRoute",
    "UnavailableError",
    "UnknownOutcomeError",
    "Use",
    "UserTerms",
    "domain_events",
    "exceptions",
    "rules",
]

# A name is loaded when it is first asked for: whoever answers webhooks needs few of them.
_NAMES_BY_ROOM = {
    "account_statements": "AccountStatement PeriodFigures",
    "async_disburser": "AsyncDisburser",
    "alerts": "AuthorizationAlert Misses",
    "cardholders": "CardholderManager",
    "cards": "CardFactory",
    "decision": "Allotment AuthorizationRequest Decision Limit Objection Rule Use",
    "deliveries": "Delivery Receipt",
    "disbursement": "CardReference Disbursement Reason Status",
    "disburser": "Disburser",
    "domain_events": "domain_events",
    "elements": "ElementsKey",
    "exceptions": "exceptions DisburseError FundingRouteUnavailableError InsufficientIssuingBalanceError InvalidInputError OrderConflictError OrderNotFoundError RecipientNotReadyError RefusedError StoreError UnavailableError UnknownOutcomeError",
    "figures": "Source",
    "funding": "BalanceFunder",
    "funding_needs": "FundingNeed",
    "funding_records": "Moved",
    "late": "Alert",
    "money": "Money",
    "order": "Order",
    "outcome": "Outcome",
    "policy": "AuthorizationPolicy",
    "ports": "FundingReceipt FundingRoute Journal Store",
    "preflight": "Preflight",
    "rate_limits": "RateLimits",
    "rebuild": "Rebuild",
    "recipient": "Address Recipient UserTerms",
    "reclaim": "Reclaimer",
    "reclaim_policy": "ReclaimPolicy",
    "reclamation": "Reclamation",
    "reconcile": "Discrepancy Reconciliation Repair",
    "routes": "BalanceTransferRoute FundingInstructions PrefundedRoute PushRoute TopUpRoute TransferRoute",
    "rules": "rules",
    "settling": "ClaimSettlement",
    "statements": "Statement",
    "terms": "AmountRule Terms",
    "verification": "LedgerProof",
    "webhooks": "Reply",
}


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


if not TYPE_CHECKING:  # so that a type checker still finds misspelt names
    from .on_demand import names_of as _names_of

    __getattr__ = _names_of(globals(), _NAMES_BY_ROOM)

del TYPE_CHECKING
