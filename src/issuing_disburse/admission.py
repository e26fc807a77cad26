"""
Does this store belong to this platform, and does it know the account's cards?
"""

from __future__ import annotations

from collections.abc import Callable

from attrs import define

from .exceptions import StoreMismatchError
from .ports import Clock, Store, Transaction
from .records import StoreIdentity
from .stripe_api import StripeAPI


@define(kw_only=True)
class Admission:
    """
    Asks once per process, before anything else is asked or paid.

    Attributes:
        admit_orders: Refuses a store without orders beside cards of ours, unless it is meant.
    """

    api: StripeAPI
    store: Store
    clock: Clock
    is_livemode: bool
    admit_orders: Callable[[], object]
    is_known: bool = False
    is_admitted: bool = False

    def identify(self) -> None:
        """
        Make sure that the store belongs to this platform account and mode.

        Raises:
            StoreMismatchError: It keeps the books of another one.

        Stripe: ``GET /v1/account``
        """
        if self.is_known:
            return
        platform = str(self.api.get("/v1/account", account=None)["id"])

        def work(tx: Transaction) -> StoreIdentity:
            known = tx.get(StoreIdentity, "identity")
            if known is not None:
                return known
            return tx.put(
                StoreIdentity(
                    platform_account=platform,
                    is_livemode=self.is_livemode,
                    recorded_at=self.clock(),
                )
            )

        known = self.store.transact(work)
        if (known.platform_account, known.is_livemode) != (platform, self.is_livemode):
            mode = "live" if known.is_livemode else "test"
            msg = (
                f"this store keeps the {mode} books of {known.platform_account}, the key belongs to "
                f"{platform}; use a store of its own for each platform account and mode"
            )
            raise StoreMismatchError(msg, code="store_mismatch")
        self.is_known = True

    def admit(self) -> None:
        """
        Make sure, too, that the store knows the account's cards before anything is paid.

        Raises:
            StoreMismatchError: It is another platform's, or empty beside cards of ours.
        """
        self.identify()
        if not self.is_admitted:
            self.admit_orders()
            self.is_admitted = True
