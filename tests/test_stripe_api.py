"""
Is Stripe asked with the same bytes until it answers, and every answer understood?
"""

import os
import threading
import warnings
from typing import Any

import pytest
import stripe

from issuing_disburse.exceptions import (
    DisburseError,
    NotPermittedError,
    RefusedError,
    UnavailableError,
    UnknownOutcomeError,
)
from issuing_disburse.prepared import Request
from issuing_disburse.stripe_api import API_VERSION, PREVIEW_VERSION, translated
from scripted_client import (
    KEY,
    Scripted,
    ScriptedClient,
    failing,
    lost,
    make_api,
    ok,
    prepared,
    refused,
)


def test_post_carries_key_account_version_and_exactly_the_encoded_bytes() -> None:
    """What the journal stores is what the wire sees."""
    api, wire, naps = make_api(ok(id="ich_1", object="issuing.cardholder"))
    call = prepared(api)

    assert {"id": "ich_1"} == call("idb_1")
    sent = wire.sent[0]
    assert ("post", "https://api.stripe.com/v1/issuing/cardholders") == (sent.method, sent.url)
    assert ("idb_1", "acct_1", API_VERSION, f"Bearer {KEY}") == (
        sent.key,
        sent.headers["Stripe-Account"],
        sent.headers["Stripe-Version"],
        sent.headers["Authorization"],
    )
    assert call.request.body.decode() == sent.body
    assert "name=Jenny+Rosen&billing[address][city]=Columbus" == sent.body
    assert [] == naps


@pytest.mark.parametrize(
    "trouble",
    [
        lost(),
        refused(409, code="idempotency_key_in_use"),
        refused(429, code="rate_limit"),
        refused(429, code="lock_timeout"),
        refused(400, code="rate_limit"),
        refused(500),
        refused(502),
        refused(503, {"Stripe-Should-Retry": "true"}),
        refused(424),
        Scripted(status=500, body=b"<html>"),
        Scripted(status=200, body=b"cut of"),
        Scripted(raises=RuntimeError("bug in a transport")),
    ],
)
def test_same_bytes_go_out_under_the_same_key_until_there_is_an_answer(trouble: Scripted) -> None:
    """Four tries that say nothing, one nap each, and a fifth that works: five equal requests."""
    api, wire, naps = make_api(trouble, trouble, trouble, trouble, ok(id="ich_1"))

    assert {"id": "ich_1"} == prepared(api)("idb_1")
    assert 5 == len(wire.sent)
    assert 1 == len({(one.method, one.url, one.key, one.body) for one in wire.sent})
    assert 4 == len(naps)
    assert all(0 <= nap <= 8 for nap in naps)


def test_tries_end_after_five() -> None:
    """Who never gets an answer is told so, with the last reason, and may ask again."""
    api, wire, naps = make_api(lost())
    error = failing(lambda: prepared(api)("idb_1"))

    assert UnknownOutcomeError is type(error)
    assert (5, 4) == (len(wire.sent), len(naps))


@pytest.mark.parametrize(
    "answer",
    [
        refused(400),
        refused(400, type="idempotency_error"),
        refused(401),
        refused(402),
        refused(403),
        refused(404, code="resource_missing"),
        refused(500, {"Stripe-Should-Retry": "false"}),
        refused(500, {"Idempotent-Replayed": "true"}),
        refused(503, {"stripe-should-retry": "false"}),
    ],
)
def test_definite_answers_are_not_asked_for_again(answer: Scripted) -> None:
    """A refusal, or a failure that Stripe has recorded, could only repeat."""
    api, wire, naps = make_api(answer)
    failing(lambda: prepared(api)("idb_1"))

    assert (1, []) == (len(wire.sent), naps)


@pytest.mark.parametrize(
    ("answer", "kind", "is_recorded"),
    [
        (refused(400), RefusedError, None),
        (refused(400, type="idempotency_error"), RefusedError, None),
        (refused(402), RefusedError, None),
        (refused(404), RefusedError, None),
        (refused(418), RefusedError, None),
        (refused(401), NotPermittedError, False),
        (refused(403), NotPermittedError, False),
        (refused(403, {"Idempotent-Replayed": "true"}), NotPermittedError, True),
        (refused(400, code="rate_limit"), UnavailableError, False),
        (refused(409), UnavailableError, False),
        (refused(429), UnavailableError, False),
        (refused(424), UnknownOutcomeError, False),
        (refused(500), UnknownOutcomeError, False),
        (refused(504), UnknownOutcomeError, False),
        (refused(500, {"Stripe-Should-Retry": "true"}), UnknownOutcomeError, False),
        (refused(500, {"Stripe-Should-Retry": "false"}), UnknownOutcomeError, True),
        (refused(500, {"IDEMPOTENT-REPLAYED": "true"}), UnknownOutcomeError, True),
        (Scripted(status=502, body=b"<html>"), UnknownOutcomeError, False),
        (Scripted(status=200, body=b"no json"), UnknownOutcomeError, False),
        (Scripted(status=302, body=b""), UnknownOutcomeError, False),
        (lost(), UnknownOutcomeError, False),
        (Scripted(raises=ValueError("odd")), UnknownOutcomeError, False),
    ],
)
def test_errors_of_an_effect_are_cut_by_what_to_do_next(
    answer: Scripted, kind: type[DisburseError], *, is_recorded: bool | None
) -> None:
    """Each status of a POST has one class, and says whether Stripe keeps it under the key."""
    api, _, _ = make_api(answer)
    error = failing(lambda: prepared(api)("idb_1"))

    assert kind is type(error)
    assert is_recorded == getattr(error, "is_recorded", None)


