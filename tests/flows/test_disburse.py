"""
Does an order become one funded card, once, and what happens when it cannot?
"""

from datetime import timedelta

import pytest

from issuing_disburse import (
    FundingRouteUnavailableError,
    InsufficientIssuingBalanceError,
    Money,
    OrderConflictError,
    OrderNotFoundError,
    PrefundedRoute,
    RecipientNotReadyError,
    Status,
    UnavailableError,
    UnknownOutcomeError,
)
from issuing_disburse.exceptions import CardNotIssuedError, RefusedError
from issuing_disburse.simulator import Behaviour
from issuing_disburse.simulator.faults import Fault, LoseConnection, Refuse, ServerError
from world import World, make_order, make_recipient, open_world

CARDS = "POST /v1/issuing/cards"
TRANSFERS = "POST /v1/transfers"
BALANCE_TRANSFERS = "POST /v1/balance_transfers"
CARDHOLDERS = "POST /v1/issuing/cardholders"


def test_order_becomes_a_funded_active_card(world: World) -> None:
    """One order makes one cardholder, one transfer, one balance transfer and one card."""
    paid = world.disburser.disburse(make_order())

    assert paid.status is Status.ACTIVE
    assert world.simulator.issuing_balance(world.account) == 12_500
    assert world.simulator.payments_balance(world.account) == 0
    assert [world.sent(one) for one in (CARDHOLDERS, TRANSFERS, BALANCE_TRANSFERS, CARDS)] == [
        1
    ] * 4
    statement = world.disburser.statement("claim-8841")
    assert (statement.funded, statement.remaining) == (Money(12_500, "usd"), Money(12_500, "usd"))
    world.check_books("claim-8841")


def test_same_order_again_sends_nothing(world: World) -> None:
    """A repeated order returns the same card and costs no call."""
    first = world.disburser.disburse(make_order())
    sent = len(world.client.requests)

    again = world.disburser.disburse(make_order())

    assert again == first
    assert len(world.client.requests) == sent


@pytest.mark.parametrize(
    "other",
    [
        make_order(amount="125.01"),
        make_order(recipient=make_recipient("supplier-18")),
        make_order(recipient=make_recipient(email="other@example.com")),
    ],
    ids=["amount", "recipient", "e-mail"],
)
def test_same_id_with_other_content_is_a_conflict(world: World, other: object) -> None:
    """The same id with other content never pays twice, and changes nothing."""
    first = world.disburser.disburse(make_order())
    sent = len(world.client.requests)

    with pytest.raises(OrderConflictError) as caught:
        world.disburser.disburse(other)  # type: ignore[arg-type]  # a parametrised order

    assert caught.value.disbursement == first
    assert len(world.client.requests) == sent


def test_known_recipient_shares_one_cardholder(world: World) -> None:
    """Two orders for one recipient have one cardholder and a card each."""
    one = world.disburser.disburse(make_order("a"))
    two = world.disburser.disburse(make_order("b"))

    assert one.cardholder_id == two.cardholder_id
    assert one.card.id != two.card.id
    assert world.sent(CARDHOLDERS) == 1


def test_new_address_updates_the_cardholder(world: World) -> None:
    """A changed e-mail updates the cardholder; a changed name makes a new one."""
    one = world.disburser.disburse(make_order("a"))
    two = world.disburser.disburse(
        make_order("b", recipient=make_recipient(email="new@example.com"))
    )
    three = world.disburser.disburse(make_order("c", recipient=make_recipient(last_name="Miller")))

    assert two.cardholder_id == one.cardholder_id
    holders = {h["id"]: h for h in world.simulator.objects("cardholder", world.account)}
    assert holders[one.cardholder_id or ""]["email"] == "new@example.com"
    assert three.cardholder_id != one.cardholder_id


def test_too_little_platform_money_fails_with_figures() -> None:
    """Nothing is moved or issued, the failure is stored, and the figures are in the error."""
    with open_world(platform_funds=10_000) as world:
        with pytest.raises(InsufficientIssuingBalanceError) as caught:
            world.disburser.disburse(make_order())

        assert caught.value.available == Money(10_000, "usd")
        assert caught.value.missing == Money(2_500, "usd")
        assert caught.value.disbursement == world.disburser.get("claim-8841")
        assert world.disburser.get("claim-8841").status is Status.FAILED
        assert world.sent(CARDS) == 0
        with pytest.raises(CardNotIssuedError):
            _ = world.disburser.get("claim-8841").card

        world.simulator.fund_platform(50_000)
        again = world.disburser.disburse(make_order())

        assert (again.status, again.attempt) == (Status.ACTIVE, 2)
        world.check_books("claim-8841")


