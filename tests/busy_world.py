"""
What can happen on a platform, and what must hold whatever has happened?
"""

import hmac
from collections import Counter, defaultdict
from datetime import timedelta
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

from attrs import field, frozen
from orjson import dumps, loads

from issuing_disburse.simulator import IssuingSimulator, Response, SimulatorError

VERSION = "2026-10-28.endive"
HELPERS = "/v1/test_helpers/issuing"
TEST_NUMBERS = b"400000999"
HOLDER = {
    "name": "Ada",
    "type": "company",
    "phone_number": "+18008675309",
    "billing[address][line1]": "1",
    "billing[address][city]": "C",
    "billing[address][postal_code]": "1",
    "billing[address][country]": "US",
}
ACTIONS = (
    "hold_a_card", "hold_a_card", "hold_a_card", "change_a_card", "replace_a_card", "change_a_holder", "screen",
    "authorize", "authorize", "authorize", "probe", "increment", "reverse", "expire", "finalize",
    "capture", "capture", "capture_in_part", "capture_too_much", "refund", "take_back_refund",
    "force_capture", "unlinked_refund", "dispute", "submit_dispute", "decide_dispute",
    "transfer", "reverse_transfer", "to_issuing", "to_payments", "top_up", "end_top_up",
    "fund_balance", "pay_out", "end_payout", "reverse_payout", "switch_issuing", "label",
    "advance", "wait_a_week", "repeat", "reuse_a_key", "err", "look", "turn",
)  # fmt: skip
MOODS = (
    b'{"approved":true}', b'{"approved":true}', b'{"approved":true,"amount":150}',
    b'{"approved":false}', b'{"approved":true,"metadata":{"a":"b"}}', b"{}", b"late", b"broken",
    b"own approval", b"own refusal",
)  # fmt: skip
ERRORS = (
    ("/v1/issuing/cards", "currency=usd"),
    ("/v1/issuing/cards", "currency=usd&type=virtual&cardholder=ich_nobody"),
    ("/v1/issuing/cards", "currency=usd&type=physical&cardholder=ich_nobody"),
    ("/v1/issuing/cardholders", "name=&nonsense=1"),
    ("/v1/issuing/disputes", "transaction=ipi_nobody"),
    ("/v1/balance_transfers", "amount=0&currency=usd"),
    ("/v1/topups", "amount=many&currency=usd"),
    ("/v1/payouts", "amount=1&currency=usd&expand[]=nonsense"),
    (f"{HELPERS}/authorizations", "card=ic_nobody&amount=1"),
    (f"{HELPERS}/authorizations", "card=ic_nobody&amount=-1"),
    (f"{HELPERS}/fund_balance", "amount=1&currency=jpy"),
    ("/v1/nothing", "a=b"),
)


@frozen
class Reply:
    """
    What the receiver answers.
    """

    body: bytes
    status: int = 200
    headers: dict[str, str] = field(factory=lambda: {"Stripe-Version": VERSION})


