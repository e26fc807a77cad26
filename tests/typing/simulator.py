"""
Do tests get typed objects from the simulator's verbs? Checked by mypy and pyright, never run.
"""

from typing import assert_type

from issuing_disburse.simulator import IssuingSimulator
from issuing_disburse.simulator.money_objects import (
    BalanceTransactionObject,
    DisputeObject,
    EventObject,
    PayoutObject,
    TransferObject,
)
from issuing_disburse.simulator.objects import (
    AuthorizationObject,
    CardholderObject,
    CardObject,
    RequestHistoryEntry,
    TransactionObject,
)


def use(simulator: IssuingSimulator) -> None:
    """
    Call every verb that shows something, and say what comes back.
    """
    bought = assert_type(simulator.authorize("ic_1", 500), AuthorizationObject)
    assert_type(bought["card"], CardObject)
    assert_type(bought["card"]["cardholder"], CardholderObject)
    assert_type(bought["request_history"][0], RequestHistoryEntry)
    assert_type(bought["balance_transactions"], list[BalanceTransactionObject])
    assert_type(simulator.increment("iauth_1", 5), AuthorizationObject)
    assert_type(simulator.reverse("iauth_1"), AuthorizationObject)
    assert_type(simulator.expire("iauth_1"), AuthorizationObject)
    assert_type(simulator.finalize("iauth_1", 5), AuthorizationObject)
    captured = assert_type(simulator.capture("iauth_1"), AuthorizationObject)
    assert_type(captured["transactions"][-1], TransactionObject)
    assert_type(simulator.refund("ipi_1", 5), TransactionObject)
    assert_type(simulator.take_back_refund("ipi_2"), TransactionObject)
    assert_type(simulator.force_capture("ic_1", 5), TransactionObject)
    assert_type(simulator.unlinked_refund("ic_1", 5), TransactionObject)
    assert_type(simulator.create_account(), str)
    assert_type(simulator.issuing_balance(), int)
    assert_type(simulator.events(), list[EventObject])
    assert_type(simulator.objects("card"), list[CardObject])
    assert_type(simulator.objects("dispute"), list[DisputeObject])
    assert_type(simulator.objects("payout"), list[PayoutObject])
    assert_type(simulator.objects("transfer")[0], TransferObject)
    # A misspelt field or kind does not pass; if either does, mypy says so here.
    bought["aproved"]  # type: ignore[typeddict-item]
    simulator.objects("cards")  # type: ignore[call-overload]  # likewise
