"""
How do ten people from a payout list get paid, each by a card that works once?

Runs on the simulator as it is. With your own account, connect as in the README, and leave out
everything that begins with ``simulator``.
"""

from itertools import islice
from pathlib import Path

from issuing_disburse import Disburser, RefusedError, UnavailableError
from issuing_disburse.orders_file import stream_orders
from issuing_disburse.simulator import IssuingSimulator

PAYOUTS = Path(__file__).with_name("payouts.csv")


def main() -> int:
    """
    Pay, let one recipient shop, and show where the money is; 1 if somebody was not paid.
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
            unpaid = pay_all(disburser)

            first = disburser.get("payout-002")
            authorization = simulator.authorize(first.card.id, amount=first.amount.minor)
            simulator.capture(authorization["id"])
            for order_id in ("payout-002", "payout-003"):
                money = disburser.statement(order_id)
                print(f"{order_id}: funded {money.funded}, spent {money.spent}")
    return 1 if unpaid else 0


def pay_all(disburser: Disburser) -> list[str]:
    """
    Pay the first ten of the list, and return the ids of those that were not paid.

    Nothing is paid if any row of the list is wrong: `stream_orders` reads it whole before it yields
    the first order. After a crash, run it again: what was paid is not paid twice.
    """
    unpaid = []
    for order in islice(stream_orders(PAYOUTS), 10):
        try:
            paid = disburser.disburse(order)
        except RefusedError as refusal:  # something must change first; the money is back
            print(f"{order.id}: refused, {refusal}")
            unpaid.append(order.id)
        except UnavailableError as trouble:  # it may have happened: the same order again, later
            print(f"{order.id}: try again, {trouble}")
            unpaid.append(order.id)
        else:
            print(f"{order.id}: {paid.status}, {paid.amount}, card *{paid.card.last4}")
    return unpaid


if __name__ == "__main__":
    raise SystemExit(main())
