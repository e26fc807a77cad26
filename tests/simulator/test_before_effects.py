"""
Is everything that can be refused refused before anything has happened?
"""

import pytest
import stripe
from orjson import loads

from issuing_disburse.simulator import SimulatorError

HOLDERS = "/v1/issuing/cardholders"
HOLDER = (
    b"name=Ada&type=company&billing[address][line1]=1&billing[address][city]=C"
    b"&billing[address][postal_code]=1&billing[address][country]=US"
)


def _error(answer):
    return loads(answer.body)["error"]


@pytest.mark.parametrize("path", ["nonsense", "number", "a.b.c.d.e", "name", "data.cardholder"])
def test_nothing_is_made_when_the_expansion_is_wrong(bench, path):
    """A path that leads nowhere ends a creation before it has begun, and leaves the key free."""
    body = HOLDER + b"&expand[]=" + path.encode()
    refused = bench.raw("POST", HOLDERS, body, Idempotency_Key="k")
    made = bench.raw("POST", HOLDERS, HOLDER, Idempotency_Key="k")

    assert (400, "expand") == (refused.status, _error(refused)["param"])
    assert 200 == made.status
    assert 1 == len(bench.sim.objects("cardholder"))


@pytest.mark.parametrize(
    "path", ["cardholder", "cardholders", "data.nonsense", "data.cardholder.name"]
)
def test_list_is_expanded_under_data_only(bench, path):
    """Paths of a list begin with ``data`` and follow what can be expanded."""
    answer = bench.raw("GET", f"/v1/issuing/transactions?expand[]={path}")

    assert (400, "expand") == (answer.status, _error(answer)["param"])


def test_expansion_goes_four_levels_and_past_what_is_not_there(bench):
    """Deep paths are followed; ids of what is not imitated and nulls stay as they are."""
    card = bench.card()
    bought = bench.sim.capture(bench.sim.authorize(card.id, 500)["id"])
    bench.client.v1.transfers.create({"amount": 5, "currency": "usd", "destination": bench.account})
    entries = bench.get("/v1/balance_transactions", expand=["data.source.authorization"])["data"]
    deep = bench.get(
        f"/v1/issuing/authorizations/{bought['id']}",
        expand=["transactions.balance_transaction", "transactions.purchase_details", "token"],
    )
    moved = bench.post(
        "/v1/balance_transfers",
        {
            "amount": 5,
            "currency": "usd",
            "source_balance": {"type": "issuing"},
            "destination_balance": {"type": "payments"},
            "expand": ["destination_balance.payments.balance_transaction"],
        },
    )
    by_type = {entry["type"]: entry["source"] for entry in entries}

    assert by_type["payment"].startswith("py_")
    assert bought["id"] == by_type["issuing_transaction"]["authorization"]["id"]
    assert -500 == deep["transactions"][0]["balance_transaction"]["net"]
    assert deep["transactions"][0]["purchase_details"] is None
    assert deep["token"] is None
    assert 5 == moved["destination_balance"]["payments"]["balance_transaction"]["net"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/issuing/cards", b"type=virtual&currency=usd"),
        ("/v1/test_helpers/issuing/authorizations", b"card=%b"),
        ("/v1/test_helpers/issuing/authorizations", b"card=%b&amount=5&merchant_amount=5"),
        ("/v1/issuing/disputes", b""),
    ],
)
def test_key_stays_free_when_the_endpoint_itself_misses_a_parameter(bench, path, body):
    """A parameter error is not stored, wherever it is noticed."""
    sent = body.replace(b"%b", bench.card().id.encode())
    answers = [bench.raw("POST", path, sent, Idempotency_Key="k") for _ in "ab"]

    assert [400, 400] == [each.status for each in answers]
    assert "Idempotent-Replayed" not in answers[1].headers


def test_parameters_in_the_query_of_a_post_count(bench):
    """Query and body are one set of parameters, also for the key."""
    first = bench.raw("POST", f"{HOLDERS}?metadata[a]=b", HOLDER, Idempotency_Key="k")
    other = bench.raw("POST", f"{HOLDERS}?metadata[a]=c", HOLDER, Idempotency_Key="k")

    assert {"a": "b"} == loads(first.body)["metadata"]
    assert "idempotency_error" == _error(other)["type"]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/issuing/cards"),
        ("GET", "/v1/issuing/cards/ic_1"),
        ("GET", "/v1/issuing/authorizations"),
        ("POST", HOLDERS),
        ("POST", "/v1/test_helpers/issuing/fund_balance"),
    ],
)
def test_account_without_issuing_is_refused_everywhere(bench, method, path):
    """Not only creating: every Issuing call tells an account that it is not set up."""
    account = bench.sim.create_account(issuing=False)
    body = HOLDER if path == HOLDERS else b"amount=5&currency=usd" if method == "POST" else b""
    answers = [bench.raw(method, path, body, account=account, Idempotency_Key="k") for _ in "ab"]

    assert [400, 400] == [each.status for each in answers]
    assert _error(answers[0])["message"].startswith("Your account is not set up to use Issuing.")
    assert (method == "POST") == ("Idempotent-Replayed" in answers[1].headers)


