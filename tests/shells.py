"""
How do tests run commands as separate processes would, against one simulated account and one store?
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import stripe
from attrs import define, field
from typer.testing import CliRunner, Result

from issuing_disburse import Disburser
from issuing_disburse.cli import make_app
from issuing_disburse.simulator import IssuingSimulator

COLOURED = dict.fromkeys(("FORCE_COLOR", "PY_COLORS", "GITHUB_ACTIONS", "TTY_COMPATIBLE"))


@define
class Shell:
    """
    Runs commands against one simulated account and one store, as separate processes would.

    Attributes:
        client: What carries their requests, if it is not the simulator's own.
    """

    simulator: IssuingSimulator
    account: str
    store: str
    environment: dict[str, str | None] = field(factory=dict)
    client: stripe.HTTPClient | None = None

    def __attrs_post_init__(self) -> None:
        self.environment = {
            "STRIPE_API_KEY": self.simulator.api_key,
            "STRIPE_ACCOUNT": self.account,
            "STRIPE_WEBHOOK_SECRET": self.simulator.webhook_secret,
            "ISSUING_DISBURSE_STORE": self.store,
        }

    def connect(self, **options: Any) -> Disburser:
        return Disburser.connect(
            **options,
            http_client=self.client or self.simulator.http_client(),
            clock=self.simulator.clock.now,
            sleep=self.simulator.clock.sleep,
        )

    def disburser(self) -> Disburser:
        disburser = self.connect(
            api_key=self.simulator.api_key,
            account=self.account,
            webhook_secret=self.simulator.webhook_secret,
            store=self.store,
        )
        self.simulator.deliver_webhooks_to(disburser.handle_webhook)
        return disburser

    def run(self, *arguments: str, **environment: str | None) -> Result:
        result = CliRunner().invoke(
            make_app(),
            list(arguments),
            env={**COLOURED, **self.environment, **environment},
            obj=self.connect,
        )
        for secret in (self.simulator.api_key, self.simulator.webhook_secret):
            assert secret not in result.output
        return result

    def json(self, *arguments: str, code: int = 0) -> Any:
        result = self.run(*arguments, "--json")
        assert code == result.exit_code, result.output
        assert "" == result.stderr
        return json.loads(result.stdout)


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    with IssuingSimulator(seed=7, platform_funds=1_000_000) as simulator:
        yield Shell(simulator, simulator.create_account(), f"sqlite:///{tmp_path}/books.sqlite3")
