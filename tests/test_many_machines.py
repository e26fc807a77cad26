"""
Is every order paid once when an engine gives the work to many machines, and one of them dies half-way?
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from attrs import define, field

from issuing_disburse import Disburser, Status
from issuing_disburse.simulator import IssuingSimulator
from killing import check_money
from payout_lists import COMPANY, csv_of
from postgres import Server, postgres_server, postgres_url

__all__ = ["postgres_server", "postgres_url"]

EXAMPLES = Path(__file__).parents[1] / "examples" / "many_machines"
ORDERS = 60
KILLED_AT = 5
PATIENCE_SECONDS = 150
pytestmark = pytest.mark.long


@define
class Site:
    """
    A simulated Stripe over HTTP, a list to pay, and machines that run an example.
    """

    simulator: IssuingSimulator
    disburser: Disburser
    environment: dict[str, str]
    running: ExitStack = field(factory=ExitStack)

    def start(self, *command: str, **environment: str) -> subprocess.Popen[bytes]:
        """
        Start a machine: a session of its own, so that all of it can die at once.
        """
        process = subprocess.Popen(  # noqa: S603 - our own
            command,
            cwd=EXAMPLES,
            env={**os.environ, **self.environment, **environment},
            start_new_session=True,
        )
        self.running.callback(kill, process)
        return process

    @property
    def cards(self) -> int:
        """
        How many cards there are.
        """
        return len(self.simulator.objects("card", self.disburser.account))

    def wait(self, is_so: Callable[[], bool], what: str) -> None:
        """
        Wait until something is so.
        """
        patience = time.monotonic() + PATIENCE_SECONDS
        while not is_so():
            assert time.monotonic() < patience, f"{what}: {self.cards} cards"
            time.sleep(0.02)

    def is_paid(self) -> bool:
        """
        Tell whether every order has its card, and says so.
        """
        return self.cards == ORDERS and all(
            Status.ACTIVE is self.disburser.get(f"p-{n}").status for n in range(ORDERS)
        )


def kill(process: subprocess.Popen[bytes]) -> None:
    """
    Pull the plug of a machine.
    """
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(30)


@pytest.fixture
def site(tmp_path: Path, postgres_url: str) -> Iterator[Site]:
    """
    A site without machines yet.
    """
    rows = [{**COMPANY, "id": f"p-{n}", "reference": f"payee-{n // 3}"} for n in range(ORDERS)]
    listed = tmp_path / "payouts.csv"
    listed.write_text(csv_of(*rows), newline="")
    start = datetime.now(UTC)
    with (
        IssuingSimulator(seed=5, platform_funds=100_000_000, start=start) as simulator,
        simulator.serve() as address,
    ):
        account = simulator.create_account()
        options = {
            "api_key": simulator.api_key,
            "account": account,
            "webhook_secret": simulator.webhook_secret,
            "store": postgres_url,
        }
        environment = {
            "STRIPE_API_KEY": simulator.api_key,
            "STRIPE_ACCOUNT": account,
            "STRIPE_WEBHOOK_SECRET": simulator.webhook_secret,
            "STRIPE_API_BASE": address.base_url,
            "ISSUING_DISBURSE_STORE": postgres_url,
            "PAYOUT_LIST": str(listed),
            "LEASE_SECONDS": "1",
            "WAIT_SECONDS": "0.5",
        }
        with Disburser.connect(**options, api_base=address.base_url) as disburser:
            made = Site(simulator, disburser, environment)
            with made.running:
                yield made


@contextmanager
def redis_server(folder: Path) -> Iterator[str]:
    """
    Run a broker that keeps nothing, on a free loopback port.
    """
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("redis-server is not here")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        program,
        "--port",
        str(port),
        "--bind",
        "127.0.0.1",
        "--save",
        "",
        "--dir",
        str(folder),
    ]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:  # noqa: S603 - found above
        patience = time.monotonic() + PATIENCE_SECONDS
        while not _listens(port):
            assert time.monotonic() < patience, "the broker does not start"
            time.sleep(0.02)
        try:
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            process.terminate()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def check_all(site: Site, record_property: Callable[[str, object], None], killed_at: int) -> None:
    """
    Fail unless a machine died half-way, and the money is where it belongs.
    """
    record_property("cards when a machine was killed", killed_at)
    assert KILLED_AT <= killed_at < ORDERS
    check_money(site.simulator, site.disburser, [f"p-{n}" for n in range(ORDERS)])


def test_each_order_is_paid_once_when_a_machine_of_dbos_dies(
    site: Site,
    postgres_server: Server,
    record_property: Callable[[str, object], None],
) -> None:
    """Two machines share the workflows; one is killed half-way and comes back under its name."""
    pytest.importorskip("dbos")
    database = {"DBOS_SYSTEM_DATABASE_URL": postgres_server.url}
    program = (sys.executable, "dbos_payouts.py")

    first = site.start(*program, "send", DBOS__VMID="one", **database)
    site.wait(lambda: site.cards >= KILLED_AT, "the first machine pays")
    kill(first)
    killed_at = site.cards
    site.start(*program, DBOS__VMID="two", **database)
    site.start(*program, DBOS__VMID="one", **database)
    site.wait(site.is_paid, "the others finish")

    check_all(site, record_property, killed_at)


def test_each_order_is_paid_once_when_a_machine_of_celery_dies(
    site: Site, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """A worker is killed half-way; its tasks are given to another one, and the list is sent twice."""
    pytest.importorskip("celery")
    with redis_server(tmp_path) as broker, site.running:
        options = {
            "CELERY_BROKER_URL": broker,
            "VISIBILITY_SECONDS": "1",
        }  # some are given out twice
        worker = (
            *(sys.executable, "-m", "celery", "--app", "celery_payouts", "worker"),
            *("--pool", "threads", "--concurrency", "4", "--loglevel", "warning"),
        )

        first = site.start(*worker, **options)
        sender = site.start(sys.executable, "celery_payouts.py", **options)
        site.wait(lambda: site.cards >= KILLED_AT, "the first machine pays")
        kill(first)
        killed_at = site.cards
        sender.wait(PATIENCE_SECONDS)
        site.start(*worker, **options)
        site.wait(site.is_paid, "the other one finishes")

    check_all(site, record_property, killed_at)
