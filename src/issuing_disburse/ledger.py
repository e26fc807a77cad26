"""
What do the books say, given what Stripe says?

Double entry, append only. The facts of one disbursement (what was allotted, what Stripe reports of
authorizations, transactions and disputes, what was reclaimed) determine one set of *lines*, whatever
the order in which the facts arrived. An entry posts the difference between these lines and the ones
posted before, so that duplicates, disorder and gaps converge to the same balances.

.. code-block:: text

    world ─fund▶ issuing:available ─allot▶ card:ic ─hold▶ hold:iauth
                        ▲                    │ ▲ └─capture▶ spent:ic
                        └──────reclaim───────┘ └─refund, dispute── world
    issuing:available ─cover▶ covered:ic       late:ipi ─▶ spent:ic   (more than the card had)
    card:ic ─capture▶ late:ipi ─capture▶ spent:ic     (late, forced, or above what was approved)
    world ─refund, dispute▶ late:object ─▶ card:ic    (unlinked refunds, disputes and their credits)

What nobody could decline or foresee passes through an account of its own, ``late:<object>``, which
goes below zero by what the card did not have.

``world``, ``late:`` and ``issuing:available`` may go below zero, the others may not. Per currency
the sum of all accounts is zero; ``issuing:``, ``card:`` and ``hold:`` together are what Stripe
reports as available plus held.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime

import orjson
from attrs import frozen

from .exceptions import ChainBrokenError, OverdrawnError
from .facts import DisputeFacts, Facts, TransactionFacts
from .late import is_unlinked, late_captures

WORLD = "world"
AVAILABLE = "issuing:available"
GENESIS = "0" * 64

_MAY_GO_BELOW_ZERO = ("world", "late:", "issuing:available", "foreign:", "opening:")


@frozen
class Line:
    """
    One posting with its cause: *minor* units go from *source* to *destination*.

    Attributes:
        effect: ``fund``, ``allot``, ``hold``, ``capture``, ``refund``, ``dispute``, ``cover``,
            ``reclaim``, ``give_back``.
        object_id: The Stripe object, or our record, that causes it.
    """

    effect: str
    object_id: str
    source: str
    destination: str
    minor: int

    def reversed(self) -> Line:
        """
        Return the line that takes this one back.
        """
        return Line(self.effect, self.object_id, self.destination, self.source, self.minor)


@frozen(kw_only=True)
class Entry:
    """
    An atomic bundle of lines in one currency, chained to the entry before it.

    Attributes:
        scope: Whose chain it is: a disbursement's or a funding's key.
        seq: Place in the chain, from 1.
        at: UTC; when it was booked.
        cause: The event or call that led to it.
    """

    scope: str
    seq: int
    at: datetime
    currency: str
    cause: str
    lines: tuple[Line, ...]
    previous: str = GENESIS
    digest: str = ""

    def sealed(self) -> Entry:
        """
        Return the entry with the hash of its content and of the entry before.
        """
        return Entry(
            scope=self.scope, seq=self.seq, at=self.at, currency=self.currency, cause=self.cause,
            lines=self.lines, previous=self.previous, digest=self._hash(),
        )  # fmt: skip

    def _hash(self) -> str:
        lines = [
            [line.effect, line.object_id, line.source, line.destination, line.minor]
            for line in self.lines
        ]
        content = [self.previous, self.scope, self.seq, self.at, self.currency, self.cause, lines]
        return hashlib.sha256(orjson.dumps(content)).hexdigest()


def verify_chain(entries: Iterable[Entry]) -> str:
    """
    Check one scope's entries, in order, and return the hash of the last one.

    Raises:
        ChainBrokenError: Naming the first entry that is changed, missing or out of place.
    """
    previous = GENESIS
    for seq, entry in enumerate(entries, start=1):
        if entry.seq != seq or entry.previous != previous or entry.digest != entry.sealed().digest:
            msg = f"entry {seq} of {entry.scope} was changed, removed or put in between"
            raise ChainBrokenError(msg)
        previous = entry.digest
    return previous


def balances(lines: Iterable[Line]) -> dict[str, int]:
    """
    Sum *lines* up per account, in minor units.
    """
    sums: dict[str, int] = defaultdict(int)
    for line in lines:
        sums[line.source] -= line.minor
        sums[line.destination] += line.minor
    return dict(sums)


def check_not_overdrawn(sums: Mapping[str, int]) -> None:
    """
    Refuse balances below zero where the books do not allow them.

    Raises:
        OverdrawnError: Naming account and balance.
    """
    for account, minor in sums.items():
        if minor < 0 and not account.startswith(_MAY_GO_BELOW_ZERO):
            msg = f"{account} would stand at {minor} minor units"
            raise OverdrawnError(msg)


def difference(posted: Iterable[Line], wanted: Iterable[Line]) -> tuple[Line, ...]:
    """
    Return the lines that lead from *posted* to *wanted*, corrections as reversals.
    """
    net: dict[tuple[str, str, str, str], int] = defaultdict(int)
    for sign, lines in ((1, wanted), (-1, posted)):
        for line in lines:
            # A line and its reversal are one sum, or each correction would be corrected again.
            low, high = sorted((line.source, line.destination))
            minor = line.minor if line.source == low else -line.minor
            net[line.effect, line.object_id, low, high] += sign * minor
    result = []
    for (effect, object_id, low, high), minor in sorted(net.items()):
        line = Line(effect, object_id, low, high, abs(minor))
        if minor:
            result.append(line if minor > 0 else line.reversed())
    return tuple(result)


def posted_lines(entries: Iterable[Entry]) -> tuple[Line, ...]:
    """
    Net the lines of *entries* per effect, object and pair of accounts.
    """
    return difference((), [line for entry in entries for line in entry.lines])


class _Pot:
    """
    What the card has while lines are drawn up; what it lacks is covered and named.
    """

    def __init__(self, scope: str) -> None:
        self.card = f"card:{scope}"
        self.covered = f"covered:{scope}"
        self.minor = 0
        self.lines: list[Line] = []

    def come_in(self, effect: str, object_id: str, source: str, minor: int) -> None:
        self.minor += minor
        if minor:
            self.lines.append(Line(effect, object_id, source, self.card, minor))

    def come_in_late(
        self, effect: str, object_id: str, source: str, minor: int, *, account: str
    ) -> None:
        if minor:
            self.lines.append(Line(effect, object_id, source, account, minor))
        self.come_in(effect, object_id, account, minor)

    def go_out(
        self,
        effect: str,
        object_id: str,
        destination: str,
        minor: int,
        *,
        late_minor: int = 0,
        account: str = "",
    ) -> None:
        """
        Let *minor* leave; *late_minor* of it, and what the card lacks, pass through *account*.
        """
        account = account or f"late:{object_id}"
        own = min(max(self.minor, 0), minor)
        short = minor - own
        direct = min(own, minor - late_minor)
        self.minor -= own
        for source, target, part in (
            (self.card, destination, direct),
            (self.card, account, own - direct),
            (account, destination, minor - direct),
            (AVAILABLE, self.covered, short),
        ):
            if part:
                why = "cover" if target == self.covered else effect
                self.lines.append(Line(why, object_id, source, target, part))


def lines_for(facts: Facts) -> tuple[Line, ...]:
    """
    Return the lines that *facts* call for; the same facts give the same lines, always.

    Captures are paid first, then holds, each from what the card has; what it does not have is
    covered by the account and named after the object that took it. Where a card was replaced, the
    card that followed comes first: what the dead one takes beyond the rest is what is covered.
    """
    pot = _Pot(facts.scope)
    for allotted in facts.allotted:
        pot.come_in("allot", allotted.id, AVAILABLE, allotted.minor)
    for refund in facts.refunds():
        if refund.minor > 0:
            _refund(pot, refund)
    for dispute in facts.disputes:
        _credit(pot, dispute, sign=1)
    for reclaimed in facts.reclaimed:
        pot.go_out("reclaim", reclaimed.id, AVAILABLE, reclaimed.minor)
    _spend(pot, facts, of_replaced=False)
    for refund in facts.refunds():
        if refund.minor < 0:
            pot.go_out("refund", refund.id, WORLD, -refund.minor)
    for dispute in facts.disputes:
        _credit(pot, dispute, sign=-1)
    _hold(pot, facts, of_replaced=False)
    _spend(pot, facts, of_replaced=True)
    _hold(pot, facts, of_replaced=True)
    return tuple(pot.lines)


def _refund(pot: _Pot, refund: TransactionFacts) -> None:
    if is_unlinked(refund):
        account = f"late:{refund.id}"
        pot.come_in_late("refund", refund.id, WORLD, refund.minor, account=account)
    else:
        pot.come_in("refund", refund.id, WORLD, refund.minor)


def _credit(pot: _Pot, dispute: DisputeFacts, *, sign: int) -> None:
    """
    Book what a dispute brought (*sign* 1) or took back (-1), provisional credits apart.
    """
    for is_provisional, suffix in ((False, ""), (True, ":provisional")):
        account = f"late:{dispute.id}{suffix}"
        minor = sum(
            max(0, sign * minor)
            for name, minor in dispute.movements.items()
            if (name in dispute.provisional) is is_provisional
        )
        if minor and sign > 0:
            pot.come_in_late("dispute", dispute.id, WORLD, minor, account=account)
        elif minor:
            pot.go_out("dispute", dispute.id, WORLD, minor, late_minor=minor, account=account)


def _spend(pot: _Pot, facts: Facts, *, of_replaced: bool) -> None:
    late = late_captures(facts)
    for capture in facts.captures():
        if (capture.card_id in facts.replaced) is of_replaced:
            beyond = late[capture.id].minor if capture.id in late else 0
            destination = f"spent:{facts.scope}"
            pot.go_out("capture", capture.id, destination, -capture.minor, late_minor=beyond)


def _hold(pot: _Pot, facts: Facts, *, of_replaced: bool) -> None:
    for authorization in facts.authorizations:
        if (authorization.card_id in facts.replaced) is of_replaced:
            held = facts.held_minor(authorization)
            pot.go_out("hold", authorization.id, f"hold:{authorization.id}", held)
