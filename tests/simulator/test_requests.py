"""
Are keys, versions, idempotency and limits those of Stripe?
"""

from base64 import b64encode
from datetime import timedelta

import pytest
import stripe
from orjson import loads

HOLDERS = "/v1/issuing/cardholders"


HOLDER = (
    b"name=Ada&type=company&billing[address][line1]=1&billing[address][city]=C"
    b"&billing[address][postal_code]=1&billing[address][country]=US"
)


def _error(answer):
    return loads(answer.body)["error"]


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        ("", 401),
        ("Bearer", 401),
        ("Bearer sk_test_wrong_but_long_enough", 401),
        ("Bearer short", 401),
        ("Digest x", 401),
        ("Basic !!!", 401),
        ("Basic " + b64encode(b"\xff:").decode(), 401),
    ],
)
def test_wrong_keys_are_refused(bench, authorization, status):
    """No key, a wrong key and an unknown scheme are 401, without echoing the key."""
    answer = bench.raw("GET", "/v1/balance", Authorization=authorization)

    assert status == answer.status
    assert b"wrong_but" not in answer.body


def test_basic_authentication_works_as_curl_sends_it(bench):
    """The key may come as the user name."""
    basic = b64encode(f"{bench.sim.api_key}:".encode()).decode()

    assert 200 == bench.raw("GET", "/v1/balance", Authorization=f"Basic {basic}").status


def test_restricted_key_does_what_it_may(bench):
    """Reading and writing are allowed by path; everything else is 403."""
    key = bench.sim.restricted_key({HOLDERS: "write", "/v1/balance": "read"})
    bearer = f"Bearer {key}"

    def status(method, path, body=b""):
        return bench.raw(method, path, body, Authorization=bearer).status

    assert [200, 200, 200, 403, 403] == [
        status("GET", HOLDERS),
        status("POST", HOLDERS, HOLDER),
        status("GET", "/v1/balance"),
        status("GET", "/v1/issuing/cards"),
        status("POST", "/v1/balance_settings"),
    ]


def test_live_key_finds_nothing_here(bench):
    """A live key is told that the object is in test mode."""
    holder = bench.holder()
    bearer = f"Bearer {bench.sim.live_key()}"
    found = bench.raw("GET", f"{HOLDERS}/{holder.id}", Authorization=bearer)
    listed = bench.raw("GET", HOLDERS, Authorization=bearer)

    assert (404, 403) == (found.status, listed.status)
    assert b"a similar object exists in test mode" in found.body


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/nonsense", 404),
        ("PUT", HOLDERS, 404),
        ("GET", f"{HOLDERS}/ich_nope", 404),
        ("GET", "/v1/../etc/passwd", 404),
        ("GET", f"{HOLDERS}//", 404),
        ("GET", "", 404),
    ],
)
def test_unknown_paths_and_ids_are_404(bench, method, path, status):
    """What is not there is a Stripe-shaped 404."""
    answer = bench.raw(method, path)

    assert (status, "invalid_request_error") == (answer.status, _error(answer)["type"])


def test_object_of_another_account_is_missing(bench):
    """An id that belongs to someone else is not told apart from none."""
    holder = bench.holder()
    answer = bench.raw("GET", f"{HOLDERS}/{holder.id}", account=None)

    assert (404, "resource_missing") == (answer.status, _error(answer)["code"])


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({"Content_Type": "application/json"}, b"{}", 400),
        ({"Stripe_Version": "yesterday"}, HOLDER, 400),
        ({"Stripe_Version": "2025-03-31.basil; feature=v1"}, HOLDER, 200),
        ({}, b"a" * 1_000_001, 413),
        ({"Idempotency_Key": "k" * 256}, HOLDER, 400),
    ],
)
def test_envelope_is_checked(bench, headers, body, status):
    """Content type, version, size and key length are judged before the endpoint."""
    assert status == bench.raw("POST", HOLDERS, body, **headers).status


