"""
Do pytest-recording, vcrpy and whatever client record and play through our configuration?
"""

import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import requests
import stripe
import vcr

from issuing_disburse import Disburser, Status
from issuing_disburse.exceptions import RefusedError
from issuing_disburse.simulator import IssuingSimulator
from issuing_disburse.simulator.server import Address
from issuing_disburse.testing.cassettes import CassetteError, vcr_config
from world import make_order

PEOPLE = ("Jenny", "Rosen", "jenny@example.org", "5309", "Columbus", "123 Main", "43004", "1985")
HOLDER: Any = {
    "name": "Jenny Rosen",
    "email": "jenny@example.org",
    "phone_number": "+18008675309",
    "type": "individual",
    "individual": {
        "first_name": "Jenny",
        "last_name": "Rosen",
        "dob": {"day": 14, "month": 3, "year": 1985},
    },
    "billing": {
        "address": {
            "line1": "123 Main St",
            "city": "Columbus",
            "state": "OH",
            "postal_code": "43004",
            "country": "US",
        }
    },
    "metadata": {"note": "for Jenny Rosen, jenny@example.org"},
}


@pytest.fixture
def served() -> Iterator[Address]:
    """
    Serve a simulator on this machine.
    """
    with IssuingSimulator(seed=7, platform_funds=1_000_000) as simulator, simulator.serve() as at:
        yield at


def bare(address: str, key: str) -> stripe.StripeClient:
    """
    Return the bare SDK, with its own client.
    """
    return stripe.StripeClient(key, base_addresses={"api": address})


def create(client: stripe.StripeClient, account: str, **changes: Any) -> Any:
    """
    Create a cardholder.
    """
    options: Any = {"stripe_account": account}
    return client.v1.issuing.cardholders.create({**HOLDER, **changes}, options)


def test_the_bare_sdk_plays_when_nobody_serves(served: Address, tmp_path: Path) -> None:
    """Real data in the test, pseudonyms in the file, random idempotency keys: and the replay matches."""
    path = str(tmp_path / "bare.yaml")
    simulator = served.simulator
    account = simulator.create_account()
    config = vcr_config()
    with vcr.VCR(**config).use_cassette(path):
        live = create(bare(served.base_url, simulator.api_key), account)
        other = create(bare(served.base_url, simulator.api_key), account, email="max@example.org")
    # Nobody listens on the port; the same configuration serves another cassette, from the start.
    with vcr.VCR(**config).use_cassette(path, record_mode="none") as cassette:
        played = create(bare("http://127.0.0.1:9", "sk_test_another"), account)
        again = create(bare("http://127.0.0.1:9", "sk_test_x"), account, email="max@example.org")
    kept = Path(path).read_text()

    assert "jenny@example.org" == live.email
    assert (live.id, other.id) == (played.id, again.id)
    assert ("person-1@example.com", "person-2@example.com") == (played.email, again.email)
    assert "for Person-1, person-1@example.com" == played.metadata["note"]
    assert [] == [one for one in (*PEOPLE, simulator.api_key) if one in kept]
    assert cassette.all_played


def test_another_account_does_not_match_when_all_else_does(served: Address, tmp_path: Path) -> None:
    """What was recorded for one account is not played for another."""
    path = str(tmp_path / "account.yaml")
    account = served.simulator.create_account()
    with vcr.VCR(**vcr_config()).use_cassette(path):
        create(bare(served.base_url, served.simulator.api_key), account)
    playing = vcr.VCR(**vcr_config(record_mode="none")).use_cassette(path)

    with playing, pytest.raises(stripe.APIConnectionError, match="closest differ in headers"):
        create(bare(served.base_url, "sk_test_another"), "acct_another")


def test_order_means_nothing_when_fields_are_the_same(tmp_path: Path) -> None:
    """A form in another order is the same request; another value is not."""
    path = tmp_path / "order.yaml"
    request = vcr.request.Request
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    with vcr.VCR(**vcr_config()).use_cassette(str(path)) as cassette:
        cassette.append(
            request("POST", "https://h/p?b=2&a=1", b"x=1&y=2&email=a%40b.c", kind),
            {"status": {"code": 200, "message": ""}, "headers": {}, "body": {"string": b"{}"}},
        )

    with vcr.VCR(**vcr_config(record_mode="none")).use_cassette(str(path)) as cassette:
        same = request("POST", "https://h/p?a=1&b=2", b"email=a%40b.c&y=2&x=1", kind)
        other = request("POST", "https://h/p?a=1&b=2", b"email=a%40b.c&y=2&x=3", kind)

        assert cassette.can_play_response_for(same)
        assert not cassette.can_play_response_for(other)


@pytest.mark.parametrize("client", [requests, httpx])
def test_live_objects_stay_when_they_are_recorded(
    client: Any, served: Address, tmp_path: Path
) -> None:
    """While recording, the test gets the answer as it was sent, whatever client it uses."""
    path = str(tmp_path / "live.yaml")
    account = served.simulator.create_account()
    headers = {"Authorization": f"Bearer {served.simulator.api_key}", "Stripe-Account": account}
    with vcr.VCR(**vcr_config()).use_cassette(path):
        sent = client.post(
            f"{served.base_url}/v1/issuing/cardholders",
            data={"name": "Jenny Rosen", "type": "company", "billing[address][line1]": "1 Way",
                  "billing[address][city]": "Columbus", "billing[address][country]": "US",
                  "billing[address][postal_code]": "43004", "billing[address][state]": "OH"},
            headers=headers,
        )  # fmt: skip

    assert "Jenny Rosen" == sent.json()["name"]
    assert sent.request.headers["Authorization"].endswith(served.simulator.api_key)
    assert "Jenny Rosen" not in Path(path).read_text()


