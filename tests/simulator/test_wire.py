"""
Is the wire Stripe's: forms, errors, headers, keys, versions, pages, expansion, metadata?
"""

from base64 import b64encode
from datetime import timedelta

import pytest
import stripe
from orjson import loads

from issuing_disburse.simulator.errors import ApiError
from issuing_disburse.simulator.form import decode, encode

HOLDERS = "/v1/issuing/cardholders"
HOLDER = (
    b"name=Ada&type=company&billing[address][line1]=1&billing[address][city]=C"
    b"&billing[address][postal_code]=1&billing[address][country]=US"
)


def _error(answer):
    return loads(answer.body)["error"]


@pytest.mark.parametrize(
    ("raw", "tree"),
    [
        (b"", {}),
        (b"a=1&b=2", {"a": "1", "b": "2"}),
        (b"a=1+2%2B3", {"a": "1 2+3"}),
        (b"a[b][c]=1", {"a": {"b": {"c": "1"}}}),
        (b"a%5Bb%5D=1", {"a": {"b": "1"}}),
        (b"a[]=1&a[]=2", {"a": ["1", "2"]}),
        (b"a[0]=x&a[1]=y", {"a": {"0": "x", "1": "y"}}),
        (b"a[][b]=1&a[][c]=2&a[][b]=3", {"a": [{"b": "1", "c": "2"}, {"b": "3"}]}),
        (b"a", {"a": ""}),
        (b"&&=x&", {}),
        (b"a=%C3%A9", {"a": "é"}),
    ],
)
def test_form_is_decoded(raw, tree):
    """Nested, indexed, appended and escaped parameters are understood."""
    assert tree == decode(raw)


@pytest.mark.parametrize(
    "raw",
    [
        b"a=1&a[b]=2",
        b"a[b]=1&a=2",
        b"a[b]=1&a[]=2",
        b"a[]=1&a[b]=2",
        b"a[]=1&a[][b]=2",
        b"a[][b]=1&a[]=2&a[x][y]=3",
        b"a[b=1",
        b"[a]=1",
        b"a[][][b]=1",
        b"a[b][c]=1&a[b]=2",
        b"a[][b]=1&a[][]=2",
        b"a=%ff",
        b"\xff=1",
        b"a" + b"[b]" * 9 + b"=1",
        b"&".join(b"a%d=1" % place for place in range(2_001)),
    ],
)
def test_form_is_refused_when_it_has_two_shapes_or_none(raw):
    """What cannot be one tree is a 400."""
    with pytest.raises(ApiError) as caught:
        decode(raw)

    assert 400 == caught.value.status


def test_form_is_encoded_as_the_sdk_does():
    """Indexed lists, lower-case booleans, no nothing."""
    assert b"a%5B0%5D=1&a%5B1%5D=x+y&b%5Bc%5D=true" == encode(
        {"a": [1, "x y"], "b": {"c": True, "d": None}}
    )


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        (HOLDER + b"&nonsense=1", "parameter_unknown", "nonsense"),
        (HOLDER + b"&billing[zip]=1", "parameter_unknown", "billing[zip]"),
        (b"name=Ada", "parameter_missing", "billing"),
        (HOLDER + b"&status=", "parameter_invalid_empty", "status"),
        (HOLDER + b"&status[a]=b", None, "status"),
        (HOLDER + b"&status=odd", None, "status"),
        (HOLDER + b"&individual=", "parameter_invalid_empty", "individual"),
        (HOLDER + b"&company=x", None, "company"),
        (HOLDER + b"&preferred_locales=de", None, "preferred_locales"),
        (HOLDER + b"&preferred_locales[a]=de", None, "preferred_locales"),
        (HOLDER + b"&phone_number[a]=de", None, "phone_number"),
        (HOLDER + b"&metadata=x", None, "metadata"),
        (HOLDER + b"&metadata[a][b]=x", None, "metadata[a]"),
        (HOLDER + b"&metadata[" + b"k" * 41 + b"]=x", None, "metadata[" + "k" * 41 + "]"),
        (HOLDER + b"&metadata[k]=" + b"v" * 501, None, "metadata[k]"),
        (HOLDER + b"".join(b"&metadata[k%d]=v" % n for n in range(51)), None, "metadata"),
        (HOLDER.replace(b"name=Ada", b"name="), "parameter_invalid_empty", "name"),
    ],
)
def test_parameters_are_refused_with_the_right_error(bench, body, code, param):
    """Unknown, missing, empty and mistyped parameters each have their error; nothing is made."""
    answer = bench.raw("POST", HOLDERS, body)

    assert (400, code, param) == (
        answer.status,
        _error(answer).get("code"),
        _error(answer).get("param"),
    )
    assert [] == bench.sim.objects("cardholder")


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("limit=0", "parameter_invalid_integer"),
        ("limit=101", "parameter_invalid_integer"),
        ("limit=many", "parameter_invalid_integer"),
        ("limit=", "parameter_invalid_empty"),
        ("limit=" + "9" * 40, "parameter_invalid_integer"),
        ("limit[a]=1", "parameter_invalid_integer"),
        ("starting_after=ich_no", "resource_missing"),
        ("starting_after=a&ending_before=b", "parameters_exclusive"),
        ("created[near]=1", "parameter_unknown"),
        ("created=soon", "parameter_invalid_integer"),
        ("email=" + "x" * 6_000, "parameter_invalid_string_length"),
    ],
)
def test_list_parameters_are_refused_with_the_right_error(bench, query, code):
    """Lists judge their parameters like everything else."""
    answer = bench.raw("GET", f"{HOLDERS}?{query}")

    assert (400, code) == (answer.status, _error(answer).get("code"))


