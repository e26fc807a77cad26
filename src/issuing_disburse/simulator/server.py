"""
How do SDKs in any language reach the simulator over HTTP?
"""

import asyncio
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from http.client import HTTPConnection, HTTPSConnection
from ipaddress import ip_address
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import urlsplit

from attrs import define, field

from issuing_disburse.simulator.access import LARGEST_BODY
from issuing_disburse.simulator.control import PREFIX, control, deliver_to
from issuing_disburse.simulator.delivery import Carrier, Reply
from issuing_disburse.simulator.errors import SimulatorError
from issuing_disburse.simulator.exchange import Response

if TYPE_CHECKING:
    from issuing_disburse.simulator.simulator import IssuingSimulator

Message: TypeAlias = Mapping[str, Any]
SAVE_SECONDS = 1.0


@define
class HTTPCarrier:
    """
    Bring a webhook to an address outside this process.
    """

    url: str

    def __call__(self, payload: bytes, headers: Mapping[str, str], *, timeout: float) -> Reply:
        """
        Post *payload* and return the reply; raise when there is none within *timeout* seconds.
        """
        parts = urlsplit(self.url)
        kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        connection = kind(parts.hostname or "", parts.port, timeout=timeout)
        try:
            target = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
            connection.request("POST", target, payload, dict(headers))
            answer = connection.getresponse()
            return Reply(answer.status, dict(answer.getheaders()), answer.read(LARGEST_BODY))
        finally:
            connection.close()


def _abroad(url: str) -> Carrier:
    return HTTPCarrier(url)


@define(eq=False)
class App:
    """
    Be the ASGI application: no framework, one door to the API and one to the control API.

    Without webhook receivers a request is answered on the event loop, at once. With them it gets
    a thread, because a receiver may call back while it is asked.
    """

    simulator: "IssuingSimulator"
    is_changed: Event = field(factory=Event)

    async def __call__(
        self, scope: Message, receive: Callable[[], Any], send: Callable[[Message], Any]
    ) -> None:
        """
        Serve one connection's request.
        """
        if scope["type"] == "lifespan":
            await _live(receive, send)
            return
        if scope["type"] != "http":
            return
        body = await _read(receive)
        method = str(scope["method"])
        headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }
        path = (scope.get("raw_path") or str(scope["path"]).encode()).decode("latin-1")
        query = scope["query_string"].decode("latin-1")
        target = f"{path}?{query}" if query else path
        simulator = self.simulator
        is_control = path.startswith(PREFIX)
        work = (
            partial(control, simulator, method, path, headers, body)
            if is_control
            else partial(simulator.handle, method, target, headers, body)
        )
        if is_control or simulator.world.endpoints:
            response = await asyncio.get_running_loop().run_in_executor(None, work)
        else:
            response = work()
        if method != "GET":
            self.is_changed.set()
        await _respond(response, send)


async def _live(receive: Callable[[], Any], send: Callable[[Message], Any]) -> None:
    while True:
        message = await receive()
        await send({"type": message["type"] + ".complete"})
        if message["type"] == "lifespan.shutdown":
            return


async def _read(receive: Callable[[], Any]) -> bytes:
    """
    Return the body; what goes beyond the largest accepted one is read and dropped.
    """
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        part = message.get("body", b"")
        size += len(part)
        if size <= LARGEST_BODY + len(part):
            parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts)


async def _respond(response: Response, send: Callable[[Message], Any]) -> None:
    """
    Send the response, or break off in the middle of it where a fault says so.
    """
    if response.lost == "hang":
        await asyncio.sleep(response.seconds)
    promised = len(response.body) + (1 if response.lost else 0)
    headers = [
        (name.lower().encode("latin-1"), value.encode("latin-1", "replace"))
        for name, value in response.headers.items()
    ]
    headers.append((b"content-length", str(promised).encode()))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    if not response.lost:
        await send({"type": "http.response.body", "body": response.body})


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


@contextmanager
def serve(
    simulator: "IssuingSimulator",
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    data: Path | None = None,
    remote: bool = False,
) -> Iterator[Address]:
    """
    Serve *simulator* over HTTP until the block ends.

    Args:
        port: 0 takes any free one.
        data: Keep the state in this file: at most a second after a change, and at the end.
        remote: Allow an address that other machines can reach.

    Raises:
        SimulatorError: The address is not loopback, or the extra is not installed.
    """
    try:
        import uvicorn  # noqa: PLC0415 - an extra
    except ImportError:
        message = "Serving over HTTP needs uvicorn: install the simulator extra."
        raise SimulatorError(message) from None
    if not remote and not _is_loopback(host):
        message = f"{host} can be reached by other machines; pass remote=True if that is meant."
        raise SimulatorError(message)
    app = App(simulator)
    listener = socket.create_server((host, port), family=_family(host), backlog=128)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # accepted ones inherit it
    config = uvicorn.Config(
        app, log_level="critical", access_log=False, timeout_graceful_shutdown=1
    )
    server = uvicorn.Server(config)
    runner = Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    stop = Event()
    keeper = Thread(target=_keep, args=(app, data, stop), daemon=True)
    with simulator.outdoors(_abroad, lambda: int(time.time()), time.sleep):
        runner.start()
        while not server.started:
            time.sleep(0.001)
        if data is not None:
            keeper.start()
        try:
            shown = f"[{host}]" if ":" in host else host
            yield Address(f"http://{shown}:{listener.getsockname()[1]}", simulator)
        finally:
            server.should_exit = True
            runner.join(10)
            listener.close()
            stop.set()
            if data is not None:
                keeper.join()
                simulator.save(data)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _keep(app: App, data: Path, stop: Event) -> None:
    while not stop.wait(SAVE_SECONDS):
        if app.is_changed.is_set():
            app.is_changed.clear()
            app.simulator.save(data)


def main_simulator(
    simulator: "IssuingSimulator",
    *,
    host: str = "127.0.0.1",
    port: int = 12111,
    data: Path | None = None,
    webhook_url: str | None = None,
    remote: bool = False,
    say: Callable[[str], object],
    wait: Callable[[], object] | None = None,
) -> None:
    """
    Serve until interrupted, having said where, with which keys, and with which ready account.

    Args:
        webhook_url: Deliver everything to this address, signed with the webhook secret.
        say: Gets each line to show.
        wait: Returns, or raises ``KeyboardInterrupt``, when it is time to stop; waits for ever
            when left out.
    """
    accounts = [
        each["id"]
        for each in simulator.objects("account")
        if each["id"] != simulator.platform_account
    ]
    account = accounts[0] if accounts else simulator.create_account()
    if webhook_url is not None:
        deliver_to(simulator, webhook_url)
    with serve(simulator, host=host, port=port, data=data, remote=remote) as address:
        say(f"base URL        {address.base_url}")
        say(f"API key         {simulator.api_key}")
        say(f"account         {account}")
        say(f"webhook secret  {simulator.webhook_secret}")
        say(f"control         {address.base_url}{PREFIX}")
        try:
            (wait or Event().wait)()
        except KeyboardInterrupt:
            say("stopped")
