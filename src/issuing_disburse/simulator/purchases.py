"""
What can a merchant do with a card: ask, ask for more, give back, collect?
"""

from issuing_disburse.simulator import events
from issuing_disburse.simulator.authorizations import (
    PRESENT_METHODS,
    Authorization,
    Inquiry,
    card_of,
)
from issuing_disburse.simulator.cards import Card, set_status
from issuing_disburse.simulator.decisions import decide, hold, spend
from issuing_disburse.simulator.errors import ApiError, parameter_missing
from issuing_disburse.simulator.merchants import (
    MERCHANT_DATA,
    RISK_ASSESSMENT,
    VERIFICATION_DATA,
    convert,
    merchant_wire,
    verification_wire,
)
from issuing_disburse.simulator.purchase_details import FLEET, FUEL, fleet_wire, fuel_wire
from issuing_disburse.simulator.schema import (
    Amount,
    Boolean,
    Choice,
    Currency,
    Hash,
    Params,
    Text,
    params,
)
from issuing_disburse.simulator.world import Call, Wire

CREATE = params(
    {
        "amount": Amount(least=0),
        "amount_details": Hash({"atm_fee": Amount(least=0), "cashback_amount": Amount(least=0)}),
        "authorization_method": Choice({*PRESENT_METHODS, "keyed_in", "online"}),
        "card": Text(required=True),
        "currency": Currency(),
        "fleet": FLEET,
        "fraud_disputability_likelihood": Choice(
            {"neutral", "unknown", "very_likely", "very_unlikely"}
        ),
        "fuel": FUEL,
        "is_amount_controllable": Boolean(),
        "merchant_amount": Amount(least=0),
        "merchant_currency": Currency(),
        "merchant_data": MERCHANT_DATA,
        "network_data": Hash({"acquiring_institution_id": Text()}),
        "risk_assessment": RISK_ASSESSMENT,
        "verification_data": VERIFICATION_DATA,
        "wallet": Choice({"apple_pay", "google_pay", "samsung_pay"}),
    }
)
INCREMENT = params({"increment_amount": Amount(required=True), "is_amount_controllable": Boolean()})
REVERSE = params({"reverse_amount": Amount()})
EXPIRE = params()
FINALIZE = params({"final_amount": Amount(required=True), "fleet": FLEET, "fuel": FUEL})
RESPOND = params({"confirmed": Boolean(required=True)})


def create(call: Call) -> Authorization:
    """
    Stripe: ``POST /v1/test_helpers/issuing/authorizations``.

    Takes the lock itself, because the real-time endpoint is asked on the way.
    """
    with call.world.lock:
        authorization, inquiry = _ask(call)
    decide(call, authorization, inquiry)
    return authorization


def _ask(call: Call) -> tuple[Authorization, Inquiry]:
    world, asked = call.world, call.params
    card = world.find(Card, asked["card"], call.account.id, param="card", status=400)
    amount, merchant_amount, merchant_currency = _amounts(call, card, asked)
    details = asked.get("amount_details") or {}
    merchant, category = merchant_wire(call, asked.get("merchant_data"))
    network = asked.get("network_data") or {}
    authorization = Authorization(
        id=world.ids.new("iauth"),
        account=call.account.id,
        created=world.seconds,
        card=card.id,
        cardholder=card.cardholder,
        currency=card.currency,
        merchant_currency=merchant_currency,
        method=asked.get("authorization_method", "online"),
        merchant_data=merchant,
        category=category,
        verification_data=verification_wire(asked.get("verification_data")),
        acquirer=network.get("acquiring_institution_id"),
        wallet=asked.get("wallet"),
        fleet=fleet_wire(asked.get("fleet")),
        fuel=fuel_wire(asked.get("fuel")),
    )
    inquiry = Inquiry(
        amount=amount,
        currency=card.currency,
        merchant_amount=merchant_amount,
        merchant_currency=merchant_currency,
        is_amount_controllable=asked.get("is_amount_controllable", False),
        atm_fee=details.get("atm_fee"),
        cashback_amount=details.get("cashback_amount"),
        requested_at=world.seconds,
        risk_score=_risk_score(asked),
    )
    world.add(authorization)
    return authorization, inquiry


def _risk_score(asked: Params) -> int | None:
    fraud = (asked.get("risk_assessment") or {}).get("fraud_risk") or {}
    score = fraud.get("score")
    try:
        return None if score is None else min(99, max(1, round(float(score))))
    except ValueError:
        raise ApiError("Invalid decimal.", param="risk_assessment[fraud_risk][score]") from None


def _amounts(call: Call, card: Card, asked: Params) -> tuple[int, int, str]:
    """
    Return the amount to hold, and the merchant's own amount and currency.
    """
    if "merchant_amount" in asked:
        if "amount" in asked:
            raise ApiError(
                "You may only specify one of these parameters: amount, merchant_amount.",
                code="parameters_exclusive",
                param="amount",
            )
        currency = asked.get("merchant_currency", card.currency).lower()
        return (
            convert(call, asked["merchant_amount"], currency, card.currency),
            asked["merchant_amount"],
            currency,
        )
    if "amount" not in asked:
        raise parameter_missing("amount")
    if asked["amount"] == 0 and not call.world.behaviour.zero_amount_authorizations:
        raise ApiError(
            "This value must be greater than or equal to 1.",
            code="parameter_invalid_integer",
            param="amount",
        )
    if asked.get("currency", card.currency).lower() != card.currency:
        raise ApiError("The currency must be the card's currency.", param="currency")
    currency = asked.get("merchant_currency", card.currency).lower()
    return asked["amount"], convert(call, asked["amount"], card.currency, currency), currency


