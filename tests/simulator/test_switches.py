"""
Does each answer where Stripe gives none follow its switch?
"""

import pytest
import stripe
from orjson import loads

from issuing_disburse.simulator import Behaviour, SimulatorError

HELPERS = "/v1/test_helpers/issuing"


def _error(answer):
    return loads(answer.body)["error"]


def _reason(authorization):
    return authorization["request_history"][-1]["reason"]


def _lapsed(bench):
    bought = bench.sim.authorize(bench.card().id, 500)
    bench.sim.expire(bought["id"])
    return f"/v1/issuing/authorizations/{bought['id']}"


def test_lapsed_authorization_is_shown_by_the_accounts_version(make_bench):
    """Without a version of their own, calls and endpoints get the account's; with one, theirs."""
    bench = make_bench(Behaviour(account_api_version="2024-06-20"))
    seen = bench.receiver().seen
    path = _lapsed(bench)
    own, newer = (
        loads(bench.raw("GET", path, **h).body) for h in ({}, _version("2025-03-31.basil"))
    )

    assert ("reversed", "expired") == (own["status"], newer["status"])
    assert ("2024-06-20", "reversed") == (seen[-1]["api_version"], _status_in(seen[-1]))


def _version(version):
    return {"Stripe_Version": version}


def _status_in(event):
    return event["data"]["object"]["status"]


def test_lapsed_authorization_is_reversed_on_every_version_when_switched_so(make_bench):
    """The accounts that still see ``reversed`` can be imitated; the amount tells them apart."""
    bench = make_bench(Behaviour(expired_since_version="9999"))
    shown = bench.get(_lapsed(bench))

    assert ("reversed", 500) == (shown["status"], shown["amount"])


@pytest.mark.parametrize(
    ("version", "status"),
    [
        ("2026-10-28.endive", 200),
        ("2025-08-27.basil", 200),
        ("2024-06-20", 200),
        ("2022-08-01", 200),
        ("2026-10-14.preview", 200),
        ("2025-07-30.preview; feature=v1", 200),
        ("2026-11-25.preview", 400),
        ("2026-10-29.endive", 400),
        ("2025-08-27.clover", 400),
        ("2025-08-27", 400),
        ("2024-13-01", 400),
        ("2024-02-30", 400),
        ("2026-10-28.fuchsia", 400),
        ("endive", 400),
        ("", 400),
    ],
)
def test_version_is_refused_when_there_is_none(bench, version, status):
    """Only dates and names that Stripe has published are versions."""
    assert status == bench.raw("GET", "/v1/balance", **_version(version)).status


def test_later_preview_is_accepted_when_switched_so(make_bench):
    """How far previews go is a switch, for calls and for endpoints."""
    bench = make_bench(Behaviour(newest_preview_version="2026-12-31"))
    body = b"url=https://x.test&enabled_events[]=*&api_version=2026-11-25.preview"
    made = bench.raw("POST", "/v1/webhook_endpoints", body, account=None)

    assert 200 == bench.raw("GET", "/v1/balance", **_version("2026-11-25.preview")).status
    assert "2026-11-25.preview" == loads(made.body)["api_version"]


def test_question_is_sent_again_when_switched_so(make_bench):
    """A question that does not arrive is asked once, or as often as told."""
    outcomes = []
    for attempts in (1, 2):
        bench, asked = make_bench(Behaviour(realtime_attempts=attempts)), []
        receiver = bench.receiver()

        def fail_once(event, asked=asked):
            asked.append(event["type"])
            if len(asked) == 1:
                raise ConnectionError

        card = bench.card()
        receiver.before_reply = fail_once
        outcomes.append(_reason(bench.sim.authorize(card.id, 500)))

    assert ["webhook_error", "webhook_approved"] == outcomes


def test_silence_ends_the_window_however_often_it_is_asked(make_bench):
    """A time-out is not tried again."""
    bench = make_bench(Behaviour(realtime_attempts=3))
    receiver, card = bench.receiver(), bench.card()

    def be_silent(_event):
        raise TimeoutError

    receiver.before_reply = be_silent

    assert "webhook_timeout" == _reason(bench.sim.authorize(card.id, 500))


