"""
Does what is refused leave nothing behind: no half change, no memory, no right, no second count?
"""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from orjson import dumps, loads

from issuing_disburse.simulator import IssuingSimulator, SimulatorError
from issuing_disburse.simulator.control import control
from issuing_disburse.simulator.idempotency import Replies
from issuing_disburse.simulator.recorded import RequestLog

HOLDERS, CARDS = "/v1/issuing/cardholders", "/v1/issuing/cards"
FULL = {f"k{place}": "v" for place in range(50)}
ONE_MORE = b"&metadata[one]=more"


def _state(bench: Any, path: str) -> Any:
    return loads(bench.raw("GET", path).body)


def test_refused_change_of_a_card_changes_nothing(bench):
    """Status and all the rest stay as they were when the last parameter is too much."""
    path = f"{CARDS}/{bench.card(metadata=FULL).id}"
    before = _state(bench, path)
    refused = bench.raw("POST", path, b"status=canceled" + ONE_MORE)
    touched = loads(bench.raw("POST", path, b"metadata[k1]=w").body)

    assert (400, before) == (refused.status, {**touched, "metadata": FULL})
    assert bench.sim.authorize(before["id"], 500)["approved"] is True


def test_refused_change_of_a_holder_changes_nothing(bench):
    """Name, state and e-mail stay, and so does the place in lists by e-mail."""
    path = f"{HOLDERS}/{bench.holder(metadata=FULL).id}"
    before = _state(bench, path)
    refused = bench.raw("POST", path, b"email=new@example.com&status=inactive" + ONE_MORE)
    touched = loads(bench.raw("POST", path, b"metadata[k1]=w").body)

    assert (400, before) == (refused.status, {**touched, "metadata": FULL})
    assert [1, 0] == [
        len(_state(bench, f"{HOLDERS}?email={name}@example.com")["data"])
        for name in ("jenny", "new")
    ]


def test_refused_change_of_a_dispute_changes_nothing(bench):
    """A dispute keeps its amount when its metadata would be too much."""
    bought = bench.sim.capture(bench.sim.authorize(bench.card().id, 500)["id"])
    disputes = bench.client.v1.issuing.disputes
    made = disputes.create(
        {"transaction": bought["transactions"][0]["id"], "metadata": FULL}, bench.opt
    )
    path = f"/v1/issuing/disputes/{made.id}"
    refused = bench.raw("POST", path, b"amount=100" + ONE_MORE)

    assert (400, 500) == (refused.status, _state(bench, path)["amount"])
    assert 500 == loads(bench.raw("POST", path, b"metadata[k1]=w").body)["amount"]


def test_restricted_key_stops_at_the_name_it_was_given(bench):
    """``/v1/balance`` opens what is below it, and not what merely begins like it."""
    bearer = f"Bearer {bench.sim.restricted_key({'/v1/balance': 'read'})}"
    deeper = f"Bearer {bench.sim.restricted_key({HOLDERS + '/': 'read'})}"
    found = bench.raw("GET", f"{HOLDERS}/{bench.holder().id}", Authorization=deeper)

    assert [200, 403, 403] == [
        bench.raw("GET", path, Authorization=bearer).status
        for path in ("/v1/balance", "/v1/balance_transactions", "/v1/balance_settings")
    ]
    assert 200 == found.status


@pytest.mark.parametrize(
    ("wrong", "param"),
    [
        (lambda sim, account: sim.fund_issuing(account, -5), "amount"),
        (lambda sim, account: sim.fund_issuing(account, 10**16), "amount"),
        (lambda sim, account: sim.fund_issuing(account, 5, "dollars"), "currency"),
        (lambda sim, _account: sim.fund_platform(0), "amount"),
        (lambda sim, account: sim.take_back_issuing(account, -1), "amount"),
        (lambda sim, _account: sim.create_account(country="ZZ"), "country"),
        (lambda sim, _account: sim.create_account(issuing_funds=-3), "issuing_funds"),
        (lambda sim, _account: sim.create_account(payouts="hourly"), "payouts"),
        (lambda sim, _account: sim.restricted_key({"/v1/balance": "all"}), "allowed[/v1/balance]"),
        (lambda sim, _account: sim.restricted_key({"balance": "read"}), "allowed"),
        (lambda sim, _account: sim.set_screening("ich_any", "guilty"), "verdict"),
        (lambda sim, _account: sim.rotate_webhook_secret(overlap_seconds=-1), "overlap_seconds"),
    ],
)
def test_verb_refuses_what_makes_no_sense(
    bench, wrong: Callable[[IssuingSimulator, str], object], param: str
):
    """A verb names the argument that is wrong, and nothing has happened."""
    before = len(bench.sim.events()), len(bench.sim.objects("account"))
    with pytest.raises(SimulatorError) as caught:
        wrong(bench.sim, bench.account)

    assert param == caught.value.param
    assert before == (len(bench.sim.events()), len(bench.sim.objects("account")))


@pytest.mark.parametrize("url", ["http://", "http://[::1", "http://x:99999/", "https://:443/a"])
def test_webhook_address_without_a_host_is_refused(bench, url):
    """What no webhook could be brought to is refused when it is registered, by both ways in."""
    made = bench.raw("POST", "/v1/webhook_endpoints", b"url=%b&enabled_events[]=*" % url.encode())
    json = {"content-type": "application/json"}
    told = control(bench.sim, "POST", "/_simulator/webhooks", "", json, dumps({"url": url}))

    assert [(400, "url")] * 2 == [
        (each.status, loads(each.body)["error"]["param"]) for each in (made, told)
    ]


