"""
Do the official SDKs, which nobody here wrote, live through the same story over HTTP?
"""

import asyncio
import importlib.util
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from issuing_disburse.simulator import IssuingSimulator

pytest.importorskip("uvicorn", reason="the simulator extra is not installed")

STORIES = Path(__file__).parent / "sdk_stories"
EXPECTED: dict[str, Any] = {
    "same_card": True,
    "declined": [False, "webhook_declined"],
    "approved": [True, "story"],
    "captured": ["pending", "closed"],
    "card": ["canceled", "400000999", 3, "claim-1"],
    "listed": [1_500, -2_500, -1_500],
    "transfer": [20, 20],
    "issuing": [47_500],
    "refused": [
        [400, None],
        [404, "resource_missing"],
        [400, "parameter_missing"],
    ],
    "asked": 2,
    "kinds": [
        "issuing_authorization.created",
        "issuing_authorization.request",
        "issuing_authorization.updated",
        "issuing_card.created",
        "issuing_card.updated",
        "issuing_cardholder.created",
        "issuing_transaction.created",
    ],
    "forged_refused": True,
}


@pytest.fixture
def served() -> Iterator[tuple[str, str, str]]:
    """
    Base URL, key and account of a simulator that is served.
    """
    sim = IssuingSimulator(seed=2, platform_funds=1_000)
    account = sim.create_account(issuing_funds=50_000)
    with sim.serve() as address:
        yield address.base_url, sim.api_key, account


def _python_story() -> ModuleType:
    path = STORIES / "python_story.py"
    spec = importlib.util.spec_from_file_location("python_story", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")  # the SDK's way with httpx
@pytest.mark.parametrize("is_async", [False, True])
def test_stripe_python_tells_the_story(served: tuple[str, str, str], *, is_async: bool):
    """Synchronous over requests, asynchronous over httpx; each verifies and answers webhooks."""
    if is_async:
        pytest.importorskip("httpx", reason="stripe-python's asynchronous client is not installed")
    told = asyncio.run(_python_story().tell(*served, is_async=is_async))

    assert EXPECTED == told


@pytest.mark.long
def test_stripe_node_tells_the_story(served: tuple[str, str, str], tmp_path: Path):
    """Node's own package tells the same; it verifies by `constructEvent` and answers questions."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        pytest.skip("node and npm are not installed")
    install = [npm, "install", "--no-audit", "--no-fund", "--silent", "--cache", "cache", "stripe"]
    try:
        installed = subprocess.run(  # noqa: S603 - fixed words
            install, cwd=tmp_path, capture_output=True, check=False, timeout=180
        )
    except subprocess.TimeoutExpired:
        pytest.skip("npm did not install stripe within three minutes")
    if installed.returncode:
        pytest.skip("npm could not install stripe: " + installed.stderr.decode()[-200:])
    shutil.copy(STORIES / "story.js", tmp_path)

    told = subprocess.run(  # noqa: S603 - our own script
        [node, "story.js", *served], cwd=tmp_path, capture_output=True, check=False, timeout=60
    )

    assert 0 == told.returncode, told.stderr.decode()
    assert EXPECTED == json.loads(told.stdout)
