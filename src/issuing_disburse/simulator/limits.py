"""
Are there too many requests in this second?
"""

from attrs import define, field

from issuing_disburse.simulator.errors import ApiError

PER_ENDPOINT = 25


@define
class RateLimiter:
    """
    Count requests by the simulator's clock; *per_second* ``None`` lets everything through.
    """

    per_second: int | None = None
    second: int = -1
    counts: dict[tuple[str, str], int] = field(factory=dict)

    def admit(self, endpoint: str, account: str, second: int) -> None:
        """
        Count one request.

        Raises:
            ApiError: 429; the request was not looked at.
        """
        if self.per_second is None:
            return
        if second != self.second:
            self.second = second
            self.counts.clear()
        for key, most, reason in (
            ((account, ""), self.per_second, "global-rate"),
            ((account, endpoint), min(PER_ENDPOINT, self.per_second), "endpoint-rate"),
        ):
            self.counts[key] = self.counts.get(key, 0) + 1
            if self.counts[key] > most:
                raise ApiError(
                    "Request rate limit exceeded. Learn more about rate limits in the"
                    " documentation.",
                    status=429,
                    code="rate_limit",
                    headers={"Stripe-Rate-Limited-Reason": reason},
                )
