"""
Do callers get the same types from the awaited verbs? Checked by mypy, never run.
"""

from collections.abc import Mapping
from typing import Any, assert_type

from issuing_disburse import (
    AsyncDisburser,
    Disbursement,
    Order,
    Reclamation,
    Reconciliation,
    Reply,
    Statement,
)


async def pay(order: Order) -> None:
    """
    Call one verb of each shape.
    """
    async with AsyncDisburser.connect(
        api_key="sk_test_x", account="acct_1", webhook_secret="whsec_x"
    ) as disburser:
        assert_type(disburser, AsyncDisburser)
        assert_type(await disburser.disburse(order), Disbursement)
        assert_type(await disburser.disburse(order=order), Disbursement)
        assert_type(await disburser.resume_all(), tuple[Disbursement, ...])
        assert_type(await disburser.statement("claim-8841"), Statement)
        assert_type(await disburser.reclaim_expired(limit=5), tuple[Reclamation, ...])
        assert_type(await disburser.reconcile(), Reconciliation)
        assert_type(await disburser.handle_webhook(b"{}", "t=1,v1=x"), Reply)
        assert_type(disburser.for_account(None), AsyncDisburser)
        async for found in disburser.authorizations():
            assert_type(found, Mapping[str, Any])
        await disburser.disburse("claim-8841")  # type: ignore[arg-type]
        await disburser.reclaim_expired(5)  # type: ignore[call-arg]
    opened = await AsyncDisburser.connect(
        api_key="sk_test_x", account=None, webhook_secret=["whsec_x", "whsec_y"], store="memory://"
    )
    assert_type(opened, AsyncDisburser)
    await AsyncDisburser.connect(api_key="sk_test_x", account=None)  # type: ignore[call-arg]
