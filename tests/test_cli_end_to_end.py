"""
Is a list paid once from a shell against a Stripe in another process, with Ctrl-C in its middle?
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from payout_lists import COMPANY, csv_of, written

pytest.importorskip("uvicorn", reason="the simulator extra is not installed")
pytestmark = pytest.mark.long

COMMAND = (sys.executable, "-W", "error", "-m", "issuing_disburse.cli")
ORDERS = 60
PATIENCE_SECONDS = 120


@contextmanager
def served_simulator() -> Iterator[dict[str, str]]:
    """
    Run ``issuing-disburse simulator`` as a shell does, and yield what it says.
    """
    arguments = ("simulator", "--port", "0", "--json", "--start-now", "--running-clock")
    with subprocess.Popen(  # noqa: S603 - our own
        [*COMMAND, *arguments], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())
        finally:
            process.send_signal(signal.SIGINT)


def test_a_list_is_paid_once_when_ctrl_c_comes_in_its_middle(tmp_path: Path) -> None:
    """What is told when it stops is whole, resume pays the rest, and the books agree with Stripe's."""
    rows = [{**COMPANY, "id": f"p-{n}", "reference": f"payee-{n // 2}"} for n in range(ORDERS)]
    path = str(written(tmp_path, csv_of(*rows)))
    with served_simulator() as facts:
        environment = {
            **os.environ,
            "STRIPE_API_KEY": facts["api_key"],
            "STRIPE_ACCOUNT": facts["account"],
            "STRIPE_API_BASE": facts["base_url"],
            "ISSUING_DISBURSE_STORE": f"sqlite:///{tmp_path}/books.sqlite3",
        }

        def run(*arguments: str) -> Any:
            done = subprocess.run(  # noqa: S603 - our own
                [*COMMAND, *arguments, "--json"],
                env=environment,
                capture_output=True,
                text=True,
                timeout=PATIENCE_SECONDS,
                check=False,
            )
            assert (0, "") == (done.returncode, done.stderr), done.stdout
            return json.loads(done.stdout)

        with subprocess.Popen(  # noqa: S603 - our own
            [*COMMAND, "disburse", path, "--json"],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            told = [process.stdout.readline() for _ in range(5)]  # at least one outcome
            process.send_signal(signal.SIGINT)
            rest, problems = process.stdout.read(), process.stderr.read()
        stopped = json.loads("".join([*told, rest]))

        assert (130, "") == (process.returncode, problems)
        assert stopped["is_stopped"]
        assert 0 < stopped["paid"] < ORDERS
        assert f"issuing-disburse resume --orders {path}" == stopped["go_on"]

        finished = run("resume", "--orders", path)
        again = run("disburse", path)

        assert ORDERS == finished["paid"] == again["paid"]
        cards = {one["order_id"]: one["last4"] for one in finished["outcomes"]}
        assert {f"p-{n}" for n in range(ORDERS)} == cards.keys()
        assert cards == {one["order_id"]: one["last4"] for one in again["outcomes"]}
        assert [] == run("reconcile")["differences"]
