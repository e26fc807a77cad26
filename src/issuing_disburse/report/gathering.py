"""
From where does a report take what it says?

The ledger is read once per part, as a stream; of Stripe it asks what a reconciliation asks, and which
authorizations were declined.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, TypeAlias

from attrs import define, field

from issuing_disburse.account_statements import chains_of
from issuing_disburse.disbursement import Status
from issuing_disburse.disburser import Disburser
from issuing_disburse.exceptions import NotPermittedError
from issuing_disburse.figures import FIGURES, part_of
from issuing_disburse.ledger import Entry
from issuing_disburse.money import Money
from issuing_disburse.records import DisbursementRecord
from issuing_disburse.statements import alerts_of

from .values import BANDS, AgeBand, DeclineReason, Exceptional, OrderLine, Report

ORDERS_MAX = 500
"""How many orders are listed on a page; the CSV file has all of them."""

DECLINES_MAX = 10_000
"""How many authorizations are read for the declines."""

EXCEPTIONS_MAX = 1_000

Progress: TypeAlias = Callable[[str, int], None]

_ENDED = frozenset({Status.CLOSED, Status.FAILED})


@define(kw_only=True)
class _Seen:
    """
    What is remembered while the orders pass by.
    """

    ages: defaultdict[tuple[str, str], list[int]] = field(
        factory=lambda: defaultdict(lambda: [0, 0, 0])
    )
    listed: list[tuple[tuple[bool, datetime, str], OrderLine]] = field(factory=list)
    exceptions: list[Exceptional] = field(factory=list)
    unlisted: int = 0
    count: int = 0


def order_lines(
    disburser: Disburser, until: datetime | None
) -> Iterator[tuple[OrderLine, tuple[Entry, ...]]]:
    """
    Yield every order of the account with its figures at *until*, and the entries behind them.
    """
    store = disburser.store
    for scope, chain in chains_of(store, disburser.account):
        entries = tuple(one for one in chain if until is None or one.at < until)
        if not entries:
            continue
        currency = entries[0].currency
        lines = [line for one in entries for line in one.lines]
        record = store.read(lambda tx, key=scope: tx.get(DisbursementRecord, key))  # type: ignore[misc]  # bound early
        yield (
            OrderLine(
                order_id=record.order_id if record else scope,
                status=record.status.value if record else "unknown",
                amounts={
                    name: Money(sum(part_of(line, name) for line in lines), currency)
                    for name in FIGURES
                },
                first_at=entries[0].at,
                last_at=entries[-1].at,
                last_object=lines[-1].object_id if lines else "",
            ),
            entries,
        )


def gather(
    disburser: Disburser,
    since: datetime | None = None,
    until: datetime | None = None,
    *,
    orders_max: int = ORDERS_MAX,
    is_explained: Callable[[Any], bool] | None = None,
    progress: Progress | None = None,
) -> Report:
    """
    Gather the report of an account and period.

    Raises:
        InvalidInputError: The period is none; nothing was read.
        ChainBrokenError: A ledger entry was changed or removed.
        UnavailableError: Stripe cannot be reached.
    """
    tell = progress or (lambda _what, _count: None)
    statement = disburser.account_statement(since, until)
    found = disburser.reconcile(since, until, is_explained=is_explained, progress=tell)
    seen = _Seen()
    for one, entries in order_lines(disburser, until):
        seen.count += 1
        tell("orders", seen.count)
        _look_at(disburser, one, entries, found.at, seen, orders_max)
    notes = list(found.notes)
    declines = _declines(disburser, since, until, notes, tell)
    differences = [
        Exceptional(
            severity=one.severity,
            what=one.kind,
            subject=one.object_id,
            order_id=one.order_id,
            amount=one.there - one.here,
            age_seconds=one.age_seconds,
            remedy=one.remedy,
        )
        for one in found.discrepancies
    ]
    if seen.unlisted:
        notes.append(f"{seen.unlisted} more alerts are not listed")
    rank = {"critical": 0, "warning": 1, "notice": 2}
    exceptions = [*differences, *seen.exceptions]
    exceptions.sort(key=lambda one: (rank[one.severity], -one.age_seconds, one.subject))
    if seen.count > len(seen.listed):
        notes.append(
            f"{seen.count - len(seen.listed)} more orders are not listed: the CSV file has all"
        )
    return Report(
        account=disburser.account,
        at=found.at,
        since=since,
        until=until,
        figures=statement.currencies,
        ageing=tuple(_ageing(seen)),
        declines=declines,
        exceptions=tuple(exceptions),
        orders=tuple(
            line for _, line in sorted(seen.listed, key=lambda pair: pair[0], reverse=True)
        ),
        orders_found=seen.count,
        reconciliation=found,
        notes=tuple(notes),
    )


def _look_at(
    disburser: Disburser,
    one: OrderLine,
    entries: tuple[Entry, ...],
    now: datetime,
    seen: _Seen,
    orders_max: int,
) -> None:
    place = (one.is_open, one.last_at, one.order_id)
    if len(seen.listed) < orders_max:
        heapq.heappush(seen.listed, (place, one))
    else:
        heapq.heappushpop(seen.listed, (place, one))
    days = max(0, (now - one.first_at).days)
    if one.is_open:
        band = next(name for name, last in BANDS if days <= last)
        sums = seen.ages[one.amounts["held"].currency, band]
        sums[0] += one.amounts["held"].minor
        sums[1] += one.amounts["remaining"].minor
        sums[2] += 1
    is_late = any(
        line.source.startswith("late:") or line.destination.startswith("late:")
        for entry in entries
        for line in entry.lines
    )
    if is_late or one.is_open:
        for exceptional in _exceptions(disburser, one, entries, now):
            if len(seen.exceptions) < EXCEPTIONS_MAX:
                seen.exceptions.append(exceptional)
            else:
                seen.unlisted += 1


def _exceptions(
    disburser: Disburser, one: OrderLine, entries: tuple[Entry, ...], now: datetime
) -> Iterator[Exceptional]:
    key = entries[0].scope
    record = disburser.store.read(lambda tx: tx.get(DisbursementRecord, key))
    if record is None or record.facts is None:
        return
    lines = [line for entry in entries for line in entry.lines]
    for alert in alerts_of(record.facts, lines):
        yield Exceptional(
            severity="warning" if alert.covered_minor else "notice",
            what=alert.kind,
            subject=alert.object_id,
            order_id=one.order_id,
            amount=Money(alert.minor, record.amount.currency),
            age_seconds=max(0, int((now - one.last_at).total_seconds())),
            remedy=alert.remedy,
        )
    overdue = (now - record.expires_at).total_seconds()
    if overdue > 0 and record.status not in _ENDED and one.amounts["remaining"].is_positive:
        yield Exceptional(
            severity="warning",
            what="overdue",
            subject=one.order_id,
            order_id=one.order_id,
            amount=one.amounts["remaining"],
            age_seconds=int(overdue),
            remedy="its time is up and money remains: reclaim_expired() takes it back",
        )


def _ageing(seen: _Seen) -> Iterator[AgeBand]:
    for currency in sorted({currency for currency, _ in seen.ages}):
        for band, _ in BANDS:
            held, remaining, orders = seen.ages.get((currency, band), (0, 0, 0))
            yield AgeBand(
                band=band,
                held=Money(held, currency),
                remaining=Money(remaining, currency),
                orders=orders,
            )


def _declines(
    disburser: Disburser,
    since: datetime | None,
    until: datetime | None,
    notes: list[str],
    tell: Progress,
) -> tuple[DeclineReason, ...]:
    """
    Count the declined authorizations of the period by reason.
    """
    sums: dict[tuple[str, str, str], list[int]] = {}
    try:
        for count, body in enumerate(disburser.authorizations(since, until), 1):
            tell("authorizations", count)
            if count > DECLINES_MAX:
                notes.append(f"declines are counted over the newest {DECLINES_MAX} authorizations")
                break
            if body.get("approved") is not False:
                continue
            asked = (body.get("request_history") or [{}])[-1]
            reason = str(asked.get("reason") or "unknown")
            code = (body.get("metadata") or {}).get("issuing_disburse_decision")
            is_ours = reason.startswith("webhook_") and code
            key = (str(code) if is_ours else reason, "policy" if is_ours else "stripe")
            one = sums.setdefault((*key, str(body["currency"])), [0, 0])
            one[0] += 1
            one[1] += int(asked.get("amount") or body.get("amount") or 0)
    except NotPermittedError as forbidden:
        notes.append(f"declines are not told: the key may not list authorizations ({forbidden})")
    return tuple(
        DeclineReason(
            reason=reason,
            decided_by="policy" if who == "policy" else "stripe",
            count=count,
            asked=Money(asked, currency),
        )
        for (reason, who, currency), (count, asked) in sorted(
            sums.items(), key=lambda item: (-item[1][0], item[0])
        )
    )
