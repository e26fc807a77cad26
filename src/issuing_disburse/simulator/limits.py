"""
Are there too many requests in this second?
"""

from collections.abc import Callable
from threading import Lock

from attrs import define, field

from issuing_disburse.simulator.errors import ApiError, SimulatorError

PER_ENDPOINT = 25
PAYOUTS_PER_SECOND = 15
ACCOUNTS_PER_SECOND = 5
_ACCOUNTS, _PAYOUTS = "POST /v1/accounts", "POST /v1/payouts"
_OWN = {_ACCOUNTS: ACCOUNTS_PER_SECOND, _PAYOUTS: PAYOUTS_PER_SECOND}


@define(eq=False)
class RateLimiter:
    """
    Count requests by the second; *per_second* ``None`` lets everything through.

    *now* tells the second: the simulator's, and over HTTP the real one on top of it, so that a
    client that waits as it should gets through.
    """

    per_second: int | None
    now: Callable[[], int]
    second: int = -1
    counts: dict[tuple[str, str], int] = field(factory=dict)
    _lock: Lock = field(factory=Lock, init=False)

    def __attrs_post_init__(self) -> None:
        self.limit(self.per_second)

    def limit(self, per_second: int | None) -> None:
        """
        Let through *per_second* requests from now on.

        Raises:
            SimulatorError: That is no number of requests; nothing has changed.
        """
        if per_second is not None and (type(per_second) is not int or per_second < 1):
            message = f"rate_limit is {per_second!r:.80}; give a whole number from 1, or None."
            raise SimulatorError(message, param="rate_limit")
        self.per_second = per_second

    def admit(self, endpoint: str, account: str) -> None:
        """
        Count one request.

        Raises:
            ApiError: 429, or the 400 of accounts that are made too quickly; the request was not
                looked at.
        """
        per_second = self.per_second
        if per_second is None:
            return
        with self._lock:
            second = self.now()
            if second != self.second:
                self.second = second
                self.counts.clear()
            own = min(_OWN.get(endpoint, PER_ENDPOINT), per_second)
            for key, most, reason in (
                ((account, ""), per_second, "global-rate"),
                ((account, endpoint), own, "endpoint-rate"),
            ):
                self.counts[key] = self.counts.get(key, 0) + 1
                if self.counts[key] > most:
                    if key[1] == _ACCOUNTS:
                        raise _too_many_accounts()
                    raise ApiError(
                        "Request rate limit exceeded. Learn more about rate limits in the"
                        " documentation.",
                        status=429,
                        code="rate_limit",
                        headers={"Stripe-Rate-Limited-Reason": reason},
                    )


def _too_many_accounts() -> ApiError:
    """
    Refuse another account in Stripe's words, and with the 400 that Stripe uses for it.
    """
    return ApiError(
        "Sorry, you're creating accounts too quickly. You should limit your requests to less than"
        f" {ACCOUNTS_PER_SECOND} creation attempts per second with a test key, or less than 30 with"
        " a live key."
    )