def test_answers_carry_their_headers(bench):
    """Each answer has a request id and says the version and the key it was made with."""
    answer = bench.raw("POST", HOLDERS, HOLDER, Idempotency_Key="k")

    assert answer.headers["Request-Id"].startswith("req_")
    assert ("k", "2026-10-28.endive") == (
        answer.headers["Idempotency-Key"],
        answer.headers["Stripe-Version"],
    )
    assert "Idempotent-Replayed" not in answer.headers


def test_key_replays_the_first_answer(bench):
    """The same request under the same key is carried out once, also when it was refused."""
    first, again = (bench.raw("POST", HOLDERS, HOLDER, Idempotency_Key="k") for _ in "ab")
    mixed = b"&".join(reversed(HOLDER.split(b"&")))
    shuffled = bench.raw("POST", HOLDERS, mixed, Idempotency_Key="k")
    card = b"type=virtual&currency=usd&cardholder=ich_nope"
    refusals = [bench.raw("POST", "/v1/issuing/cards", card, Idempotency_Key="c") for _ in "ab"]

    assert first.body == again.body == shuffled.body
    assert "true" == again.headers["Idempotent-Replayed"]
    assert first.headers["Request-Id"] == again.headers["Original-Request"]
    assert 1 == len(bench.sim.objects("cardholder"))
    assert refusals[0].body == refusals[1].body
    assert "true" == refusals[1].headers["Idempotent-Replayed"]


def test_key_is_refused_for_another_request(bench):
    """Other parameters or another endpoint under a used key are an idempotency error."""
    bench.raw("POST", HOLDERS, HOLDER, Idempotency_Key="k")
    for path, body in ((HOLDERS, HOLDER + b"&email=a@b.cd"), ("/v1/topups", HOLDER)):
        answer = bench.raw("POST", path, body, Idempotency_Key="k")
        assert (400, "idempotency_error") == (answer.status, _error(answer)["type"])


def test_key_is_free_again_after_a_failed_validation_or_a_day(bench):
    """What never began is not stored, and after 24 hours the key is new."""
    refused = bench.raw("POST", HOLDERS, b"name=Ada", Idempotency_Key="k")
    made = bench.raw("POST", HOLDERS, HOLDER, Idempotency_Key="k")
    bench.sim.clock.advance(timedelta(hours=24))
    anew = bench.raw("POST", HOLDERS, HOLDER, Idempotency_Key="k")

    assert [400, 200, 200] == [each.status for each in (refused, made, anew)]
    assert 2 == len(bench.sim.objects("cardholder"))


def test_key_belongs_to_an_account(bench):
    """The same key for two accounts is two requests."""
    other = bench.sim.create_account()
    bench.raw("POST", HOLDERS, HOLDER, Idempotency_Key="k")

    assert 200 == bench.raw("POST", HOLDERS, HOLDER, Idempotency_Key="k", account=other).status
    assert 2 == len(bench.sim.objects("cardholder"))


def test_key_in_use_is_a_conflict(bench):
    """While a request is carried out, its key answers 409, on no record."""
    receiver = bench.receiver()
    card = bench.card()
    path = "/v1/test_helpers/issuing/authorizations"
    body = f"card={card.id}&amount=500".encode()
    inner = []

    def repeat(event):
        if event["type"].endswith(".request"):
            inner.append(bench.raw("POST", path, body, Idempotency_Key="k"))

    receiver.before_reply = repeat
    outer = bench.raw("POST", path, body, Idempotency_Key="k")

    assert (409, "idempotency_key_in_use") == (inner[0].status, _error(inner[0])["code"])
    assert outer.body == bench.raw("POST", path, body, Idempotency_Key="k").body


def test_requests_are_recorded_without_secrets(bench):
    """A test can see what was received, without key and card secrets."""
    bench.raw("POST", HOLDERS, HOLDER + b"&number=4242424242424242", Idempotency_Key="k")
    bench.raw("POST", HOLDERS, b"a[b=1")
    seen, broken = bench.sim.requests

    assert ("POST", HOLDERS, bench.account, "k", 400) == (
        seen.method,
        seen.path,
        seen.account,
        seen.idempotency_key,
        seen.status,
    )
    assert "Ada" == seen.params["name"]
    assert "number" not in seen.params
    assert "authorization" not in seen.headers
    assert {} == broken.params


