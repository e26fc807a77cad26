"""
When may the next request be sent, so that Stripe refuses none of them for being too many?

Requests go out at once as long as there is room in the last second. When there is none, they stand in
line in the order in which they came, and leave evenly. Time is what the caller's clock shows and what
his sleep has waited for: a simulated clock is as good as a real one, and one that stands still stops
nobody.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import TypeAlias

from attrs import define, field

from .ports import Clock, Sleep
from .prepared import Request
from .rate_limits import RateLimits, endpoint_of
from .rows import account_key

Share: TypeAlias = Callable[[str, float], float]
"""Takes a place in a line of that name, so many seconds from the next; returns the seconds to wait."""

_Name: TypeAlias = tuple[str, str]
"""Which account, and which endpoint of it."""

SECOND = 1.0
WINDOW_SECONDS = 1.04
"""In which the requests of one second are sent: they do not all arrive after the same time."""

_SLOWER = 0.7
_SLOWEST = 0.1
_FASTER_PER_SECOND = 0.02
_IDLE_SECONDS = 10.0
_BUCKETS_KEPT = 4096

_ENDPOINT_REASONS = frozenset({"endpoint-rate", "endpoint-concurrency", "resource-specific"})


@define(eq=False)
class Bucket:
    """
    What is counted together: the requests for one account, or for one endpoint of it.

    Attributes:
        limit: Requests a second, as Stripe says.
        share: How much of that is used: less for a while after a 429.
    """

    limit: int
    share: float = 1.0
    _changed_at: float = 0.0
    _even_until: float = 0.0
    _granted: deque[float] = field(init=False)
    _sent: deque[float] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._granted = deque(maxlen=self.limit)
        self._sent = deque(maxlen=self.limit)

    def reserve(self, now: float) -> float:
        """
        Return when the next request may go, and keep that moment for the caller.
        """
        most = self._most(now)
        granted = self._granted
        at = now
        if len(granted) >= most:
            at = max(now, granted[-most] + WINDOW_SECONDS)
        if granted and now < self._even_until:
            at = max(at, granted[-1] + WINDOW_SECONDS / most)
        if at > now:  # a line begins, or goes on: until it is gone, all leave evenly
            self._even_until = at + WINDOW_SECONDS
        granted.append(at)
        return at

    def opens_at(self, now: float) -> float:
        """
        Return when a request may really be sent: some may have woken up late, and all at once.
        """
        most = self._most(now)
        if len(self._sent) < most:
            return now
        return self._sent[-most] + SECOND

    def note_sent(self, now: float) -> None:
        """
        Count one request that is sent now.
        """
        self._sent.append(now)

    def note_unasked(self, now: float) -> None:
        """
        Count one request that could not wait.
        """
        self._granted.append(max(now, self._granted[-1]) if self._granted else now)
        self._sent.append(now)

    def slow_down(self, now: float) -> None:
        """
        Use less of the limit, once for all the 429 of a second.
        """
        if self.share == 1.0 or now - self._changed_at >= SECOND:
            self.share = max(_SLOWEST, self.share * _SLOWER)
            self._changed_at = now

    def spacing_seconds(self, now: float) -> float:
        """
        Return how far apart requests leave when there is a line.
        """
        return WINDOW_SECONDS / self._most(now)

    def is_idle(self, now: float) -> bool:
        """
        Tell whether nothing would be lost with this bucket.
        """
        is_quiet = not self._granted or self._granted[-1] < now - _IDLE_SECONDS
        return is_quiet and now - self._changed_at > _IDLE_SECONDS

    def _most(self, now: float) -> int:
        if self.share == 1.0:
            return self.limit
        passed = now - self._changed_at
        if passed >= SECOND:
            self.share = min(1.0, self.share + passed * _FASTER_PER_SECOND)
            self._changed_at = now
        return max(1, int(self.limit * self.share))


class Pacer:
    """
    Lets requests out one after the other, for all threads of a process.

    A thread waits first for its endpoint and then for its account, so that a crowd before one
    endpoint holds up nobody who is on the way to another.
    """

    def __init__(
        self, limits: RateLimits, *, clock: Clock, sleep: Sleep, share: Share | None = None
    ) -> None:
        self._limits = limits
        self._clock = clock
        self._sleep = sleep
        self._share = share
        self._lock = threading.Lock()
        self._ahead = 0.0
        self._latest = 0.0
        self._buckets: dict[_Name, Bucket] = {}
        self._tidy_at = _BUCKETS_KEPT

    def wait(self, request: Request) -> None:
        """
        Return when *request* may be sent, and count it.
        """
        self._wait_here(request)
        if self._share is not None:
            self._wait_for_others(request, self._share)

    def _wait_for_others(self, request: Request, share: Share) -> None:
        """
        Take a place in the lines that all processes stand in: evenly, from the first request on.
        """
        for name, spacing_seconds in self._lines(request):
            wait = share(name, spacing_seconds)
            if wait > 0:
                self._sleep(wait)

    def _lines(self, request: Request) -> list[tuple[str, float]]:
        with self._lock:
            now = self._now()
            found = zip(self._names_of(request), self._buckets_of(request), strict=True)
            return [
                (f"{account_key(counted)} {endpoint}".rstrip(), bucket.spacing_seconds(now))
                for (counted, endpoint), bucket in found
            ]

    def _wait_here(self, request: Request) -> None:
        in_line = 0
        with self._lock:
            buckets = self._buckets_of(request)
        while True:
            with self._lock:
                now = at = self._now()
                while in_line < len(buckets) and at <= now:
                    at = buckets[in_line].reserve(now)
                    in_line += 1
                if at <= now:
                    at = max(buckets[0].opens_at(now), buckets[1].opens_at(now))
                    if at <= now:
                        for bucket in buckets:
                            bucket.note_sent(now)
                        return
            self._wait_until(at, now)

    def note(self, request: Request) -> None:
        """
        Count *request*, which somebody waits for and which is sent at once.
        """
        with self._lock:
            now = self._now()
            for bucket in self._buckets_of(request):
                bucket.note_unasked(now)

    def slow_down(self, request: Request, reason: str) -> None:
        """
        Learn from a 429: send less to what *reason* names, and come back to the limit slowly.
        """
        with self._lock:
            endpoint, account = self._buckets_of(request)
            bucket = endpoint if reason in _ENDPOINT_REASONS else account
            bucket.slow_down(self._now())

    def _buckets_of(self, request: Request) -> tuple[Bucket, Bucket]:
        one, all_of_it = self._names_of(request)
        return (
            self._bucket(one, self._limits.of(one[1])),
            self._bucket(all_of_it, self._limits.per_account),
        )

    def _names_of(self, request: Request) -> tuple[_Name, _Name]:
        counted = (request.account or "") if self._limits.counted_by == "account" else ""
        return (counted, endpoint_of(request.method, request.path)), (counted, "")

    def _bucket(self, name: _Name, limit: int) -> Bucket:
        found = self._buckets.get(name)
        if found is None:
            if len(self._buckets) >= self._tidy_at:
                now = self._now()
                self._buckets = {
                    key: one for key, one in self._buckets.items() if not one.is_idle(now)
                }
                self._tidy_at = max(_BUCKETS_KEPT, 2 * len(self._buckets))
            found = self._buckets[name] = Bucket(limit)
        return found

    def _now(self) -> float:
        self._latest = max(self._latest, self._clock().timestamp() + self._ahead)
        return self._latest

    def _wait_until(self, at: float, now: float) -> None:
        """
        Wait, and believe it: whatever the clock shows, the time until *at* has passed then.
        """
        self._sleep(at - now)
        with self._lock:
            self._ahead = max(self._ahead, at - self._clock().timestamp())
            self._latest = max(self._latest, at)
