"""
Can a shell script run the simulator and drive it, with figures, fields and exit codes?
"""

import json
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from issuing_disburse.cli import make_app
from issuing_disburse.simulator import Behaviour, IssuingSimulator, SimulatorError
from issuing_disburse.simulator.server import Address

switches = pytest.importorskip("issuing_disburse.cli.simulator_switches")
pytest.importorskip("uvicorn", reason="the simulator extra is not installed")

PAGE = Path(__file__).parents[1] / "docs" / "howto" / "drive-the-simulator.md"


@pytest.fixture
def served() -> Iterator[Address]:
    """
    A served simulator with one account.
    """
    sim = IssuingSimulator(seed=2, platform_funds=1_000)
    sim.create_account(issuing_funds=50_000)
    with sim.serve() as address:
        yield address


@pytest.fixture
def card(served: Address) -> str:
    """
    An active card that may be used once.
    """
    sim = served.simulator
    account = sim.objects("account")[1]["id"]
    headers = {"Authorization": f"Bearer {sim.api_key}", "Stripe-Account": account}
    holder = sim.handle(
        "POST",
        "/v1/issuing/cardholders",
        headers,
        b"name=Ada&type=company&billing[address][line1]=1&billing[address][city]=C"
        b"&billing[address][postal_code]=1&billing[address][country]=US",
    )
    body = f"cardholder={json.loads(holder.body)['id']}&currency=usd&type=virtual&status=active"
    made = sim.handle("POST", "/v1/issuing/cards", headers, body.encode())
    return str(json.loads(made.body)["id"])


def run(address: Address | None, *arguments: str) -> Result:
    url = address.base_url if address else "http://127.0.0.1:9"
    environment = {"ISSUING_DISBURSE_SIMULATOR": url}
    return CliRunner().invoke(make_app(), ["simulator", *arguments], env=environment)


def shown(address: Address, *arguments: str, code: int = 0) -> Any:
    result = run(address, *arguments)
    assert code == result.exit_code, result.output
    return json.loads(result.stdout)


def test_merchants_are_driven(served: Address, card: str):
    """Authorize, increment, capture in parts, refund, reverse, expire: each prints its object."""
    bought = shown(served, "authorize", card, "4000", "--category", "hotels_motels_and_resorts")
    more = shown(served, "increment", bought["id"], "500")
    part = shown(served, "capture", bought["id"], "1000", "--keep-open")
    done = shown(served, "capture", bought["id"])
    back = shown(served, "refund", done["transactions"][0]["id"], "10")
    voided = shown(served, "authorize", card, "300", "--merchant", "Shop", "--country", "US")
    reversed_ = shown(served, "reverse", voided["id"])
    lapsed = shown(served, "expire", shown(served, "authorize", card, "200")["id"])

    assert "hotels_motels_and_resorts" == bought["merchant_data"]["category"]
    assert (4_500, "pending", "closed") == (more["amount"], part["status"], done["status"])
    assert (10, "refund") == (back["amount"], back["type"])
    assert ("Shop", "reversed", "expired") == (
        voided["merchant_data"]["name"],
        reversed_["status"],
        lapsed["status"],
    )


def test_a_decline_is_exit_code_1(served: Address, card: str):
    """A script sees it without reading."""
    assert not shown(served, "authorize", card, "60000", code=1)["approved"]


def test_a_field_is_printed_alone(served: Address, card: str):
    """Text without quotes, everything else as JSON; a field that is not there is an error."""
    plain = run(served, "authorize", card, "100", "--field", "request_history.0.reason")
    state = served.simulator.api_key
    missing = run(served, "state", "--field", "accounts.9")

    assert "webhook_approved" != plain.stdout.strip() != ""
    assert state == run(served, "state", "--field", "api_key").stdout.strip()
    assert [] != json.loads(run(served, "state", "--field", "accounts").stdout)
    assert (2, "the answer has no field accounts.9") == (missing.exit_code, missing.stderr.strip())


def test_clock_limits_and_other_verbs_are_driven(served: Address):
    """Time, rate limit, funds, webhooks; arguments are JSON or bare words."""
    account = served.simulator.objects("account")[1]["id"]

    assert "2026-11-03T09:00:00+00:00" == shown(served, "advance-clock", "86400")["now"]
    assert shown(served, "call", "fund_issuing", f"account={account}", "amount=7") is None
    assert 50_007 == served.simulator.issuing_balance(account)
    assert 0 == run(served, "rate-limit", "25").exit_code
    assert 0 == run(served, "rate-limit", "0").exit_code
    assert 2 == len(shown(served, "webhooks", "http://127.0.0.1:9/hook")["endpoints"])
    assert [] == shown(served, "requests")["requests"]


