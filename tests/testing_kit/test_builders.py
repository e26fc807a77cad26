"""
Are the builders, the clock and the sink of the testing kit what a test can rest on?
"""

from datetime import UTC, datetime, timedelta

import pytest

from issuing_disburse import InvalidInputError, Money, PrefundedRoute, Status, Terms
from issuing_disburse.simulator import IssuingSimulator
from issuing_disburse.testing import (
    CapturingSink,
    ManualClock,
    make_address,
    make_order,
    make_recipient,
)
from issuing_disburse.testing.stage import Stage


@pytest.mark.parametrize(("currency", "country"), [("usd", "US"), ("eur", "DE"), ("gbp", "GB")])
def test_an_order_is_payable_in_each_currency(currency: str, country: str) -> None:
    """What the builders make without an argument is paid at once, wherever it is spent."""
    with IssuingSimulator(seed=7, country=country) as simulator:
        account = simulator.create_account(country=country, issuing_funds=12_500)
        with Stage.of_simulator(simulator, account).connect(route=PrefundedRoute()) as disburser:
            paid = disburser.disburse(make_order(currency=currency))

    assert Status.ACTIVE is paid.status
    assert country == make_address(currency).country


def test_details_of_a_builder_can_be_changed() -> None:
    """Each detail can be another one, and money brings its currency along."""
    recipient = make_recipient("supplier-9", email="sam@example.com")
    order = make_order("claim-1", Money(700, "gbp"), terms=Terms(valid_for=timedelta(days=2)))

    assert ("supplier-9", "sam@example.com") == (recipient.reference, recipient.email)
    assert ("claim-1", Money(700, "gbp"), "GB") == (
        order.id,
        order.amount,
        order.recipient.billing.country,
    )
    assert timedelta(days=2) == order.terms.valid_for
    assert "Dayton" == make_address(city="Dayton").city


@pytest.mark.parametrize("make", [make_address, make_recipient, make_order])
def test_a_currency_without_cards_is_refused(make: object) -> None:
    """No builder guesses where somebody lives."""
    with pytest.raises(InvalidInputError, match="use one of usd, eur, gbp"):
        make(currency="jpy")  # type: ignore[operator]  # each is a function


def test_a_manual_clock_moves_when_it_is_moved() -> None:
    """It stands still, moves by sleeping and advancing, and tells who slept how long."""
    clock = ManualClock(datetime(2026, 1, 1, tzinfo=UTC))
    clock.sleep(1.5)
    clock.advance(timedelta(hours=1))

    assert datetime(2026, 1, 1, 1, 0, 1, 500_000, tzinfo=UTC) == clock.now()
    assert (3_601.5, [1.5]) == (clock.timer(), clock.slept)


def test_a_manual_clock_refuses_what_no_clock_does() -> None:
    """It does not go back, and its time has a zone."""
    with pytest.raises(ValueError, match="cannot go back"):
        ManualClock().advance(timedelta(seconds=-1))
    with pytest.raises(InvalidInputError, match="aware"):
        ManualClock(datetime(2026, 1, 1))  # noqa: DTZ001 - wrong on purpose


@pytest.mark.pci
def test_a_capturing_sink_keeps_no_number() -> None:
    """It tells which card was handed over, in whose name, and holds four digits of its number alone."""
    sink = CapturingSink()
    with IssuingSimulator(seed=7, platform_funds=20_000) as simulator:
        stage = Stage.of_simulator(simulator, simulator.create_account())
        with stage.connect(sink=sink) as disburser:
            card = disburser.disburse(make_order()).card
        (number,) = (one["last4"] for one in simulator.objects("card"))

    (one,) = sink.of("order-1")
    assert (card.id, number, True, 1) == (one.card.id, one.number_ends, one.has_cvc, one.times)
    assert sink.deliveries == (one,)
    assert () == sink.of("order-2")
    assert "4000009990" not in repr(sink)


@pytest.mark.pci
def test_a_capturing_sink_fails_on_demand() -> None:
    """A sink that is told to fail leaves the order pending; the next try hands the card over."""
    sink = CapturingSink(failures=1)
    with IssuingSimulator(seed=7, platform_funds=20_000) as simulator:
        stage = Stage.of_simulator(simulator, simulator.create_account())
        with stage.connect(sink=sink) as disburser:
            with pytest.raises(Exception, match="sink"):
                disburser.disburse(make_order())
            assert Status.PENDING is disburser.get("order-1").status

            assert Status.ACTIVE is disburser.disburse(make_order()).status

    assert 1 == len(sink.deliveries)
