"""
What is answered to merchants, and what do the books say of it?
"""

import threading
from datetime import timedelta

import orjson
import pytest

from issuing_disburse import AmountRule, AuthorizationPolicy, Money, Objection, Status, Terms
from issuing_disburse.records import CardRecord
from issuing_disburse.signatures import sign
from issuing_disburse.simulator.faults import Fault, Webhook
from world import World, make_order, open_world


def reason(authorization: object) -> tuple[bool, str]:
    """
    Return whether Stripe approved, and Stripe's reason.
    """
    last = authorization["request_history"][-1]  # type: ignore[index]  # a typed dict
    return last["approved"], last["reason"]


def decided(authorization: object) -> str:
    """
    Return the code that our answer left on the authorization.
    """
    return str(authorization["metadata"]["issuing_disburse_decision"])  # type: ignore[index]  # a typed dict


def test_exact_amount_is_approved_held_and_spent(world: World) -> None:
    """The exact purchase is approved, held, captured and spent to the cent."""
    card = world.disburser.disburse(make_order()).card

    authorization = world.simulator.authorize(card.id, 12_500)
    held = world.disburser.statement("claim-8841")
    world.simulator.capture(authorization["id"])

    assert (True, "webhook_approved") == reason(authorization)
    assert (Money(12_500, "usd"), Money(0, "usd")) == (held.held, held.remaining)
    spent = world.disburser.statement("claim-8841")
    assert (Money(0, "usd"), Money(12_500, "usd")) == (spent.held, spent.spent)
    assert world.disburser.get("claim-8841").status is Status.SPENT
    world.check_books("claim-8841")


@pytest.mark.parametrize("amount", [12_499, 9_900, 101])
def test_wrong_amount_is_declined_with_its_reason(world: World, amount: int) -> None:
    """Anything but the exact amount is declined by our rule, and nothing is held."""
    card = world.disburser.disburse(make_order()).card

    authorization = world.simulator.authorize(card.id, amount)

    assert (False, "webhook_declined") == reason(authorization)
    assert "wrong_amount" == decided(authorization)
    assert world.disburser.statement("claim-8841").held.is_zero
    world.check_books("claim-8841")


def test_second_use_is_declined(world: World) -> None:
    """After one approved use Stripe has cancelled the card."""
    card = world.disburser.disburse(make_order()).card
    world.simulator.authorize(card.id, 12_500)

    second = world.simulator.authorize(card.id, 12_500)

    assert (False, "card_canceled") == reason(second)
    world.check_books("claim-8841")


def test_probe_is_approved_and_the_real_one_after_it(world: World) -> None:
    """A small probe uses nothing up; a reversed one leaves the whole amount."""
    card = world.disburser.disburse(make_order()).card

    probe = world.simulator.authorize(card.id, 100)
    world.simulator.reverse(probe["id"])
    real = world.simulator.authorize(card.id, 12_500)

    assert probe["approved"]
    assert real["approved"]
    world.check_books("claim-8841")


def test_zero_verification_is_approved(world: World) -> None:
    """A zero-amount verification passes and holds nothing."""
    card = world.disburser.disburse(make_order()).card

    authorization = world.simulator.authorize(card.id, 0)

    assert authorization["approved"]
    assert world.disburser.statement("claim-8841").held.is_zero


def test_expired_order_is_declined_by_our_rule(world: World) -> None:
    """Stripe's card lives to the end of a month; our rule ends it to the second."""
    card = world.disburser.disburse(make_order(terms=Terms(valid_for=timedelta(days=2)))).card
    world.simulator.clock.advance(timedelta(days=2, seconds=1))

    authorization = world.simulator.authorize(card.id, 12_500)

    assert (False, "webhook_declined") == reason(authorization)
    world.check_books("claim-8841")


def test_partial_capture_leaves_the_rest(world: World) -> None:
    """What the merchant does not capture remains, and is reclaimed."""
    terms = Terms(amount=AmountRule.up_to())
    card = world.disburser.disburse(make_order(terms=terms)).card
    authorization = world.simulator.authorize(card.id, 10_000)

    world.simulator.capture(authorization["id"], 9_000)

    statement = world.disburser.statement("claim-8841")
    assert Money(9_000, "usd") == statement.spent
    assert Money(3_500, "usd") == statement.remaining
    world.check_books("claim-8841")
    world.disburser.reclaim_expired()
    assert world.disburser.get("claim-8841").status is Status.CLOSED
    assert world.simulator.payments_balance(None) == 1_000_000 - 9_000
    world.check_books("claim-8841")


