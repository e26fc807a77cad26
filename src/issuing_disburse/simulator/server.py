"""
How do SDKs in any language reach the simulator over HTTP?
"""

import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from ipaddress import ip_address
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING

from attrs import define

from issuing_disburse.simulator.asgi import App
from issuing_disburse.simulator.control import PREFIX, deliver_to
from issuing_disburse.simulator.errors import SimulatorError
from issuing_disburse.simulator.http_carrier import HTTPCarrier
from issuing_disburse.simulator.keeping import kept

if TYPE_CHECKING:
    from issuing_disburse.simulator.simulator import IssuingSimulator

TICK_SECONDS = 0.05
NEEDS_EXTRA = (
    "Serving over HTTP needs uvicorn and httptools; run: pip install 'issuing-disburse[simulator]'"
)


@define
class Address:
    """
    Say where a served simulator is to be found.
    """

    base_url: str
    simulator: "IssuingSimulator"

    def deliver_webhooks_to(self, url: str) -> None:
        """
        Post whatever happens from now on to *url*, as to an endpoint for every event.
        """
        deliver_to(self.simulator, url)

    @property
    def control_url(self) -> str:
        """
        Return where the control API is.
        """
        return self.base_url + PREFIX


@contextmanager
def serve(
    simulator: "IssuingSimulator",
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    data: Path | None = None,
    remote: bool = False,
    running_clock: bool = False,
) -> Iterator[Address]:
    """
    Serve *simulator* over HTTP until the block ends.

    Args:
        port: 0 takes any free one.
        data: Keep the state in this file: about a second after a change, and at the end.
        remote: Allow an address that other machines can reach.
        running_clock: Let the simulated clock run along with the real one, from where it stands.

    Raises:
        SimulatorError: The address is taken, unknown or not loopback, the extra is not
            installed, or the file cannot be written or is in use.
    """
    try:
        import uvicorn  # noqa: PLC0415 - an extra

        from issuing_disburse.simulator.http_protocol import Protocol  # noqa: PLC0415 - needs it
    except ImportError:
        raise SimulatorError(NEEDS_EXTRA) from None
    is_local = is_loopback(host)
    if not remote and not is_local:
        message = f"{host} can be reached by other machines; pass remote=True if that is meant."
        raise SimulatorError(message)
    app = App(simulator, is_local=is_local)
    with ExitStack() as stack:
        listener = stack.enter_context(_listen(host, port))
        stack.callback(app.close)
        if data is not None:
            stack.enter_context(kept(simulator, data, app.is_changed))
        stack.enter_context(
            simulator.outdoors(HTTPCarrier, lambda: int(time.time()), time.sleep),
        )
        config = uvicorn.Config(
            app,
            http=Protocol,
            ws="none",
            log_config=None,
            log_level="critical",
            access_log=False,
            timeout_keep_alive=75,
            timeout_graceful_shutdown=1,
        )
        server = uvicorn.Server(config)
        runner = Thread(
            target=server.run, name="simulator", kwargs={"sockets": [listener]}, daemon=True
        )
        runner.start()
        while not server.started:
            if not runner.is_alive():
                raise SimulatorError("The server could not be started.")
            time.sleep(0.001)
        if running_clock:
            stack.enter_context(_running(simulator))
        try:
            shown = f"[{host}]" if ":" in host else host
            yield Address(f"http://{shown}:{listener.getsockname()[1]}", simulator)
        finally:
            server.should_exit = True
            runner.join(10)


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.create_server((host, port), family=family, backlog=128)
    except (OSError, OverflowError) as problem:
        number = problem.errno if isinstance(problem, OSError) else None
        reason = str(problem) if number is None or number < 0 else os.strerror(number)
        message = f"Cannot listen on {host}, port {port}: {reason}. Port 0 takes any free one."
        raise SimulatorError(message, param="port") from None
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # accepted ones inherit it
    return listener


def is_loopback(host: str) -> bool:
    """
    Say whether *host* is this machine only.
    """
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@contextmanager
def _running(simulator: "IssuingSimulator") -> Iterator[None]:
    stop = Event()

    def tick() -> None:
        before = time.monotonic()
        while not stop.wait(TICK_SECONDS):
            now = time.monotonic()
            simulator.clock.sleep(now - before)
            before = now

    ticker = Thread(target=tick, name="simulator-clock", daemon=True)
    ticker.start()
    try:
        yield
    finally:
        stop.set()
        ticker.join()


def main_simulator(
    simulator: "IssuingSimulator",
    *,
    host: str = "127.0.0.1",
    port: int = 12111,
    data: Path | None = None,
    webhook_url: str | None = None,
    remote: bool = False,
    running_clock: bool = False,
    say: Callable[[dict[str, str]], object],
    wait: Callable[[], object],
) -> None:
    """
    Serve until *wait* returns, having said where, with which keys, and with which ready account.

    Args:
        webhook_url: Deliver everything to this address, signed with the webhook secret.
        say: Gets what a caller needs to know, once the server answers.
    """
    ready = [
        each["id"]
        for each in simulator.objects("account")
        if each["id"] != simulator.platform_account
    ]
    account = ready[0] if ready else simulator.create_account()
    if webhook_url is not None:
        deliver_to(simulator, webhook_url)
    with serve(
        simulator, host=host, port=port, data=data, remote=remote, running_clock=running_clock
    ) as address:
        say(
            {
                "base_url": address.base_url,
                "control_url": address.control_url,
                "api_key": simulator.api_key,
                "account": account,
                "platform_account": simulator.platform_account,
                "webhook_secret": simulator.webhook_secret,
            }
        )
        wait()
