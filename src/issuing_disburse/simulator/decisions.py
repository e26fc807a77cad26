"""
Is an authorization approved, by whom, and what follows from it at once?
"""

from attrs import evolve

from issuing_disburse.simulator import events
from issuing_disburse.simulator.authorizations import Atom, Authorization, Inquiry, card_of
from issuing_disburse.simulator.balance import move
from issuing_disburse.simulator.cardholders import Cardholder
from issuing_disburse.simulator.cards import Card, set_status
from issuing_disburse.simulator.checks import card_refuses, is_small, refusal
from issuing_disburse.simulator.delivery import Answer
from issuing_disburse.simulator.errors import ApiError
from issuing_disburse.simulator.merchant_categories import LONG_STAYS
from issuing_disburse.simulator.merchants import convert
from issuing_disburse.simulator.metadata import merge_metadata
from issuing_disburse.simulator.spending import DAY_SECONDS
from issuing_disburse.simulator.webhook_endpoints import REALTIME, WebhookEndpoint
from issuing_disburse.simulator.world import Call, Wire

HOLD = "issuing_authorization_hold"
RELEASE = "issuing_authorization_release"


def decide(call: Call, authorization: Authorization, inquiry: Inquiry) -> None:
    """
    Take one question through the whole pipeline, asking the real-time endpoint if there is one.

    Called without the simulator's lock; the lock is not held while the endpoint thinks.
    """
    world = call.world
    with world.lock:
        reason = refusal(call, authorization, inquiry)
        if reason == "insufficient_funds":
            inquiry, reason = _partial(call, authorization, inquiry)
        endpoint = None if reason else _realtime_endpoint(call)
        if reason is not None or endpoint is None or call.ask is None:
            _settle(call, authorization, inquiry, reason is None, reason or "card_active")
            return
        question = _pose(call, authorization, inquiry)
    answer = call.ask(call, question, endpoint)
    with world.lock:
        if authorization.pending is inquiry:  # Else a call of the issuer's own has decided it.
            _apply_answer(call, authorization, inquiry, answer)


def _partial(
    call: Call, authorization: Authorization, inquiry: Inquiry
) -> tuple[Inquiry, str | None]:
    """
    Let Stripe offer what there is, where that is switched on and the merchant can take less.
    """
    rest = call.account.spendable(inquiry.currency)
    if (
        not call.world.behaviour.partial_approval_on_low_balance
        or not inquiry.is_amount_controllable
        or rest < inquiry.least_part
    ):
        return inquiry, "insufficient_funds"
    return _part(call, inquiry, rest), None


def _part(call: Call, inquiry: Inquiry, amount: int) -> Inquiry:
    """
    Return the question as if *amount* minor units had been asked.
    """
    merchant_amount = convert(call, amount, inquiry.currency, inquiry.merchant_currency)
    return evolve(inquiry, amount=amount, merchant_amount=merchant_amount)


def _realtime_endpoint(call: Call) -> WebhookEndpoint | None:
    wanting = [each for each in call.world.endpoints if each.wants(REALTIME, call.account.id)]
    if not wanting:
        return None
    return wanting[0 if call.world.behaviour.realtime_endpoint == "first" else -1]


def _pose(call: Call, authorization: Authorization, inquiry: Inquiry) -> str:
    """
    Open the window: set the money apart and write the question down.
    """
    authorization.pending = inquiry
    authorization.changed()
    reserved = call.account.reserved
    reserved[inquiry.currency] = reserved.get(inquiry.currency, 0) + inquiry.amount
    return events.emit(call, REALTIME, authorization, outbox=False).id


def _apply_answer(
    call: Call, authorization: Authorization, inquiry: Inquiry, answer: Answer
) -> None:
    amount, message = answer.amount, answer.message
    if answer.outcome == "timeout":
        approved = call.world.behaviour.webhook_timeout_decision == "approve"
        reason = "webhook_timeout"
    else:
        approved, reason, message = _judge(call, authorization, inquiry, answer)
        if reason == "webhook_error":
            amount = None
    if answer.challenge and not approved and not authorization.history:
        authorization.challenges = [
            {"channel": "sms", "status": "pending", "undeliverable_reason": None}
        ]
    conclude(call, authorization, inquiry, approved, reason, message, amount=amount)


def conclude(
    call: Call,
    authorization: Authorization,
    inquiry: Inquiry,
    approved: bool,
    reason: str,
    message: str | None = None,
    *,
    amount: int | None = None,
) -> None:
    """
    Close the window with a decision of the issuer, or with what stands for it.

    Args:
        amount: The part that is approved, in minor units, where the merchant can take less.
    """
    reserved = call.account.reserved
    reserved[inquiry.currency] -= inquiry.amount
    authorization.pending = None
    authorization.changed()
    before = authorization.wire(call.world)
    if approved and call.world.behaviour.payment_count_is_strict:
        refused = card_refuses(call, authorization, inquiry)
        approved, reason = (False, refused) if refused else (approved, reason)
    if approved and amount is not None and inquiry.is_amount_controllable:
        inquiry = _part(call, inquiry, amount)
    _settle(call, authorization, inquiry, approved, reason, message, before=before)


