"""
What went over the wire, byte for byte, and what came back as it was scripted?
"""

from collections.abc import Callable, Mapping
from typing import Any

import orjson
import pytest
import stripe
from attrs import field, frozen

from issuing_disburse.exceptions import DisburseError
from issuing_disburse.prepared import PreparedCall
from issuing_disburse.stripe_api import StripeAPI


@frozen(kw_only=True)
class Scripted:
    """
    One answer to come.
    """

    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(factory=dict)
    raises: Exception | None = None


def ok(**body: Any) -> Scripted:
    """
    Answer 200 with an object.
    """
    return Scripted(body=orjson.dumps(body))


def refused(status: int, headers: dict[str, str] | None = None, **error: Any) -> Scripted:
    """
    Answer with an error in Stripe's shape.
    """
    whole = {"type": "invalid_request_error", "message": "Nope.", **error}
    return Scripted(
        status=status,
        body=orjson.dumps({"error": whole}),
        headers={"Request-Id": "req_1", **(headers or {})},
    )


def lost() -> Scripted:
    """
    Lose the connection.
    """
    return Scripted(raises=stripe.APIConnectionError("reset by peer"))


@frozen(kw_only=True)
class Sent:
    """
    One request as it reached the wire.
    """

    method: str
    url: str
    headers: dict[str, str]
    body: Any

    @property
    def key(self) -> str | None:
        """
        Its idempotency key.
        """
        return self.headers.get("Idempotency-Key")


class ScriptedClient(stripe.HTTPClient):
    """
    Answers as scripted, the last answer again and again, and keeps what was sent.
    """

    name = "scripted"

    def __init__(self, *answers: Scripted) -> None:
        super().__init__()
        self._answers = list(answers)
        self.sent: list[Sent] = []
        self.is_closed = False

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,
        *,
        _usage: list[str] | None = None,
    ) -> tuple[Any, int, Mapping[str, str]]:
        """
        Keep one request and give the next answer.
        """
        self.sent.append(Sent(method=method, url=url, headers=dict(headers or {}), body=post_data))
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if answer.raises is not None:
            raise answer.raises
        return answer.body, answer.status, answer.headers

    async def request_async(self, *arguments: Any, **options: Any) -> Any:
        """
        Answer likewise.
        """
        return self.request(*arguments, **options)

    async def close_async(self) -> None:
        """
        Say that it was closed.
        """
        self.is_closed = True

    async def sleep_async(self, secs: float) -> float:
        """
        Wait for nothing, and tell how long that would have been.
        """
        return secs

    def close(self) -> None:
        """
        Say that it was closed.
        """
        self.is_closed = True


KEY = "sk_live_realkey0123456789"
CARDHOLDER = {"name": "Jenny Rosen", "billing": {"address": {"city": "Columbus"}}}


def make_api(*answers: Scripted, **options: Any) -> tuple[StripeAPI, ScriptedClient, list[float]]:
    """
    Return an API over scripted answers, its wire, and the naps it takes.
    """
    client, naps = ScriptedClient(*answers), []
    whole: dict[str, Any] = {"api_key": KEY, "sleep": naps.append, "http_client": client}
    return StripeAPI(**{**whole, **options}), client, naps


def prepared(api: StripeAPI, **options: Any) -> PreparedCall:
    """
    Prepare the creation of a cardholder that keeps its id.
    """
    return api.prepare(
        "/v1/issuing/cardholders",
        CARDHOLDER,
        account="acct_1",
        keep=lambda answer: {"id": answer["id"]},
        **options,
    )


def failing(action: Callable[[], object]) -> DisburseError:
    """
    Return the error that *action* ends with.
    """
    with pytest.raises(DisburseError) as caught:
        action()
    return caught.value
