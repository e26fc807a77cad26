"""
What must be true before a card is made or activated?
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from issuing_disburse.simulator.cardholders import Cardholder
from issuing_disburse.simulator.errors import ApiError, parameter_missing
from issuing_disburse.simulator.schema import (
    Params,
)
from issuing_disburse.simulator.world import Call, Resource

CURRENCIES = frozenset({"eur", "gbp", "usd"})


LONGEST_VALIDITY_MONTHS = 60


_PHYSICAL_ONLY = ("personalization_design", "pin", "second_line", "shipping")


def refuse_physical(asked: Params) -> None:
    if asked["type"] == "physical":
        raise ApiError(
            "This simulator issues virtual cards only: physical cards are not imitated.",
            param="type",
        )
    for name in _PHYSICAL_ONLY:
        if asked.get(name) is not None:
            raise ApiError(f"You cannot set `{name}` on a virtual card.", param=name)


def check_number(call: Call, others: Sequence[Resource]) -> None:
    most = call.world.behaviour.cards_per_cardholder
    if most is not None and len(others) >= most:
        raise ApiError(f"A cardholder can have at most {most} cards.", param="cardholder")


def check_currency(call: Call, currency: str) -> None:
    if currency not in CURRENCIES | {call.world.behaviour.canadian_currency}:
        raise ApiError(f"Invalid currency: {currency[:20]}.", param="currency")
    if currency != call.account.default_currency:
        raise ApiError(
            f"Cards of an account in {call.account.country} must use the currency"
            f" {call.account.default_currency}.",
            param="currency",
        )


def check_holder(call: Call, holder: Cardholder) -> None:
    if (
        call.account.country != "US"
        and holder.phone_number is None
        and call.world.behaviour.phone_required_outside_us
    ):
        raise ApiError(
            "You cannot create a card without a `phone_number` on file for cardholder:"
            f" {holder.id}. Please see https://stripe.com/docs/issuing/3d-secure.",
            code="cardholder_phone_number_required",
            param="cardholder",
        )


def check_activation(holder: Cardholder) -> None:
    if holder.past_due():
        raise ApiError(
            "This cardholder has outstanding requirements preventing them from activating an"
            " issued card.",
            param="cardholder",
        )


def expiry(call: Call, asked: Params) -> tuple[int, int]:
    now = datetime.fromtimestamp(call.world.seconds, UTC)
    if "exp_month" not in asked and "exp_year" not in asked:
        return now.month, now.year + call.world.behaviour.card_validity_years
    for name in ("exp_month", "exp_year"):
        if name not in asked:
            raise parameter_missing(name)
    month, year = asked["exp_month"], asked["exp_year"]
    ahead = (year - now.year) * 12 + month - now.month
    if not 1 <= month <= 12:  # noqa: PLR2004 - months of a year
        raise ApiError("Invalid exp_month: must be between 1 and 12.", param="exp_month")
    if not 1 <= ahead < LONGEST_VALIDITY_MONTHS:
        raise ApiError(
            "The expiration date must be at least one month and less than five years in the"
            " future.",
            code=call.world.behaviour.expiry_range_code,
            param="exp_year",
        )
    return month, year
