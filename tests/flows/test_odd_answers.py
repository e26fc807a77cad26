"""
What if Stripe says yes, and its answer is not what it should be?
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import orjson
import pytest
import stripe

from issuing_disburse import Status
from issuing_disburse.exceptions import UnknownOutcomeError
from world import World, make_order

FORGOTTEN = timedelta(hours=25)
ENDPOINTS = (
    "/v1/issuing/cardholders",
    "/v1/transfers",
    "/v1/balance_transfers",
    "/v1/issuing/cards",
)
CHANGES: dict[str, Callable[[dict[str, Any]], Any]] = {
    "empty": lambda _: {},
    "without id": lambda body: {name: body[name] for name in body if name != "id"},
    "id is null": lambda body: {**body, "id": None},
    "id is a number": lambda body: {**body, "id": 5},
}


class OddClient(stripe.HTTPClient):
    """
    A client whose POSTs to one path succeed, and are answered oddly while *is_odd*.
    """

    name = "odd"

    def __init__(self, inner: stripe.HTTPClient, path: str, change: Callable[[Any], Any]) -> None:
        super().__init__()
        self._inner, self._path, self._change = inner, path, change
        self.is_odd = True

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,
        **options: Any,
    ) -> tuple[Any, int, Any]:
        """
        Send the request, and change what comes back.
        """
        body, status, sent = self._inner.request(method, url, headers, post_data, **options)
        if self.is_odd and method == "post" and url.endswith(self._path):
            body = orjson.dumps(self._change(orjson.loads(body))).decode()
        return body, status, sent

    def close(self) -> None:
        """
        Leave the inner client open.
        """


@pytest.mark.parametrize("wait", [timedelta(minutes=5), FORGOTTEN], ids=["soon", "late"])
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_an_odd_answer_is_not_relied_on_and_pays_nobody_twice(
    world: World, endpoint: str, change: str, wait: timedelta
) -> None:
    """It is an error of ours, nothing is recorded, and what was done is found again."""
    client = OddClient(world.client, endpoint, CHANGES[change])
    disburser = world.connect(store=world.disburser.store, http_client=client)
    with pytest.raises(UnknownOutcomeError) as caught:
        disburser.disburse(make_order())
    assert "answer_odd" == caught.value.code
    assert Status.PENDING is disburser.get("claim-8841").status
    client.is_odd = False
    world.simulator.clock.advance(wait)

    assert Status.ACTIVE is disburser.disburse(make_order()).status
    assert 1 == len(world.simulator.objects("card", world.account))
    assert 1 == len(world.simulator.objects("transfer"))
    assert 12_500 == world.simulator.issuing_balance(world.account)
    world.check_books("claim-8841")
