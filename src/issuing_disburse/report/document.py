"""
How does a report look to a program?
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from issuing_disburse.figures import FIGURES
from issuing_disburse.money import Money

from .values import Report

OPENINGS = ("opening_held", "opening_remaining")


def report_document(report: Report) -> dict[str, Any]:
    """
    Write *report* for JSON: amounts in minor units with their currency, times in ISO 8601 UTC.
    """
    return {
        "account": report.account,
        "at": _when(report.at),
        "since": _when(report.since),
        "until": _when(report.until),
        "is_clean": report.is_clean,
        "figures": [
            {
                "currency": one.currency,
                **{name: getattr(one, name).minor for name in (*OPENINGS, *FIGURES)},
                "orders": one.orders,
                "entries": one.entries,
                "is_balanced": one.is_balanced,
            }
            for one in report.figures
        ],
        "ageing": [
            {
                "band": one.band,
                "held": _money(one.held),
                "remaining": _money(one.remaining),
                "orders": one.orders,
            }
            for one in report.ageing
        ],
        "declines": [
            {
                "reason": one.reason,
                "decided_by": one.decided_by,
                "count": one.count,
                "asked": _money(one.asked),
            }
            for one in report.declines
        ],
        "exceptions": [
            {
                "severity": one.severity,
                "what": one.what,
                "subject": one.subject,
                "order_id": one.order_id,
                "amount": _money(one.amount),
                "age_seconds": one.age_seconds,
                "remedy": one.remedy,
            }
            for one in report.exceptions
        ],
        "orders": [
            {
                "order_id": one.order_id,
                "status": one.status,
                **{name: one.amounts[name].minor for name in FIGURES},
                "currency": one.amounts["funded"].currency,
                "first_at": _when(one.first_at),
                "last_at": _when(one.last_at),
                "last_object": one.last_object,
            }
            for one in report.orders
        ],
        "orders_found": report.orders_found,
        "matched": report.reconciliation.matched,
        "differences": len(report.reconciliation.discrepancies),
        "notes": list(report.notes),
    }


def _money(amount: Money) -> dict[str, int | str]:
    return {"minor": amount.minor, "currency": amount.currency}


def _when(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat().replace("+00:00", "Z")
