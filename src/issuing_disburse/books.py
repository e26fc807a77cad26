"""
How does a change of the facts become a ledger entry, together with everything that follows from it?

The one place that posts. It runs inside the transaction of whoever has learned something: the lines
that the new facts call for, less those posted before, become one entry; the totals of the account
and the card's remaining balance change with it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from .disbursement import Status
from .exceptions import ChainBrokenError
from .facts import Facts
from .late import may_still_capture_minor
from .ledger import (
    AVAILABLE,
    WORLD,
    Entry,
    Line,
    balances,
    check_not_overdrawn,
    difference,
    lines_for,
    posted_lines,
    verify_chain,
)
from .money import Money
from .ports import Transaction
from .records import (
    CardRecord,
    DisbursementRecord,
    FundingRecord,
    PoolRecord,
    account_key,
)
from .revision import revised


def pool_of(tx: Transaction, account: str | None, currency: str) -> PoolRecord:
    """
    Return the totals of one account and currency, held until the transaction ends.
    """
    blank = PoolRecord(account=account, currency=currency)
    return tx.get(PoolRecord, blank.key, lock=True) or blank


def add_to_pool(pool: PoolRecord, lines: Iterable[Line]) -> PoolRecord:
    """
    Return *pool* with *lines* added to its totals.
    """
    available, cards, held = pool.available_minor, pool.cards_minor, pool.held_minor
    for account, minor in balances(lines).items():
        if account == AVAILABLE:
            available += minor
        elif account.startswith("card:"):
            cards += minor
        elif account.startswith("hold:"):
            held += minor
    return revised(pool, available_minor=available, cards_minor=cards, held_minor=held)


def card_balance(facts: Facts) -> int:
    """
    Return what the cards of a disbursement may still spend, in minor units.
    """
    return balances(lines_for(facts)).get(f"card:{facts.scope}", 0)


def capturable_minor(record: DisbursementRecord, facts: Facts, at: datetime) -> int:
    """
    Return what merchants may still take on uses that ended without being certainly reversed.
    """
    since = at - record.terms.reissue_after
    return sum(
        may_still_capture_minor(facts, one) for one in facts.authorizations if one.created > since
    )


def remaining_minor(record: DisbursementRecord, facts: Facts, at: datetime) -> int:
    """
    Return what the current card may still spend, in minor units.

    A card that followed another one may spend what it was made for, never what merchants may still
    take on the one it followed.
    """
    left = card_balance(facts)
    if not facts.replaced or record.to_spend is None:
        return left
    most = record.terms.most(record.to_spend).minor
    left = min(left - capturable_minor(record, facts, at), most - used_minor(facts))
    return max(0, left)


def spendable_minor(
    record: DisbursementRecord, facts: Facts, card: CardRecord, at: datetime
) -> int:
    """
    Return what *card* may still spend on purchases, in minor units: as if its open probes held nothing.

    Merchants try a card with up to 1 USD and reverse that only after the purchase, which must not fail
    for it. Stripe leaves room for the few probes that it lets pass, and so do we; while both are held
    the account covers the probe, and for good if the merchant takes it.
    """
    probes = {claim.use.authorization_id for claim in card.claims if claim.use.is_probe}
    others = tuple(
        [
            one
            for one in facts.authorizations
            if one.id not in probes or not one.is_open or one.amount_minor > card.probe_max_minor
        ]
    )
    return remaining_minor(record, revised(facts, authorizations=others), at)


def used_minor(facts: Facts) -> int:
    """
    Return what was captured on, and is held by, the card that followed the replaced ones.
    """
    captured = sum(-one.minor for one in facts.captures() if one.card_id not in facts.replaced)
    return captured + sum(
        facts.held_minor(one) for one in facts.authorizations if one.card_id not in facts.replaced
    )


def lowered(
    record: DisbursementRecord, card: CardRecord, facts: Facts, at: datetime
) -> tuple[DisbursementRecord, CardRecord]:
    """
    Lower what the current card is for, if a card that it replaced has taken from it.

    Our own rules obey at once; Stripe's limits follow with the next `resume_all` or
    `reclaim_expired`, because nobody may wait for Stripe while an event is booked.
    """
    if not facts.replaced or record.to_spend is None:
        return record, card
    most = remaining_minor(record, facts, at) + used_minor(facts)
    if most >= record.to_spend.minor:
        return record, card
    lower = Money(most, record.to_spend.currency)
    return (
        revised(record, to_spend=lower, is_to_lower=True, look_at=at),
        revised(card, amount=lower),
    )


def post_facts(
    tx: Transaction,
    record: DisbursementRecord,
    facts: Facts,
    *,
    cause: str,
    at: datetime,
) -> DisbursementRecord:
    """
    Book what *facts* call for and return the record with them; the caller puts it.

    Raises:
        ChainBrokenError: The stored entries are not the ones this disbursement has posted: one is
            changed, missing or added.
        OverdrawnError: An account would go below zero; nothing is kept.
    """
    entries = tx.entries(record.key)
    if verify_chain(entries) != record.digest:
        msg = f"the ledger of {record.order_id!r} does not end where the order says it ends"
        raise ChainBrokenError(msg, order_id=record.order_id)
    wanted = lines_for(facts)
    lines = difference(posted_lines(entries), wanted)
    record = revised(record, facts=facts, updated_at=at)
    if not lines:
        return record
    check_not_overdrawn(balances(wanted))
    entry = _entry(
        record.key, record.entries, record.digest, record.amount.currency, lines, cause, at
    )
    tx.append(entry)
    tx.put(add_to_pool(pool_of(tx, record.account, record.amount.currency), lines))
    return revised(record, entries=entry.seq, digest=entry.digest)


def post_funding(
    tx: Transaction, funding: FundingRecord, lines: tuple[Line, ...], *, cause: str, at: datetime
) -> FundingRecord:
    """
    Book money that reached or left the Issuing balance and return the record; the caller puts it.
    """
    if not lines:
        return funding
    entry = _entry(
        funding.key, funding.entries, funding.digest, funding.amount.currency, lines, cause, at
    )
    tx.append(entry)
    tx.put(add_to_pool(pool_of(tx, funding.account, funding.amount.currency), lines))
    return revised(funding, entries=entry.seq, digest=entry.digest)


def funded_line(funding_id: str, amount: Money) -> Line:
    """
    Return the line for money that a funding brought to the Issuing balance.
    """
    return Line("fund", funding_id, WORLD, AVAILABLE, amount.minor)


def given_back_line(cause: str, amount: Money) -> Line:
    """
    Return the line for money that left the Issuing balance again.
    """
    return Line("give_back", cause, AVAILABLE, WORLD, amount.minor)


def opening_entry(account: str | None, amount: Money, *, at: datetime) -> Entry:
    """
    Return the entry for what an Issuing balance held before this library used it.
    """
    lines = (Line("open", account_key(account), "opening:", AVAILABLE, amount.minor),)
    if amount.minor < 0:
        lines = (Line("open", account_key(account), AVAILABLE, "opening:", -amount.minor),)
    scope = f"opening/{account_key(account)}/{amount.currency}"
    return Entry(
        scope=scope, seq=1, at=at, currency=amount.currency, cause="first balance read", lines=lines
    ).sealed()


def _entry(
    scope: str,
    count: int,
    previous: str,
    currency: str,
    lines: tuple[Line, ...],
    cause: str,
    at: datetime,
) -> Entry:
    return Entry(
        scope=scope,
        seq=count + 1,
        at=at,
        currency=currency,
        cause=cause,
        lines=lines,
        previous=previous,
    ).sealed()


def status_after(record: DisbursementRecord, facts: Facts, card: CardRecord) -> Status:
    """
    Return where a disbursement stands, given new *facts* about it and its current *card*.

    A used-up card with nothing open is ``SPENT``, or ``CLOSING`` when the merchant gave the use
    back; money that moves on a closed one reopens it.
    """
    status = record.status
    is_dead = card.card_status == "canceled"
    if status is Status.CLOSING and record.is_reclaimed and record.giving_back is None:
        # Reopened by money that something else has taken since: the order of the two is chance.
        is_over = is_dead and not facts.is_open and card_balance(facts) == 0
        return Status.CLOSED if is_over else status
    if status is Status.CLOSED:
        return Status.CLOSING if facts.is_open or card_balance(facts) else status
    if status not in {Status.ACTIVE, Status.SPENT}:
        return status
    is_promised = any(claim.state == "provisional" for claim in card.claims)
    if facts.is_open or is_promised:  # Stripe cancels a single-use card before it says why
        return Status.ACTIVE
    if facts.captures() and (is_dead or card_balance(facts) == 0):
        return Status.SPENT
    return Status.CLOSING if is_dead else Status.ACTIVE
