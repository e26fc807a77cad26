"""
Does a single-use card count as the documented rules and their edge cases say?
"""

from issuing_disburse.simulator import Behaviour


def _reason(authorization) -> str:
    return authorization["request_history"][-1]["reason"]


def _status(bench, card) -> str:
    return bench.client.v1.issuing.cards.retrieve(card.id, {}, bench.opt).status


def test_card_is_canceled_when_its_only_use_is_approved(bench):
    """More than 1 USD counts at approval, and a second use is declined."""
    card = bench.card(uses=1)
    first = bench.sim.authorize(card.id, 101)
    second = bench.sim.authorize(card.id, 101)

    assert first["approved"]
    assert "canceled" == _status(bench, card)
    assert "card_canceled" == _reason(second)


def test_declined_authorization_does_not_count(bench):
    """A decline leaves the use there."""
    card = bench.card(uses=1)
    bench.sim.authorize(card.id, 200_000)

    assert "active" == _status(bench, card)


def test_small_probe_does_not_count_and_a_second_one_is_declined(bench):
    """One uncaptured probe of at most 1 USD passes, the next does not, the real one does."""
    card = bench.card(uses=1)
    probe, again, real = (bench.sim.authorize(card.id, amount) for amount in (50, 100, 5_000))

    assert [True, False, True] == [each["approved"] for each in (probe, again, real)]
    assert "spending_controls" == _reason(again)


def test_probe_counts_once_it_is_captured(bench):
    """A captured probe uses the card up."""
    card = bench.card(uses=1)
    bench.sim.capture(bench.sim.authorize(card.id, 100)["id"])

    assert "canceled" == _status(bench, card)


def test_zero_amount_verification_is_no_probe(bench):
    """A zero-amount check leaves both the use and the probe there."""
    card = bench.card(uses=1)
    amounts = (0, 0, 100, 5_000)

    assert [True] * 4 == [bench.sim.authorize(card.id, each)["approved"] for each in amounts]


def test_zero_amount_is_a_probe_when_switched_so(make_bench):
    """With the switch, a zero-amount check takes the probe."""
    bench = make_bench(Behaviour(zero_amount_is_probe=True, excess_probe_reason="not_allowed"))
    card = bench.card(uses=1)
    bench.sim.authorize(card.id, 0)

    assert "not_allowed" == _reason(bench.sim.authorize(card.id, 0))


def test_probe_becomes_a_payment_when_it_grows(bench):
    """An increment past the threshold counts."""
    card = bench.card(uses=1)
    probe = bench.sim.authorize(card.id, 100)
    bench.sim.increment(probe["id"], 1_000)

    assert "canceled" == _status(bench, card)


def test_void_does_not_give_the_use_back(bench):
    """After a reversal the money is back and the card is dead."""
    card = bench.card(uses=1)
    before = bench.sim.issuing_balance(bench.account)
    reversed_ = bench.sim.reverse(bench.sim.authorize(card.id, 5_000)["id"])

    assert ("reversed", 0) == (reversed_["status"], reversed_["amount"])
    assert "canceled" == _status(bench, card)
    assert before == bench.sim.issuing_balance(bench.account)


def test_void_gives_the_use_back_when_switched_so(make_bench):
    """With the switch a void revives the card."""
    bench = make_bench(Behaviour(void_frees_count=True))
    card = bench.card(uses=1)
    bench.sim.reverse(bench.sim.authorize(card.id, 5_000)["id"])

    assert "active" == _status(bench, card)
    assert bench.sim.authorize(card.id, 5_000)["approved"]


def test_captures_succeed_on_a_canceled_card(bench):
    """One capture, several, and more than authorized all pass on a dead card."""
    card = bench.card(uses=1)
    bought = bench.sim.authorize(card.id, 5_000)
    bench.sim.capture(bought["id"], 2_000, close=False)
    open_ = bench.sim.capture(bought["id"], 1_000, close=False)
    closed = bench.sim.capture(bought["id"], 9_000)

    assert "pending" == open_["status"]
    assert "closed" == closed["status"]
    assert [-2_000, -1_000, -9_000] == [each["amount"] for each in closed["transactions"]]
    assert 0 == bench.sim.held(bench.account)


def test_force_post_counts_and_goes_through_after_cancellation(bench):
    """A capture without authorization uses the card up, and another one still passes."""
    card = bench.card(uses=1)
    first = bench.sim.force_capture(card.id, 700, merchant={"category": "bakeries"})
    second = bench.sim.force_capture(card.id, 800)

    assert "canceled" == _status(bench, card)
    assert [None, None] == [each["authorization"] for each in (first, second)]
    assert "5462" == first["merchant_data"]["category_code"]


def test_n_use_card_pays_n_times(bench):
    """A card with three uses pays three times."""
    card = bench.card(uses=3)
    approved = [bench.sim.authorize(card.id, 1_000)["approved"] for _ in range(4)]

    assert [True, True, True, False] == approved


def test_increment_is_declined_after_the_card_was_used_up(bench):
    """All future authorizations are declined, increments too; the earlier amount stays."""
    card = bench.card(uses=1)
    bought = bench.sim.authorize(card.id, 5_000)
    grown = bench.sim.increment(bought["id"], 1_000)

    assert ("pending", 5_000) == (grown["status"], grown["amount"])
    assert "card_canceled" == _reason(grown)


def test_card_update_follows_the_authorization_when_switched_so(make_bench):
    """The order of the two events is a switch."""
    types = []
    for first in (True, False):
        bench = make_bench(Behaviour(card_update_before_authorization=first))
        bench.sim.authorize(bench.card(uses=1).id, 5_000)
        types.append([event["type"] for event in bench.sim.events(bench.account)][-2:])

    assert list(reversed(types[1])) == types[0]
    assert "issuing_authorization.created" == types[1][0]


def test_race_is_decided_once_when_counting_is_strict(make_bench):
    """While one question is open, a second one may be asked; only one of them gets the use."""
    outcomes = []
    for strict in (True, False):
        bench = make_bench(Behaviour(payment_count_is_strict=strict))
        card = bench.card(uses=1)
        receiver = bench.receiver()
        inner = []

        def ask_again(event, bench=bench, card=card, receiver=receiver, inner=inner):
            if event["type"].endswith(".request") and not inner:
                inner.append(None)
                inner[0] = bench.sim.authorize(card.id, 2_000)["approved"]

        receiver.before_reply = ask_again
        outer = bench.sim.authorize(card.id, 2_000)
        outcomes.append((inner[0], outer["approved"]))

    assert [(True, False), (True, True)] == outcomes