@pytest.mark.parametrize(
    ("answers", "kind"),
    [
        ([lost(), refused(401, code="api_key_expired")], UnknownOutcomeError),
        ([refused(500), refused(403)], UnknownOutcomeError),
        ([lost(), refused(400)], RefusedError),
        ([refused(409), refused(401)], NotPermittedError),
        ([refused(409), refused(429)], UnavailableError),
    ],
)
def test_outcome_is_unknown_when_a_try_was_lost_before_the_key_was_refused(
    answers: list[Scripted], kind: type[DisburseError]
) -> None:
    """A refused API key says what the last try did not do; a lost one before it stays unknown."""
    api, wire, _ = make_api(*answers)
    error = failing(lambda: prepared(api)("idb_1"))

    assert kind is type(error)
    assert len(wire.sent) > 1


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (refused(404, code="resource_missing"), RefusedError),
        (refused(403), NotPermittedError),
        (refused(429), UnavailableError),
        (refused(500, {"Stripe-Should-Retry": "false"}), UnavailableError),
        (Scripted(status=200, body=b"no json"), UnavailableError),
        (lost(), UnavailableError),
    ],
)
def test_errors_of_a_read_leave_nothing_unknown(
    answer: Scripted, kind: type[DisburseError]
) -> None:
    """A GET has no effect, so no outcome of it can be unknown; nor is it kept under a key."""
    api, _, _ = make_api(answer)
    error = failing(lambda: api.get("/v1/balance", account=None))

    assert kind is type(error)
    assert not getattr(error, "is_recorded", False)


def test_error_says_what_support_will_ask_for() -> None:
    """Request id, code, parameter and Stripe's own words, cut to a length."""
    answer = refused(400, code="parameter_missing", param="billing", message="Missing " * 100)
    api, _, _ = make_api(answer)
    error = failing(lambda: prepared(api)("idb_1"))

    assert ("req_1", "parameter_missing", "billing") == (
        error.stripe_request_id,
        error.code,
        error.param,
    )
    assert ("Missing Missing", 400) == (str(error)[:15], len(str(error)))


def test_error_without_a_reason_says_so() -> None:
    """An answer that explains nothing still becomes a sentence."""
    api, _, _ = make_api(Scripted(status=400, body=b'{"error": {}}'))

    assert "Stripe gave no reason" == str(failing(lambda: prepared(api)("idb_1")))
    bare = translated(stripe.APIError("x", http_status=500), is_effect=True)
    assert ("Stripe failed (HTTP 500)", None) == (str(bare), bare.stripe_request_id)


@pytest.mark.parametrize("method", ["get", "post"])
def test_request_carries_the_headers_that_the_sdk_would_send(method: str) -> None:
    """Stripe sees the SDK, whoever built the request; only its measurements are left out."""
    api, ours, _ = make_api(ok(id="ich_1"))
    theirs = ScriptedClient(ok(id="ich_1"))
    theirs.name = "issuing_disburse"
    client = stripe.StripeClient(KEY, http_client=theirs)
    options = {"stripe_account": "acct_1", "stripe_version": API_VERSION}
    if method == "get":
        api.get("/v1/balance", account="acct_1")
        client.raw_request("get", "/v1/balance", **options)
    else:
        prepared(api)("idb_1")
        client.raw_request("post", "/v1/issuing/cardholders", idempotency_key="idb_1", **options)

    assert theirs.sent[0].headers == ours.sent[0].headers
    assert theirs.sent[0].url == ours.sent[0].url


def test_get_sends_its_query_and_no_key() -> None:
    """A read carries its parameters in the address, and nothing that makes it look like an effect."""
    api, wire, _ = make_api(ok(id="ic_1"))
    answer = api.get("/v1/issuing/cards/ic_1", {"expand": ["cardholder"]}, account="acct_1")
    api.get("/v1/balance", account=None)

    assert "ic_1" == answer["id"]
    assert "https://api.stripe.com/v1/issuing/cards/ic_1?expand[0]=cardholder" == wire.sent[0].url
    assert "https://api.stripe.com/v1/balance" == wire.sent[1].url
    assert "Stripe-Account" not in wire.sent[1].headers
    assert [(None, None), (None, None)] == [(one.key, one.body) for one in wire.sent]


