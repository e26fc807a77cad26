"""
What must support a dispute, for each reason?
"""

from issuing_disburse.simulator.errors import ApiError
from issuing_disburse.simulator.purchase_details import completed
from issuing_disburse.simulator.schema import (
    Boolean,
    Choice,
    Clearable,
    Hash,
    Integer,
    Node,
    Params,
    Text,
)

_TEXT = Text(clearable=True)
_MOMENT = Clearable(Integer(least=0))
_PRODUCT = Choice({"merchandise", "service"}, clearable=True)
_RETURN = Choice({"merchant_rejected", "successful"}, clearable=True)
_ALWAYS: dict[str, Node] = {"additional_documentation": _TEXT, "explanation": _TEXT}
_FIELDS: dict[str, dict[str, Node]] = {
    "canceled": {
        "canceled_at": _MOMENT,
        "cancellation_policy_provided": Clearable(Boolean()),
        "cancellation_reason": _TEXT,
        "expected_at": _MOMENT,
        "product_description": _TEXT,
        "product_type": _PRODUCT,
        "return_status": _RETURN,
        "returned_at": _MOMENT,
    },
    "duplicate": {
        "card_statement": _TEXT,
        "cash_receipt": _TEXT,
        "check_image": _TEXT,
        "original_transaction": Text(),
    },
    "fraudulent": {},
    "merchandise_not_as_described": {
        "received_at": _MOMENT,
        "return_description": _TEXT,
        "return_status": _RETURN,
        "returned_at": _MOMENT,
    },
    "no_valid_authorization": {},
    "not_received": {
        "expected_at": _MOMENT,
        "product_description": _TEXT,
        "product_type": _PRODUCT,
    },
    "other": {"product_description": _TEXT, "product_type": _PRODUCT},
    "service_not_as_described": {
        "canceled_at": _MOMENT,
        "cancellation_reason": _TEXT,
        "received_at": _MOMENT,
    },
}
_NEEDED = {
    "canceled": ("canceled_at", "cancellation_reason", "explanation"),
    "duplicate": ("explanation", "original_transaction"),
    "merchandise_not_as_described": ("explanation", "received_at"),
    "not_received": ("expected_at", "explanation"),
}
"""
What Stripe asks for beyond an explanation when a dispute is submitted.
"""

_BY_REASON = {
    reason: Hash({**_ALWAYS, **fields}, clearable=True) for reason, fields in _FIELDS.items()
}
EVIDENCE = Hash({"reason": Choice(_FIELDS), **_BY_REASON})


def merged(old: dict[str, object], asked: Params) -> dict[str, object]:
    """
    Return the evidence after an update: only what belongs to the reason is kept.
    """
    reason = str(asked.get("reason", old["reason"]))
    before, sent = old.get(reason), asked.get(reason, {})
    given = {} if sent is None else {**(before if isinstance(before, dict) else {}), **sent}
    return {reason: completed(_BY_REASON[reason], given), "reason": reason}


def check_complete(evidence: dict[str, object]) -> None:
    """
    Refuse to submit what Stripe would not pass on to the network.

    Raises:
        ApiError: Something is missing for the reason given.
    """
    reason = str(evidence["reason"])
    given = evidence[reason]
    for name in _NEEDED.get(reason, ("explanation",)):
        if not isinstance(given, dict) or not given.get(name):
            raise ApiError(
                f"Evidence for the reason {reason} must contain {name}.",
                param=f"evidence[{reason}][{name}]",
            )
