"""
Is garbage refused in Stripe's shape, whatever it is made of, and never with a 500 or a hang?
"""

import json
import random
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from issuing_disburse.simulator import IssuingSimulator
from issuing_disburse.simulator.catalogue import ENDPOINTS
from issuing_disburse.simulator.control import VERBS, control

FORM = "application/x-www-form-urlencoded"
TYPES = st.sampled_from([FORM, "application/json", "text/plain", "multipart/form-data", "", "é"])
NAMED = sorted({word for endpoint in ENDPOINTS for word in endpoint.params.fields})
HEADERS = st.dictionaries(
    st.sampled_from(
        ["Idempotency-Key", "Stripe-Version", "Stripe-Account", "Content-Type", "X-Other", "Host"]
    ),
    st.text(max_size=300),
    max_size=4,
)


class Target:
    """
    One simulator that garbage is thrown at, with something of each kind in it.
    """

    def __init__(self) -> None:
        self.sim = IssuingSimulator(seed=5, platform_funds=1_000_000)
        self.account = self.sim.create_account(issuing_funds=500_000)
        self.known = [self.account, self.sim.platform_account]
        holder = self.make(
            "cardholders",
            "name=Ada&type=company&billing[address][line1]=1&billing[address][city]=C"
            "&billing[address][postal_code]=1&billing[address][country]=US",
        )
        card = self.make("cards", f"cardholder={holder}&currency=usd&type=virtual&status=active")
        bought = self.sim.authorize(card, 1_000)
        captured = self.sim.capture(self.sim.authorize(card, 900)["id"])
        self.known += [holder, card, bought["id"], captured["transactions"][0]["id"]]

    def make(self, kind: str, body: str) -> str:
        return str(json.loads(self.send("POST", f"/v1/issuing/{kind}", body.encode()).body)["id"])

    def send(self, method: str, target: str, body: bytes = b"", **headers: str) -> Any:
        sent = {
            "Authorization": f"Bearer {self.sim.api_key}",
            "Stripe-Account": self.account,
            **headers,
        }
        return self.sim.handle(method, target, sent, body)


TARGET = Target()


def check(answer: Any) -> None:
    """
    Hold an answer to be a success, or an error in Stripe's shape.
    """
    content = json.loads(answer.body)
    if answer.status == 200:
        return

    assert 400 <= answer.status < 500, content
    assert isinstance(content["error"]["message"], str)
    assert content["error"]["type"] in {"invalid_request_error", "idempotency_error"}


@given(st.sampled_from(["GET", "POST", "DELETE", "PUT", ""]), st.text(), st.binary(), HEADERS)
@example("POST", "/v1/transfers", b"\xff", {})
@example("POST", "/v1/transfers", b"amount=" + b"9" * 5_000, {})
@example("GET", "/v1/issuing/cards/\udc80", b"", {})
@example("POST", "/v1/transfers", b"amount=%ED%B2%80", {"Idempotency-Key": "\udc80"})
def test_random_bytes_are_refused(method: str, path: str, body: bytes, headers: dict[str, str]):
    """Any text as path and header, any bytes as body."""
    for target in (path, "/v1/" + path, "/v1/transfers?" + path):
        check(TARGET.send(method, target, body, **headers))


PATHS = [endpoint.path for endpoint in ENDPOINTS]
VALUES = st.one_of(
    st.text(max_size=40),
    st.integers().map(str),
    st.floats().map(str),
    st.sampled_from(TARGET.known),
    st.sampled_from(
        ["", "true", "null", "-1", "0", "usd", "2" * 400, "1e9", "\uff12", "[]", "active"]
    ),
)
STEPS = st.lists(
    st.one_of(st.sampled_from(NAMED), st.just(""), st.text(max_size=5), st.just("0")), max_size=10
)


@st.composite
def forms(draw: st.DrawFn) -> bytes:
    """
    Forms of parameters that exist, of some that do not, nested any way, with values of any kind.
    """
    pairs = []
    for _ in range(draw(st.integers(0, 6))):
        name = draw(st.one_of(st.sampled_from(NAMED), st.text(max_size=8)))
        steps = "".join(f"[{step}]" for step in draw(STEPS))
        value = draw(VALUES).encode("utf-8", "surrogatepass")
        pairs.append(quote(name + steps, safe="[]", errors="replace") + "=" + quote(value))
    return "&".join(pairs).encode()


