"""
Pay people by single-use virtual card: Stripe Issuing on Connect, once per order, to the cent.
"""

from __future__ import annotations

from . import domain_events, exceptions, rules
from .account_statements import AccountStatement, PeriodFigures
from .alerts import AuthorizationAlert, Misses
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
from .late import Alert
from .money import Money
from .order import Order
from .policy import AuthorizationPolicy
from .ports import FundingReceipt, FundingRoute, Journal, Store
from .preflight import Preflight
from .rebuild import Rebuild
from .recipient import Address, Recipient, UserTerms
from .reclaim import Reclaimer, Reclamation
from .reconcile import Discrepancy, Reconciliation, Repair
from .routes import BalanceTransferRoute, PrefundedRoute, TransferRoute
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
    "Objection",
    "Order",
    "OrderConflictError",
    "OrderNotFoundError",
    "PeriodFigures",
    "Preflight",
    "PrefundedRoute",
    "Reason",
    "Rebuild",
    "Receipt",
    "Recipient",
    "RecipientNotReadyError",
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
    "TransferRoute",
    "UnavailableError",
    "UnknownOutcomeError",
    "Use",
    "UserTerms",
    "domain_events",
    "exceptions",
    "rules",
]
