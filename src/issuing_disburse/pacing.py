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

from attrs import define, field

from .ports import Clock, Sleep
from .prepared import Request
from .rate_limits import RateLimits, endpoint_of

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

    def __init__(self, limits: RateLimits, *, clock: Clock, sleep: Sleep) -> None:
        self._limits = limits
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._ahead = 0.0
        self._latest = 0.0
        self._buckets: dict[tuple[str, str], Bucket] = {}
        self._tidy_at = _BUCKETS_KEPT

    def wait(self, request: Request) -> None:
        """
        Return when *request* may be sent, and count it.
        """
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
        limits = self._limits
        endpoint = endpoint_of(request.method, request.path)
        counted = (request.account or "") if limits.counted_by == "account" else ""
        return (
            self._bucket((counted, endpoint), limits.of(endpoint)),
            self._bucket((counted, ""), limits.per_account),
        )

    def _bucket(self, name: tuple[str, str], limit: int) -> Bucket:
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
