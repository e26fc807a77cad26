"""
Do events reach whom they concern, signed, retried, and in spite of scripted trouble?
"""

from datetime import timedelta

import pytest
import stripe
from orjson import loads

from issuing_disburse.simulator import Fault, IssuingSimulator, Webhook


def test_events_go_to_the_platform_or_the_connect_endpoint(bench):
    """Issuing events carry the account; the platform's own do not."""
    receiver = bench.receiver()
    bench.holder()
    bench.client.v1.transfers.create({"amount": 1, "currency": "usd", "destination": bench.account})

    assert [("issuing_cardholder.created", bench.account), ("transfer.created", None)] == [
        (event["type"], event.get("account")) for event in receiver.seen
    ]


def test_star_does_not_include_the_question(bench):
    """An endpoint for everything does not decide unless it asks to by name."""
    receiver = bench.receiver()
    bench.sim.deliver_webhooks_to(receiver, realtime=True, events=False)
    silent = IssuingSimulator(seed=1)
    account = silent.create_account(issuing_funds=5_000)
    bench.client.v1.webhook_endpoints.create(
        {"url": "https://example.com", "enabled_events": ["*"], "connect": True}
    )

    assert ["*", "issuing_authorization.request"] == (
        bench.sim.objects("webhook_endpoint")[0]["enabled_events"]
    )
    assert ["*"] == bench.sim.objects("webhook_endpoint")[-1]["enabled_events"]
    assert account


def test_endpoint_lives_from_creation_to_deletion(bench):
    """The secret is shown once; updates, disabling and deletion work."""
    api = bench.client.v1.webhook_endpoints
    made = api.create(
        {
            "url": "https://example.com/a",
            "enabled_events": ["issuing_card.created"],
            "connect": True,
            "api_version": "2024-06-20",
            "description": "d",
            "metadata": {"a": "b"},
        }
    )
    updated = api.update(
        made.id, {"disabled": True, "url": "https://example.com/b", "metadata": {"c": "d"}}
    )
    enabled = api.update(made.id, {"disabled": False, "enabled_events": ["*"]})
    listed = [each.id for each in api.list()]
    gone = api.delete(made.id)

    assert made.secret.startswith("whsec_")
    assert "secret" not in updated
    assert ("disabled", "https://example.com/b") == (updated.status, updated.url)
    assert ("enabled", ["*"]) == (enabled.status, list(enabled.enabled_events))
    assert [made.id] == listed
    assert gone.deleted
    with pytest.raises(stripe.InvalidRequestError):
        api.retrieve(made.id)


@pytest.mark.parametrize(
    ("changes", "param"),
    [({"url": "example.com"}, "url"), ({"enabled_events": ["Nonsense"]}, "enabled_events[0]")],
)
def test_endpoint_is_refused_when_wrong(bench, changes, param):
    """Addresses need a scheme and events a name."""
    params = {"url": "https://example.com", "enabled_events": ["*"], **changes}
    with pytest.raises(stripe.InvalidRequestError) as caught:
        bench.client.v1.webhook_endpoints.create(params)
    bench.contract.problems.clear()  # The wrong values are wrong by the SDK's types, too.

    assert param == caught.value.param


def test_there_are_sixteen_endpoints_at_most(bench):
    """The seventeenth is refused."""
    params = {"url": "https://example.com", "enabled_events": ["*"]}
    for _ in range(16):
        bench.client.v1.webhook_endpoints.create(params)
    with pytest.raises(stripe.InvalidRequestError, match="maximum of 16"):
        bench.client.v1.webhook_endpoints.create(params)


def test_failed_delivery_is_tried_again_on_the_clock(bench):
    """Three retries over a few hours, each freshly signed; then it is given up."""
    receiver = bench.receiver()
    receiver.reply = type(receiver.reply)(status=500)
    bench.holder()
    failing = bench.client.v1.events.list({"delivery_success": False}, bench.opt).data
    for _ in range(5):
        bench.sim.clock.advance(timedelta(hours=3))
    seen = len(receiver.seen)
    receiver.reply = type(receiver.reply)()
    bench.holder()
    arrived = bench.client.v1.events.list(
        {"delivery_success": True, "type": "issuing_cardholder.created"}, bench.opt
    ).data

    assert (1, 4) == (len(failing), seen)
    assert 1 == len({event["id"] for event in receiver.seen[:4]})
    assert 1 == len(arrived)


def test_raising_handler_is_a_failed_delivery(bench):
    """An exception of the handler reaches nobody, and the event comes again."""
    calls = []

    def explode(_payload, _signature):
        calls.append(1)
        message = "no"
        raise RuntimeError(message)

    bench.sim.deliver_webhooks_to(explode)
    bench.holder()
    bench.sim.clock.advance(timedelta(minutes=5))

    assert 2 == len(calls)