def test_faults_are_scripted(served: Address):
    """Added with details, listed, cleared."""
    added = shown(
        served, "faults", "add", "refuse", "status=402", "code=odd", "--nth", "2",
        "--endpoint", "POST /v1/transfers",
    )["faults"]  # fmt: skip

    assert [(402, "odd", 2, "POST /v1/transfers")] == [
        (each["action"]["status"], each["action"]["code"], each["nth"], each["endpoint"])
        for each in added
    ]
    assert added == shown(served, "faults", "list")["faults"]
    assert [] == shown(served, "faults", "clear")["faults"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("authorize", "ic_none", "5"), "no object 'ic_none'"),
        (("call", "nonsense"), "There is no verb 'nonsense'; there are"),
        (("call", "fund_issuing", "amount=1"), "needs account"),
        (("call", "fund_issuing", "account=acct_x", "amount=1.5"), "give a whole number"),
        (("call", "fund_issuing", "amount"), "no NAME=VALUE"),
        (("faults", "add", "nonsense"), "An action has a kind"),
        (("faults", "add", "slow"), "seconds"),
        (("faults", "add", "slow", "seconds=-1"), "Slow.seconds is -1"),
        (("faults", "add", "slow", "seconds=1", "--endpoint", "POST /v1/transfer"), "no endpoint"),
        (("faults", "add", "slow", "seconds=1", "--event", "a.b"), "leave event out"),
        (("advance-clock", "999999999999"), "ten years"),
        (("webhooks", "nowhere"), "is no http://"),
    ],
)
def test_what_cannot_be_done_is_exit_code_2(served: Address, arguments: tuple[str, ...], told: str):
    """With a sentence that names the argument, and nothing done."""
    result = run(served, *arguments)

    assert (2, "") == (result.exit_code, result.stdout)
    assert told in re.sub(r"\x1b\[[\d;]*m|│|\s+", " ", result.stderr).replace("  ", " ")
    assert 0 == len(served.simulator.faults)


def test_no_simulator_is_told():
    """A wrong address is exit code 2."""
    result = run(None, "state")

    assert 2 == result.exit_code
    assert "no simulator answers at http://127.0.0.1:9" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--switch", "nonsense=1"), "There is no switch 'nonsense'"),
        (("--switch", "screening_seconds=soon"), "cannot be 'soon'; its default is 0.0"),
        (("--host", "no.such.host.invalid"), "Cannot listen on"),
        (("--data", "/none/such/file"), "cannot be kept"),
    ],
)
def test_what_cannot_be_served_is_exit_code_2(arguments: tuple[str, ...], told: str):
    """In words, or as one line of JSON."""
    plain, document = run(None, "--port", "0", *arguments), run(None, "--json", *arguments)

    assert 2 == plain.exit_code == document.exit_code
    assert told in plain.stderr
    assert told in json.loads(document.stdout)["error"]["message"]


def test_taken_port_is_told(served: Address):
    """With the way out."""
    result = run(None, "--port", served.base_url.rpartition(":")[2])

    assert 2 == result.exit_code
    assert "Address already in use. Port 0 takes any free one." in result.stderr


def test_missing_extra_is_told(monkeypatch: pytest.MonkeyPatch):
    """What to install, instead of a traceback."""
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    monkeypatch.delitem(sys.modules, "issuing_disburse.simulator.http_protocol", raising=False)
    result = run(None, "--port", "0")

    assert 2 == result.exit_code
    assert "pip install 'issuing-disburse[simulator]'" in result.stderr


def test_switches_are_read():
    """Every kind of switch, as JSON or as a bare word."""
    read = switches.read_switches(
        [
            "webhook_timeout_decision=approve",
            "screening_seconds=5",
            "default_daily_limit=null",
            "webhook_retry_seconds=[1,2.5]",
            'instant_balance_transfer_countries=["GB"]',
            'exchange_rates={"usd":1.0}',
            "company_cardholders=false",
            "balance_transfer_prefix=bt",
        ]
    )

    assert read == Behaviour(
        webhook_timeout_decision="approve",
        screening_seconds=5,
        default_daily_limit=None,
        webhook_retry_seconds=(1, 2.5),
        instant_balance_transfer_countries=frozenset({"GB"}),
        exchange_rates={"usd": 1.0},
        company_cardholders=False,
        balance_transfer_prefix="bt",
    )
    for wrong in (
        "webhook_timeout_decision=maybe",
        "card_validity_years=2.5",
        "issuing_elements=1",
    ):
        with pytest.raises(SimulatorError):
            switches.read_switches([wrong])


def _blocks(language: str) -> str:
    found = re.findall(rf"^```{language}\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    return "\n".join(found)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _told(script: str, folder: Path, port: int) -> subprocess.CompletedProcess[str]:
    commands = f"set -euo pipefail\nexport PATH={Path(sys.executable).parent}:$PATH\n{script}"
    bash = shutil.which("bash")
    assert bash is not None
    return subprocess.run(  # noqa: S603 - the page's own commands
        [
            bash,
            "-c",
            f"trap 'kill $(jobs -p) 2> kill.txt || true' EXIT\n{commands.replace('12111', str(port))}",
        ],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )


@pytest.mark.long
def test_page_runs_in_a_shell(tmp_path: Path):
    """Every shell command of the page, in order, as somebody who follows it types it."""
    if shutil.which("bash") is None or shutil.which("curl") is None:
        pytest.skip("bash and curl are not installed")
    done = _told(_blocks("bash"), tmp_path, _free_port())

    assert (0, "") == (done.returncode, done.stderr), done.stdout
    for words in ("closed", '"status":"canceled"', "declined", "no answer", "replayed: true"):
        assert words in done.stdout
    assert '"faults": []' in done.stdout


@pytest.mark.long
def test_page_runs_in_node(served: Address, tmp_path: Path):
    """The page's program for Node, with Node's own SDK."""
    if shutil.which("npm") is None or shutil.which("node") is None:
        pytest.skip("node and npm are not installed")
    (tmp_path / "page.js").write_text(_blocks("js"))
    install = "npm install --no-audit --no-fund --silent --cache cache stripe || exit 77\n"
    ran = f"ISSUING_DISBURSE_SIMULATOR={served.base_url} node page.js"
    done = _told(install + ran, tmp_path, 12_111)
    if done.returncode == 77:
        pytest.skip("npm could not install stripe: " + done.stderr[-200:])

    assert (0, "true closed\n") == (done.returncode, done.stdout), done.stderr