def _find(call: Call) -> Authorization:
    return call.world.find(Authorization, call.names[0], call.account.id)


def _open(call: Call) -> Authorization:
    """
    Return an authorization that a merchant can still change.
    """
    authorization = _find(call)
    if authorization.status != "pending" or not authorization.approved:
        raise ApiError(
            f"The authorization {authorization.id} is {authorization.status} and can no longer be"
            " changed."
        )
    return authorization


def increment(call: Call) -> Authorization:
    """
    Stripe: ``POST /v1/test_helpers/issuing/authorizations/:id/increment``.

    Takes the lock itself, because the real-time endpoint is asked on the way.
    """
    with call.world.lock:
        authorization = _open(call)
        amount = call.params["increment_amount"]
        inquiry = Inquiry(
            amount=amount,
            currency=authorization.currency,
            merchant_amount=convert(
                call, amount, authorization.currency, authorization.merchant_currency
            ),
            merchant_currency=authorization.merchant_currency,
            is_amount_controllable=call.params.get("is_amount_controllable", False),
            requested_at=call.world.seconds,
        )
    decide(call, authorization, inquiry)
    return authorization


def reverse(call: Call) -> Authorization:
    """
    Stripe: ``POST /v1/test_helpers/issuing/authorizations/:id/reverse``.
    """
    authorization = _open(call)
    amount = call.params.get("reverse_amount", authorization.held)
    if amount > authorization.held:
        raise ApiError(
            f"You cannot reverse more than the amount that is held ({authorization.held}).",
            param="reverse_amount",
        )
    before = authorization.wire(call.world)
    hold(call, authorization, -amount)
    spend(call, authorization, -amount)
    authorization.amount -= amount
    authorization.merchant_amount = convert(
        call, authorization.amount, authorization.currency, authorization.merchant_currency
    )
    if authorization.held == 0:
        authorization.status = "closed" if authorization.captured else "reversed"
        if not authorization.captured:
            _give_use_back(call, authorization)
    events.emit(call, "issuing_authorization.updated", authorization, before)
    return authorization


def _give_use_back(call: Call, authorization: Authorization) -> None:
    """
    Free the use that a void had taken, where that is switched on; Stripe does not say it does.
    """
    card = card_of(call, authorization)
    if call.world.behaviour.void_frees_count and authorization.is_counted:
        card.payments -= 1
        authorization.is_counted = False
        if card.status == "canceled":
            set_status(call, card, "active")


def expire(call: Call) -> Authorization:
    """
    Stripe: ``POST /v1/test_helpers/issuing/authorizations/:id/expire``.
    """
    authorization = _open(call)
    _lapse(call, authorization)
    return authorization


def expire_due(call: Call, name: str) -> None:
    """
    Let an authorization lapse that nobody captured in time.
    """
    authorization = call.world.get(Authorization, name)
    if authorization.status == "pending" and authorization.approved:
        _lapse(call, authorization)


def _lapse(call: Call, authorization: Authorization) -> None:
    before = authorization.wire(call.world)
    spend(call, authorization, -authorization.held)
    hold(call, authorization, -authorization.held)
    authorization.status = "closed" if authorization.captured else "expired"
    events.emit(call, "issuing_authorization.updated", authorization, before)


def finalize(call: Call) -> Authorization:
    """
    Stripe: ``POST /v1/test_helpers/issuing/authorizations/:id/finalize_amount``.

    The final sum, above or below what was held, before the capture; it stays pending.
    """
    authorization = _open(call)
    final = call.params["final_amount"]
    before = authorization.wire(call.world)
    if final < authorization.captured:
        raise ApiError(
            f"The final amount cannot be less than what was captured ({authorization.captured}).",
            param="final_amount",
        )
    change = final - authorization.captured - authorization.held
    hold(call, authorization, change)
    spend(call, authorization, change)
    authorization.amount = final
    authorization.merchant_amount = convert(
        call, final, authorization.currency, authorization.merchant_currency
    )
    authorization.fleet = fleet_wire(call.params.get("fleet")) or authorization.fleet
    authorization.fuel = fuel_wire(call.params.get("fuel")) or authorization.fuel
    events.emit(call, "issuing_authorization.updated", authorization, before)
    return authorization


def respond(call: Call) -> Authorization:
    """
    Stripe: ``POST .../authorizations/:id/fraud_challenges/respond``.
    """
    authorization = _find(call)
    challenges: list[Wire] = authorization.challenges or []
    if not any(challenge["status"] == "pending" for challenge in challenges):
        raise ApiError(f"The authorization {authorization.id} has no pending fraud challenge.")
    before = authorization.wire(call.world)
    confirmed = call.params["confirmed"]
    authorization.challenges = [
        {**challenge, "status": "verified" if confirmed else "rejected"} for challenge in challenges
    ]
    authorization.verified_by_challenge = confirmed
    events.emit(call, "issuing_authorization.updated", authorization, before)
    return authorization
