"""
Does the client between library and simulator notice a broken contract?
"""

import json
from collections.abc import Mapping
from typing import Any

import pytest
import stripe

from contract_client import ContractClient, check_answer
from sdk_examples import AUTHORIZATION, CARD


class Canned(stripe.HTTPClient):
    """
    Answers everything with the same card.
    """

    name = "canned"
    closed = False

    def request(
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None
    ) -> tuple[str, int, dict[str, str]]:
        """
        Answer, unless the path says not to.
        """
        return json.dumps(CARD), 404 if "missing" in url else 200, {}

    def close(self) -> None:
        """
        Remember that it happened.
        """
        self.closed = True


def test_a_broken_request_is_kept_when_it_is_sent() -> None:
    """The request is named with what is wrong, whether or not it was accepted."""
    client = ContractClient(Canned())

    client.request("post", "https://api.stripe.com/v1/issuing/cards/ic_1", {}, "status=frozen")
    client.request("get", "https://api.stripe.com/v1/issuing/cards/missing?wish=1", {})

    assert ["POST /v1/issuing/cards/ic_1", "GET /v1/issuing/cards/missing"] == client.requests
    assert [
        "POST /v1/issuing/cards/ic_1: status: 'frozen' is none of 'active', 'canceled', 'inactive'",
        "GET /v1/issuing/cards/missing: wish: unknown parameter",
    ] == client.problems


def test_the_inner_client_is_closed_when_the_outer_one_is() -> None:
    """Closing is passed on."""
    inner = Canned()

    ContractClient(inner).close()

    assert inner.closed


@pytest.mark.parametrize(
    ("answer", "problems"),
    [
        (AUTHORIZATION, []),
        ({"object": "list", "data": [CARD, CARD]}, []),
        ({"object": "list", "data": [CARD | {"mood": 1}]}, ["issuing.card: mood: unknown field"]),
        ({"object": "wish"}, ["wish: the SDK has no such object"]),
        ({"object": "balance_transfer", "id": "bt_1"}, []),
        ({"object": "webhook_endpoint", "id": "we_1", "deleted": True}, []),
    ],
)
def test_a_broken_answer_is_named_when_the_sdk_types_it(
    answer: dict[str, Any], problems: list[str]
) -> None:
    """Single objects and each item of a list are compared; what the SDK does not type is not."""
    assert problems == check_answer(json.dumps(answer))
