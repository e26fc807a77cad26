"""
Does a sink keep what `issuing_disburse.pci.SecretSink` promises?

Subclass `SinkContract` in a test module of yours and override its fixtures.
"""
# ruff: noqa: S101, SIM300 - tests assert, expected == actual

from __future__ import annotations

from typing import NoReturn

import pytest

from issuing_disburse.deliveries import check_sink
from issuing_disburse.disbursement import CardReference
from issuing_disburse.hidden import Sealed
from issuing_disburse.pci import PCIScope, SecretSink
from issuing_disburse.receiving import RECEIPT_MAX

FIRST = ("4000009990000010", "837")
SECOND = ("4000009990000028", "262")


class SinkContract:
    """
    Every promise of a sink, as a pytest class: override the fixtures `sink` and `kept`.

    .. code-block:: text

        class TestMyVault(SinkContract):
            @pytest.fixture
            def sink(self):
                return MyVault(...)

            @pytest.fixture
            def kept(self, sink):
                return lambda card_id: sink.lookup(card_id)     # (number, cvc), or None

            @pytest.fixture
            def broken_sink(self):                              # optional
                return MyVault(address="nowhere")
    """

    @pytest.fixture
    def sink(self) -> SecretSink:
        """
        Return the sink under test, empty.
        """
        return _missing("sink")

    @pytest.fixture
    def kept(self) -> object:
        """
        Return a function of a card id that reads back ``(number, cvc)``, ``None`` if it has none.
        """
        return _missing("kept")

    @pytest.fixture
    def broken_sink(self) -> SecretSink | None:
        """
        Return a sink whose storage cannot be reached.
        """
        return None

    def test_it_has_a_scope_and_can_be_passed_to_a_disburser(self, sink: SecretSink) -> None:
        """A sink says who answers for it."""
        check_sink(sink)

        assert isinstance(sink.scope, PCIScope)

    def test_it_has_stored_when_it_returns(self, sink: SecretSink, kept: object) -> None:
        """Number and CVC are readable where they belong, at once, under the card's id."""
        deliver(sink, "ic_first", FIRST)

        assert FIRST == _kept(kept, "ic_first")

    def test_its_receipt_can_be_stored(self, sink: SecretSink) -> None:
        """A receipt is a short printable text without number and CVC."""
        receipt = deliver(sink, "ic_first", FIRST)

        assert type(receipt) is str
        assert receipt.strip()
        assert len(receipt) <= RECEIPT_MAX
        assert receipt.isprintable()
        assert not Sealed(*FIRST).is_told_by(receipt)

    def test_it_closes_what_it_opened(self, sink: SecretSink) -> None:
        """When it returns, no 'with' block is open."""
        sealed = Sealed(*FIRST)
        secrets = sink.scope.opened(sealed)
        sink.deliver(secrets, card=card("ic_first", FIRST), order_id="order-1")

        assert not secrets.is_open

    def test_a_second_delivery_of_a_card_changes_nothing(
        self, sink: SecretSink, kept: object
    ) -> None:
        """A crash may deliver twice: one entry per card id, and the same receipt."""
        receipts = {deliver(sink, "ic_first", FIRST) for _ in range(2)}

        assert 1 == len(receipts)
        assert FIRST == _kept(kept, "ic_first")

    def test_cards_are_kept_apart(self, sink: SecretSink, kept: object) -> None:
        """Two cards, also of one order, are two entries."""
        receipts = {deliver(sink, "ic_first", FIRST), deliver(sink, "ic_second", SECOND)}

        assert 2 == len(receipts)  # noqa: PLR2004 - two cards
        assert (FIRST, SECOND) == (_kept(kept, "ic_first"), _kept(kept, "ic_second"))

    def test_it_raises_when_it_cannot_store(self, broken_sink: SecretSink | None) -> None:
        """A sink that cannot store says so; a receipt for nothing would activate a lost card."""
        if broken_sink is None:
            pytest.skip("override the fixture broken_sink to check this")
        with pytest.raises(Exception) as caught:  # noqa: PT011 - whichever the sink raises
            deliver(broken_sink, "ic_first", FIRST)

        told = Sealed(*FIRST)
        assert not told.is_told_by(f"{caught.value!s} {caught.value!r}")


def card(card_id: str, secrets: tuple[str, str]) -> CardReference:
    """
    Make the reference of a test card.
    """
    return CardReference(
        id=card_id, last4=secrets[0][-4:], brand="Visa", exp_month=12, exp_year=2029, currency="usd"
    )


def deliver(sink: SecretSink, card_id: str, secrets: tuple[str, str]) -> str:
    """
    Deliver a test card as the library does, and return the receipt.
    """
    opened = sink.scope.opened(Sealed(*secrets))
    try:
        return sink.deliver(opened, card=card(card_id, secrets), order_id="order-1")
    finally:
        opened.close()


def _kept(kept: object, card_id: str) -> object:
    assert callable(kept)
    return kept(card_id)


def _missing(name: str) -> NoReturn:
    pytest.fail(f"override the fixture {name!r} in your subclass of SinkContract")