def test_one_of_several_endpoints_decides(make_bench):
    """The first one registered or the last, as told."""
    reasons = []
    for which in ("first", "last"):
        bench = make_bench(Behaviour(realtime_endpoint=which))
        bench.receiver(approved=False)
        bench.receiver(approved=True)
        reasons.append(_reason(bench.sim.authorize(bench.card().id, 500)))

    assert ["webhook_declined", "webhook_approved"] == reasons


def test_codes_of_refusals_are_switches(make_bench):
    """Where only the refusal is known, its code is a switch."""
    bench = make_bench(
        Behaviour(
            decided_authorization_code="decided",
            canceled_card_code="canceled",
            expiry_range_code="range",
            reversal_shortfall_code="short",
            inactive_capability_status=403,
            inactive_capability_code="inactive",
        )
    )
    card, client, opt = bench.card(), bench.client.v1, bench.opt
    bought = bench.sim.authorize(card.id, 500)
    client.issuing.cards.update(card.id, {"status": "canceled"}, opt)
    moved = client.transfers.create(
        {"amount": 500, "currency": "usd", "destination": bench.account}
    )
    client.payouts.create({"amount": 500, "currency": "usd"}, opt)
    late = f"cardholder={card.cardholder.id}&currency=usd&type=virtual&exp_month=1&exp_year=2050"
    calls = [
        (f"/v1/issuing/authorizations/{bought['id']}/approve", b"", "own"),
        (f"/v1/issuing/cards/{card.id}", b"status=active", "own"),
        ("/v1/issuing/cards", late.encode(), "own"),
        (f"/v1/transfers/{moved.id}/reversals", b"", None),
    ]
    codes = [_error(bench.raw("POST", p, b, account=who)).get("code") for p, b, who in calls]
    bench.sim.disable_issuing(bench.account)
    refused = bench.raw("POST", "/v1/issuing/cards", late.encode())

    assert ["decided", "canceled", "range", "short"] == codes
    assert (403, "inactive") == (refused.status, _error(refused)["code"])


def test_zero_amount_is_refused_when_switched_so(make_bench):
    """Whether the helper takes a zero amount is a switch."""
    bench = make_bench(Behaviour(zero_amount_authorizations=False))
    with pytest.raises(SimulatorError) as caught:
        bench.sim.authorize(bench.card().id, 0)

    assert "parameter_invalid_integer" == caught.value.code


def test_used_up_card_shows_what_it_is_told(make_bench):
    """Reason, cancellation reason and increments of a used-up card are switches."""
    bench = make_bench(
        Behaviour(
            used_up_reason="not_allowed",
            used_up_cancellation_reason="lost",
            increments_after_use_declined=False,
        )
    )
    card = bench.card(uses=1)
    bought = bench.sim.authorize(card.id, 5_000)
    grown = bench.sim.increment(bought["id"], 1_000)

    assert 6_000 == grown["amount"]
    assert "lost" == bench.get(f"/v1/issuing/cards/{card.id}")["cancellation_reason"]
    assert "not_allowed" == _reason(bench.sim.authorize(card.id, 5_000))


def test_holder_has_only_so_many_cards_when_switched_so(make_bench):
    """A limit on cards per holder is a switch."""
    bench = make_bench(Behaviour(cards_per_cardholder=2))
    holder = bench.holder().id
    for _ in range(2):
        bench.card(holder)
    with pytest.raises(stripe.InvalidRequestError, match="at most 2 cards"):
        bench.card(holder)


def test_secrets_are_asked_for_in_vain_when_switched_so(make_bench):
    """Behind a switch a list does not refuse to expand secrets; it never shows them."""
    bench = make_bench(Behaviour(list_refuses_secrets=False))
    bench.card()
    answer = bench.raw("GET", "/v1/issuing/cards?expand[]=data.number&expand[]=data.cvc")

    assert 200 == answer.status
    assert not {"number", "cvc"} & set(loads(answer.body)["data"][0])


def test_canadian_currency_is_a_switch(make_bench):
    """A Canadian program's currency is not known; the default is the country's."""
    cards = []
    for behaviour in (Behaviour(), Behaviour(canadian_currency="usd")):
        bench = make_bench(behaviour, country="CA")
        cards.append(bench.card(currency=behaviour.canadian_currency))

    assert ["cad", "usd"] == [card.currency for card in cards]


