"""
Is this too much, or too often, for the time that has passed?
"""

from __future__ import annotations

from datetime import timedelta
from typing import Literal, TypeAlias

from attrs import Attribute, field, frozen

from issuing_disburse.decision import Allotment, AuthorizationRequest, Objection, Use
from issuing_disburse.exceptions import InvalidInputError
from issuing_disburse.money import Money

Scope: TypeAlias = Literal["card", "recipient", "account"]
"""Whose uses are counted together."""

_SCOPES = ("card", "recipient", "account")


@frozen(kw_only=True)
class Velocity:
    """
    Object when this would make too many purchases, or too much money, in the last *per*.

    The window rolls: it ends with this request. Probes are neither counted nor judged. An
    increment adds its amount, and belongs to a purchase that is counted already.

    A recipient's or an account's uses must have been looked up for the allotment; where they were
    not, the rule objects rather than judging half of the picture.

    Args:
        count_max: How many purchases, this one included; ``None`` for any number.
        amount_max_minor: How much, this purchase included, in minor units of the card's currency
            (uses in other currencies do not count); ``None`` for any sum.
        per: Length of the window.
        scope: Whose uses count.

    >>> from issuing_disburse.testing.policy_kit import make_allotment, make_request, make_use
    >>> twice = make_allotment(history=[make_use(ago=timedelta(hours=n)) for n in (30, 2)])
    >>> Velocity(count_max=1, per=timedelta(days=1))(make_request(), twice).message
    '2 purchases in 1 day, 0:00:00, at most 1'
    """

    count_max: int | None = field(default=None)
    amount_max_minor: int | None = field(default=None)
    per: timedelta = field()
    scope: Scope = "card"

    @count_max.validator
    @amount_max_minor.validator
    def _is_a_count(self, attribute: Attribute[int | None], value: object) -> None:
        if value is not None and (type(value) is not int or value < 0):
            raise InvalidInputError(
                f"Velocity.{attribute.name}", "must be a whole number from 0", "or leave it out"
            )

    @per.validator
    def _is_a_length(self, attribute: Attribute[timedelta], value: object) -> None:
        if not isinstance(value, timedelta) or value <= timedelta(0):
            raise InvalidInputError(
                "Velocity.per", "is no length of time", "pass timedelta(days=1)"
            )

    def __attrs_post_init__(self) -> None:
        if self.count_max is None and self.amount_max_minor is None:
            raise InvalidInputError(
                "Velocity", "limits nothing", "set count_max or amount_max_minor"
            )
        if self.scope not in _SCOPES:
            raise InvalidInputError(
                "Velocity.scope", "is unknown", "use 'card', 'recipient' or 'account'"
            )

    def __call__(self, request: AuthorizationRequest, allotment: Allotment) -> Objection | None:
        if allotment.is_probe(request):
            return None
        history = self._history(allotment)
        if history is None:
            return Objection("history_unknown", f"nobody looked up the {self.scope}'s purchases")
        start = request.created - self.per
        uses = [use for use in history if use.at > start and not use.is_probe]
        if self.count_max is not None:
            count = 1 + len({use.authorization_id for use in uses} - {request.authorization_id})
            if count > self.count_max:
                return Objection(
                    "too_often", f"{count} purchases in {self.per}, at most {self.count_max}"
                )
        if self.amount_max_minor is not None:
            currency = request.amount.currency
            spent = sum(use.amount.minor for use in uses if use.amount.currency == currency)
            total = spent + request.amount.minor
            if total > self.amount_max_minor:
                most = Money(self.amount_max_minor, currency)
                return Objection(
                    "too_much", f"{Money(total, currency)} in {self.per}, at most {most}"
                )
        return None

    def _history(self, allotment: Allotment) -> tuple[Use, ...] | None:
        if self.scope == "card":
            return allotment.history
        if self.scope == "recipient":
            return allotment.recipient_history
        return allotment.account_history
