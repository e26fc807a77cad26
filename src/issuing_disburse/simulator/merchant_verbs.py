"""
What do merchants do, as seen from a test?
"""

from collections.abc import Mapping
from typing import cast

from issuing_disburse.simulator.objects import (
    AuthorizationObject,
    TransactionObject,
)
from issuing_disburse.simulator.room import Room

_HELPERS = "/v1/test_helpers/issuing"


class MerchantVerbs(Room):
    """
    Let merchants act on the simulator's cards.
    """

    def authorize(
        self,
        card_id: str,
        amount: int | None = None,
        *,
        currency: str | None = None,
        merchant_amount: int | None = None,
        merchant_currency: str | None = None,
        is_amount_controllable: bool = False,
        merchant: Mapping[str, object] | None = None,
        authorization_method: str = "online",
        wallet: str | None = None,
        verification: Mapping[str, object] | None = None,
        cashback_amount: int | None = None,
        atm_fee: int | None = None,
        risk: Mapping[str, object] | None = None,
    ) -> AuthorizationObject:
        """
        Let a merchant ask for *amount* minor units; the answer is approved or declined.

        Args:
            merchant_amount: Instead of *amount*: what the merchant asks in its own currency.
            is_amount_controllable: Whether less than asked may be approved.
            merchant: ``merchant_data`` fields: ``category``, ``country``, ``name``…
            verification: ``verification_data`` fields.

        Raises:
            SimulatorError: There is no such card, or a parameter is wrong.
        """
        details = {"cashback_amount": cashback_amount, "atm_fee": atm_fee}
        params: dict[str, object] = {
            "card": card_id,
            "amount": amount,
            "currency": currency,
            "merchant_amount": merchant_amount,
            "merchant_currency": merchant_currency,
            "is_amount_controllable": is_amount_controllable,
            "merchant_data": merchant,
            "authorization_method": authorization_method,
            "wallet": wallet,
            "verification_data": verification,
            "amount_details": details,
            "risk_assessment": risk,
        }
        found = self._post(self._owner_of(card_id), f"{_HELPERS}/authorizations", params)
        return cast("AuthorizationObject", found)

    def _on_authorization(
        self, authorization_id: str, verb: str, params: Mapping[str, object]
    ) -> AuthorizationObject:
        path = f"{_HELPERS}/authorizations/{authorization_id}/{verb}"
        found = self._post(self._owner_of(authorization_id), path, params)
        return cast("AuthorizationObject", found)

    def capture(
        self, authorization_id: str, amount: int | None = None, *, close: bool = True
    ) -> AuthorizationObject:
        """
        Let the merchant collect; more, less, late or repeatedly, as merchants do.

        Returns:
            The authorization; the capture is the last of its ``transactions``.
        """
        params = {"capture_amount": amount, "close_authorization": close}
        return self._on_authorization(authorization_id, "capture", params)

    def increment(
        self, authorization_id: str, amount: int, *, is_amount_controllable: bool = False
    ) -> AuthorizationObject:
        """
        Let the merchant ask for *amount* minor units more.
        """
        params = {
            "increment_amount": amount,
            "is_amount_controllable": is_amount_controllable,
        }
        return self._on_authorization(authorization_id, "increment", params)

    def reverse(self, authorization_id: str, amount: int | None = None) -> AuthorizationObject:
        """
        Let the merchant give all or part of a hold back.
        """
        return self._on_authorization(authorization_id, "reverse", {"reverse_amount": amount})

    def expire(self, authorization_id: str) -> AuthorizationObject:
        """
        Let an authorization lapse now.
        """
        return self._on_authorization(authorization_id, "expire", {})

    def finalize(self, authorization_id: str, amount: int) -> AuthorizationObject:
        """
        Let the merchant name the final sum before it collects, as fuel pumps do.
        """
        return self._on_authorization(authorization_id, "finalize_amount", {"final_amount": amount})

    def refund(self, transaction_id: str, amount: int | None = None) -> TransactionObject:
        """
        Let the merchant refund a capture, all or *amount* minor units of it.
        """
        path = f"{_HELPERS}/transactions/{transaction_id}/refund"
        found = self._post(self._owner_of(transaction_id), path, {"refund_amount": amount})
        return cast("TransactionObject", found)

    def force_capture(
        self, card_id: str, amount: int, *, merchant: Mapping[str, object] | None = None
    ) -> TransactionObject:
        """
        Let a merchant collect without having asked; nothing can refuse it.
        """
        return self._unprompted("create_force_capture", card_id, amount, merchant)

    def unlinked_refund(
        self, card_id: str, amount: int, *, merchant: Mapping[str, object] | None = None
    ) -> TransactionObject:
        """
        Let a merchant pay *amount* minor units to a card, with no purchase to go with it.
        """
        return self._unprompted("create_unlinked_refund", card_id, amount, merchant)

    def _unprompted(
        self, verb: str, card_id: str, amount: int, merchant: Mapping[str, object] | None
    ) -> TransactionObject:
        params = {"card": card_id, "amount": amount, "merchant_data": merchant}
        found = self._post(self._owner_of(card_id), f"{_HELPERS}/transactions/{verb}", params)
        return cast("TransactionObject", found)
