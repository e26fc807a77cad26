"""
What goes over the wire in a test, and does each request and answer keep Stripe's types?
"""

import json
import threading
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import stripe

from sdk_contract import check_object, check_request, object_class_for

# Objects that Stripe documents and its SDK does not type.
UNTYPED_OBJECTS = frozenset({"balance_transfer", "funding_instructions"})

# Fields that the live API shows to accounts with the feature, and the SDK does not type.
UNTYPED_FIELDS = {"topup": frozenset({"destination_balance"})}

_CHECKING = threading.Lock()  # the SDK's types are imported as they are needed


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
        name = f"{method.upper()} {urlsplit(url).path}"
        self.requests.append(name)
        self._check("", check_request, method, url, post_data)
        content, status, answered = self._inner.request(method, url, headers, post_data, **options)
        self.statuses.append(status)
        if status == 200:
            self._check(f"{name} -> ", check_answer, content)
        return content, status, answered

    def _check(self, prefix: str, check: Callable[..., list[str]], *said: Any) -> None:
        """
        Keep what a check finds, and that it breaks: raised here, it would pass for a lost connection.
        """
        with _CHECKING:
            try:
                found = check(*said)
            except Exception as broken:  # noqa: BLE001 - told at the end, whatever it is
                found = [repr(broken)]
            self.problems += [prefix + problem for problem in found]

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
        name = f"{method.upper()} {urlsplit(url).path}"
        self.requests.append(name)
        self._check("", check_request, method, url, post_data)
        content, status, answered = await self._inner.request_async(
            method, url, headers, post_data, **options
        )
        if status == 200:
            self._check(f"{name} -> ", check_answer, content)
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
