"""
Do our books and Stripe's say the same, and if not, where exactly?
"""

from .repair import Repairer
from .values import (
    SEVERITIES,
    Action,
    Discrepancy,
    Kind,
    ObjectType,
    Reconciliation,
    Repair,
    Severity,
)
from .walk import IsExplained, Progress, Reconciler

__all__ = [
    "SEVERITIES",
    "Action",
    "Discrepancy",
    "IsExplained",
    "Kind",
    "ObjectType",
    "Progress",
    "Reconciler",
    "Reconciliation",
    "Repair",
    "Repairer",
    "Severity",
]
