"""
What goes over the wire in a test, and does each request and answer keep Stripe's types?
"""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import stripe

from sdk_contract import check_object, check_request, object_class_for

# Objects that Stripe documents and its SDK does not type.
UNTYPED_OBJECTS = frozenset({"balance_transfer", "funding_instructions"})

# Fields that the live API shows to accounts with the feature, and the SDK does not type.
UNTYPED_FIELDS = {"topup": frozenset({"destination_balance"})}


def check_answer(body: str | bytes) -> list[str]:
    """
    Name everything in one successful answer that the SDK's classes do not describe.
    """
    data = json.loads(body)
    name = data.get("object")
    if data.get("deleted") or name in UNTYPED_OBJECTS:
        return []
    if name == "list":
        return [p for item in data["data"] for p in check_answer(json.dumps(item))]
    declared = object_class_for(name)
    if declared is None:
        return [f"{name}: the SDK has no such object"]
    typed = {key: value for key, value in data.items() if key not in UNTYPED_FIELDS.get(name, ())}
    return [f"{name}: {problem}" for problem in check_object(declared, typed)]


class ContractClient(stripe.HTTPClient):
    """
    Passes everything on to *inner*; keeps what was asked, and what broke the contract.
    """

    name = "contract"

    def __init__(self, inner: stripe.HTTPClient) -> None:
        super().__init__()
        self._inner = inner
        self.requests: list[str] = []
        self.statuses: list[int] = []
        self.problems: list[str] = []

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,
        **options: Any,
    ) -> tuple[Any, int, Any]:
        """
        Send one request; see `stripe.HTTPClient`.
        """
        self.requests.append(f"{method.upper()} {urlsplit(url).path}")
        self.problems += check_request(method, url, post_data)
        content, status, answered = self._inner.request(method, url, headers, post_data, **options)
        self.statuses.append(status)
        if status == 200:
            self.problems += [f"{self.requests[-1]} -> {p}" for p in check_answer(content)]
        return content, status, answered

    async def request_async(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        post_data: Any = None,
        **options: Any,
    ) -> tuple[Any, int, Any]:
        """
        Send one request of an asynchronous call, held to the same contract.
        """
        self.requests.append(f"{method.upper()} {urlsplit(url).path}")
        name = self.requests[-1]
        self.problems += check_request(method, url, post_data)
        content, status, answered = await self._inner.request_async(
            method, url, headers, post_data, **options
        )
        if status == 200:
            self.problems += [f"{name} -> {p}" for p in check_answer(content)]
        return content, status, answered

    async def sleep_async(self, secs: float) -> None:
        """
        Wait as the inner client does.
        """
        await self._inner.sleep_async(secs)

    def close(self) -> None:
        """
        Close the inner client.
        """
        self._inner.close()