@given(st.sampled_from(ENDPOINTS), st.data(), forms(), TYPES)
def test_forms_of_any_shape_are_answered(
    endpoint: Any, data: st.DataObject, form: bytes, kind: str
):
    """Every endpoint, known and unknown ids, parameters that are almost right."""
    path = endpoint.path
    while ":id" in path:
        path = path.replace(":id", quote(data.draw(VALUES, "id"), safe="", errors="replace"), 1)
    as_query = endpoint.method != "POST"
    target = f"{path}?{form.decode()}" if as_query else path

    check(TARGET.send(endpoint.method, target, b"" if as_query else form, **{"Content-Type": kind}))


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"a" * 5_000_000, 413),
        (b"&".join(b"metadata[k%d]=v" % n for n in range(10_000)), 400),
        (b"&".join(b"p%d=v" % n for n in range(10_000)), 400),
        (b"&" * 10_000, 400),
        (b"metadata" + b"[a]" * 10_000 + b"=1", 400),
        (b"metadata" + b"[" * 10_000 + b"=1", 400),
        (b"[]=1", 400),
        (b"a[=1", 400),
        (b"amount[]=1&amount[x]=2", 400),
        (b"amount=1&amount[x]=2", 400),
        (b"amount=%00%ff", 400),
        (b"%", 400),
        (b"{" * 100_000, 400),
        (b"\x00" * 1_000, 400),
    ],
)
def test_notorious_bodies_are_refused(body: bytes, status: int):
    """Huge, many, deep, broken: each has its answer."""
    answer = TARGET.send("POST", "/v1/transfers", body)

    check(answer)
    assert status == answer.status


@pytest.mark.parametrize(
    "path",
    [
        "/v1/../etc/passwd",
        "/v1/issuing/cards/../../accounts",
        "/v1/issuing/cards/%2e%2e%2f%2e%2e%2fetc%2fpasswd",
        "/v1/issuing/cards/..%00",
        "//v1/balance",
        "/v1/balance/",
        "/V1/balance",
        "http://elsewhere/v1/balance",
        "/v1/issuing/cards/" + "a" * 100_000,
        "/" * 10_000,
        "",
        "*",
    ],
)
def test_paths_lead_nowhere_else(path: str):
    """No path leaves the routes, however it is written."""
    answer = TARGET.send("GET", path)

    check(answer)
    assert 404 == answer.status


@pytest.mark.parametrize(
    ("header", "value", "status"),
    [
        ("Authorization", "", 401),
        ("Authorization", "Bearer", 401),
        ("Authorization", "Basic ====", 401),
        ("Authorization", "Basic \udc80", 401),
        ("Authorization", "Bearer \udc80" + "x" * 10_000, 401),
        ("Authorization", "Digest abc", 401),
        ("Stripe-Version", "yesterday", 400),
        ("Stripe-Version", "9999", 400),
        ("Stripe-Account", "acct_none", 403),
        ("Stripe-Account", "", 403),
        ("Content-Type", "application/json", 400),
        ("Content-Type", "\udc80", 400),
        ("Idempotency-Key", "k" * 256, 400),
    ],
)
def test_bad_headers_are_refused(header: str, value: str, status: int):
    """Each has its status and the shape of Stripe's errors."""
    answer = TARGET.send("POST", "/v1/transfers", b"amount=1", **{header: value})

    check(answer)
    assert status == answer.status


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), VALUES),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner)
    ),
    max_leaves=8,
)
ARGUMENTS = (
    "card_id", "amount", "authorization_id", "account", "currency", "country", "seconds", "url",
    "action", "endpoint", "nth", "times", "probability", "allowed", "verdict", "merchant", "kind",
    "transaction_id", "payout_id", "topup_id", "dispute_id", "won", "close", "verification", "event",
)  # fmt: skip


def ask(verb: str, body: bytes, method: str = "POST", query: str = "") -> Any:
    headers = {"content-type": "application/json"}
    return control(TARGET.sim, method, f"/_simulator/{verb}", query, headers, body)


@given(
    st.sampled_from([*VERBS, "advance_clock", "faults", "webhooks", "nonsense"]),
    st.dictionaries(st.sampled_from(ARGUMENTS), JSON, max_size=5),
)
def test_control_takes_only_what_fits(verb: str, arguments: dict[str, Any]):
    """Any verb with any JSON: done, or refused in Stripe's shape; the simulator works on."""
    try:
        check(ask(verb, json.dumps(arguments).encode("utf-8", "replace")))
        check(TARGET.send("GET", "/v1/balance"))
    finally:
        TARGET.sim.faults.clear()
        TARGET.sim.limit_requests(None)


@given(st.binary(), st.sampled_from(["GET", "POST", "DELETE", "BREW"]), st.text(max_size=30))
def test_control_refuses_random_bytes(body: bytes, method: str, query: str):
    """Whatever is no JSON object is told so."""
    for verb in ("", "faults", "requests", "authorize"):
        check(ask(verb, body, method, query))


@pytest.mark.parametrize(
    "body",
    [b"[" * 100_000, b'{"a":' * 100_000, b"[]", b"null", b'{"amount":1e400}', b"\xff", b"{" * 9],
)
def test_control_refuses_notorious_bodies(body: bytes):
    """Deep, endless, of another kind."""
    answer = ask("authorize", body)

    check(answer)
    assert 400 == answer.status


def test_the_books_stand_after_all_that():
    """Balances still are the sums of their transactions, holds among them."""
    sim = TARGET.sim
    shuffled = random.Random(3)  # noqa: S311 - repeatable
    for _ in range(300):
        body = shuffled.randbytes(shuffled.randrange(200))
        TARGET.send("POST", shuffled.choice(PATHS), body)
    moved = sum(
        entry["net"]
        for entry in sim.objects("balance_transaction", TARGET.account)
        if (entry["balance_type"], entry["currency"]) == ("issuing", "usd")
    )

    assert moved == sim.issuing_balance(TARGET.account)
