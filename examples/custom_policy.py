"""
How does a team put rules of its own between its money and a merchant?

`weekdays_only` is a rule: one function. `BrakePolicy` is a policy: one subclass. Runs on the
simulator as it is.
"""

import threading
from datetime import UTC, date, datetime, timedelta

from attrs import field, frozen

from issuing_disburse import (
    Address,
    Allotment,
    AmountRule,
    AuthorizationPolicy,
    AuthorizationRequest,
    Decision,
    Disburser,
    Limit,
    Money,
    Objection,
    Order,
    Recipient,
    Terms,
    UserTerms,
)
from issuing_disburse.rules import AmountAtMost, CategoryIn, unless
from issuing_disburse.simulator import IssuingSimulator


def weekdays_only(request: AuthorizationRequest, allotment: Allotment) -> Objection | Limit | None:
    """
    Object on Saturdays and Sundays, by the UTC calendar.
    """
    if request.created.weekday() >= 5:  # noqa: PLR2004 - Saturday
        return Objection("weekend", "this card works on weekdays")
    return None


@frozen(kw_only=True)
class BrakePolicy(AuthorizationPolicy):
    """
    Decides as its rules do, until somebody pulls the brake; then nothing is approved any more.
    """

    brake: threading.Event = field(factory=threading.Event, repr=False, eq=False)

    def decide(self, request: AuthorizationRequest, allotment: Allotment) -> Decision:
        """
        Decline while the brake is on, without asking anybody.
        """
        if self.brake.is_set():
            return Decision(
                approved=False, code="brake", message="no purchases until further notice"
            )
        return super().decide(request, allotment)


def make_policy() -> BrakePolicy:
    """
    Return what this team decides by: the order's terms first, then the house rules.
    """
    return BrakePolicy.default().with_rules(
        weekdays_only,
        unless(CategoryIn("computer_software_stores"), AmountAtMost(5_000)),
    )


def main() -> None:
    """
    Let a merchant ask on a Monday, for too much, on a Saturday, and with the brake on.
    """
    policy = make_policy()
    with IssuingSimulator(seed=7, platform_funds=1_000_000) as simulator:
        account = simulator.create_account()
        with Disburser.connect(
            api_key=simulator.api_key,
            account=account,
            webhook_secret=simulator.webhook_secret,
            store="sqlite://",
            policy=policy,
            http_client=simulator.http_client(),
            clock=simulator.clock.now,
            sleep=simulator.clock.sleep,
        ) as disburser:
            simulator.deliver_webhooks_to(disburser.handle_webhook)
            card = disburser.disburse(an_order()).card

            def ask(moment: str, amount_minor: int) -> None:
                authorization = simulator.authorize(card.id, amount=amount_minor)
                answer = "approved" if authorization["approved"] else "declined"
                reason = authorization["metadata"].get("issuing_disburse_decision", "")
                print(f"{moment}: {Money(amount_minor, 'usd')} {answer} ({reason})")

            ask("Monday", 4_000)
            ask("Monday", 6_000)
            simulator.clock.advance(timedelta(days=5))
            ask("Saturday", 4_000)
            simulator.clock.advance(timedelta(days=2))
            policy.brake.set()
            ask("Monday, brake on", 4_000)
            policy.brake.clear()
            ask("Monday, brake off", 4_000)


def an_order() -> Order:
    """
    Make an order that one contractor may spend in up to three purchases.
    """
    contractor = Recipient.individual(
        reference="contractor-17",
        first_name="Jenny",
        last_name="Rosen",
        email="jenny@example.com",
        phone_number="+18008675309",
        date_of_birth=date(1985, 3, 14),
        user_terms=UserTerms(accepted_at=datetime(2026, 11, 1, tzinfo=UTC), ip="203.0.113.7"),
        billing=Address(
            line1="123 Main St", city="Columbus", state="OH", postal_code="43004", country="US"
        ),
    )
    return Order(
        id="tools-2026-11",
        recipient=contractor,
        amount=Money.of("125.00", "usd"),
        terms=Terms(uses=3, amount=AmountRule.up_to()),
    )


if __name__ == "__main__":
    main()