def _judge(
    call: Call, authorization: Authorization, inquiry: Inquiry, answer: Answer
) -> tuple[bool, str, str | None]:
    """
    Return whether a well-formed answer fits the question, and the reason to write down.
    """
    message = answer.message
    least = inquiry.least_part
    if (
        answer.outcome == "approved"
        and answer.amount is not None
        and inquiry.is_amount_controllable
        and not least <= answer.amount <= inquiry.amount
    ):
        message = f"Webhook response has an amount outside {least} to {inquiry.amount}."
    if message is None:
        try:
            authorization.metadata = merge_metadata(authorization.metadata, dict(answer.metadata))
        except ApiError as problem:
            message = problem.message
    if message is not None:
        approved = call.world.behaviour.webhook_error_decision == "approve"
        return approved, "webhook_error", message
    approved = answer.outcome == "approved"
    return approved, "webhook_approved" if approved else "webhook_declined", None


def _settle(
    call: Call,
    authorization: Authorization,
    inquiry: Inquiry,
    approved: bool,
    reason: str,
    message: str | None = None,
    *,
    before: Wire | None = None,
) -> None:
    """
    Write the decision down, hold the money, count the use, and tell of it all.
    """
    world = call.world
    is_first = not authorization.history
    authorization.changed()
    if before is None and not is_first:
        before = authorization.wire(world)
    entry: dict[str, Atom] = {
        "amount": inquiry.amount,
        "atm_fee": inquiry.atm_fee,
        "cashback_amount": inquiry.cashback_amount,
        "approved": approved,
        "authorization_code": "S" + world.ids.digits(6) if approved else None,
        "created": world.seconds,
        "currency": inquiry.currency,
        "merchant_amount": inquiry.merchant_amount,
        "merchant_currency": inquiry.merchant_currency,
        "network_risk_score": inquiry.risk_score,
        "reason": reason,
        "reason_message": message,
        "requested_at": inquiry.requested_at,
    }
    newest_first = world.behaviour.request_history_newest_first
    old = authorization.history
    authorization.history = (entry, *old) if newest_first else (*old, entry)
    if approved:
        _approve(call, authorization, inquiry)
    elif is_first:
        authorization.status = "closed"
        authorization.amount = inquiry.amount
        authorization.merchant_amount = inquiry.merchant_amount
    card = card_of(call, authorization)
    exhausted = approved and _count(call, authorization, card)
    if exhausted and world.behaviour.card_update_before_authorization:
        set_status(call, card, "canceled", world.behaviour.used_up_cancellation_reason)
    if is_first:
        events.emit(call, "issuing_authorization.created", authorization)
        if approved:
            _expect_expiry(call, authorization)
    else:
        events.emit(call, "issuing_authorization.updated", authorization, before)
    if exhausted and not world.behaviour.card_update_before_authorization:
        set_status(call, card, "canceled", world.behaviour.used_up_cancellation_reason)


def _approve(call: Call, authorization: Authorization, inquiry: Inquiry) -> None:
    authorization.approved = True
    authorization.amount += inquiry.amount
    authorization.merchant_amount += inquiry.merchant_amount
    authorization.atm_fee = inquiry.atm_fee
    authorization.cashback_amount = inquiry.cashback_amount
    hold(call, authorization, inquiry.amount)
    spend(call, authorization, inquiry.amount)


def _expect_expiry(call: Call, authorization: Authorization) -> None:
    behaviour = call.world.behaviour
    days = (
        behaviour.long_authorization_days
        if authorization.category in LONG_STAYS
        else behaviour.authorization_days
    )
    call.world.later(days * DAY_SECONDS, "expire_authorization", authorization.id)


def _count(call: Call, authorization: Authorization, card: Card) -> bool:
    """
    Count an approval by the lifecycle rules; say whether it used the card up.
    """
    if authorization.is_counted or card.payment_count is None:
        return False
    if authorization.amount > call.world.behaviour.payment_count_threshold:
        if authorization.is_probe:
            authorization.is_probe = False
            card.probes -= 1
        authorization.is_counted = True
        return count_payment(card)
    if not authorization.is_probe and is_small(call, authorization.amount):
        authorization.is_probe = True
        card.probes += 1
    return False


def count_payment(card: Card) -> bool:
    """
    Add one to a card's payments; say whether that used up a card still in use.
    """
    card.payments += 1
    return (
        card.payment_count is not None
        and card.payments >= card.payment_count
        and card.status != "canceled"
    )


def hold(call: Call, authorization: Authorization, amount: int) -> None:
    """
    Hold *amount* minor units of the Issuing balance; negative releases.
    """
    if amount == 0:
        return
    movement = move(
        call,
        -amount,
        authorization.currency,
        balance="issuing",
        kind=HOLD if amount > 0 else RELEASE,
        source=authorization.id,
    )
    authorization.movements = (*authorization.movements, movement.id)
    authorization.held += amount
    held = call.account.held
    held[authorization.currency] = held.get(authorization.currency, 0) + amount


def spend(call: Call, authorization: Authorization, amount: int) -> None:
    """
    Count *amount* against the limits of card and holder; negative gives room back.
    """
    world = call.world
    card = card_of(call, authorization)
    holder = world.get(Cardholder, authorization.cardholder)
    for each in (card.spend, holder.spend):
        each.add(
            authorization.created,
            authorization.category,
            amount,
            now=world.seconds,
            lag=world.behaviour.spending_lag_seconds,
        )