def test_several_uses_share_the_amount(world: World) -> None:
    """Three uses up to a total: the fourth, and one beyond the rest, are declined."""
    terms = Terms(amount=AmountRule.up_to(), uses=3)
    card = world.disburser.disburse(make_order(terms=terms)).card

    first = world.simulator.authorize(card.id, 5_000)
    too_much = world.simulator.authorize(card.id, 7_501)
    second = world.simulator.authorize(card.id, 7_000)
    third = world.simulator.authorize(card.id, 500)
    fourth = world.simulator.authorize(card.id, 500)

    assert [True, False, True, True, False] == [
        one["approved"] for one in (first, too_much, second, third, fourth)
    ]
    assert world.disburser.statement("claim-8841").remaining.is_zero
    world.check_books("claim-8841")


def test_increment_is_judged_on_the_new_total(world: World) -> None:
    """An increment within the amount is approved, one beyond it is not."""
    terms = Terms(amount=AmountRule.up_to(), uses=2)
    card = world.disburser.disburse(make_order(terms=terms)).card
    authorization = world.simulator.authorize(card.id, 5_000)

    grown = world.simulator.increment(authorization["id"], 7_000)
    refused = world.simulator.increment(authorization["id"], 5_000)

    assert grown["amount"] == 12_000
    assert refused["amount"] == 12_000
    assert Money(12_000, "usd") == world.disburser.statement("claim-8841").held
    world.check_books("claim-8841")


def test_own_rule_objects(world: World) -> None:
    """A team's own rule is one function, asked after the order's terms."""
    policy = AuthorizationPolicy.default().with_rules(
        lambda request, allotment: Objection("not_today", "closed")
    )
    with open_world(options={"policy": policy}) as strict:
        card = strict.disburser.disburse(make_order()).card

        authorization = strict.simulator.authorize(card.id, 12_500)

        assert "not_today" == decided(authorization)


def test_over_capture_is_covered_and_named(world: World) -> None:
    """A capture beyond the card's amount is covered by the account, and says so."""
    world.simulator.fund_issuing(world.account or "", 5_000)
    card = world.disburser.disburse(make_order()).card
    authorization = world.simulator.authorize(card.id, 12_500)

    world.simulator.capture(authorization["id"], 13_000)

    statement = world.disburser.statement("claim-8841")
    assert Money(13_000, "usd") == statement.spent
    assert Money(500, "usd") == statement.covered
    world.check_books("claim-8841")


def test_refund_comes_back_to_the_card_and_is_reclaimed(world: World) -> None:
    """A linked refund is booked, and given back to the platform."""
    card = world.disburser.disburse(make_order()).card
    authorization = world.simulator.authorize(card.id, 12_500)
    world.simulator.capture(authorization["id"])
    capture = world.simulator.objects("transaction", world.account)[0]

    world.simulator.refund(capture["id"], 5_000)

    statement = world.disburser.statement("claim-8841")
    assert Money(5_000, "usd") == statement.refunded == statement.remaining
    world.check_books("claim-8841")
    world.disburser.reclaim_expired()
    assert world.simulator.payments_balance(None) == 1_000_000 - 12_500 + 5_000
    world.check_books("claim-8841")


def test_force_capture_is_booked(world: World) -> None:
    """A capture without authorization is spent from what the card has."""
    card = world.disburser.disburse(make_order()).card

    world.simulator.force_capture(card.id, 2_000)

    statement = world.disburser.statement("claim-8841")
    assert Money(2_000, "usd") == statement.spent
    assert Money(10_500, "usd") == statement.remaining
    world.check_books("claim-8841")


@pytest.mark.parametrize("how", ["twice", "shuffled", "late"])
def test_unruly_webhooks_lead_to_the_same_books(world: World, how: str) -> None:
    """Events that come twice, shuffled or late change nothing about the outcome."""
    world.simulator.faults.add(
        Fault(event="issuing_transaction.created", action=Webhook(how=how), times=0)  # type: ignore[arg-type]  # a literal
    )
    world.simulator.faults.add(
        Fault(event="issuing_authorization.updated", action=Webhook(how=how), times=0)  # type: ignore[arg-type]  # a literal
    )
    card = world.disburser.disburse(make_order()).card
    authorization = world.simulator.authorize(card.id, 12_500)
    world.simulator.capture(authorization["id"])
    world.simulator.clock.advance(timedelta(hours=1))

    world.disburser.reclaim("claim-8841")

    statement = world.disburser.statement("claim-8841")
    assert Money(12_500, "usd") == statement.spent
    world.check_books("claim-8841")


