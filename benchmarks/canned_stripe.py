"""
What would Stripe answer to the calls of one order, at once and without a memory of it?

The answers are the simulator's, asked once; after that only their ids count up. So nothing is measured
but who asks.
"""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any
from urllib.parse import urlsplit

import stripe

from issuing_disburse import Address, Disburser, Money, Order, Recipient, Terms, UserTerms
from issuing_disburse.simulator import IssuingSimulator

NOW = datetime(2026, 11, 2, 9, tzinfo=UTC)
SECRET = "whsec_benchmark"
_OWN_ID = re.compile(rb'"id": ?"(\w+)"')


def order(number: int, *, person: int | None = None) -> Order:
    """
    Make an order; each is for somebody new unless *person* says whom it is for.
    """
    who = number if person is None else person
    return Order(
        id=f"claim-{number}",
        recipient=Recipient.individual(
            reference=f"supplier-{who}",
            first_name="Jenny",
            last_name="Rosen",
            email=f"jenny{who}@example.com",
            phone_number="+18008675309",
            date_of_birth=date(1985, 3, 14),
            user_terms=UserTerms(accepted_at=datetime(2026, 11, 1, tzinfo=UTC), ip="203.0.113.7"),
            billing=Address(
                line1="123 Main St", city="Columbus", state="OH", postal_code="43004", country="US"
            ),
        ),
        amount=Money(12_500, "usd"),
        terms=Terms(valid_for=timedelta(days=30)),
    )


class _Keeping(stripe.HTTPClient):
    """
    Passes requests on, and keeps the answers.
    """

    name = "keeping"

    def __init__(self, inner: stripe.HTTPClient) -> None:
        super().__init__()
        self.inner = inner
        self.answers: dict[str, bytes] = {}

    def request(
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None
    ) -> tuple[Any, int, Any]:
        """
        Pass one request on.
        """
        content, status, answered = self.inner.request(method, url, headers, post_data)
        assert status == 200, content
        self.answers[f"{method.upper()} {urlsplit(url).path}"] = content
        return content, status, answered

    def close(self) -> None:
        """
        Have nothing to close.
        """


class CannedStripe(stripe.HTTPClient):
    """
    Answers at once, in the same process.

    Attributes:
        account: The connected account.
        calls: How many requests there were.
    """

    name = "canned"

    def __init__(self) -> None:
        super().__init__()
        with IssuingSimulator(seed=7, platform_funds=10_000_000) as simulator:
            self.account = simulator.create_account()
            keeping = _Keeping(simulator.http_client())
            with Disburser.connect(
                api_key=simulator.api_key, account=self.account, webhook_secret=SECRET,
                store="memory://", http_client=keeping, clock=lambda: NOW, rate_limits=None,
            ) as disburser:  # fmt: skip
                disburser.disburse(order(0))
                disburser._connection.api.get("/v1/balance", account=self.account)  # noqa: SLF001 - the other one's
        self.calls = 0
        self._numbers = count()
        self._answers = {
            name: tuple(_OWN_ID.split(body, maxsplit=1)) for name, body in keeping.answers.items()
        }

    def request(
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None
    ) -> tuple[bytes, int, dict[str, str]]:
        """
        Answer, with another id each time.
        """
        self.calls += 1
        parts = self._answers[f"{method.upper()} {urlsplit(url).path}"]
        if len(parts) == 1 or method == "get":
            body = parts[0] if len(parts) == 1 else b'%s"id":"%s"%s' % parts
        else:
            body = b'%s"id":"%s%d"%s' % (parts[0], parts[1], next(self._numbers), parts[2])
        return body, 200, {"Request-Id": "req_1", "Content-Type": "application/json"}

    def close(self) -> None:
        """
        Have nothing to close.
        """


def connected(fake: CannedStripe, store: str, **options: Any) -> Disburser:
    """
    Make a disburser over canned answers.
    """
    settings: dict[str, Any] = {
        "api_key": "sk_live_benchmark", "account": fake.account, "webhook_secret": SECRET,
        "store": store, "http_client": fake, "rate_limits": None, **options,
    }  # fmt: skip
    return Disburser.connect(**settings)