def test_balance_transfers_not_enabled_are_reversed_and_remembered() -> None:
    """The transfer is reversed at once; the next order is refused before any call."""
    with open_world(balance_transfers=False) as world:
        with pytest.raises(FundingRouteUnavailableError):
            world.disburser.disburse(make_order("a"))

        assert world.simulator.payments_balance(None) == 1_000_000
        assert world.simulator.payments_balance(world.account) == 0
        assert world.disburser.get("a").status is Status.FAILED
        sent = len(world.client.requests)
        with pytest.raises(FundingRouteUnavailableError):
            world.disburser.disburse(make_order("b"))

        assert len(world.client.requests) == sent
        world.disburser.preflight(probe=True)
        with pytest.raises(FundingRouteUnavailableError):
            world.disburser.disburse(make_order("c"))
        assert world.sent(TRANSFERS) == 2
        world.check_books()


def test_daily_payouts_are_refused_before_money_moves() -> None:
    """A payout schedule that would sweep the money between the legs stops the order first."""
    with open_world(payouts="daily") as world:
        with pytest.raises(FundingRouteUnavailableError) as caught:
            world.disburser.disburse(make_order())

        assert caught.value.code == "payout_schedule"
        assert world.sent(TRANSFERS) == 0


@pytest.mark.parametrize("endpoint", [CARDHOLDERS, TRANSFERS, BALANCE_TRANSFERS, CARDS])
@pytest.mark.parametrize(
    "action",
    [
        LoseConnection(after_commit=True),
        LoseConnection(after_commit=False),
        ServerError(after_commit=False, recorded=False),
        ServerError(after_commit=True, recorded=True),
        ServerError(after_commit=False, recorded=True),
    ],
    ids=["lost-after", "lost-before", "500", "500-after-recorded", "500-before-recorded"],
)
def test_one_fault_at_any_call_still_pays_once(
    world: World, endpoint: str, action: LoseConnection | ServerError
) -> None:
    """Whatever one call suffers, there is one card and one funding, without help from outside."""
    world.simulator.faults.add(Fault(endpoint=endpoint, action=action))

    paid = world.disburser.disburse(make_order())

    assert paid.status is Status.ACTIVE
    assert len(world.simulator.objects("card", world.account)) == 1
    assert len(world.simulator.objects("cardholder", world.account)) == 1
    assert world.simulator.issuing_balance(world.account) == 12_500
    assert world.simulator.payments_balance(None) == 1_000_000 - 12_500
    world.check_books("claim-8841")


def lose_answers(world: World, endpoint: str) -> None:
    """
    Let the first call have its effect and lose its answer; nothing gets through afterwards.
    """
    faults = world.simulator.faults
    faults.add(Fault(endpoint=endpoint, action=LoseConnection(after_commit=True)))
    faults.add(Fault(endpoint=endpoint, action=LoseConnection(after_commit=False), times=0))


@pytest.mark.parametrize("endpoint", [CARDHOLDERS, TRANSFERS, BALANCE_TRANSFERS, CARDS])
def test_outage_leaves_a_pending_order_that_resumes(world: World, endpoint: str) -> None:
    """When answers stay away the order is pending, and one resume finishes it, once."""
    lose_answers(world, endpoint)
    with pytest.raises(UnknownOutcomeError) as caught:
        world.disburser.disburse(make_order())

    assert caught.value.order_id == "claim-8841"
    assert world.disburser.get("claim-8841").status is Status.PENDING
    world.simulator.faults.clear()
    assert [one.status for one in world.disburser.resume_all()] == [Status.ACTIVE]
    assert len(world.simulator.objects("card", world.account)) == 1
    assert world.simulator.issuing_balance(world.account) == 12_500
    world.check_books("claim-8841")


@pytest.mark.parametrize("endpoint", [CARDHOLDERS, TRANSFERS, BALANCE_TRANSFERS, CARDS])
def test_key_forgotten_after_a_day_is_looked_up(world: World, endpoint: str) -> None:
    """After 24 hours Stripe has forgotten the key; what is there is found and not made again."""
    lose_answers(world, endpoint)
    with pytest.raises(UnknownOutcomeError):
        world.disburser.disburse(make_order())
    world.simulator.faults.clear()
    world.simulator.clock.advance(timedelta(hours=25))

    paid = world.disburser.resume("claim-8841")

    assert paid.status is Status.ACTIVE
    assert len(world.simulator.objects("card", world.account)) == 1
    assert len(world.simulator.objects("transfer")) == 1
    assert world.simulator.issuing_balance(world.account) == 12_500
    world.check_books("claim-8841")