def test_missing_webhooks_are_caught_up_by_reclaim(world: World) -> None:
    """Even if no event ever arrives, reclaiming books what Stripe knows."""
    world.simulator.faults.add(
        Fault(event="issuing_authorization.created", action=Webhook(how="never"), times=0)
    )
    world.simulator.faults.add(
        Fault(event="issuing_authorization.updated", action=Webhook(how="never"), times=0)
    )
    world.simulator.faults.add(
        Fault(event="issuing_transaction.created", action=Webhook(how="never"), times=0)
    )
    card = world.disburser.disburse(make_order()).card
    authorization = world.simulator.authorize(card.id, 12_500)
    world.simulator.capture(authorization["id"])

    world.disburser.reclaim("claim-8841")

    assert Money(12_500, "usd") == world.disburser.statement("claim-8841").spent
    assert world.disburser.get("claim-8841").status is Status.CLOSED
    world.check_books("claim-8841")


def request_event(world: World, card_id: str, number: int, amount: int = 12_500) -> bytes:
    """
    Write an authorization request as thin as Stripe would never send it.
    """
    now = int(world.simulator.clock.now().timestamp())
    return orjson.dumps(
        {
            "id": f"evt_{number}",
            "object": "event",
            "type": "issuing_authorization.request",
            "account": world.account,
            "created": now,
            "livemode": False,
            "data": {
                "object": {
                    "id": f"iauth_{number}",
                    "card": {"id": card_id},
                    "amount": 0,
                    "currency": "USD",
                    "pending_request": {"amount": amount},
                }
            },
        }
    )


def ask(world: World, payload: bytes) -> dict[str, object]:
    """
    Deliver one signed payload and return the decoded answer.
    """
    signature = sign(payload, world.simulator.webhook_secret, world.simulator.clock.now())
    reply = world.disburser.handle_webhook(payload, signature)
    assert 200 == reply.status
    assert "Stripe-Version" in reply.headers
    answer: dict[str, object] = orjson.loads(reply.body)
    return answer


def test_same_delivery_gets_the_same_answer(world: World) -> None:
    """A repeated request event is answered as before and claims nothing twice."""
    card = world.disburser.disburse(make_order()).card
    payload = request_event(world, card.id, 1)

    first, again = ask(world, payload), ask(world, payload)

    assert first["approved"] is True
    assert first == again
    stored = world.disburser.store.read(lambda tx: tx.get(CardRecord, card.id))
    assert stored is not None
    assert 1 == len(stored.claims)


def test_many_simultaneous_requests_approve_one(world: World) -> None:
    """Of many simultaneous requests for a single-use card exactly one is approved."""
    card = world.disburser.disburse(make_order()).card
    payloads = [request_event(world, card.id, number) for number in range(64)]
    answers: list[object] = []

    def work(mine: list[bytes]) -> None:
        answers.extend(ask(world, payload)["approved"] for payload in mine)

    threads = [threading.Thread(target=work, args=(payloads[n::8],)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert 64 == len(answers)
    assert 1 == answers.count(True)


def test_unknown_card_and_wrong_mode_are_declined(world: World) -> None:
    """A card that is not ours, another account and live mode are all declined."""
    card = world.disburser.disburse(make_order()).card
    good = orjson.loads(request_event(world, card.id, 1))
    other_account = {**good, "account": "acct_other"}
    live = {**good, "livemode": True}

    answers = [
        ask(world, request_event(world, "ic_unknown", 2)),
        ask(world, orjson.dumps(other_account)),
        ask(world, orjson.dumps(live)),
    ]

    assert [False, False, False] == [answer["approved"] for answer in answers]


@pytest.mark.parametrize(
    ("payload", "status"),
    [(b"{}", 400), (b"not json", 400), (b"[]", 400), (b"", 400), (b"x" * 1_048_577, 413)],
)
def test_bad_deliveries_get_a_plain_refusal(world: World, payload: bytes, status: int) -> None:
    """Whatever is posted, signed or not, never raises."""
    signature = sign(payload, world.simulator.webhook_secret, world.simulator.clock.now())

    assert status == world.disburser.handle_webhook(payload, signature).status
    assert status == world.disburser.handle_webhook(payload, "t=1,v1=00").status