def test_secret_rolls_with_an_overlap(bench):
    """During the overlap both secrets sign; afterwards only the new one."""
    headers = []

    def keep(payload, signature):
        headers.append((payload.decode(), signature))
        return receiver.reply

    receiver = bench.receiver()
    bench.sim.deliver_webhooks_to(keep)
    old = bench.sim.webhook_secret
    new = bench.sim.rotate_webhook_secret(overlap_seconds=60)
    bench.holder()
    bench.sim.clock.sleep(61)
    bench.holder()
    verify = stripe.WebhookSignature.verify_header

    assert new == bench.sim.webhook_secret != old
    assert [2, 1] == [signature.count("v1=") for _, signature in headers]
    assert verify(*headers[0], old, None)
    assert verify(*headers[1], new, None)
    with pytest.raises(stripe.SignatureVerificationError):
        verify(*headers[1], old, None)


@pytest.mark.parametrize(
    ("how", "at_once", "later"), [("late", 0, 1), ("twice", 2, 2), ("never", 0, 0)]
)
def test_webhook_faults_do_what_they_say(bench, how, at_once, later):
    """Late, doubled and lost deliveries, by event type."""
    receiver = bench.receiver()
    bench.sim.faults.add(
        Fault(action=Webhook(how=how, seconds=60), event="issuing_cardholder.created")
    )
    bench.holder()
    first = len(receiver.seen)
    bench.sim.clock.sleep(60)

    assert (at_once, later) == (first, len(receiver.seen))


def test_shuffled_events_all_arrive_in_another_order(bench):
    """Events are held until there are enough, then sent in a seeded order."""
    receiver = bench.receiver()
    bench.sim.faults.add(Fault(action=Webhook(how="shuffled", group=6), event="*", times=0))
    made = [bench.holder().id for _ in range(6)]
    seen = [event["data"]["object"]["id"] for event in receiver.seen]

    assert sorted(made) == sorted(seen)
    assert made != seen


def test_shuffling_ends_with_the_next_event_when_the_fault_is_over(bench):
    """What was held goes out with the next delivery."""
    receiver = bench.receiver()
    bench.sim.faults.add(Fault(action=Webhook(how="shuffled", group=9), event="*", times=2))
    made = [bench.holder().id for _ in range(3)]

    assert sorted(made) == sorted(event["data"]["object"]["id"] for event in receiver.seen)


def test_events_are_listed_for_thirty_days(bench):
    """Events are found by type and id, and forgotten after a month."""
    bench.card()
    api, opt = bench.client.v1.events, bench.opt
    listed = api.list({"type": "issuing_card.created"}, opt).data
    several = api.list({"types": ["issuing_card.created", "issuing_cardholder.created"]}, opt).data
    found = api.retrieve(listed[0].id, {}, opt)
    bench.sim.clock.advance(timedelta(days=31))
    with pytest.raises(stripe.InvalidRequestError):
        api.retrieve(found.id, {}, opt)

    assert ["issuing_card.created"] == [event.type for event in listed]
    assert 2 == len(several)
    assert [] == api.list({"type": "issuing_card.created"}, opt).data


def test_event_is_rendered_for_the_version_of_its_endpoint(bench):
    """An endpoint pinned before basil sees a lapsed authorization as reversed."""
    seen = []

    def keep(payload, _signature):
        seen.append(loads(payload))
        return receiver.reply

    receiver = bench.receiver()
    bench.sim.deliver_webhooks_to(keep)
    endpoint = bench.sim.objects("webhook_endpoint")[2]
    bench.sim._world.by_id[endpoint["id"]].api_version = "2024-06-20"  # noqa: SLF001 - only a creation can pin one
    bench.sim.expire(bench.sim.authorize(bench.card().id, 500)["id"])

    assert ("reversed", "2024-06-20") == (
        seen[-1]["data"]["object"]["status"],
        seen[-1]["api_version"],
    )
    assert "expired" == receiver.seen[-1]["data"]["object"]["status"]


def test_key_is_echoed_in_the_event(bench):
    """The event names the request and the key that caused it; time itself has neither."""
    bench.client.v1.issuing.cardholders.list({}, bench.opt)
    answer = bench.raw(
        "POST",
        "/v1/webhook_endpoints",
        b"url=https%3A%2F%2Fexample.com&enabled_events[]=*",
        account=None,
    )
    transfer = f"amount=1&currency=usd&destination={bench.account}".encode()
    made = bench.raw("POST", "/v1/transfers", transfer, account=None, Idempotency_Key="mine")
    event = bench.sim.events(bench.sim.platform_account)[-1]

    assert 200 == answer.status
    assert {"id": made.headers["Request-Id"], "idempotency_key": "mine"} == event["request"]
    assert 1 == event["pending_webhooks"]


def test_closed_simulator_delivers_nothing():
    """Leaving the simulator lets go of its receivers."""
    seen = []
    with IssuingSimulator() as sim:
        account = sim.create_account()
        sim.deliver_webhooks_to(lambda payload, _signature: seen.append(payload))
    sim.fund_issuing(account, 5)

    assert [] == seen
