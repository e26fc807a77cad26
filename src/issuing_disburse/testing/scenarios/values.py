"""
What is a scenario, and what does one leave for a test to look at?
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from attrs import field, frozen

from issuing_disburse.alerts import AuthorizationAlert
from issuing_disburse.decision import Decision
from issuing_disburse.disbursement import Disbursement
from issuing_disburse.disburser import Disburser
from issuing_disburse.exceptions import DisburseError
from issuing_disburse.late import Alert
from issuing_disburse.money import Money
from issuing_disburse.order import Order
from issuing_disburse.reclamation import Reclamation
from issuing_disburse.reconcile import Discrepancy
from issuing_disburse.statements import Statement
from issuing_disburse.terms import Terms

if TYPE_CHECKING:
    from issuing_disburse.simulator import IssuingSimulator

    from .play import Play


@frozen(kw_only=True)
class Scenario:
    """
    A story of one order, by name.

    Attributes:
        story: What happens, in a sentence or two.
        outcome: What the default policy and terms make of it.
        play: Tells it.
        terms: What the order allows.
        currency: What is paid in, and so where the account is at home.
        behaviour: The simulator's switches that differ.
        options: What `Disburser.connect` is told.
        balance: What the account's Issuing balance has before, in minor units.
        leaves: The kinds of discrepancies that reconciling finds at its end, sorted.
        not_at_stripe: Why Stripe's test mode cannot carry it; ``""`` if it can.
    """

    name: str
    story: str
    outcome: str
    play: Callable[[Play], None] = field(repr=False, eq=False)
    terms: Terms = field(factory=Terms, repr=False)
    currency: str = "usd"
    behaviour: Mapping[str, Any] = field(factory=dict, repr=False)
    options: Mapping[str, Any] = field(factory=dict, repr=False)
    balance: int = field(default=0, repr=False)
    leaves: tuple[str, ...] = ()
    not_at_stripe: str = ""

    def __str__(self) -> str:
        return self.name


@frozen(kw_only=True)
class Asked:
    """
    One purchase that a merchant asked for.

    Attributes:
        amount: What was asked, in the card's currency.
        is_approved: What Stripe made of it in the end.
        reason: Stripe's word for it, such as ``webhook_approved`` or ``spending_controls``.
        decision: What we answered; ``None`` if nobody asked us, or not in time.
    """

    authorization_id: str
    card_id: str
    amount: Money
    is_approved: bool
    reason: str
    decision: Decision | None


@frozen(kw_only=True)
class Happened:
    """
    What one scenario has led to: ask your own policy, and your own books, about it.

    It is a context manager that closes the disburser; with the store in memory nothing has to be closed.

    Attributes:
        disbursement: Of `order`, as it stands at the end.
        authorization_ids: Every authorization, oldest first.
        asked: Every purchase that a merchant asked for, with Stripe's verdict and our decision.
        decisions: Our answers alone, in the order in which we were asked.
        statement: Where the money of the order went.
        discrepancies: What reconciling finds.
        reclamations: What came of taking the rest back, where the story does so.
        errors: What the library raised on the way.
        before: The disbursement as it stood when the story turned, where that matters.
        simulator: To go on with the story: merchants, banks, `clock`.
        disburser: Likewise.
    """

    scenario: Scenario
    order: Order
    disbursement: Disbursement
    authorization_ids: tuple[str, ...]
    asked: tuple[Asked, ...]
    decisions: tuple[Decision, ...]
    statement: Statement
    discrepancies: tuple[Discrepancy, ...]
    authorization_alerts: tuple[AuthorizationAlert, ...]
    reclamations: tuple[Reclamation, ...] = ()
    errors: tuple[DisburseError, ...] = ()
    before: Disbursement | None = None
    account: str | None = None
    simulator: IssuingSimulator = field(repr=False, eq=False)
    disburser: Disburser = field(repr=False, eq=False)

    @property
    def alerts(self) -> tuple[Alert, ...]:
        """
        What the statement says that a person should look at.
        """
        return self.statement.alerts

    def close(self) -> None:
        """
        Close the disburser.
        """
        self.disburser.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
