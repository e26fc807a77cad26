"""
What do banks, networks and Stripe's own staff do, as seen from a test?
"""

from collections.abc import Callable, Mapping
from typing import cast

from orjson import loads

from issuing_disburse.simulator import (
    balance,
    cardholders,
    disputes,
    onboarding,
    payouts,
    topups,
    transactions,
)
from issuing_disburse.simulator.arguments import check_amount, check_currency, check_word
from issuing_disburse.simulator.errors import ApiError, SimulatorError
from issuing_disburse.simulator.objects import TransactionObject
from issuing_disburse.simulator.room import Room
from issuing_disburse.simulator.webhook_endpoints import WebhookEndpoint, rotate
from issuing_disburse.simulator.world import Call, Key, R


class Backstage(Room):
    """
    Let happen what no API call of the platform makes happen.
    """

    webhook_secret: str

    def restricted_key(self, allowed: Mapping[str, str]) -> str:
        """
        Return a new ``rk_test_`` key.

        Args:
            allowed: Paths, each for whatever is below it, with ``"read"`` or ``"write"`` (which
                includes reading).

        Raises:
            SimulatorError: There is no such right, or that is no path.
        """
        for prefix, right in allowed.items():
            check_word(right, {"read", "write"}, f"allowed[{prefix:.60}]")
            if not prefix.startswith("/v1/"):
                message = f"allowed names {prefix!r:.60}; give paths such as /v1/balance."
                raise SimulatorError(message, param="allowed")
        rights = {("GET", prefix) for prefix in allowed} | {
            (method, prefix)
            for prefix, right in allowed.items()
            if right == "write"
            for method in ("POST", "DELETE")
        }
        secret = "rk_test_" + self._world.ids.text(32)
        self._world.keys[secret] = Key(secret, self._platform.id, allowed=frozenset(rights))
        return secret

    def live_key(self) -> str:
        """
        Return an ``sk_live_`` key, which finds nothing here: there is test mode only.
        """
        secret = "sk_live_" + self._world.ids.text(32)
        self._world.keys[secret] = Key(secret, self._platform.id, livemode=True)
        return secret

    def rotate_webhook_secret(self, *, overlap_seconds: int = 24 * 3600) -> str:
        """
        Roll the secret of every endpoint that `webhook_secret` signs for, and return the new one.
        """
        _check_overlap(overlap_seconds)
        old, world = self.webhook_secret, self._world
        with world.lock:
            new = old
            for endpoint in world.endpoints:
                if endpoint.secret == old:
                    rolled = rotate(world, endpoint, overlap_seconds=overlap_seconds)
                    endpoint.secret = new = rolled if new == old else new
            self.webhook_secret = new
        return new

    def rotate_endpoint_secret(self, endpoint_id: str, *, overlap_seconds: int = 24 * 3600) -> str:
        """
        Roll the secret of one registered endpoint, and return the new one.

        Args:
            overlap_seconds: How long both secrets sign; a day at most.
        """
        _check_overlap(overlap_seconds)
        endpoint = self._known(WebhookEndpoint, endpoint_id)
        with self._world.lock:
            return rotate(self._world, endpoint, overlap_seconds=overlap_seconds)

    def fund_platform(self, amount: int, currency: str = "usd") -> None:
        """
        Put *amount* minor units into the platform's payments balance.
        """
        check_amount(amount)
        self._move(self._platform.id, amount, currency, "payments", "adjustment", "Test funds")

    def fund_issuing(self, account: str, amount: int, currency: str = "usd") -> None:
        """
        Put *amount* minor units into an Issuing balance, as a bank transfer from outside does.
        """
        check_amount(amount)
        self._move(account, amount, currency, "issuing", "topup", "Bank transfer")

    def take_back_issuing(self, account: str, amount: int, currency: str = "usd") -> None:
        """
        Take *amount* minor units out of an Issuing balance, as someone at a Dashboard might.
        """
        check_amount(amount)
        self._move(account, -amount, currency, "issuing", "adjustment", "Manual movement")

    def _move(
        self,
        account: str,
        amount: int,
        currency: str,
        kind: balance.BalanceType,
        reason: str,
        text: str,
    ) -> None:
        check_currency(currency)
        call = self._call(account)
        with self._world.lock:
            balance.move(
                call, amount, currency.lower(), balance=kind, kind=reason, description=text
            )
            balance.announce(call)
        self._postman.deliver(call.outbox)

    def issuing_balance(self, account: str | None = None, currency: str = "usd") -> int:
        """
        Return the available Issuing balance in minor units; the platform's own without *account*.
        """
        return self._call(account).account.funds.get(("issuing", currency), 0)

    def held(self, account: str | None = None, currency: str = "usd") -> int:
        """
        Return what open authorizations hold, in minor units.
        """
        return self._call(account).account.held.get(currency, 0)

    def payments_balance(self, account: str | None = None, currency: str = "usd") -> int:
        """
        Return the available payments balance in minor units.
        """
        return self._call(account).account.funds.get(("payments", currency), 0)

    def set_screening(self, cardholder_id: str, verdict: str | None) -> None:
        """
        Let the watchlist say ``under_review``, ``listed``, ``rejected.listed`` or nothing.
        """
        check_word(verdict, cardholders.SCREENINGS, "verdict")
        holder = self._known(cardholders.Cardholder, cardholder_id)
        self._do(holder.account, lambda call: cardholders.set_screening(call, holder, verdict))

    def disable_issuing(self, account: str, reason: str | None = "rejected.other") -> None:
        """
        Turn an account's ``card_issuing`` capability off, or with ``None`` on again.
        """
        call = self._call(account)
        with self._world.lock:
            before = call.account.wire(self._world)
            rest = {k: v for k, v in call.account.disabled.items() if k != "card_issuing"}
            call.account.disabled = rest if reason is None else {**rest, "card_issuing": reason}
            call.account.changed()
            onboarding.announce(call, call.account, before)
        self._postman.deliver(call.outbox)

    def settle_topup(self, topup_id: str, outcome: str = "succeeded") -> None:
        """
        Let the bank answer a top-up: ``succeeded``, ``reversed``, or a failure code.
        """
        topup = self._known(topups.Topup, topup_id)
        self._do(topup.account, lambda call: topups.settle(call, topup, outcome))

    def settle_payout(self, payout_id: str, failure: str | None = None) -> None:
        """
        Let the bank answer a payout: it arrived, or it came back with a *failure* code.
        """
        payout = self._known(payouts.Payout, payout_id)
        self._do(payout.account, lambda call: payouts.settle(call, payout, failure))

    def take_back_refund(self, transaction_id: str) -> TransactionObject:
        """
        Let a merchant take a refund back, as networks let it: a refund with a negative amount.
        """
        refund = self._known(transactions.Transaction, transaction_id)
        made: list[transactions.Transaction] = []
        self._do(refund.account, lambda call: made.append(transactions.take_back(call, refund)))
        return cast("TransactionObject", loads(made[0].bytes_shown(self._world)))

    def decide_dispute(self, dispute_id: str, *, won: bool) -> None:
        """
        Let the network decide a submitted dispute.
        """
        dispute = self._known(disputes.Dispute, dispute_id)
        self._do(dispute.account, lambda call: disputes.decide(call, dispute, won=won))

    def _known(self, kind: type[R], name: str) -> R:
        found = self._world.by_id.get(name)
        if not isinstance(found, kind):
            message = f"No such {kind.noun}: {name!r}"
            raise SimulatorError(message, code="resource_missing")
        return found

    def _do(self, account: str, action: Callable[[Call], None]) -> None:
        """
        Carry out something that is no request, and deliver what it leads to.
        """
        call = self._call(account)
        try:
            with self._world.lock:
                action(call)
        except ApiError as error:
            raise SimulatorError(error.message, code=error.code, param=error.param) from error
        self._postman.deliver(call.outbox)


def _check_overlap(overlap_seconds: int) -> None:
    if overlap_seconds < 0:
        message = f"overlap_seconds is {overlap_seconds}; give 0 to a day."
        raise SimulatorError(message, param="overlap_seconds")
