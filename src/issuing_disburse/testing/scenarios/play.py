"""
What can a story do, whatever the policy under test thinks of it?
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from attrs import define, field

from issuing_disburse.disbursement import Disbursement, Status
from issuing_disburse.disburser import Disburser
from issuing_disburse.exceptions import DisburseError
from issuing_disburse.money import Money
from issuing_disburse.order import Order
from issuing_disburse.reclamation import Reclamation
from issuing_disburse.reconcile import Discrepancy
from issuing_disburse.testing.stage import Stage

from .values import Asked, Happened, Scenario

FRAUD = {"reason": "fraudulent", "fraudulent": {"explanation": "nobody knows this purchase"}}


@define(kw_only=True)
class Play:
    """
    One story while it is told.

    A purchase that the policy declines is not captured, and a story that needs a card ends where there is
    none: so any policy may be put into any story.
    """

    scenario: Scenario
    stage: Stage
    disburser: Disburser
    order: Order
    merchant: Mapping[str, object] | None = None
    asked: list[Asked] = field(factory=list)
    reclamations: list[Reclamation] = field(factory=list)
    errors: list[DisburseError] = field(factory=list)
    before: Disbursement | None = None

    @property
    def simulator(self) -> Any:  # Any: the simulator, or what stands in for one
        """
        Merchants, banks and misfortune.
        """
        return self.stage.simulator

    @property
    def full(self) -> int:
        """
        What the order is for, in minor units.
        """
        return self.order.amount.minor

    @property
    def now(self) -> Disbursement:
        """
        The disbursement as it stands.
        """
        return self.disburser.get(self.order.id)

    @property
    def card(self) -> str | None:
        """
        The card that may be used now, or was used last.
        """
        card = self.now.card_or_none
        return None if card is None else card.id

    def pay(self) -> str | None:
        """
        Pay the order, and return its card, if it got one.
        """
        try:
            self.disburser.disburse(self.order)
        except DisburseError as error:
            self.errors.append(error)
        return self.card

    def authorize(self, amount: int | None = None, **details: Any) -> str | None:
        """
        Let the merchant ask for *amount* minor units, all if left out; return what was approved.
        """
        if self.card is None:
            return None
        if self.merchant is not None:
            details.setdefault("merchant", self.merchant)
        if "merchant_amount" not in details:
            details["amount"] = self.full if amount is None else amount
        found = self.simulator.authorize(self.card, **details)
        self._note(found, amount)
        return str(found["id"]) if found["approved"] else None

    def increment(self, authorization: str | None, amount: int) -> None:
        """
        Let the merchant ask for *amount* minor units more, if it has anything.
        """
        if authorization is not None:
            self._note(self.simulator.increment(authorization, amount), amount)

    def _note(self, found: Mapping[str, Any], amount: int | None) -> None:
        last = found["request_history"][-1]
        answers = [one.decision for one in self.stage.heard if one.authorization_id == found["id"]]
        told = sum(one.authorization_id == found["id"] for one in self.asked)
        self.asked.append(
            Asked(
                authorization_id=found["id"],
                card_id=found["card"]["id"],
                amount=Money(last["amount"], found["currency"]),
                is_approved=last["approved"],
                reason=last["reason"],
                decision=answers[told] if told < len(answers) else None,
            )
        )

    def capture(
        self, authorization: str | None, amount: int | None = None, *, close: bool = True
    ) -> str | None:
        """
        Let the merchant collect, if it was approved, and return the transaction.
        """
        if authorization is None:
            return None
        found = self.simulator.capture(authorization, amount, close=close)
        return str(found["transactions"][-1]["id"])

    def buy(self, amount: int | None = None) -> str | None:
        """
        Let the merchant ask and collect, and return the transaction.
        """
        return self.capture(self.authorize(amount))

    def pass_time(self, **time: float) -> None:
        """
        Move the clock on.
        """
        self.stage.clock.advance(timedelta(**time))

    def reclaim(self) -> None:
        """
        Take back what is left of the order.
        """
        try:
            self.reclamations.append(self.disburser.reclaim(self.order.id))
        except DisburseError as error:
            self.errors.append(error)

    def reclaim_expired(self) -> None:
        """
        Take back what is left of every order that is over, as a nightly run does.
        """
        self.reclamations.extend(self.disburser.reclaim_expired())

    def reissue(self) -> None:
        """
        Have another card made, unless nothing can be reissued.
        """
        try:
            self.disburser.reissue(self.order.id)
        except DisburseError as error:
            self.errors.append(error)

    def resume(self) -> None:
        """
        Go on with the order.
        """
        try:
            self.disburser.resume(self.order.id)
        except DisburseError as error:
            self.errors.append(error)

    def dispute(self, transaction: str | None, *, won: bool) -> None:
        """
        Contest a capture at Stripe, as somebody at a dashboard does, and have the network decide.
        """
        if transaction is None:
            return
        made = self.by_hand("/v1/issuing/disputes", transaction=transaction, evidence=FRAUD)
        self.by_hand(f"/v1/issuing/disputes/{made['id']}/submit")
        self.simulator.decide_dispute(made["id"], won=won)

    def by_hand(self, path: str, **params: Any) -> Any:  # Any: JSON
        """
        Post something with Stripe's own SDK, past the library.
        """
        import stripe  # noqa: PLC0415 - few stories need it

        addresses: Any = {} if self.stage.api_base is None else {"api": self.stage.api_base}
        client = stripe.StripeClient(
            self.stage.api_key, http_client=self.stage.http_client, base_addresses=addresses
        )
        options: Any = {} if self.stage.account is None else {"stripe_account": self.stage.account}
        key = f"{self.order.id}-{path.rpartition('/')[2]}-{len(self.asked)}"
        answer = client.raw_request("post", path, **params, **options, idempotency_key=key)
        return answer.data

    @property
    def is_active(self) -> bool:
        """
        Whether the card may be used.
        """
        return self.now.status is Status.ACTIVE

    def _discrepancies(self) -> tuple[Discrepancy, ...]:
        found = self.disburser.reconcile().discrepancies
        if not self.stage.is_shared:
            return found
        return tuple(one for one in found if one.order_id == self.order.id)

    def told(self) -> Happened:
        """
        Return what has happened.
        """
        ids = dict.fromkeys(one.authorization_id for one in self.asked)
        return Happened(
            scenario=self.scenario,
            order=self.order,
            disbursement=self.now,
            authorization_ids=tuple(ids),
            asked=tuple(self.asked),
            decisions=tuple(one.decision for one in self.stage.heard),
            statement=self.disburser.statement(self.order.id),
            discrepancies=self._discrepancies(),
            authorization_alerts=self.disburser.alerts(),
            reclamations=tuple(self.reclamations),
            errors=tuple(self.errors),
            before=self.before,
            account=self.stage.account,
            simulator=self.simulator,
            disburser=self.disburser,
        )