def test_card_refused_gives_the_money_back(world: World) -> None:
    """When Stripe refuses the card, the money that moved for it is back on the platform."""
    world.simulator.faults.add(
        Fault(endpoint=CARDS, action=Refuse(code="some_code", message="No."), times=0)
    )

    with pytest.raises(RefusedError) as caught:
        world.disburser.disburse(make_order())

    assert caught.value.disbursement is not None
    assert caught.value.disbursement.status is Status.FAILED
    assert caught.value.disbursement.reason is not None
    assert caught.value.disbursement.reason.code == "some_code"
    assert world.simulator.payments_balance(None) == 1_000_000
    assert world.simulator.issuing_balance(world.account) == 0
    world.check_books("claim-8841")
    world.simulator.faults.clear()

    again = world.disburser.disburse(make_order())

    assert again.status is Status.ACTIVE
    assert world.simulator.issuing_balance(world.account) == 12_500
    world.check_books("claim-8841")


def test_watchlist_hit_fails_and_names_what_stripe_wants(world: World) -> None:
    """A listed recipient gets no card and no money is moved for them."""
    from datetime import date  # noqa: PLC0415  # only this test needs it

    listed = make_recipient(date_of_birth=date(1900, 1, 1))

    with pytest.raises(RecipientNotReadyError):
        world.disburser.disburse(make_order(recipient=listed))

    assert world.sent(TRANSFERS) == 0
    assert world.disburser.get("claim-8841").status is Status.FAILED


def test_slow_screening_is_pending_until_it_is_over() -> None:
    """A recipient under review for long leaves the order pending with the reason."""
    behaviour = Behaviour(screening_seconds=600)
    with open_world(simulator={"behaviour": behaviour}) as world:
        waiting = world.disburser.disburse(make_order())

        assert waiting.status is Status.PENDING
        assert waiting.reason is not None
        assert waiting.reason.code == "cardholder_under_review"
        world.simulator.clock.advance(timedelta(minutes=11))
        assert world.disburser.resume("claim-8841").status is Status.ACTIVE
        world.check_books("claim-8841")


def test_prefunded_route_checks_what_is_promised() -> None:
    """Without moving money, two orders cannot be promised the same balance."""
    options = {"route": PrefundedRoute()}
    with open_world(options=options, issuing_funds=20_000) as world:
        world.disburser.disburse(make_order("a"))

        with pytest.raises(InsufficientIssuingBalanceError) as caught:
            world.disburser.disburse(make_order("b"))

        assert caught.value.available == Money(20_000, "usd")
        assert caught.value.promised == Money(12_500, "usd")
        assert caught.value.missing == Money(5_000, "usd")
        world.check_books("a", "b")


def test_next_day_funding_waits_for_the_money() -> None:
    """Where balance transfers arrive the next business day, the card waits for them."""
    with open_world(simulator={"country": "GB"}, platform_funds=0, country="GB") as world:
        world.simulator.fund_platform(100_000, "gbp")
        recipient = make_recipient(
            phone_number="+442079460000",
            user_terms=None,
            billing=_london(),
        )
        order = make_order(currency="gbp", recipient=recipient)

        waiting = world.disburser.disburse(order)

        assert waiting.status is Status.PENDING
        assert waiting.reason is not None
        assert waiting.reason.code == "money_in_flight"
        assert waiting.reason.retry_at is not None
        assert world.sent(CARDS) == 0
        world.simulator.clock.advance(timedelta(days=2))
        assert world.disburser.resume("claim-8841").status is Status.ACTIVE
        world.check_books("claim-8841")


def _london() -> object:
    from issuing_disburse import Address  # noqa: PLC0415  # only here

    return Address(line1="1 High St", city="London", postal_code="E1 6AN", country="GB")


def test_wrong_key_leaves_the_order_pending(world: World) -> None:
    """A key that Stripe does not know changes nothing; the order waits for a right one."""
    with world.connect(api_key="sk_test_wrong") as other, pytest.raises(RefusedError):
        other.disburse(make_order())

    with pytest.raises(OrderNotFoundError):
        world.disburser.get("claim-8841")


def test_rate_limits_are_waited_for(world: World) -> None:
    """A few 429 answers only cost time."""
    world.simulator.faults.add(
        Fault(
            endpoint=CARDS,
            action=Refuse(status=429, code="rate_limit", recorded=False),
            times=3,
        )
    )

    assert world.disburser.disburse(make_order()).status is Status.ACTIVE
    assert world.sent(CARDS) == 4


def test_unreachable_stripe_is_unavailable(world: World) -> None:
    """Before anything was sent with an effect, an outage is plainly unavailable."""
    world.simulator.faults.add(
        Fault(endpoint="*", action=LoseConnection(after_commit=False), times=0)
    )

    with pytest.raises(UnavailableError):
        world.disburser.disburse(make_order())
