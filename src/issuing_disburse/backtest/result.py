"""
What does a replay come to?
"""

from __future__ import annotations

from datetime import datetime

from attrs import define, frozen

from issuing_disburse.decision import Decision
from issuing_disburse.money import Money
from issuing_disburse.recordings import RecordedRequest

EXAMPLES_MAX = 100
"""How many changed requests are listed one by one."""


@frozen(kw_only=True)
class Change:
    """
    One request that the policy answers in another way.

    Attributes:
        before: ``approved``, or the code of the objection, as it was recorded.
        after: Likewise, as the policy answers.
        rule: The policy's rule that decided.
        approved_before: Minor units.
        approved_after: Minor units.
    """

    at: datetime
    authorization_id: str
    card_id: str
    order_id: str
    merchant: str
    asked: Money
    before: str
    after: str
    rule: str
    approved_before: Money
    approved_after: Money


@frozen(kw_only=True)
class Group:
    """
    How many requests went from one answer to another, and how much money that is, in minor units.
    """

    before: str
    after: str
    rule: str
    currency: str
    requests: int
    asked_minor: int
    approved_before_minor: int
    approved_after_minor: int


@frozen(kw_only=True)
class Total:
    """
    What was approved in one currency, and would have been, in minor units.
    """

    currency: str
    requests: int
    asked_minor: int
    approved_before: int
    approved_before_minor: int
    approved_after: int
    approved_after_minor: int


@frozen(kw_only=True)
class Backtest:
    """
    What a policy makes of recorded requests.

    Attributes:
        policy: Its fingerprint, empty for one that has none.
        requests: How many were put to it.
        changed: How many of them it answers in another way.
        unknown: Left out, because nothing is known about the card.
        decided_by_others: Left out, because Stripe or the network decided alone; what they
            approved counts as used.
        examples: The first of the changed ones.
    """

    policy: str
    requests: int
    changed: int
    unknown: int
    decided_by_others: int
    since: datetime | None
    until: datetime | None
    totals: tuple[Total, ...]
    groups: tuple[Group, ...]
    examples: tuple[Change, ...]


@define
class _Sums:
    """
    Counts of one currency, or of one group.
    """

    requests: int = 0
    asked_minor: int = 0
    approved_before: int = 0
    approved_before_minor: int = 0
    approved_after: int = 0
    approved_after_minor: int = 0

    def add(self, one: RecordedRequest, decision: Decision, after_minor: int) -> None:
        self.requests += 1
        self.asked_minor += one.request.amount.minor
        self.approved_before += one.approved
        self.approved_before_minor += one.approved_minor
        self.approved_after += decision.approved
        self.approved_after_minor += after_minor


class Tally:
    """
    Holds answers against those that were recorded, and counts.
    """

    def __init__(self, examples_max: int) -> None:
        self._examples_max = examples_max
        self._totals: dict[str, _Sums] = {}
        self._groups: dict[tuple[str, str, str, str], _Sums] = {}
        self._examples: list[Change] = []
        self._since: datetime | None = None
        self._until: datetime | None = None
        self._changed = 0

    def compare(self, one: RecordedRequest, decision: Decision, *, order_id: str) -> None:
        """
        Count one request with the answer it got and the one it would get.
        """
        asked = one.request.amount
        after = (decision.amount or asked).minor if decision.approved else 0
        self._since = self._since or one.at
        self._until = one.at
        totals = self._totals.get(asked.currency)
        if totals is None:
            totals = self._totals[asked.currency] = _Sums()
        totals.add(one, decision, after)
        if one.approved is decision.approved and one.approved_minor == after:
            return
        self._changed += 1
        change = Change(
            at=one.at,
            authorization_id=one.request.authorization_id,
            card_id=one.request.card_id,
            order_id=order_id,
            merchant=one.request.merchant_name or "",
            asked=asked,
            before=_label(one.approved_minor, asked, one.code, approved=one.approved),
            after=_label(after, asked, decision.code, approved=decision.approved),
            rule=decision.rule,
            approved_before=Money(one.approved_minor, asked.currency),
            approved_after=Money(after, asked.currency),
        )
        key = (change.before, change.after, change.rule, asked.currency)
        self._groups.setdefault(key, _Sums()).add(one, decision, after)
        if len(self._examples) < self._examples_max:
            self._examples.append(change)

    def result(self, *, policy: str, unknown: int, decided_by_others: int) -> Backtest:
        """
        Sum up; the largest group comes first.
        """
        groups = sorted(self._groups.items(), key=lambda item: (-item[1].requests, item[0]))
        return Backtest(
            policy=policy,
            requests=sum(sums.requests for sums in self._totals.values()),
            changed=self._changed,
            unknown=unknown,
            decided_by_others=decided_by_others,
            since=self._since,
            until=self._until,
            totals=tuple(
                Total(
                    currency=currency,
                    requests=sums.requests,
                    asked_minor=sums.asked_minor,
                    approved_before=sums.approved_before,
                    approved_before_minor=sums.approved_before_minor,
                    approved_after=sums.approved_after,
                    approved_after_minor=sums.approved_after_minor,
                )
                for currency, sums in sorted(self._totals.items())
            ),
            groups=tuple(
                Group(
                    before=before,
                    after=after,
                    rule=rule,
                    currency=currency,
                    requests=sums.requests,
                    asked_minor=sums.asked_minor,
                    approved_before_minor=sums.approved_before_minor,
                    approved_after_minor=sums.approved_after_minor,
                )
                for (before, after, rule, currency), sums in groups
            ),
            examples=tuple(self._examples),
        )


def _label(approved_minor: int, asked: Money, code: str, *, approved: bool) -> str:
    if not approved:
        return code
    return "approved" if approved_minor == asked.minor else "approved in part"