def test_preview_calls_carry_the_preview_version() -> None:
    """Only endpoints that a preview has get its version; both are settings."""
    api, wire, _ = make_api(
        ok(id="x"), version="2026-01-01.a", preview_version="2026-02-02.preview"
    )
    prepared(api)("idb_1")
    prepared(api, is_preview=True)("idb_2")
    default, _, _ = make_api(ok())

    assert ["2026-01-01.a", "2026-02-02.preview"] == [
        one.headers["Stripe-Version"] for one in wire.sent
    ]
    assert (API_VERSION, PREVIEW_VERSION) == (default.version, default.preview_version)


def test_stored_request_is_sent_as_it_was_stored() -> None:
    """A deploy between crash and resume changes neither body nor version nor account."""
    api, wire, _ = make_api(ok(id="ich_1"))
    stored = prepared(api).encoded
    newer = api.prepare("/v1/other", {"name": "New"}, account="acct_2", keep=dict, is_preview=True)
    newer.as_stored(stored)("idb_1")

    assert Request.from_bytes(stored) == prepared(api).request
    assert ("https://api.stripe.com/v1/issuing/cardholders", "acct_1", API_VERSION) == (
        wire.sent[0].url,
        wire.sent[0].headers["Stripe-Account"],
        wire.sent[0].headers["Stripe-Version"],
    )
    assert "name=Jenny+Rosen&billing[address][city]=Columbus" == wire.sent[0].body


@pytest.mark.parametrize("last", [{"has_more": False}, {}, {"has_more": True, "data": []}])
def test_pages_are_walked_to_the_end(last: dict[str, Any]) -> None:
    """Each page starts after the last object of the one before; an empty page is the end."""
    first = ok(data=[{"id": "a"}, {"id": "b"}], has_more=True)
    api, wire, _ = make_api(
        first, ok(data=[{"id": "c"}], has_more=True), ok(**{"data": [], **last})
    )
    found = [one["id"] for one in api.pages("/v1/issuing/cards", {"status": "active"}, account="a")]

    assert ["a", "b", "c"] == found
    assert [
        "status=active&limit=100",
        "status=active&limit=100&starting_after=b",
        "status=active&limit=100&starting_after=c",
    ] == [one.url.partition("?")[2] for one in wire.sent]


def test_base_address_may_be_another_one() -> None:
    """A simulator over HTTP, or a proxy, is one setting away."""
    api, wire, _ = make_api(ok(), api_base="http://127.0.0.1:12111")
    api.get("/v1/balance", account=None)

    assert "http://127.0.0.1:12111/v1/balance" == wire.sent[0].url


def test_threads_share_one_connection_when_they_come_at_once() -> None:
    """Whoever comes first opens it, the others wait for that one, and nobody's body goes astray."""
    api, wire, _ = make_api(ok(id="ich_1"))
    barrier = threading.Barrier(8)

    def work(number: int) -> None:
        call = api.prepare("/v1/x", {"n": number}, account=None, keep=dict)
        barrier.wait(timeout=10)
        for turn in range(5):
            call(f"{number}-{turn}")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)

    assert 40 == len(wire.sent)
    assert {f"n={one.key.partition('-')[0]}" == one.body for one in wire.sent if one.key} == {True}


def test_child_process_opens_a_connection_of_its_own() -> None:
    """After a fork the child does not write into its parent's connection."""
    api, _, _ = make_api(ok(id="ich_1"))
    api.get("/v1/balance", account=None)
    before = vars(api)["_lines"].line()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # 3.12 warns when threads are about
        child = os.fork()
    if child == 0:
        code = 2
        try:
            api.get("/v1/balance", account=None)
            code = 1 if vars(api)["_lines"].line() is before else 0
        finally:
            os._exit(code)

    assert 0 == os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    api.get("/v1/balance", account=None)
    assert before is vars(api)["_lines"].line()


def test_child_does_not_wait_for_a_thread_that_it_has_not() -> None:
    """A fork in the middle of another thread's first call leaves the child free to make its own."""
    api, _, _ = make_api(ok(id="ich_1"))
    with vars(api)["_lines"]._own_lock(), warnings.catch_warnings():  # noqa: SLF001 - as in a first call
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
        if child == 0:
            code = 2
            try:
                asking = threading.Thread(target=lambda: api.get("/v1/balance", account=None))
                asking.daemon = True
                asking.start()
                asking.join(20)
                code = 1 if asking.is_alive() else 0
            finally:
                os._exit(code)

    assert 0 == os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_close_closes_the_connection_once_and_the_next_call_opens_another() -> None:
    """Closing what was never opened, and closing twice, are fine."""
    api, wire, _ = make_api(ok(id="x"))
    api.close()
    assert not wire.is_closed
    api.get("/v1/balance", account=None)
    api.close()
    api.close()

    assert wire.is_closed
    assert {"id": "x"} == api.get("/v1/balance", account=None)