def test_control_takes_refunds_back_and_rolls_one_secret(bench):
    """Both verbs are there for other languages, too."""
    made = bench.client.v1.webhook_endpoints.create(
        {"url": "https://example.com/hook", "enabled_events": ["*"]}
    )
    bought = bench.sim.capture(bench.sim.authorize(bench.card().id, 500)["id"])
    refund = bench.sim.refund(bought["transactions"][0]["id"], 200)

    def call(verb: str, **given: str) -> Any:
        json = {"content-type": "application/json"}
        answer = control(bench.sim, "POST", f"/_simulator/{verb}", "", json, dumps(given))
        return loads(answer.body)["result"]

    assert -200 == call("take_back_refund", transaction_id=refund["id"])["amount"]
    rolled = call("rotate_endpoint_secret", endpoint_id=made.id)
    assert (rolled, made.secret) == bench.sim.world.by_id[made.id].secrets(bench.sim.world.seconds)


def test_payouts_and_accounts_have_limits_of_their_own(make_bench):
    """Fifteen payouts a second, and five accounts: the sixth is a 400, in Stripe's words."""
    bench = make_bench(rate_limit=100)
    payout = b"amount=5&currency=usd&source_balance=issuing"
    paid = [bench.raw("POST", "/v1/payouts", payout).status for _ in range(16)]
    made = [bench.raw("POST", "/v1/accounts", b"country=US", account=None) for _ in range(6)]
    bench.sim.clock.sleep(1)

    assert [200] * 15 + [429] == paid
    assert [200] * 5 + [400] == [each.status for each in made]
    assert "creating accounts too quickly" in loads(made[-1].body)["error"]["message"]
    assert 200 == bench.raw("POST", "/v1/accounts", b"country=US", account=None).status


def test_category_that_is_named_twice_is_counted_once(bench):
    """What was spent in a category counts once against a limit, however often it is named."""
    twice = ["taxicabs_limousines"] * 2
    limit = {"amount": 100, "interval": "monthly", "categories": twice}
    card = bench.card(spending_controls={"spending_limits": [limit]})
    taxi = {"category": "taxicabs_limousines"}

    assert [True, True, False] == [
        bench.sim.authorize(card.id, amount, merchant=taxi)["approved"] for amount in (50, 40, 20)
    ]


def test_many_equal_expansions_are_one(bench):
    """A path that is named a thousand times is followed once."""
    bench.card()
    path = "expand[]=data.cardholder"
    once = bench.raw("GET", f"{CARDS}?{path}")

    assert once.body == bench.raw("GET", CARDS + "?" + "&".join([path] * 1_900)).body


def test_key_that_is_too_long_is_not_thrown_back(bench):
    """A key of half a million characters is refused and appears nowhere in the answer."""
    refused = bench.raw("POST", HOLDERS, b"name=Ada", Idempotency_Key="x" * 500_000)

    assert (400, "idempotency_error") == (refused.status, loads(refused.body)["error"]["type"])
    assert "Idempotency-Key" not in refused.headers
    assert len(refused.body) < 500


def test_list_of_requests_has_a_size():
    """The oldest requests go when there are too many, and when they are too large."""
    log = RequestLog(most=3, most_bytes=1_000)

    def ask(name: str, size: int) -> None:
        account = SimpleNamespace(id="acct_1")
        asked = SimpleNamespace(
            method="POST", path="/", headers={}, account=account, id=name, sent=b"x" * size
        )
        log.add(asked, 200)  # type: ignore[arg-type]  # all that is read of a request

    for place in range(5):
        ask(f"req_{place}", 10)
    assert ["req_2", "req_3", "req_4"] == [each.request_id for each in log.all()]
    ask("req_large", 980)
    assert ["req_4", "req_large"] == [each.request_id for each in log.all()]
    ask("req_too_large", 2_000)
    assert [] == log.all()


def test_many_keys_end_at_once_without_a_search():
    """A hundred thousand keys that are a day old go together; a younger one stays."""
    replies = Replies(86_400)
    for place in range(100_000):
        replies.finish("", f"k{place}", (b"", 0, 200, b"{}", "req_1"))
    replies.finish("", "young", (b"", 1, 200, b"{}", "req_2"))
    assert replies.begin("", "k0", b"", 86_399) is not None
    assert replies.begin("", "k0", b"", 86_400) is None

    assert [("", "young")] == list(replies.stored)


@pytest.mark.parametrize(
    ("action", "message"),
    [
        ({"kind": "slow"}, "slow needs seconds."),
        (
            {"kind": "conflict", "seconds": 5},
            "conflict takes no 'seconds'; it takes nothing.",
        ),
    ],
)
def test_fault_names_the_detail_that_is_wrong(bench, action: dict[str, Any], message: str):
    """A detail that is missing or unknown is named in plain words."""
    json = {"content-type": "application/json"}
    told = control(bench.sim, "POST", "/_simulator/faults", "", json, dumps({"action": action}))

    assert (400, message) == (told.status, loads(told.body)["error"]["message"])
    assert () == bench.sim.faults.script
