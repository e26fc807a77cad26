"""
Which cards were handed over, if the test must not see a number either?
"""

from __future__ import annotations

from attrs import define, field, frozen

from issuing_disburse.disbursement import CardReference
from issuing_disburse.exceptions import SinkError
from issuing_disburse.pci import CardSecrets, PCIScope


@frozen(kw_only=True)
class CapturedDelivery:
    """
    One card that was handed over.

    Attributes:
        number_ends: The last four digits of the number that came, to be compared with the card's.
        has_cvc: Whether a CVC came with it.
        times: How often it was delivered: a crash may deliver twice.
    """

    order_id: str
    card: CardReference
    receipt: str
    number_ends: str
    has_cvc: bool
    times: int = 1


@define
class CapturingSink:
    """
    Takes each card as a vault would, and keeps of its number the last four digits alone.

    Attributes:
        failures: How many of the next deliveries fail, as when the vault cannot be reached.
    """

    scope: PCIScope = field(
        factory=lambda: PCIScope(owner="capturing-sink", environment="tests"), init=False
    )
    failures: int = 0
    _kept: dict[str, CapturedDelivery] = field(factory=dict, init=False)

    @property
    def deliveries(self) -> tuple[CapturedDelivery, ...]:
        """
        What was delivered, oldest first; one for each card.
        """
        return tuple(self._kept.values())

    def of(self, order_id: str) -> tuple[CapturedDelivery, ...]:
        """
        Return what was delivered for one order, oldest first.
        """
        return tuple(one for one in self._kept.values() if one.order_id == order_id)

    def deliver(self, secrets: CardSecrets, *, card: CardReference, order_id: str) -> str:
        """
        Take one card; see `issuing_disburse.pci.SecretSink`.

        Raises:
            SinkError: It was told to fail.
        """
        if self.failures > 0:
            self.failures -= 1
            raise SinkError("the capturing sink was told to fail")
        with secrets.open() as opened:
            ends, has_cvc = opened.number[-4:], bool(opened.cvc)
        before = self._kept.get(card.id)
        self._kept[card.id] = CapturedDelivery(
            order_id=order_id,
            card=card,
            receipt=f"captured:{card.id}",
            number_ends=ends,
            has_cvc=has_cvc,
            times=1 if before is None else before.times + 1,
        )
        return self._kept[card.id].receipt