def test_pages_go_both_ways(bench):
    """Cursors are exclusive, newest is first, and has_more is right at both ends."""
    ids = [bench.holder(name=f"Holder {letter}").id for letter in "ABCDE"][::-1]
    holders, opt = bench.client.v1.issuing.cardholders, bench.opt

    def page(**params):
        found = holders.list(params, opt)
        return [each.id for each in found.data], found.has_more

    assert (ids[:2], True) == page(limit=2)
    assert (ids[2:4], True) == page(limit=2, starting_after=ids[1])
    assert (ids[4:], False) == page(limit=2, starting_after=ids[3])
    assert (ids[1:3], True) == page(limit=2, ending_before=ids[3])
    assert (ids[:1], False) == page(limit=2, ending_before=ids[1])
    assert ids == [each.id for each in holders.list({"limit": 2}, opt).auto_paging_iter()]


def test_created_narrows_a_list(bench):
    """All four bounds, and an exact moment."""
    moments = []
    for _ in range(3):
        moments.append(bench.holder().created)
        bench.sim.clock.sleep(10)
    holders = bench.client.v1.issuing.cardholders

    def count(created):
        return len(holders.list({"created": created}, bench.opt).data)

    middle = moments[1]
    assert [2, 1, 2, 1, 1] == [
        count({"gte": middle}),
        count({"gt": middle}),
        count({"lte": middle}),
        count({"lt": middle}),
        count(middle),
    ]


def test_expansion_replaces_ids_by_objects(bench):
    """Dotted paths are followed through lists, up to four levels, on any endpoint."""
    card = bench.card()
    bought = bench.sim.capture(bench.sim.authorize(card.id, 500)["id"])
    name = bought["transactions"][0]["id"]
    path = f"/v1/issuing/transactions/{name}"
    shown = bench.get(path, expand=["card.cardholder", "authorization", "dispute"])
    curl = loads(bench.raw("GET", f"{path}?expand[]=card").body)
    listed = bench.get("/v1/issuing/transactions", expand=["data.balance_transaction"])
    changed = bench.post(path, {"metadata": {"a": "b"}, "expand": ["cardholder"]})

    assert card.cardholder.id == shown["card"]["cardholder"]["id"]
    assert bought["id"] == shown["authorization"]["id"]
    assert shown["dispute"] is None
    assert card.id == curl["card"]["id"]
    assert -500 == listed["data"][0]["balance_transaction"]["net"]
    assert "Jenny Rosen" == changed["cardholder"]["name"]


@pytest.mark.parametrize(
    "path", ["nonsense", "amount", "type", "card.x", "a.b.c.d.e", "card.number"]
)
def test_expansion_is_refused_when_it_leads_nowhere(bench, path):
    """What is no reference cannot be expanded."""
    card = bench.card()
    name = bench.sim.force_capture(card.id, 500)["id"]
    answer = bench.raw("GET", f"/v1/issuing/transactions/{name}?expand[]={path}")

    assert (400, "expand") == (answer.status, _error(answer)["param"])


def test_metadata_merges_and_is_limited(bench):
    """Keys merge, empty values remove, and an object carries fifty at most."""
    holder = bench.holder(metadata={"a": "1", "b": "2"})
    path = f"{HOLDERS}/{holder.id}"

    def change(body):
        return loads(bench.raw("POST", path, body).body)

    assert {"a": "1", "c": "3"} == change(b"metadata[b]=&metadata[c]=3")["metadata"]
    many = b"&".join(b"metadata[k%d]=v" % place for place in range(49))
    assert "metadata" == change(many)["error"]["param"]
    assert {} == change(b"metadata=")["metadata"]


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