def test_the_library_sends_by_its_own_client_when_this_configuration_records(
    served: Address, tmp_path: Path
) -> None:
    """A disburser without a client of its own is recorded, played, and leaves no key in the file."""
    path = str(tmp_path / "library.yaml")
    account = served.simulator.create_account()
    stores = iter(["memory://", "memory://"])

    def pay(key: str) -> Any:
        clock = served.simulator.clock
        with Disburser.connect(
            api_key=key,
            account=account,
            webhook_secret=served.simulator.webhook_secret,
            store=next(stores),
            api_base=served.base_url,
            clock=lambda: start,
            sleep=clock.sleep,
        ) as disburser:
            return disburser.disburse(make_order())

    start = served.simulator.clock.now()
    with vcr.VCR(**vcr_config()).use_cassette(path):
        live = pay(served.simulator.api_key)
    with vcr.VCR(**vcr_config(record_mode="none")).use_cassette(path) as cassette:
        played = pay("sk_test_another")
    kept = Path(path).read_text()

    assert Status.ACTIVE is live.status
    assert live == played
    assert cassette.all_played
    assert [] == [one for one in (*PEOPLE, served.simulator.api_key) if one in kept]


def test_the_library_sends_nothing_when_another_configuration_records(
    served: Address, tmp_path: Path
) -> None:
    """A recorder without our hook is refused, as before: it would keep the key."""
    config = vcr_config()
    del config["before_save_interaction"]
    recording = vcr.VCR(**config).use_cassette(str(tmp_path / "plain.yaml"))
    with (
        recording,
        Disburser.connect(
            api_key="sk_test_x",
            account="acct_1",
            webhook_secret="whsec_x",
            store="memory://",
            api_base=served.base_url,
        ) as disburser,
        pytest.raises(RefusedError, match="a cassette recorder is active"),
    ):
        disburser.disburse(make_order())

    assert [] == list(tmp_path.iterdir())


def test_no_answer_is_in_the_log_when_vcrpy_tells_what_it_keeps(
    caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    """vcrpy logs answers before any hook has seen them; with our configuration it does not."""
    caplog.set_level(logging.DEBUG)
    with vcr.VCR(**vcr_config()).use_cassette(str(tmp_path / "log.yaml")) as cassette:
        cassette.append(
            vcr.request.Request("GET", "https://h/p", None, {}),
            {"status": {"code": 200, "message": ""}, "headers": {}, "body": {"string": b"Jenny"}},
        )

    assert "Appending a request" in caplog.text
    assert "Jenny" not in caplog.text


@pytest.mark.parametrize("hook", ["before_save_interaction", "before_record_request"])
def test_a_hook_is_refused_when_it_would_replace_ours(hook: str) -> None:
    """Nobody switches the scrubbing off by passing a hook of his own."""
    with pytest.raises(CassetteError, match=f"{hook} would take the place of the scrubbing"):
        vcr_config(**{hook: lambda one: one})


SUITE = """
import pytest, stripe
from issuing_disburse.simulator import IssuingSimulator
from issuing_disburse.testing import cassettes

@pytest.fixture(scope="module")
def vcr_config():
    return cassettes.vcr_config()

def cardholder(email):
    client = stripe.StripeClient("KEY", base_addresses={"api": "ADDRESS"})
    billing = {"address": {"line1": "1", "city": "Columbus", "state": "OH", "postal_code": "43004", "country": "US"}}
    found = client.v1.issuing.cardholders.create(
        {"name": "A Firm", "type": "company", "email": email, "billing": billing}, {"stripe_account": "ACCOUNT"}
    )
    return found

@pytest.mark.vcr
def test_first():
    assert "company" == cardholder("jenny@example.org").type

@pytest.mark.vcr
def test_second():
    assert "company" == cardholder("max@example.org").type

@pytest.mark.vcr
def test_leaky(record_property):
    cardholder("a@example.org").metadata
    import requests
    requests.get("ADDRESS/v1/balance?note=" + "45395787" + "63621486")
"""


def run(folder: Path, *arguments: str) -> str:
    """
    Run a miniature suite, and return what it printed.
    """
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
    done = subprocess.run(  # noqa: S603 - this interpreter, and the text above
        command, cwd=folder, capture_output=True, text=True, check=False, timeout=60
    )
    return done.stdout + done.stderr


@pytest.mark.long
def test_a_suite_records_and_plays_when_it_uses_pytest_recording(
    served: Address, tmp_path: Path
) -> None:
    """With a fixture of module scope, tests play alone and in another order; a leak fails its test alone."""
    text = SUITE.replace("KEY", served.simulator.api_key).replace("ADDRESS", served.base_url)
    text = text.replace("ACCOUNT", served.simulator.create_account())
    suite = tmp_path / "test_suite.py"
    suite.write_text(text)
    recorded = run(tmp_path, "--record-mode=once")
    suite.write_text(text.replace(served.base_url, "http://127.0.0.1:9"))
    cassettes = tmp_path / "cassettes" / "test_suite"
    alone = run(tmp_path, "--block-network", "-k", "second")
    swapped = run(
        tmp_path, "--block-network", "test_suite.py::test_second", "test_suite.py::test_first"
    )

    assert "3 passed, 1 error" in recorded
    assert "LeakError" in recorded
    assert ["test_first.yaml", "test_second.yaml"] == sorted(
        one.name for one in cassettes.iterdir()
    )
    assert "1 passed" in alone
    assert "2 passed" in swapped
    assert "max@example.org" not in (cassettes / "test_second.yaml").read_text()