def test_call_of_the_issuers_own_settles_at_once(bench):
    """After ``approve`` a read shows the decision, and the question is no longer pending."""
    receiver, shown = bench.receiver(approved=False), []
    card, api = bench.card(), bench.client.v1.issuing.authorizations

    def approve(event):
        if event["type"] == "issuing_authorization.request":
            name = event["data"]["object"]["id"]
            for amount in (0, 600, 9_999):
                answer = bench.raw(
                    "POST", f"/v1/issuing/authorizations/{name}/approve", b"amount=%d" % amount
                )
                assert 400 == answer.status
            api.approve(name, {"amount": 1_000, "metadata": {"by": "call"}}, bench.opt)
            shown.append(api.retrieve(name, {}, bench.opt))
            with pytest.raises(stripe.InvalidRequestError):
                api.decline(name, {}, bench.opt)

    receiver.before_reply = approve
    decided = bench.sim.authorize(card.id, 5_000, is_amount_controllable=True, cashback_amount=700)

    assert shown[0].approved
    assert shown[0].pending_request is None
    assert (True, 1_000, {"by": "call"}) == (
        decided["approved"],
        decided["amount"],
        decided["metadata"],
    )
    assert 1 == len(decided["request_history"])
    assert 1_000 == decided["merchant_amount"] == bench.sim.held(bench.account)
    assert not any(bench.sim.world.by_id[bench.account].reserved.values())


def test_final_amount_is_never_below_what_was_captured(bench):
    """A final amount leaves what is still to come, and never releases what was taken."""
    bought = bench.sim.authorize(bench.card().id, 5_000)
    bench.sim.capture(bought["id"], 4_000, close=False)
    with pytest.raises(Exception, match="less than what was captured"):
        bench.sim.finalize(bought["id"], 3_999)
    final = bench.sim.finalize(bought["id"], 4_500)

    assert 4_500 == final["amount"]
    assert 500 == bench.sim.held(bench.account)


def test_refund_is_taken_back_as_a_negative_refund(bench):
    """A refund that is taken back is one more refund, below zero, and only once."""
    card, before = bench.card(), bench.sim.issuing_balance(bench.account)
    bought = bench.sim.capture(bench.sim.authorize(card.id, 500)["id"])
    refund = bench.sim.refund(bought["transactions"][0]["id"], 200)
    taken = bench.sim.take_back_refund(refund["id"])
    unlinked = bench.sim.take_back_refund(bench.sim.unlinked_refund(card.id, 70)["id"])
    for name in (refund["id"], taken["id"], bought["transactions"][0]["id"]):
        with pytest.raises(Exception, match="no refund that can be taken back"):
            bench.sim.take_back_refund(name)

    assert ("refund", -200, bought["id"]) == (
        taken["type"],
        taken["amount"],
        taken["authorization"],
    )
    assert ("refund", -70, None) == (
        unlinked["type"],
        unlinked["amount"],
        unlinked["authorization"],
    )
    assert before - 500 == bench.sim.issuing_balance(bench.account) == bench.issuing_sum()


def test_events_are_found_by_pattern_and_show_who_still_waits(bench):
    """Types take a star, exclude a list of types, and waiting receivers are counted down."""
    bench.receiver()
    bench.card()
    events = bench.client.v1.events
    shown = events.list({"type": "issuing_card*.created"}, bench.opt).data
    both = bench.raw("GET", "/v1/events?type=a.b&types[]=a.b")

    assert ["issuing_card.created", "issuing_cardholder.created"] == [e.type for e in shown]
    assert [0, 0] == [event.pending_webhooks for event in shown]
    assert "parameters_exclusive" == _error(both)["code"]


def test_event_names_the_version_of_its_endpoint(bench):
    """A payload says which version rendered it; the API shows the account's."""
    receiver = bench.receiver()
    for endpoint in bench.sim.world.endpoints:
        endpoint.api_version = "2025-08-27.basil"
    bench.holder()

    assert "2025-08-27.basil" == receiver.seen[-1]["api_version"]
    assert "2026-10-28.endive" == bench.sim.events()[-1]["api_version"]


def test_nothing_moves_when_an_object_is_handed_in_for_its_id(bench):
    """Verbs take ids: what `authorize` returns is named as what it is, and the refusal says what to pass."""
    asked = bench.sim.authorize(bench.card().id, 500)
    with pytest.raises(SimulatorError, match=r"dict is none\. Pass its id"):
        bench.sim.capture(asked)

    assert [] == bench.sim.objects("transaction", bench.account)


def test_the_clock_stands_when_it_is_moved_by_a_number(bench):
    """A number could be seconds or days: the refusal shows a timedelta."""
    before = bench.sim.clock.now()
    with pytest.raises(TypeError, match=r"timedelta\(days=31\)"):
        bench.sim.clock.advance(31)

    assert before == bench.sim.clock.now()
