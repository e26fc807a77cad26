"""
What should run every night, so that no unspent cent is forgotten and no difference goes unseen?

Runs on the simulator as it is: `a_month_of_business` stands for what happened before the night.
`nightly` is the part to keep; every step of it may be run again at any time, by several machines.
"""

from datetime import UTC, date, datetime, timedelta

from issuing_disburse import (
    Address,
    Disburser,
    Money,
    Order,
    Recipient,
    Status,
    Terms,
    UserTerms,
)
from issuing_disburse.simulator import IssuingSimulator


def main() -> int:
    """
    Let a month pass, then run the night's work; the exit code is for whoever gets paged.
    """
    with IssuingSimulator(seed=7, platform_funds=1_000_000) as simulator:
        account = simulator.create_account()
        with Disburser.connect(
            api_key=simulator.api_key,
            account=account,
            webhook_secret=simulator.webhook_secret,
            store="sqlite://",
            http_client=simulator.http_client(),
            clock=simulator.clock.now,
            sleep=simulator.clock.sleep,
        ) as disburser:
            simulator.deliver_webhooks_to(disburser.handle_webhook)
            a_month_of_business(simulator, disburser)
            return nightly(disburser)


def nightly(disburser: Disburser) -> int:
    """
    Finish what is pending, take back what is over, compare the books; 1 if a person must look.
    """
    pending = [one for one in disburser.resume_all() if one.status is not Status.ACTIVE]
    for one in pending:
        print(f"{one.order_id}: {one.status}, {one.reason.message if one.reason else ''}")

    reclaimed = disburser.reclaim_expired()
    for rest in reclaimed:
        # "waiting": a merchant may still collect what is held; the next nights look again.
        print(f"{rest.order_id}: {rest.outcome}, {rest.reclaimed} back, {rest.held} held")

    books = disburser.reconcile()
    print(f"{books.matched} objects match, {len(books.discrepancies)} differences")
    for difference in books.discrepancies:
        print(f"{difference.object_id}: {difference.remedy}")

    is_stuck = any(rest.outcome == "stuck" for rest in reclaimed)
    has_failed = any(one.status is Status.FAILED for one in pending)
    return 1 if is_stuck or has_failed or books.discrepancies else 0


def a_month_of_business(simulator: IssuingSimulator, disburser: Disburser) -> None:
    """
    Pay three orders: one is spent, one never used, one authorized at the last moment.
    """
    recipient = Recipient.individual(
        reference="contractor-1",
        first_name="Ada",
        last_name="Brooks",
        date_of_birth=date(1980, 5, 17),
        user_terms=UserTerms(accepted_at=datetime(2026, 11, 1, tzinfo=UTC), ip="203.0.113.7"),
        billing=Address(
            line1="12 Example Street",
            city="Columbus",
            state="OH",
            postal_code="43004",
            country="US",
        ),
    )
    amount, terms = Money.of("250.00", "usd"), Terms(valid_for=timedelta(days=30))
    spent, _, late = (
        disburser.disburse(Order(f"invoice-{number}", recipient, amount, terms))
        for number in (1, 2, 3)
    )
    authorization = simulator.authorize(spent.card.id, amount=25_000)
    simulator.capture(authorization["id"])
    simulator.clock.advance(timedelta(days=29))
    simulator.authorize(late.card.id, amount=25_000)
    simulator.clock.advance(timedelta(days=2))


if __name__ == "__main__":
    raise SystemExit(main())
