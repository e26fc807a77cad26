"""
Why would Stripe itself decline, before anybody is asked?
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from attrs import evolve

from issuing_disburse.simulator.authorizations import Authorization, Inquiry, card_of
from issuing_disburse.simulator.cardholders import Cardholder
from issuing_disburse.simulator.merchants import convert
from issuing_disburse.simulator.spending import Controls, allows
from issuing_disburse.simulator.world import Call


def _account_refuses(call: Call, authorization: Authorization, inquiry: Inquiry) -> str | None:
    return None if call.account.can("card_issuing") else "account_disabled"


def card_refuses(call: Call, authorization: Authorization, inquiry: Inquiry) -> str | None:
    card = card_of(call, authorization)
    behaviour = call.world.behaviour
    if card.status == "canceled" and card.is_used_up():
        is_increment = authorization.approved and not behaviour.increments_after_use_declined
        return None if is_increment else behaviour.used_up_reason
    if card.status == "canceled":
        return "card_canceled"
    if card.is_expired(call.world.seconds):
        return "card_expired"
    return "card_inactive" if card.status == "inactive" else None


def _holder_refuses(call: Call, authorization: Authorization, inquiry: Inquiry) -> str | None:
    holder = call.world.get(Cardholder, authorization.cardholder)
    if holder.status == "blocked":
        return "cardholder_blocked"
    if holder.status == "inactive":
        return "cardholder_inactive"
    return "cardholder_verification_required" if holder.disabled_reason() else None


def _probes_refuse(call: Call, authorization: Authorization, inquiry: Inquiry) -> str | None:
    card = card_of(call, authorization)
    behaviour = call.world.behaviour
    if card.payment_count is None or authorization.approved:
        return None
    if not is_small(call, inquiry.amount) or card.probes < card.payment_count:
        return None
    return behaviour.excess_probe_reason


def is_small(call: Call, amount: int) -> bool:
    behaviour = call.world.behaviour
    least = 0 if behaviour.zero_amount_is_probe else 1
    return least <= amount <= behaviour.payment_count_threshold


def _verification_refuses(call: Call, authorization: Authorization, inquiry: Inquiry) -> str | None:
    checks = authorization.verification_data
    if "mismatch" in {checks.get("cvc_check"), checks.get("expiry_check")}:
        return "verification_failed"
    three_d_secure = checks.get("three_d_secure")
    if isinstance(three_d_secure, dict) and three_d_secure.get("result") == "failed":
        return "verification_failed"
    return None


def _controls_refuse(call: Call, authorization: Authorization, inquiry: Inquiry) -> str | None:
    world = call.world
    if authorization.amount + inquiry.amount > world.behaviour.largest_authorization:
        return "spending_controls"
    card = card_of(call, authorization)
    holder = world.get(Cardholder, authorization.cardholder)
    country = authorization.merchant_data.get("country")
    for controls, spend, is_card in (
        (card.controls, card.spend, True),
        (_in_currency_of_cards(call, holder.controls, inquiry.currency), holder.spend, False),
    ):
        if not allows(
            controls,
            spend,
            amount=inquiry.amount,
            category=authorization.category,
            country=country if isinstance(country, str) else None,
            presence=authorization.presence,
            now=world.seconds,
            behaviour=world.behaviour,
            is_card=is_card,
            increment_from=authorization.amount,
        ):
            return "spending_controls"
    return None


def _in_currency_of_cards(call: Call, controls: Controls, currency: str) -> Controls:
    """
    Return a holder's controls with their limits in the currency of the card.
    """
    own = controls.limits_currency
    if own is None or own == currency or not controls.limits:
        return controls
    limits = tuple(
        evolve(limit, amount=convert(call, limit.amount, own, currency))
        for limit in controls.limits
    )
    return evolve(controls, limits=limits)


def _funds_refuse(call: Call, authorization: Authorization, inquiry: Inquiry) -> str | None:
    enough = call.account.spendable(inquiry.currency) >= inquiry.amount
    return None if enough else "insufficient_funds"


CHECKS: Mapping[str, Callable[[Call, Authorization, Inquiry], str | None]] = MappingProxyType(
    {
        "account": _account_refuses,
        "card": card_refuses,
        "cardholder": _holder_refuses,
        "probes": _probes_refuse,
        "verification": _verification_refuses,
        "spending_controls": _controls_refuse,
        "funds": _funds_refuse,
    }
)


def refusal(call: Call, authorization: Authorization, inquiry: Inquiry) -> str | None:
    """
    Return why Stripe itself declines, or ``None`` when it would ask or approve.
    """
    for name in call.world.behaviour.decision_order:
        reason = CHECKS[name](call, authorization, inquiry)
        if reason is not None:
            return reason
    return None
