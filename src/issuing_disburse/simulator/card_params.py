"""
What may be said about a card when it is made, changed or looked for?
"""

from issuing_disburse.simulator.metadata import Metadata
from issuing_disburse.simulator.schema import (
    Choice,
    Free,
    Hash,
    Integer,
    Node,
    Text,
    list_params,
    params,
)
from issuing_disburse.simulator.spending import card_controls

_SHARED: dict[str, Node] = {
    "financial_account": Text(),
    "metadata": Metadata(),
    "personalization_design": Text(clearable=True),
    "pin": Free(),
    "shipping": Free(),
    "spending_controls": card_controls(),
}
CREATE = params(
    {
        **_SHARED,
        "cardholder": Text(),
        "currency": Text(required=True),
        "exp_month": Integer(),
        "exp_year": Integer(),
        "lifecycle_controls": Hash(
            {
                "cancel_after": Hash(
                    {"payment_count": Integer(required=True, least=1)}, required=True
                )
            }
        ),
        "replacement_for": Text(),
        "replacement_reason": Choice({"damaged", "expired", "lost", "stolen"}),
        "second_line": Text(clearable=True, longest=24),
        "status": Choice({"active", "inactive"}),
        "type": Choice({"physical", "virtual"}, required=True),
    }
)
UPDATE = params(
    {
        **_SHARED,
        "cancellation_reason": Choice({"lost", "stolen"}),
        "status": Choice({"active", "canceled", "inactive"}),
    }
)
RETRIEVE = params()
LIST = list_params(
    {
        "cardholder": Text(),
        "exp_month": Integer(),
        "exp_year": Integer(),
        "last4": Text(longest=4),
        "personalization_design": Text(),
        "status": Choice({"active", "canceled", "inactive"}),
        "type": Choice({"physical", "virtual"}),
    }
)