def test_digits_in_names_are_refused_when_switched_so(make_bench):
    """Two of Stripe's pages disagree about digits in a name."""
    assert "Depot 7" == make_bench().holder(name="Depot 7").name
    with pytest.raises(stripe.InvalidRequestError, match="numbers"):
        make_bench(Behaviour(digits_in_names=False)).holder(name="Depot 7")


def test_negative_balance_is_covered_when_switched_so(make_bench):
    """A capture beyond the Issuing balance stays negative, or takes from the payments balance."""
    balances = []
    for covered in (False, True):
        bench = make_bench(Behaviour(negative_balance_is_covered=covered), issuing_funds=100)
        bench.client.v1.transfers.create(
            {"amount": 250, "currency": "usd", "destination": bench.account}
        )
        bench.sim.force_capture(bench.card().id, 300)
        sim, account = bench.sim, bench.account
        balances.append((sim.issuing_balance(account), sim.payments_balance(account)))
        assert bench.issuing_sum() == sim.issuing_balance(account)

    assert [(-200, 250), (0, 50)] == balances


def test_balance_transfer_needs_a_preview_when_switched_so(make_bench):
    """Whether the version matters is a switch."""
    bench = make_bench(Behaviour(balance_transfer_needs_preview=True))
    body = b"amount=5&currency=usd&source_balance[type]=issuing&destination_balance[type]=payments"
    statuses = [
        bench.raw("POST", "/v1/balance_transfers", body, **_version(version)).status
        for version in ("2026-10-28.endive", "2026-10-14.preview")
    ]

    assert [400, 200] == statuses


def test_platform_is_charged_for_every_call_when_switched_so(make_bench):
    """Calls for one account count against it, or all against the platform."""
    left = []
    for charged in ("connected", "platform"):
        bench = make_bench(Behaviour(rate_limited_account=charged), rate_limit=25)
        for _ in range(25):
            bench.raw("GET", "/v1/balance")
        left.append(bench.raw("GET", "/v1/balance", account=None).status)

    assert [200, 429] == left


@pytest.mark.parametrize(("amount", "approved"), [(11_000, True), (11_001, False)])
def test_limit_of_a_holder_is_converted_to_the_cards_currency(bench, amount, approved):
    """A holder's limit in another currency caps what it is worth in the card's."""
    limit = {"amount": 10_000, "interval": "daily"}
    controls = {"spending_limits": [limit], "spending_limits_currency": "EUR"}
    holder = bench.holder(spending_controls=controls)

    assert "eur" == holder.spending_controls.spending_limits_currency
    assert approved == bench.sim.authorize(bench.card(holder.id).id, amount)["approved"]


@pytest.mark.parametrize(
    ("birth", "taken"),
    [
        ({"day": 2, "month": 11, "year": 2013}, True),
        ({"day": 3, "month": 11, "year": 2013}, False),
        ({"day": 31, "month": 2, "year": 1985}, False),
    ],
)
def test_birth_date_is_a_day_and_thirteen_years_ago(bench, birth, taken):
    """The clock stands at 2 November 2026: the birthday counts, and a day that is none does not."""
    person = {"first_name": "Jenny", "last_name": "Rosen", "dob": birth}
    if taken:
        assert 2013 == bench.holder(individual=person).individual.dob.year
        return
    with pytest.raises(stripe.InvalidRequestError) as caught:
        bench.holder(individual=person)

    assert "individual[dob]" == caught.value.param


def test_secret_of_one_endpoint_rolls_with_an_overlap(bench):
    """Both secrets sign for a while, then only the new one; other endpoints keep theirs."""
    made = bench.client.v1.webhook_endpoints.create(
        {"url": "https://example.com/hook", "enabled_events": ["*"]}
    )
    new = bench.sim.rotate_endpoint_secret(made.id, overlap_seconds=60)
    endpoint, now = bench.sim.world.by_id[made.id], bench.sim.world.seconds

    assert (new, made.secret) == endpoint.secrets(now + 59)
    assert (new,) == endpoint.secrets(now + 60)
    assert new != bench.sim.webhook_secret