def test_rate_limit_is_kept_on_the_clock(make_bench):
    """Beyond the limit of a second 429s follow, unrecorded; the next second is free."""
    bench = make_bench(rate_limit=25)
    statuses = [bench.raw("GET", "/v1/balance").status for _ in range(26)]
    limited = bench.raw("GET", "/v1/balance")
    bench.sim.clock.sleep(1)

    assert [200] * 25 + [429] == statuses
    assert "global-rate" == limited.headers["Stripe-Rate-Limited-Reason"]
    assert 200 == bench.raw("GET", "/v1/balance").status


def test_endpoint_has_a_limit_of_its_own(make_bench):
    """With 100 a second in all, one endpoint still takes 25."""
    bench = make_bench(rate_limit=100)
    for _ in range(25):
        bench.raw("GET", "/v1/balance")
    limited = bench.raw("GET", "/v1/balance")

    assert "endpoint-rate" == limited.headers["Stripe-Rate-Limited-Reason"]
    assert 200 == bench.raw("GET", HOLDERS).status


def test_ephemeral_key_shows_a_card_for_a_quarter_of_an_hour(bench):
    """A key needs a version and a fresh nonce, hides its secret afterwards, and ends."""
    card, opt = bench.card(), {**bench.opt, "stripe_version": "2026-10-28.endive"}
    keys = bench.client.v1.ephemeral_keys
    made = keys.create({"issuing_card": card.id, "nonce": "n"}, opt)
    with pytest.raises(stripe.InvalidRequestError, match="already been used"):
        keys.create({"issuing_card": card.id, "nonce": "n"}, opt)
    gone = keys.delete(made.id, {}, bench.opt)
    with pytest.raises(stripe.InvalidRequestError):
        keys.delete(made.id, {}, bench.opt)

    assert made.secret.startswith("ek_test_")
    assert 900 == made.expires - made.created
    assert "secret" not in gone


@pytest.mark.parametrize(
    ("body", "version", "status"),
    [
        (b"issuing_card=%b&nonce=n", "", 400),
        (b"issuing_card=%b&nonce=n", "2019-12-03", 400),
        (b"issuing_card=%b", "2026-10-28.endive", 400),
        (b"customer=%b", "2026-10-28.endive", 400),
    ],
)
def test_ephemeral_key_is_refused_when_something_is_missing(bench, body, version, status):
    """Version, card and nonce are all needed."""
    card = bench.card().id.encode()
    headers = {"Stripe_Version": version} if version else {}

    assert status == bench.raw("POST", "/v1/ephemeral_keys", body % card, **headers).status


def test_ephemeral_key_needs_the_feature(bench):
    """Without Issuing Elements on Connect the key is refused."""
    bench.account = bench.sim.create_account(issuing_elements=False)
    body = f"issuing_card={bench.card().id}&nonce=n".encode()
    answer = bench.raw("POST", "/v1/ephemeral_keys", body, Stripe_Version="2026-10-28.endive")

    assert 403 == answer.status


def test_tokens_are_listed_empty(bench):
    """Wallets are not imitated: there is no token."""
    tokens = bench.client.v1.issuing.tokens

    assert [] == tokens.list({"card": bench.card().id}, bench.opt).data
    with pytest.raises(stripe.InvalidRequestError):
        tokens.retrieve("intok_nope", {}, bench.opt)


def test_streaming_and_closing_work_through_the_transport(bench):
    """The transport is a whole HTTP client, header names without case included."""
    client = bench.sim.http_client()
    headers = {"Authorization": f"Bearer {bench.sim.api_key}"}
    stream, status, found = client.request_stream(
        "get", "https://api.stripe.com/v1/events?limit=1", headers
    )
    found["X"] = "1"
    del found["x"]
    client.close()

    assert 200 == status
    assert b'"object":"list"' in stream.read()
    assert "request-id" in found
    assert found["REQUEST-ID"].startswith("req_")
    assert 3 == len(list(found)) == len(found)
    assert "Request-Id" in repr(found)