class BusyWorld:
    """
    One simulator under random actions; an action may be refused, but never break an invariant.

    There is an American and a British account, a receiver of changing moods that decides and
    listens, and a clock; everything goes over the wire, as bytes.
    """

    def __init__(self, seed: int) -> None:
        self.sim = sim = IssuingSimulator(
            seed=seed, platform_funds={"usd": 1_000_000, "gbp": 900_000}
        )
        self.accounts = {
            sim.create_account(issuing_funds=200_000_000): "usd",
            sim.create_account(country="GB", issuing_funds=300_000, payouts="weekly"): "gbp",
        }
        self.done: Counter[str] = Counter()
        self.calls = 0
        self.mood = MOODS[0]
        self.made: dict[tuple[str, str], list[str]] = defaultdict(list)
        self.dead: set[str] = set()
        self.heard: set[str] = set()
        self.seen_events = 0
        self.account = next(iter(self.accounts))
        self.untold = len(sim.events())
        sim.deliver_webhooks_to(self.receive)
        for account in self.accounts:
            self.account = account
            self.keep("holders", self.post("/v1/issuing/cardholders", HOLDER))
            self.do_hold_a_card(0, 0)

    # The wire.

    def send(self, method: str, path: str, body: bytes, key: str, *, own: bool) -> Response:
        """
        Send one request; no answer may be a 5xx or show a card number.
        """
        headers = {"Authorization": f"Bearer {self.sim.api_key}", "Idempotency-Key": key}
        if own:
            headers["Stripe-Account"] = self.account
        answer = self.sim.handle(method, path, headers, body)
        assert answer.status < 500, answer.body
        assert TEST_NUMBERS not in answer.body, path
        return answer

    def post(self, path: str, params: dict[str, Any] | str = "", *, own: bool = True) -> Any:
        """
        Post under a key of its own and return what came back, decoded.
        """
        self.calls += 1
        body = (params if isinstance(params, str) else urlencode(params)).encode()
        key = f"key-{self.calls}"
        answer = self.send("POST", path, body, key, own=own)
        until = self.sim.clock.now() + timedelta(hours=24)
        self.last = (path, body, own, self.account, key, answer, until)
        return loads(answer.body)

    def keep(self, kind: str, made: Any) -> None:
        """
        Remember what was made, for later actions.
        """
        if isinstance(made, dict) and "id" in made:
            self.made[self.account, kind].append(made["id"])

    def any(self, kind: str, pick: int) -> str:
        """
        Return the id of something made before; every other time one of the newest, which are
        more often alive.
        """
        known = self.made[self.account, kind]
        known = known[-8:] if pick % 2 else known
        return known[pick // 2 % len(known)] if known else "nobody"

    def act(self, action: str, pick: int, amount: int) -> None:
        """
        Carry out one action on something picked, with *amount* minor units.
        """
        self.account = list(self.accounts)[pick % 2]
        self.currency = self.accounts[self.account]
        try:
            getattr(self, "do_" + action)(pick // 2, amount)
        except SimulatorError:
            self.done[f"{action}, refused"] += 1
        else:
            self.done[action] += 1

    # The receiver.

    def receive(self, payload: bytes, signature: str) -> Reply:
        """
        Verify, remember, and answer as the mood is.
        """
        stamp, _, rest = signature.removeprefix("t=").partition(",v1=")
        digest = hmac.new(
            self.sim.webhook_secret.encode(), stamp.encode() + b"." + payload, sha256
        ).hexdigest()
        assert digest in rest.split(",v1=")
        event = loads(payload)
        if event["type"] != "issuing_authorization.request":
            if self.mood == b"broken":
                raise ConnectionError
            self.heard.add(event["id"])
            return Reply(b"")
        question = event["data"]["object"]
        assert question["pending_request"] is not None
        assert "pending" == question["status"]
        if self.mood == b"broken":
            raise ConnectionError
        if self.mood == b"late":
            raise TimeoutError
        if self.mood.startswith(b"own"):
            verb = "approve" if self.mood == b"own approval" else "decline"
            self.post(f"/v1/issuing/authorizations/{question['id']}/{verb}")
            return Reply(dumps({"approved": verb != "approve"}))
        return Reply(self.mood)

    def do_turn(self, pick: int, amount: int) -> None:
        self.mood = MOODS[pick % len(MOODS)]

    # Holders and cards.

    def do_hold_a_card(self, pick: int, amount: int) -> None:
        params: dict[str, Any] = {
            "cardholder": self.any("holders", pick),
            "currency": self.accounts[self.account],
            "type": "virtual",
            "status": "inactive" if pick % 7 == 6 else "active",
        }
        if pick % 2:
            params["lifecycle_controls[cancel_after][payment_count]"] = 1 + pick % 3
        if pick % 3:
            interval = ("all_time", "daily", "per_authorization", "weekly")[pick % 4]
            params["spending_controls[spending_limits][0][amount]"] = amount
            params["spending_controls[spending_limits][0][interval]"] = interval
        self.keep("cards", self.post("/v1/issuing/cards", params))

    def do_change_a_card(self, pick: int, amount: int) -> None:
        limit = {
            "spending_controls[spending_limits][0][amount]": amount,
            "spending_controls[spending_limits][0][interval]": "monthly",
        }
        change = (
            "status=inactive",
            *["status=active"] * 8,
            "status=canceled",
            "status=canceled&cancellation_reason=lost",
            urlencode(limit),
            "spending_controls[blocked_categories][]=bakeries",
        )[pick % 13]
        self.post(f"/v1/issuing/cards/{self.any('cards', pick)}", change)

    def do_replace_a_card(self, pick: int, amount: int) -> None:
        params = {
            "cardholder": self.any("holders", pick),
            "currency": self.currency,
            "type": "virtual",
            "status": "active",
            "replacement_for": self.any("cards", pick),
            "replacement_reason": ("damaged", "lost", "expired", "stolen")[pick % 4],
        }
        self.keep("cards", self.post("/v1/issuing/cards", params))

    def do_change_a_holder(self, pick: int, amount: int) -> None:
        if pick % 5 == 0:
            self.keep("holders", self.post("/v1/issuing/cardholders", HOLDER))
        changes = ("status=inactive", *["status=active"] * 8, "email=a@example.com")
        change = changes[pick // 5 % len(changes)]
        self.post(f"/v1/issuing/cardholders/{self.any('holders', pick)}", change)

    def do_screen(self, pick: int, amount: int) -> None:
        verdict = (*[None] * 9, "under_review", "listed")[pick % 11]
        self.sim.set_screening(self.any("holders", pick), verdict)

    def do_switch_issuing(self, pick: int, amount: int) -> None:
        self.sim.disable_issuing(self.account, "rejected.other" if pick % 11 == 0 else None)

    # Merchants.

    def _ask(self, pick: int, amount: int) -> None:
        params: dict[str, Any] = {
            "card": self.any("cards", pick),
            "amount": amount,
            "is_amount_controllable": "true" if pick % 3 == 0 else "false",
        }
        if pick % 4 == 0:
            params["merchant_data[category]"] = "hotels_motels_and_resorts"
        made = self.post(f"{HELPERS}/authorizations", params)
        self.keep("authorizations", made)
        if made["approved"]:
            self.keep("approved", made)

    def do_authorize(self, pick: int, amount: int) -> None:
        self._ask(pick, amount)

    def do_probe(self, pick: int, amount: int) -> None:
        self._ask(pick, amount % 101)

    def _on_authorization(self, pick: int, verb: str, params: dict[str, Any]) -> None:
        name = self.any("approved" if pick % 4 else "authorizations", pick // 4)
        made = self.post(f"{HELPERS}/authorizations/{name}/{verb}", params)
        for each in made.get("transactions", ()):
            if each["id"] not in self.made[self.account, "transactions"]:
                self.keep("transactions", each)

    def do_increment(self, pick: int, amount: int) -> None:
        self._on_authorization(pick, "increment", {"increment_amount": amount // 4 + 1})

    def do_reverse(self, pick: int, amount: int) -> None:
        self._on_authorization(
            pick, "reverse", {"reverse_amount": amount // 4 + 1} if pick % 2 else {}
        )

    def do_expire(self, pick: int, amount: int) -> None:
        self._on_authorization(pick, "expire", {})

    def do_finalize(self, pick: int, amount: int) -> None:
        self._on_authorization(pick, "finalize_amount", {"final_amount": amount})

    def do_capture(self, pick: int, amount: int) -> None:
        self._on_authorization(pick, "capture", {})

    def do_capture_in_part(self, pick: int, amount: int) -> None:
        params = {"capture_amount": amount // 3 + 1, "close_authorization": "false"}
        self._on_authorization(pick, "capture", params)

    def do_capture_too_much(self, pick: int, amount: int) -> None:
        self._on_authorization(pick, "capture", {"capture_amount": 60_000 + amount})

    def do_refund(self, pick: int, amount: int) -> None:
        params = {"refund_amount": amount // 5 + 1} if pick % 2 else {}
        name = self.any("transactions", pick)
        self.keep("refunds", self.post(f"{HELPERS}/transactions/{name}/refund", params))

    def do_take_back_refund(self, pick: int, amount: int) -> None:
        self.sim.take_back_refund(self.any("refunds", pick))

    def _unprompted(self, verb: str, kind: str, pick: int, amount: int) -> None:
        params = {"card": self.any("cards", pick), "amount": amount}
        self.keep(kind, self.post(f"{HELPERS}/transactions/{verb}", params))

    def do_force_capture(self, pick: int, amount: int) -> None:
        self._unprompted("create_force_capture", "transactions", pick, amount)

    def do_unlinked_refund(self, pick: int, amount: int) -> None:
        self._unprompted("create_unlinked_refund", "refunds", pick, amount)

    # Disputes.

    def do_dispute(self, pick: int, amount: int) -> None:
        params = {
            "transaction": self.any("transactions", pick),
            "evidence[reason]": "fraudulent",
            "evidence[fraudulent][explanation]": "Not ours",
        }
        self.keep("disputes", self.post("/v1/issuing/disputes", params))

    def do_submit_dispute(self, pick: int, amount: int) -> None:
        self.post(f"/v1/issuing/disputes/{self.any('disputes', pick)}/submit")

    def do_decide_dispute(self, pick: int, amount: int) -> None:
        self.sim.decide_dispute(self.any("disputes", pick), won=pick % 2 == 0)

    # Money.

    def do_transfer(self, pick: int, amount: int) -> None:
        params = {"amount": amount, "currency": self.currency, "destination": self.account}
        self.keep("transfers", self.post("/v1/transfers", params, own=False))

    def do_reverse_transfer(self, pick: int, amount: int) -> None:
        name = self.any("transfers", pick)
        self.post(f"/v1/transfers/{name}/reversals", {"amount": amount // 2 + 1}, own=False)

    def _move(self, source: str, destination: str, amount: int) -> None:
        params = {
            "amount": amount,
            "currency": self.currency,
            "source_balance[type]": source,
            "destination_balance[type]": destination,
        }
        self.post("/v1/balance_transfers", params)

    def do_to_issuing(self, pick: int, amount: int) -> None:
        self._move("payments", "issuing", amount)

    def do_to_payments(self, pick: int, amount: int) -> None:
        self._move("issuing", "payments", amount)

    def do_top_up(self, pick: int, amount: int) -> None:
        params = {"amount": amount, "currency": self.currency}
        if pick % 2:
            params["destination_balance"] = "issuing"
        if pick % 3 == 0:
            params["source"] = "btok_us_verified_noAccount"
        self.keep("topups", self.post("/v1/topups", params))

    def do_end_top_up(self, pick: int, amount: int) -> None:
        name = self.any("topups", pick)
        if pick % 4 == 0:
            self.post(f"/v1/topups/{name}/cancel")
        else:
            outcome = ("", "succeeded", "reversed", "account_closed")[pick % 4]
            self.sim.settle_topup(name, outcome)

    def do_fund_balance(self, pick: int, amount: int) -> None:
        self.post(f"{HELPERS}/fund_balance", {"amount": amount, "currency": self.currency})

    def do_pay_out(self, pick: int, amount: int) -> None:
        params = {"amount": amount, "currency": self.currency}
        if pick % 2:
            params["source_balance"] = "issuing"
        self.keep("payouts", self.post("/v1/payouts", params))

    def do_end_payout(self, pick: int, amount: int) -> None:
        name = self.any("payouts", pick)
        if pick % 3 == 0:
            self.post(f"/v1/payouts/{name}/cancel")
        else:
            self.sim.settle_payout(name, "account_closed" if pick % 3 == 1 else None)

    def do_reverse_payout(self, pick: int, amount: int) -> None:
        self.keep("payouts", self.post(f"/v1/payouts/{self.any('payouts', pick)}/reverse"))

    # Everything else.

    def do_label(self, pick: int, amount: int) -> None:
        kind, path = (
            ("cards", "/v1/issuing/cards"),
            ("authorizations", "/v1/issuing/authorizations"),
            ("transactions", "/v1/issuing/transactions"),
            ("disputes", "/v1/issuing/disputes"),
            ("topups", "/v1/topups"),
            ("payouts", "/v1/payouts"),
        )[pick % 6]
        value = "" if pick % 5 == 0 else str(amount)
        self.post(f"{path}/{self.any(kind, pick)}", {f"metadata[k{pick % 3}]": value})

    def do_advance(self, pick: int, amount: int) -> None:
        self.sim.clock.advance(timedelta(hours=pick % 60))

    def do_wait_a_week(self, pick: int, amount: int) -> None:
        if pick % 4 == 0:
            self.sim.clock.advance(timedelta(days=7))

    def do_repeat(self, pick: int, amount: int) -> None:
        """
        Send the last request again: the same answer, and nothing is made.
        """
        path, body, own, self.account, key, answer, until = self.last
        if self.sim.clock.now() >= until:  # The key is forgotten, so this would be a new request.
            return
        before = self.sim.world.positions
        again = self.send("POST", path, body, key, own=own)
        if answer.status == 200:
            assert (200, answer.body) == (again.status, again.body)
            assert "true" == again.headers["Idempotent-Replayed"]
            assert before == self.sim.world.positions

    def do_reuse_a_key(self, pick: int, amount: int) -> None:
        """
        Send something else under a used key: refused, and nothing is made.
        """
        path, body, own, self.account, key, answer, until = self.last
        if self.sim.clock.now() >= until or answer.status != 200:
            return
        before = self.sim.world.positions
        again = self.send("POST", path, body + b"&metadata[x]=y", key, own=own)
        assert 400 == again.status
        assert "idempotency_error" == loads(again.body)["error"]["type"]
        assert before == self.sim.world.positions

    def do_err(self, pick: int, amount: int) -> None:
        """
        Send what must be refused: an error of Stripe's shape, and nothing is made.
        """
        path, body = ERRORS[pick % len(ERRORS)]
        before = self.sim.world.positions
        self.calls += 1
        answer = self.send("POST", path, body.encode(), f"err-{self.calls}", own=True)
        error = loads(answer.body)["error"]
        assert 400 <= answer.status < 500
        assert {"message", "type"} <= set(error)
        assert before == self.sim.world.positions

    def do_look(self, pick: int, amount: int) -> None:
        """
        Walk a list by pages, and see every object once.
        """
        path = ("/v1/issuing/cards", "/v1/payouts", "/v1/topups", "/v1/issuing/disputes")[pick % 4]
        found: list[str] = []
        after = ""
        for _ in range(3):
            query = f"?limit=7&starting_after={after}" if after else "?limit=7"
            page = loads(self.send("GET", path + query, b"", "none", own=True).body)
            found += [each["id"] for each in page.get("data", ())]
            if not page.get("has_more"):
                break
            after = found[-1]
        assert len(found) == len(set(found))
