"""
Do our own sinks keep the contract, and does the contract notice one that does not?
"""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwe
from joserfc.jwk import ECKey

from issuing_disburse.disbursement import CardReference
from issuing_disburse.pci import CallbackSink, CardSecrets, JWESink, PCIScope, SecretSink
from issuing_disburse.testing import SinkContract
from sinks.vaults import SCOPE, Vault

Kept = Callable[[str], tuple[str, str] | None]
KEY = ECKey.generate_key("P-256", private=True)


class TestVault(SinkContract):
    """
    The vault of these tests is a sink.
    """

    @pytest.fixture
    def sink(self) -> Vault:
        return Vault()

    @pytest.fixture
    def kept(self, sink: Vault) -> Kept:
        return sink.kept.get

    @pytest.fixture
    def broken_sink(self) -> Vault:
        return Vault(breaks=99)


class TestCallback(SinkContract):
    """
    A function is a sink.
    """

    vault = Vault()

    @pytest.fixture
    def sink(self) -> CallbackSink:
        self.vault.kept.clear()
        return CallbackSink(self.vault.deliver, scope=SCOPE)

    @pytest.fixture
    def kept(self) -> Kept:
        return self.vault.kept.get


class TokenStore:
    """
    The recipient's side: keeps one token per card, and can read it.
    """

    def __init__(self) -> None:
        self.tokens: dict[str, str] = {}

    def send(self, token: str, *, card: CardReference, order_id: str) -> str:
        """
        Keep a token.
        """
        self.tokens.setdefault(card.id, token)
        return f"token:{card.id}"

    def read(self, card_id: str) -> tuple[str, str] | None:
        """
        Decrypt a token.
        """
        opened = jwe.decrypt_compact(
            self.tokens[card_id], KEY, algorithms=["ECDH-ES+A256KW", "A256GCM"]
        )
        card = json.loads(opened.plaintext or b"")
        return card["number"], card["cvc"]


class TestJWE(SinkContract):
    """
    An encrypting sink is a sink.
    """

    @pytest.fixture
    def recipient(self) -> TokenStore:
        """
        Return the recipient.
        """
        return TokenStore()

    @pytest.fixture
    def sink(self, recipient: TokenStore) -> JWESink:
        return JWESink(KEY.as_dict(private=False), scope=SCOPE, send=recipient.send)

    @pytest.fixture
    def kept(self, recipient: TokenStore) -> Kept:
        return recipient.read


BROKEN = {
    "test_it_has_stored_when_it_returns": "return 'x' + card.id",
    "test_its_receipt_can_be_stored": "self.store(secrets, card); return ''",
    "test_it_closes_what_it_opened": (
        "self.opened = secrets.open().__enter__(); return 'x' + card.id"
    ),
    "test_a_second_delivery_of_a_card_changes_nothing": (
        "self.store(secrets, card); self.count += 1; return f'{card.id}-{self.count}'"
    ),
    "test_cards_are_kept_apart": "self.store(secrets, card); return 'stored'",
    "test_it_raises_when_it_cannot_store": "return 'x' + card.id",
}
SUITE = """
import pytest
from issuing_disburse.pci import PCIScope
from issuing_disburse.testing import SinkContract

class Broken:
    scope = PCIScope(owner="card-vault", environment="pci-test")
    count = 0
    def __init__(self):
        self.kept = {{}}
    def store(self, secrets, card):
        with secrets.open() as opened:
            self.kept[card.id] = (opened.number, opened.cvc)
    def deliver(self, secrets, *, card, order_id):
        {body}

class TestBroken(SinkContract):
    @pytest.fixture
    def sink(self):
        return Broken()
    @pytest.fixture
    def kept(self, sink):
        return sink.kept.get
    @pytest.fixture
    def broken_sink(self):
        return Broken()
"""


def run_suite(folder: Path, source: str, *options: str) -> str:
    """
    Run a small suite in a process of its own, and return what it prints.
    """
    (folder / "test_theirs.py").write_text(source)
    answer = subprocess.run(  # noqa: S603 - the interpreter of this test, and text from this file
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "test_theirs.py",
            *options,
        ],
        check=False,
        capture_output=True,
        text=True,
        cwd=folder,
    )
    return answer.stdout


@pytest.mark.parametrize("name", BROKEN)
def test_the_contract_fails_for_a_sink_that_breaks_it(name: str, tmp_path: Path) -> None:
    """Each promise has a broken sink that its test catches."""
    printed = run_suite(tmp_path, SUITE.format(body=BROKEN[name]), "-k", name)

    assert "1 failed, 6 deselected" in printed


def test_the_contract_says_what_to_override(tmp_path: Path) -> None:
    """Without fixtures of its own the suite fails with what is missing."""
    printed = run_suite(
        tmp_path,
        "from issuing_disburse.testing import SinkContract\nclass TestNone(SinkContract): pass",
    )

    assert "override the fixture 'sink' in your subclass" in printed


def test_a_sink_is_one_by_its_shape() -> None:
    """What has a scope and delivers is a sink; nothing is inherited."""

    class Shaped:
        scope = PCIScope(owner="card-vault", environment="pci-test")

        def deliver(self, secrets: CardSecrets, *, card: CardReference, order_id: str) -> str:
            return card.id

    sinks: list[SecretSink] = [Shaped(), Vault(), CallbackSink(Vault().deliver, scope=SCOPE)]
    others: list[Any] = [one.scope for one in sinks]

    assert all(isinstance(one, PCIScope) for one in others)
