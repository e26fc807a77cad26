"""
How does one get into a simulator: by bytes, by the SDK, by HTTP?
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from issuing_disburse.simulator.courier import Courier
from issuing_disburse.simulator.delivery import SETTLE_SECONDS, Carrier
from issuing_disburse.simulator.exchange import Response
from issuing_disburse.simulator.faults import Faults
from issuing_disburse.simulator.recorded import RecordedRequest
from issuing_disburse.simulator.room import Room
from issuing_disburse.simulator.world import World

if TYPE_CHECKING:
    from issuing_disburse.simulator.transport import SimulatorClient


class Doors(Room):
    """
    Let requests in.
    """

    faults: Faults

    def handle(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes = b""
    ) -> Response:
        """
        Answer one raw HTTP request; *path* includes the query. Never raises.
        """
        return self._engine.handle(method, path, headers, body)

    def http_client(self) -> "SimulatorClient":
        """
        Return an ``http_client`` for ``stripe.StripeClient``, synchronous and asynchronous.
        """
        from issuing_disburse.simulator.transport import (  # noqa: PLC0415 - stripe only when wanted
            SimulatorClient,
        )

        return SimulatorClient(self.handle)

    @property
    def requests(self) -> list[RecordedRequest]:
        """
        Return the last ten thousand requests, or 64 MB of them, oldest first.
        """
        return self._engine.requests.all()

    @property
    def world(self) -> World:
        """
        Return the state itself, for the simulator's own server.
        """
        return self._world

    @contextmanager
    def outdoors(
        self,
        abroad: Callable[[str], Carrier],
        real_seconds: Callable[[], int],
        sleep: Callable[[float], None],
    ) -> Iterator[None]:
        """
        Deliver to addresses, sign by the real time and be really slow, while served over HTTP.

        What could not be delivered by the end is due again at once, next time.
        """
        postman, engine, world = self._postman, self._engine, self._world
        before = (postman.abroad, postman.signing_time, engine.sleep, engine.limiter.now)
        postman.abroad, postman.signing_time, engine.sleep = abroad, real_seconds, sleep
        engine.limiter.now = lambda: world.seconds + real_seconds()  # either may move on
        postman.courier = courier = Courier(postman.deliver_now)
        world.keeps_events = False
        try:
            yield
        finally:
            left = courier.close(SETTLE_SECONDS)
            postman.courier = None
            world.keeps_events = True
            postman.abroad, postman.signing_time, engine.sleep, engine.limiter.now = before
            with world.lock:
                for event, endpoint, attempt in left:
                    world.later(0, "deliver", event, endpoint, attempt)

    def may_wait(self, path: str) -> bool:
        """
        Say whether a request to *path* may take longer than its work: a webhook is asked, or a
        fault is slow.
        """
        if len(self.faults) or self._postman.carriers:
            return True
        return bool(self._world.endpoints) and path.startswith("/v1/test_helpers/")

    def settle(self) -> bool:
        """
        Wait, for a few seconds at most, until no webhook is under way; say whether none is.
        """
        return self._postman.settle()

    def limit_requests(self, per_second: int | None) -> None:
        """
        Enforce another rate limit from now on, or with ``None`` no more.
        """
        self._engine.limiter.limit(per_second)
