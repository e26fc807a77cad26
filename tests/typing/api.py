"""
Do callers get the types that the pinned interface promises? Checked by mypy and pyright, never run.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import assert_type

from issuing_disburse import (
    Allotment,
    AuthorizationPolicy,
    AuthorizationRequest,
    BalanceFunder,
    CardFactory,
    CardholderManager,
    CardReference,
    Decision,
    Delivery,
    Disbursement,
    Disburser,
    ElementsKey,
    FundingReceipt,
    FundingRoute,
    Journal,
    Limit,
    Money,
    Objection,
    Order,
    Outcome,
    Preflight,
    Receipt,
    Recipient,
    Reclaimer,
    Reclamation,
    Reconciliation,
    Reply,
    Statement,
    Status,
    Terms,
)
from issuing_disburse.pci import CallbackSink, CardSecrets, JWESink, PCIScope, SecretSink


def weekdays_only(request: AuthorizationRequest, allotment: Allotment) -> Objection | Limit | None:
    """
    Object on Saturdays and Sundays.
    """
    if request.created.weekday() >= 5:
        return Objection("weekend", "this card works on weekdays")
    return None


class TreasuryRoute:
    """
    Moves nothing: a treasury that is filled by hand.
    """

    def fund(
        self, account: str | None, amount: Money, *, key: str, journal: Journal
    ) -> FundingReceipt:
        """
        Say that it is there.
        """
        return FundingReceipt(amount=amount)

    def give_back(
        self,
        account: str | None,
        amount: Money,
        *,
        key: str,
        receipts: Sequence[FundingReceipt],
        journal: Journal,
    ) -> FundingReceipt:
        """
        Say that it is gone.
        """
        return FundingReceipt(amount=amount)


class Cautious(AuthorizationPolicy):
    """
    Decides by itself.
    """

    def decide(self, request: AuthorizationRequest, allotment: Allotment) -> Decision:
        """
        Leave it to the rules.
        """
        return super().decide(request, allotment)


class PlainSink:
    """
    Delivers, but nobody answers for it.
    """

    def deliver(self, secrets: CardSecrets, *, card: CardReference, order_id: str) -> str:
        """
        Return the card's id.
        """
        return card.id


class VaultSink(PlainSink):
    """
    Delivers, and says who answers for it.
    """

    scope = PCIScope(owner="card-vault", environment="pci-production")


route: FundingRoute = TreasuryRoute()
policy = assert_type(AuthorizationPolicy.default().with_rules(weekdays_only), AuthorizationPolicy)


def use(disburser: Disburser, recipient: Recipient) -> None:
    """
    Call every verb, and say what comes back.
    """
    order = Order(
        id="claim-8841",
        recipient=recipient,
        amount=Money.of("125.00", "usd"),
        terms=Terms(valid_for=timedelta(days=30)),
    )
    paid = assert_type(disburser.disburse(order), Disbursement)
    assert_type(paid.status, Status)
    assert_type(paid.card, CardReference)
    assert_type(paid.card_or_none, CardReference | None)
    for outcome in disburser.disburse_many([order], progress=print, workers=8):
        assert_type(outcome, Outcome)
        assert_type(outcome.disbursement, Disbursement | None)
        assert_type(outcome.error, Exception | None)
    assert_type(disburser.resume(order.id), Disbursement)
    assert_type(disburser.resume_all(), tuple[Disbursement, ...])
    assert_type(disburser.get(order.id), Disbursement)
    assert_type(disburser.statement(order.id), Statement)
    assert_type(disburser.reissue(order.id), Disbursement)
    assert_type(disburser.handle_webhook(b"{}", "t=1,v1=0"), Reply)
    assert_type(disburser.reclaim(order.id), Reclamation)
    assert_type(disburser.reclaim_expired(limit=10), tuple[Reclamation, ...])
    assert_type(disburser.reconcile(), Reconciliation)
    assert_type(disburser.preflight(), Preflight)
    assert_type(disburser.cardholders, CardholderManager)
    assert_type(disburser.cards, CardFactory)
    assert_type(disburser.funding, BalanceFunder)
    assert_type(disburser.policy, AuthorizationPolicy)
    assert_type(disburser.reclaimer, Reclaimer)
    assert_type(disburser.for_account("acct_1"), Disburser)
    # A float is no amount, and a card number is no attribute; if either passes, mypy says so here.
    Money.of(1.5, "usd")  # type: ignore[arg-type]  # that it is refused is what is checked
    paid.card.number  # type: ignore[attr-defined]  # noqa: B018 - likewise


def show(disburser: Disburser, jwe: JWESink) -> None:
    """
    Hand out numbers: only to a sink that has a PCI scope.
    """
    sink: SecretSink = VaultSink()
    assert_type(disburser.reveal("claim-8841", sink), Receipt)
    disburser.reveal("claim-8841", jwe)
    disburser.reveal("claim-8841", CallbackSink(VaultSink().deliver, scope=VaultSink.scope))
    Disburser.connect(api_key="", account=None, webhook_secret="", sink=VaultSink())
    assert_type(disburser.deliveries(), tuple[Delivery, ...])
    assert_type(disburser.issuing_elements_key("claim-8841", "nonce"), ElementsKey)
    assert_type(disburser.forget(Recipient.company(name="", billing=None)), int)  # type: ignore[arg-type]  # no address
    # A plain sink, a function and a class are none; if one passes, mypy says so here.
    disburser.reveal("claim-8841", PlainSink())  # type: ignore[arg-type]  # that it is refused is what is checked
    disburser.reveal("claim-8841", VaultSink().deliver)  # type: ignore[arg-type]  # likewise
    disburser.reveal("claim-8841", VaultSink)  # type: ignore[arg-type]  # likewise
    Disburser.connect(api_key="", account=None, webhook_secret="", sink=PlainSink())  # type: ignore[arg-type]  # likewise
